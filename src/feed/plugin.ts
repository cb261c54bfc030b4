import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import { problem } from '../xapi/error-schema.js';
import type { ConsumerService } from './consumer-service.js';
import { consumer, deadLetter, letterParams, letterQuery, nameParams, replay, tenantQuery } from './schema.js';

/** What `feedPlugin` needs. */
export interface FeedOptions {
  consumers: ConsumerService;
  /** The tenant that a request names, or the caller's own. @throws QuipuError `not-found` when there is no such tenant */
  tenantOf(request: FastifyRequest<{ Querystring: { tenant?: string } }>): Promise<string>;
  /** @throws QuipuError `not-found` when there is no such tenant */
  checkTenant(tenant: string): Promise<void>;
}

/**
 * The operator's side of the consumers of the feed. Register it with the prefix `/v1`, in a scope that has `authPlugin` and
 * `jsonApiPlugin`.
 */
export const feedPlugin: FastifyPluginCallback<FeedOptions> = (app, { consumers, tenantOf, checkTenant }, done) => {
  const tags = ['operations'];
  const config = { scope: 'admin' } as const;
  const one = { tags, params: nameParams, response: { 200: consumer, 404: problem } };

  app.get('/consumers', {
    config: { scope: ['admin', 'monitor'] },
    schema: {
      summary: 'Say how far the consumers of the feed are', tags,
      response: { 200: { type: 'object', required: ['consumers'], properties: { consumers: { type: 'array', items: consumer } } } },
    },
  }, async () => ({ consumers: await consumers.list() }));

  app.post<{ Params: { name: string } }>('/consumers/:name/pause', {
    config, schema: { summary: 'Stop a consumer until it is resumed', description: 'What is under way ends.', ...one },
  }, ({ params }) => consumers.pause(params.name));

  app.post<{ Params: { name: string } }>('/consumers/:name/resume', {
    config, schema: { summary: 'Let a consumer go on', ...one },
  }, ({ params }) => consumers.resume(params.name));

  app.post<{ Params: { name: string }; Body: { position: number; tenant?: string } }>('/consumers/:name/replay', {
    config,
    schema: {
      summary: 'Deal once more with what follows a position',
      description: 'Analytics is filled anew as a whole, whatever the position and the tenant, while queries go on; 409 while that is under way.',
      ...one, body: replay, response: { ...one.response, 400: problem, 409: problem, 503: problem },
    },
  }, async ({ params, body }) => {
    if (body.tenant !== undefined) await checkTenant(body.tenant);
    return consumers.replay(params.name, body.position, body.tenant);
  });

  app.get<{ Params: { name: string }; Querystring: { tenant?: string; after?: string; limit: number } }>('/consumers/:name/dead-letters', {
    config,
    schema: {
      summary: 'List what a consumer has put aside', tags, params: nameParams, querystring: letterQuery,
      response: { 200: { type: 'object', required: ['deadLetters'], properties: { deadLetters: { type: 'array', items: deadLetter } } }, 404: problem },
    },
  }, async (request) => ({ deadLetters: await consumers.deadLetters(request.params.name, await tenantOf(request), request.query.after, request.query.limit) }));

  const asked = { type: 'object', required: ['asked'], properties: { asked: { type: 'integer', minimum: 0, description: 'Dead letters that are tried again' } } } as const;
  app.post<{ Params: { name: string }; Querystring: { tenant?: string } }>('/consumers/:name/dead-letters/retry', {
    config, schema: { summary: 'Try everything again that a consumer has put aside', tags, params: nameParams, querystring: tenantQuery, response: { 202: asked, 404: problem } },
  }, async (request, reply) => reply.code(202).send({ asked: await consumers.retry(request.params.name, await tenantOf(request)) }));

  app.post<{ Params: { name: string; id: string }; Querystring: { tenant?: string } }>('/consumers/:name/dead-letters/:id/retry', {
    config, schema: { summary: 'Try one dead letter again', tags, params: letterParams, querystring: tenantQuery, response: { 202: asked, 404: problem } },
  }, async (request, reply) => reply.code(202).send({ asked: await consumers.retry(request.params.name, await tenantOf(request), request.params.id) }));

  app.delete<{ Params: { name: string; id: string }; Querystring: { tenant?: string } }>('/consumers/:name/dead-letters/:id', {
    config, schema: { summary: 'Forget a dead letter', description: 'Its entry is never dealt with.', tags, params: letterParams, querystring: tenantQuery, response: { 204: { type: 'null' }, 404: problem } },
  }, async (request, reply) => {
    await consumers.drop(request.params.name, await tenantOf(request), request.params.id);
    return reply.code(204).send();
  });
  done();
};
