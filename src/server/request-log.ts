import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Credential } from '../auth/credential.js';
import '../auth/request.js';
import type { RequestSpan, Tracing } from '../tracing/tracing.js';

/** What an id of a request may be that a client or proxy has given it: it stands in the log, so it is short and no address of anybody. */
const saneId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** The id that a request came with, in its header `X-Request-Id`. */
export function givenRequestId({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-request-id'];
  return typeof given === 'string' && saneId.test(given) ? given : undefined;
}

const spans = new WeakMap<object, RequestSpan>();

/**
 * Names each answer by the id of its request, and writes a line for it: `info` where the server failed, otherwise `debug`. A line
 * tells the route and never the address, whose query may name a person. To be registered before the other hooks.
 */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, next) => {
    void reply.header('X-Request-Id', request.id);
    next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    const { statusCode: status, elapsedTime } = reply;
    const line = { method: request.method, route: request.routeOptions.url ?? 'none', status, milliseconds: Math.round(elapsedTime), ...spans.get(request)?.ids() };
    request.log[status >= 500 ? 'info' : 'debug'](line, 'request answered');
    next();
  });
}

/** Makes each request a span, and all that is done for it parts of that. To be registered after the hooks that make requests wait in line. */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  if (!tracing.on) return;
  app.addHook('onRequest', (request, reply, next) => {
    const span = tracing.request(request.headers);
    spans.set(request, span);
    reply.raw.once('close', () => {
      const { method, routeOptions: { url: route = 'none' } } = request;
      const { statusCode: status } = reply;
      const tenant = (request.credential as Credential | undefined)?.tenant;
      span.end(`${method} ${route}`, {
        'http.request.method': method, 'http.route': route, 'http.response.status_code': status, 'quipu.request_id': request.id, ...(tenant === undefined ? {} : { 'quipu.tenant': tenant }),
      }, status >= 500);
    });
    span.within(next);
  });
  // Reading the body leaves the context that the request began in.
  app.addHook('preHandler', (request, _reply, next) => spans.get(request)!.within(next));
}
