import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QuipuError } from '../xapi/errors.js';

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
    route.onSend = [...before, (request: FastifyRequest, reply: FastifyReply, _payload: unknown, next: () => void) => {
      const etag = reply.getHeader('etag');
      if (typeof etag === 'string') nameRepresentation(request, reply, etag);
      next();
    }, ...last] as typeof before;
  });
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
