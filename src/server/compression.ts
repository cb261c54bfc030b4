import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';
import { QuipuError } from '../xapi/errors.js';

/** What is compressed for clients that ask: text in its forms, not a live stream, which compression would hold back. */
const compressible = /^(?:application\/(?:[\w.+-]*json|x-ndjson|javascript|xml)|text\/(?!event-stream)|multipart\/mixed|image\/svg)/;

/**
 * gzip and deflate both ways. A compressed answer is another representation than the identity one, so its ETag gets a suffix,
 * which If-Match and If-None-Match take as well (RFC 9110 8.8.3).
 */
export async function registerCompression(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    encodings: ['gzip', 'deflate', 'identity'],
    requestEncodings: ['gzip', 'deflate', 'identity'],
    threshold: 1024,
    customTypes: compressible,
    onUnsupportedRequestEncoding: (encoding: string) => new QuipuError('unsupported-media-type', `The Content-Encoding ${encoding.slice(0, 40)} is not known here.`, { parameter: 'Content-Encoding', expected: 'gzip, deflate or none' }),
  });
  app.addHook('onRoute', (route) => {
    const hooks = route.onSend === undefined ? [] : [route.onSend].flat();
    // Fastify's own hook for HEAD takes the body away: last, so that a HEAD names the encoding and ETag of its GET (1.0.3 Part Three 1.1).
    const [before, last] = [hooks.filter((hook) => !takesBodyAway(hook)), hooks.filter(takesBodyAway)];
    route.onSend = [...before, (_request: unknown, reply: { getHeader(name: string): unknown; header(name: string, value: string): unknown }, _payload: unknown, next: () => void) => {
      const encoding = reply.getHeader('content-encoding');
      const etag = reply.getHeader('etag');
      if (typeof etag === 'string' && (encoding === 'gzip' || encoding === 'deflate')) reply.header('ETag', etag.replace(/"$/, `-${encoding}"`));
      next();
    }, ...last] as typeof before;
  });
}

function takesBodyAway({ name }: { name: string }): boolean {
  return name === 'headRouteOnSendHandler';
}
