import type { SwaggerOptions } from '@fastify/swagger';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { healthPlugin } from '../admin/health-plugin.js';
import { jsonApiPlugin } from '../admin/json-api.js';
import { fromLoopback, metricsPlugin, requestMetricsPlugin } from '../admin/metrics-plugin.js';
import { adminPlugin } from '../admin/plugin.js';
import { tenantOf } from '../admin/tenant-scope.js';
import { authPlugin, type AuthOptions } from '../auth/plugin.js';
import { backupPlugin } from '../backup/plugin.js';
import { cmi5ConsolePlugin } from '../cmi5/console/plugin.js';
import { cmi5Plugin } from '../cmi5/plugin.js';
import { fetchPlugin } from '../cmi5/registrations/fetch.js';
import type { Config } from '../config.js';
import { feedPlugin } from '../feed/plugin.js';
import { livePlugin } from '../live/plugin.js';
import { consolePlugin } from '../query/console-plugin.js';
import { enginePlugin } from '../query/engine-plugin.js';
import { analyticsPlugin } from '../query/plugin.js';
import { sqlPlugin } from '../query/sql/plugin.js';
import type { Tracing } from '../tracing/tracing.js';
import { transferPlugin } from '../transfer/plugin.js';
import { QuipuError } from '../xapi/errors.js';
import type { Services } from './compose.js';
import { registerApiDocs } from './api-docs.js';
import { registerCompression } from './compression.js';
import { createHttpApplication } from './http-application.js';
import { limitMemory } from './memory-budget.js';
import { traceRequests } from './request-log.js';
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

/** The HTTP application: every plugin in the order in which a request meets it. A worker has those of operators alone. */
export async function createApp({ services, config, log, tracing, version, trustedSockets, closing }: AppDeps): Promise<FastifyInstance> {
  const app = createHttpApplication({ config, log, closing, routedUrl });
  const auth: AuthOptions = { keys: services.keys, tokens: services.tokens, tenantExists: (tenant) => services.tenants.exists(tenant), homePage: services.homePage, trustedSockets };

  limitMemory(app, config.maxMemoryBytes, config.maxBodyBytes);
  traceRequests(app, tracing);
  await app.register(requestMetricsPlugin, { metrics: services.metrics });
  await registerCompression(app);
  registerApiDocs(app, openApi(version, services.homePage));
  if (config.role !== 'worker') {
    await app.register(consolePlugin, { prefix: '/console' });
    await app.register(cmi5ConsolePlugin, { prefix: '/console' });
    await app.register(fetchPlugin, { prefix: '/cmi5', sessions: services.cmi5.sessions, onFault: (error) => log.error({ err: error }, 'cmi5 could not give a session its token') });
  }
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
    await scope.register(cmi5Plugin, { cmi5: services.cmi5, tenantOf: (request) => tenantOf(request, services.tenants), maxDepth: config.maxDepth, closing });
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
