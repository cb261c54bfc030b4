import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { SwaggerOptions } from '@fastify/swagger';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { healthPlugin } from '../admin/health-plugin.js';
import { jsonApiPlugin } from '../admin/json-api.js';
import { fromLoopback, metricsPlugin, requestMetricsPlugin } from '../admin/metrics-plugin.js';
import { adminPlugin } from '../admin/plugin.js';
import { tenantOf } from '../admin/tenant-scope.js';
import { authPlugin, type AuthOptions } from '../auth/plugin.js';
import { backupPlugin } from '../backup/plugin.js';
import type { Config } from '../config.js';
import { feedPlugin } from '../feed/plugin.js';
import { livePlugin } from '../live/plugin.js';
import { consolePlugin } from '../query/console-plugin.js';
import { enginePlugin } from '../query/engine-plugin.js';
import { analyticsPlugin } from '../query/plugin.js';
import { sqlPlugin } from '../query/sql/plugin.js';
import type { Tracing } from '../tracing/tracing.js';
import { transferPlugin } from '../transfer/plugin.js';
import { errorRegistry, QuipuError, type ErrorCode } from '../xapi/errors.js';
import type { Services } from './compose.js';
import { registerApiDocs } from './api-docs.js';
import { registerCompression } from './compression.js';
import { sendError, setErrorHandler } from './error-handler.js';
import { limitMemory } from './memory-budget.js';
import { givenRequestId, logRequests, traceRequests } from './request-log.js';
import { schemaController } from './schema-compilers.js';
import { registerXapi } from './xapi-scope.js';
import { routedUrl } from './xapi-path.js';

export interface AppDeps {
  services: Services;
  config: Config;
  log: FastifyBaseLogger;
  tracing: Tracing;
  /** Version of the program. */
  version: string;
  /** Sockets of connections that came by the private Unix socket. */
  trustedSockets: WeakSet<object>;
  /** Aborted when the server begins to close. */
  closing: AbortSignal;
}

/** How often requests are looked for that have not arrived in time, in milliseconds. */
const CHECK_INTERVAL = 5000;
/** Seconds for which a connection may stand still at the least: longer than a live stream is ever silent. */
const SHORTEST_SILENCE = 60;

/** The HTTP application: every plugin in the order in which a request meets it. A worker has those of operators alone. */
export async function createApp({ services, config, log, tracing, version, trustedSockets, closing }: AppDeps): Promise<FastifyInstance> {
  const prefix = randomBytes(4).toString('hex');
  let requests = 0;
  const nextId = (): string => `${prefix}-${(requests++).toString(36)}`;
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (request) => givenRequestId(request) ?? nextId(),
    // Node takes the longer of both timeouts for the request, whichever is which.
    http: { maxHeaderSize: config.maxHeaderBytes, headersTimeout: Math.min(60, config.requestTimeout) * 1000, connectionsCheckingInterval: CHECK_INTERVAL, requireHostHeader: false },
    bodyLimit: config.maxBodyBytes,
    requestTimeout: config.requestTimeout * 1000,
    connectionTimeout: Math.max(config.requestTimeout, SHORTEST_SILENCE) * 1000,
    keepAliveTimeout: 72_000,
    trustProxy: config.trustProxy,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: true,
    rewriteUrl: (request) => routedUrl(request.method, request.url ?? '/'),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, nextId()),
    frameworkErrors: (error, request, reply) => void sendError(new QuipuError('invalid-request', `The request can't be routed: ${error.message}.`), request as FastifyRequest, reply as FastifyReply),
    schemaController,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
  });
  const auth: AuthOptions = { keys: services.keys, tokens: services.tokens, tenantExists: (tenant) => services.tenants.exists(tenant), homePage: services.homePage, trustedSockets };

  // None is left out without a word; maxHeaderSize bounds them all.
  app.server.maxHeadersCount = 0;
  // Other expectations than 100-continue may be ignored (RFC 9110 10.1.1); Node would answer without a body.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
  setErrorHandler(app);
  logRequests(app);
  // RFC 9112 3.2; Node would answer without a body.
  app.addHook('onRequest', (request, _reply, next) => {
    const missing = request.headers.host === undefined && request.raw.httpVersion === '1.1';
    next(missing ? new QuipuError('invalid-header', 'The request has no Host header.', { parameter: 'Host', section: 'RFC 9112 3.2' }) : undefined);
  });
  // A connection that stays open would keep the server from ending.
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (closing.aborted) void reply.header('Connection', 'close');
    next();
  });
  limitMemory(app, config.maxMemoryBytes, config.maxBodyBytes);
  traceRequests(app, tracing);
  await app.register(requestMetricsPlugin, { metrics: services.metrics });
  await registerCompression(app);
  registerApiDocs(app, openApi(version, services.homePage));
  if (config.role !== 'worker') await app.register(consolePlugin, { prefix: '/console' });
  await app.register(healthPlugin, { checks: services.checks, observed: { analytics: () => services.engine.health(), ...(config.redisUrl === undefined ? {} : { jobs: () => ({ status: services.jobs.state().status }) }) } });
  await app.register(async (scope) => {
    await scope.register(authPlugin, { ...auth, openTo: fromLoopback });
    await scope.register(metricsPlugin, { metrics: services.metrics });
  });
  if (config.role !== 'worker') await registerXapi(app, services, config, auth, version);
  await app.register(async (scope) => {
    await scope.register(authPlugin, auth);
    await scope.register(jsonApiPlugin);
    await scope.register(feedPlugin, {
      consumers: services.consumers, tenantOf: (request) => tenantOf(request, services.tenants),
      checkTenant: async (tenant) => {
        if (!(await services.tenants.exists(tenant))) throw new QuipuError('not-found', `There is no tenant ${JSON.stringify(tenant)}.`, { pointer: '/tenant' });
      },
    });
    await scope.register(enginePlugin, { engine: services.engine, prefix: '/analytics' });
    if (config.role === 'worker') return;
    await scope.register(adminPlugin, services);
    await scope.register(transferPlugin, { transfer: services.transfer, tenantOf: (request) => tenantOf(request, services.tenants) });
    await scope.register(backupPlugin, { backup: services.backup });
    await scope.register(analyticsPlugin, { analytics: services.analytics, maxDepth: config.maxDepth, tenantOf: (request) => tenantOf(request, services.tenants), prefix: '/analytics' });
    await scope.register(livePlugin, { feed: services.feed, statements: services.statements, maxDepth: config.maxDepth, closing });
  }, { prefix: '/v1' });
  if (config.role !== 'worker') await app.register(sqlPlugin, { answer: services.sql, prefix: '/clickhouse' });
  return app;
}

function openApi(version: string, url: string): SwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Quipu', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        description: "Quipu's own API under /v1, and the xAPI resources under /xapi, which the standard describes (1.0.3 Part Three, IEEE 9274.1.1).",
      },
      servers: [{ url }],
      components: { securitySchemes: { basic: { type: 'http', scheme: 'basic' }, bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ basic: [] }, { bearer: [] }],
    },
  };
}

/** Answers what is no HTTP request that a route could see. */
function refuseConnection(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const code: ErrorCode = error.code === 'HPE_HEADER_OVERFLOW' ? 'headers-too-large' : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-timeout' : 'invalid-request';
  const { status, title } = errorRegistry[code];
  const body = JSON.stringify({ error: code, message: `${title}.`, requestId });
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}
