import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import { aboutPlugin } from '../../../src/about/plugin.js';
import { activitiesPlugin } from '../../../src/activities/plugin.js';
import { agentsPlugin } from '../../../src/agents/plugin.js';
import { createDocumentService } from '../../../src/documents/service.js';
import { profilesPlugin } from '../../../src/profiles/plugin.js';
import { stateApiPlugin } from '../../../src/state-api/plugin.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { QuipuError } from '../../../src/xapi/errors.js';
import type { XapiVersion } from '../../../src/xapi/types.js';

/** One request to the resources under test. */
export interface ResourceRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** 1.0.3 unless given. */
  version?: XapiVersion;
  /** `a` unless given. */
  tenant?: string;
}

/** The resources over a store of their own. */
export interface ResourceApp {
  app: FastifyInstance;
  storage: Awaited<ReturnType<typeof openLevelStorage>>;
  /** What `now` of the document service answers; the real clock while undefined. */
  clock: { now?: number };
  send(request: ResourceRequest): Promise<LightMyRequestResponse>;
}

/** Limits of the app: small enough to be met. */
export const limits = { maxDocumentBytes: 2_000_000, maxDepth: 20 };

/**
 * Builds the six small resources on LevelDB in a folder that goes with the test, with the hooks that the server has before
 * them reduced to what they set on a request.
 */
export async function openResourceApp(t: Test): Promise<ResourceApp> {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-resources-'));
  const storage = await openLevelStorage({ directory });
  const clock: { now?: number } = {};
  const documents = createDocumentService({ documents: storage.documents, ...limits, now: () => clock.now ?? Date.now() });
  const app = Fastify({ exposeHeadRoutes: true, routerOptions: { maxParamLength: 10_000 } });
  app.decorateRequest('xapiVersion');
  if (!app.hasRequestDecorator('credential')) app.decorateRequest('credential');
  app.addHook('onRequest', async (request) => {
    request.xapiVersion = request.headers['x-experience-api-version'] === '2.0.0' ? '2.0.0' : '1.0.3';
    request.credential = {
      tenant: String(request.headers['x-tenant'] ?? 'a'), id: 'key', scopes: new Set(['all']), authority: { mbox: 'mailto:key@example.org' },
    };
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof QuipuError) return reply.code(error.status).send({ code: error.code, message: error.message, ...error.details });
    return reply.code(error.statusCode ?? 500).send({ code: 'other', message: error.message });
  });
  await app.register(stateApiPlugin, { documents, ...limits });
  await app.register(profilesPlugin, { documents, ...limits });
  await app.register(activitiesPlugin, { canonical: storage.canonical });
  await app.register(agentsPlugin, { canonical: storage.canonical, maxDepth: limits.maxDepth });
  await app.register(aboutPlugin, { programVersion: '9.8.7' });
  t.teardown(async () => {
    await app.close();
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    app, storage, clock,
    send: ({ method, path, query = {}, headers = {}, body, version = '1.0.3', tenant = 'a' }) => app.inject({
      method,
      url: `${path}?${new URLSearchParams(query).toString().replaceAll('+', '%20')}`,
      headers: { 'x-experience-api-version': version, 'x-tenant': tenant, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    }),
  };
}
