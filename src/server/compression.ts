import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QuipuError } from '../xapi/errors.js';
import { whenOver } from './memory-budget.js';

/** What is compressed for clients that ask: text in its forms, not a live stream, which compression would hold back. */
const compressible = /^(?:application\/(?:[\w.+-]*json|x-ndjson|javascript|xml)|text\/(?!event-stream)|multipart\/mixed|image\/svg)/;

/**
 * gzip and deflate both ways. A compressed answer is another representation than the identity one, so its ETag gets a suffix,
 * which If-Match and If-None-Match take as well (RFC 9110 8.8.3); a 304 names the one that the client has (15.4.5).
 */
export async function registerCompression(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    encodings: ['gzip', 'deflate', 'identity'],
    requestEncodings: ['gzip', 'deflate', 'identity'],
    threshold: 1024,
    customTypes: compressible,
    onUnsupportedRequestEncoding: (encoding: string) => new QuipuError('unsupported-media-type', `The Content-Encoding ${encoding.slice(0, 40)} is not known here.`, { parameter: 'Content-Encoding', expected: 'gzip, deflate or none' }),
  });
  app.addHook('onRequest', (request, _reply, next) => {
    const coding = request.headers['content-encoding']?.trim().toLowerCase();
    // RFC 9110 8.4.1: whatever the case, and x-gzip is gzip.
    if (coding !== undefined) request.headers['content-encoding'] = coding === 'x-gzip' ? 'gzip' : coding;
    next();
  });
  app.addHook('onRoute', (route) => {
    const hooks = route.onSend === undefined ? [] : [route.onSend].flat();
    // Fastify's own hook for HEAD takes the body away: last, so that a HEAD names the encoding and ETag of its GET (1.0.3 Part Three 1.1).
    const [before, last] = [hooks.filter((hook) => !takesBodyAway(hook)), hooks.filter(takesBodyAway)];
    const named = route.compress !== false;
    route.onSend = [(request: FastifyRequest, reply: FastifyReply, payload: unknown, next: () => void) => {
      if (staysAsItIs(reply, payload)) request.headers['x-no-compression'] = 'true';
      next();
    }, ...before, (request: FastifyRequest, reply: FastifyReply, payload: unknown, next: () => void) => {
      const etag = reply.getHeader('etag');
      if (named && typeof etag === 'string') nameRepresentation(request, reply, etag);
      const { destroy } = (payload ?? {}) as { destroy?: () => void };
      // Of an answer that waits behind another one nobody else ends the stream when the connection has gone.
      if (typeof destroy === 'function') whenOver(reply, () => destroy.call(payload));
      next();
    }, ...last, (_request: FastifyRequest, reply: FastifyReply, _payload: unknown, next: () => void) => {
      // It has none, and what Fastify writes for a HEAD would say that the representation is empty (RFC 9110 8.6).
      if (reply.statusCode === 304) reply.removeHeader('content-length');
      next();
    }] as typeof before;
  });
}

/** Whether an answer is not to be compressed: what is no text, and what looks compressed, which the plugin would leave as it is and call compressed. */
function staysAsItIs(reply: FastifyReply, payload: unknown): boolean {
  if (!compressible.test(String(reply.getHeader('content-type') ?? 'application/json'))) return true;
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return false;
  const [first, second] = typeof payload === 'string' ? Buffer.from(payload.slice(0, 2)) : payload;
  if (first === undefined || second === undefined) return false;
  // RFC 1952 2.3.1, RFC 1950 2.2
  return (first === 0x1f && second === 0x8b) || ((first & 0x8f) === 0x08 && ((first << 8) + second) % 31 === 0);
}

/** @param etag of the identity representation */
function nameRepresentation(request: FastifyRequest, reply: FastifyReply, etag: string): void {
  const coded = (coding: string): string => etag.replace(/"$/, `-${coding}"`);
  const encoding = reply.getHeader('content-encoding');
  const coding = reply.statusCode === 304 ? ['gzip', 'deflate'].find((one) => request.headers['if-none-match']?.includes(coded(one))) : encoding;
  if (coding === 'gzip' || coding === 'deflate') void reply.header('ETag', coded(coding));
  const vary = String(reply.getHeader('vary') ?? '');
  if (!/accept-encoding/i.test(vary)) void reply.header('Vary', vary === '' ? 'Accept-Encoding' : `${vary}, Accept-Encoding`);
}

function takesBodyAway({ name }: { name: string }): boolean {
  return name === 'headRouteOnSendHandler';
}
