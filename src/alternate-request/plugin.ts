import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { QuipuError } from '../xapi/errors.js';
import { pathAndQuery } from '../xapi/request-target.js';
import { parseAlternateRequest } from './service.js';

export interface AlternateRequestOptions {
  /** Most bytes of the form. */
  maxBodyBytes: number;
}

/** Headers of the answer that belong to the inner connection. */
const ownHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);

/**
 * The Alternate Request Syntax (xAPI 1.0.3 Part Three 1.3), which 2.0 has no more: a POST whose form holds what the browser
 * could not send. It is unwrapped and enters the server again as the request it stands for. To be registered under the
 * prefix by which the server routes such requests, whatever their resource.
 */
export async function alternateRequestPlugin(app: FastifyInstance, { maxBodyBytes }: AlternateRequestOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) => done(null, body));

  // What it answers is compressed, and named so, where it comes from.
  app.post('/*', { compress: false, config: { open: true }, schema: { hide: true } }, async (request: FastifyRequest, reply: FastifyReply) => {
    const meant = parseAlternateRequest({
      path: pathAndQuery(request.originalUrl).split('?')[0]!,
      query: request.query as Record<string, string | string[]>,
      headers: request.headers,
      form: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    });
    const answer = await app.inject({
      method: meant.method as HTTPMethods & 'GET', url: meant.url, headers: { ...meant.headers, 'x-request-id': request.id }, remoteAddress: request.ip,
      ...(meant.content === undefined ? {} : { payload: meant.content }), payloadAsStream: true,
    });
    for (const [name, value] of Object.entries(answer.headers)) {
      // The answer to a HEAD has no body, and that to the POST which carried it must not announce one.
      if (value !== undefined && !ownHeaders.has(name) && !(name === 'content-length' && meant.method === 'HEAD')) void reply.header(name, value);
    }
    return reply.code(answer.statusCode).send(answer.stream());
  });

  app.route({ method: ['GET', 'PUT', 'DELETE', 'PATCH'], url: '/*', config: { open: true }, schema: { hide: true }, handler: async () => {
    throw new QuipuError('method-not-allowed', 'A request in the alternate syntax is a POST.', { section: 'xAPI 1.0.3 Part Three 1.3', expected: 'POST', headers: { Allow: 'POST' } });
  } });
}
