import Fastify, { type FastifyInstance } from 'fastify';
import { createExportService } from '../../../src/admin/export-service.js';
import { jsonApiPlugin } from '../../../src/admin/json-api.js';
import { adminPlugin } from '../../../src/admin/plugin.js';
import { createStatisticsService } from '../../../src/admin/statistics-service.js';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import { basicHeader } from '../../../src/auth/basic.js';
import type { Scope } from '../../../src/auth/credential.js';
import { authPlugin } from '../../../src/auth/plugin.js';
import { createTokenVerifier } from '../../../src/auth/tokens.js';
import { setErrorHandler } from '../../../src/server/error-handler.js';
import { noRecords, openErasures } from './open-erasures.js';
import { homePage, openKeys, type Test, type TestKeys } from '../auth/open-keys.js';

export interface AdminApp extends TestKeys {
  app: FastifyInstance;
  /** An Authorization header with these scopes. */
  login(tenant: string, ...scopes: Scope[]): Promise<string>;
  call(authorization: string, method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT', url: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown>; headers: Record<string, unknown> }>;
}

/** The admin API as the server registers it, with the tenants `default`, `one` and `two`. */
export async function openAdminApp(test: Test): Promise<AdminApp> {
  const opened = await openKeys(test);
  const { keys, storage } = opened;
  const tenants = createTenantService(storage);
  for (const id of ['default', 'one', 'two']) await tenants.ensure(id, id);
  const erasures = openErasures(storage);
  const app = Fastify();
  setErrorHandler(app);
  await app.register(async (v1) => {
    await v1.register(authPlugin, {
      keys, tokens: createTokenVerifier({ homePage, tenantExists: tenants.exists }), tenantExists: tenants.exists, homePage, trustedSockets: new WeakSet(),
    });
    await v1.register(jsonApiPlugin);
    await v1.register(adminPlugin, { tenants, keys, erasures, statistics: createStatisticsService(storage), exports: createExportService({ ...storage, featureRecords: noRecords }), faults: async () => [] });
  }, { prefix: '/v1' });
  test.teardown(async () => {
    await app.close();
    await erasures.close();
  });
  return {
    ...opened,
    app,
    async login(tenant, ...scopes) {
      const { id, secret } = await keys.create({ tenant, name: 'Caller', scopes });
      return basicHeader(id, secret);
    },
    async call(authorization, method, url, body) {
      const answer = await app.inject({
        method, url, headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const json = answer.headers['content-type']?.toString().startsWith('application/json') ?? false;
      return { status: answer.statusCode, body: json ? answer.json() : { text: answer.body }, headers: answer.headers };
    },
  };
}
