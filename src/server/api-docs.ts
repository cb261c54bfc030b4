import type { SwaggerOptions } from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify';
import { problem } from '../xapi/error-schema.js';

/** Headers of an answer that are its connection's, or made anew. */
const ofConnection: ReadonlySet<string> = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']);

/**
 * OpenAPI of all routes that are registered after this one, as a page under `/docs`. It is made by an application of its own at the
 * first request: the libraries are 130 files, which no start should wait for.
 */
export function registerApiDocs(app: FastifyInstance, options: SwaggerOptions): void {
  const routes: RouteOptions[] = [];
  let docs: Promise<FastifyInstance> | undefined;
  for (const url of ['/docs', '/docs/*']) {
    app.get(url, { schema: { hide: true } }, async (request, reply) => {
      docs ??= makeDocs(routes, options).catch((error: unknown) => {
        docs = undefined;
        throw error;
      });
      const answer = await (await docs).inject({ method: 'GET', url: request.url, headers: request.headers });
      if (answer.statusCode >= 500) throw new Error(`The description of the API failed: ${answer.payload}`);
      if (answer.statusCode >= 400) return reply.callNotFound();
      for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined && !ofConnection.has(name)) void reply.header(name, value);
      return reply.code(answer.statusCode).send(answer.rawPayload.length > 0 ? answer.rawPayload : undefined);
    });
  }
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD' && route.schema?.hide !== true) routes.push(route);
  });
}

/** An application that describes the routes and carries none of them out. */
async function makeDocs(routes: readonly RouteOptions[], options: SwaggerOptions): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([import('@fastify/swagger'), import('@fastify/swagger-ui')]);
  const docs = Fastify({ exposeHeadRoutes: false, routerOptions: { ignoreTrailingSlash: true } });
  docs.setValidatorCompiler(() => () => true);
  docs.setSerializerCompiler(() => JSON.stringify);
  await docs.register(swagger, options);
  await docs.register(swaggerUi, { routePrefix: '/docs' });
  for (const route of routes) docs.route({ method: route.method, url: route.url, schema: described(route), handler: async () => undefined });
  await docs.ready();
  return docs;
}

const bytes = { schema: { type: 'string', format: 'binary' } } as const;
const contentOf = (types: readonly string[]): object => Object.fromEntries(types.map((type) => [type, bytes]));

/**
 * A route's schema with what holds for every route of its kind: who may call it, bodies that are bytes of a type, and the errors that what
 * it takes may meet.
 */
function described({ url, config = {}, schema = {} }: RouteOptions): FastifySchema {
  const isOpen = config.open === true || !/^\/(?:v1|xapi|metrics)(?:\/|$)/.test(url);
  const scopes = [config.scope ?? []].flat().map((scope) => `\`${scope}\``).join(' or ');
  const needs = isOpen ? 'Asks for no credential.' : scopes ? `Scope: ${scopes}.` : config.permission ? `Permission: \`${config.permission}\`.` : '';
  const takes = { body: schema.body !== undefined || schema.consumes !== undefined, tenant: namesTenant(schema.querystring) };
  const errors = {
    ...(takes.body || schema.querystring || schema.params ? { 400: problem } : {}),
    ...(isOpen ? {} : { 401: problem, 403: problem, 503: problem }),
    ...(takes.tenant ? { 404: problem } : {}),
    ...(takes.body ? { 413: problem, 415: problem } : {}),
  };
  const answers = (schema.response ?? {}) as Record<string, object>;
  const gives = schema.produces && !Object.keys(answers).some((status) => status.startsWith('2')) ? { 200: { description: 'What it gives out', content: contentOf(schema.produces) } } : {};
  return {
    ...schema,
    description: [schema.description, needs].filter(Boolean).join(' '),
    ...(isOpen && { security: [] }),
    ...(schema.body === undefined && schema.consumes && { body: { content: contentOf(schema.consumes) } }),
    response: { ...errors, ...answers, ...gives },
  };
}

/** Whether a query string names a tenant, of which there may be none. */
function namesTenant(querystring: unknown): boolean {
  return (querystring as { properties?: { tenant?: unknown } } | undefined)?.properties?.tenant !== undefined;
}
