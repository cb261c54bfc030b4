import type { FastifyRequest } from 'fastify';

/**
 * Whether a browser asks for a page to show in a window or frame, rather than content for something of its own. Browsers say so by
 * Sec-Fetch-Mode, but not over plain HTTP to another machine: then by the Accept of navigations.
 */
export function isNavigation({ headers }: FastifyRequest): boolean {
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate' || mode === 'nested-navigate';
  return /\btext\/html\b/i.test(headers.accept ?? '') && headers['x-requested-with'] === undefined;
}

/** Whether a browser fetches a page ahead, which nobody has asked for yet. */
export function isPrefetch({ headers }: FastifyRequest): boolean {
  return /\bprefetch\b/i.test(`${String(headers['sec-purpose'])} ${String(headers.purpose)} ${String(headers['x-moz'])}`);
}
