import { QuipuError } from './errors.js';

/** Path and query of a request's target, which may name a host before them (RFC 9112 3.2.2: a server takes the absolute form). */
export function pathAndQuery(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** Whether the percent escapes of a text stand for UTF-8. */
export function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Percent escapes of a query or a form stand for UTF-8 (xAPI 1.0.3 Part Three 1.4; IEEE 9274.1.1 4.1.2); what reads the pairs would take
 * one that doesn't as the characters it is written with, or as another one.
 * @param pairs `name=value`, with `&` between them
 * @returns `invalid-parameter` that names the first one at fault
 */
export function badEscape(pairs: string): QuipuError | undefined {
  if (!pairs.includes('%')) return undefined;
  const broken = pairs.split('&').find((pair) => !decodes(pair));
  if (broken === undefined) return undefined;
  const parameter = broken.slice(0, 100).split('=')[0]!;
  return new QuipuError('invalid-parameter', `The parameter ${parameter} holds a percent sign that is not followed by the two hexadecimal digits of a byte, or bytes that are not UTF-8.`,
    { parameter, rule: 'parameter-encoding', section: 'xAPI 1.0.3 Part Three 1.4; IEEE 9274.1.1 4.1.2; RFC 3986 2.1', expected: 'UTF-8, percent-encoded; %25 for a percent sign' });
}
