import type { SwaggerOptions } from '@fastify/swagger';
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify';

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
  for (const { method, url, schema } of routes) docs.route({ method, url, schema, handler: async () => undefined });
  await docs.ready();
  return docs;
}
