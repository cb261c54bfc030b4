import Fastify, { type FastifyInstance } from 'fastify';
import t, { type Test } from 'tap';
import { jsonApiPlugin } from '../../../src/admin/json-api.js';
import { basicHeader } from '../../../src/auth/basic.js';
import type { Scope } from '../../../src/auth/credential.js';
import { authPlugin } from '../../../src/auth/plugin.js';
import { createTokenVerifier } from '../../../src/auth/tokens.js';
import { EntryFault } from '../../../src/feed/consumer.js';
import { feedPlugin } from '../../../src/feed/plugin.js';
import { setErrorHandler } from '../../../src/server/error-handler.js';
import { QuipuError } from '../../../src/xapi/errors.js';
import { sample } from '../../contract/statement-samples.js';
import { homePage, openKeys } from '../auth/open-keys.js';
import { openWorker, until } from './recording-consumer.js';

async function openApp(t: Test) {
  const { keys, storage: { statements, records } } = await openKeys(t);
  await statements.append('one', [1, 2, 3].map((number) => sample(number)));
  const worker = openWorker({ statements, records, attempts: 1, handle: async (_tenant, entries) => {
    for (const { position } of entries) if (position === 2) throw new EntryFault(2, 'refused');
  } });
  t.teardown(() => worker.jobs.close());
  const app: FastifyInstance = Fastify();
  t.teardown(() => app.close());
  setErrorHandler(app);
  const known = async (tenant: string): Promise<string> => {
    if (tenant !== 'one') throw new QuipuError('not-found', 'no such tenant');
    return tenant;
  };
  await app.register(async (v1) => {
    await v1.register(authPlugin, { keys, tokens: createTokenVerifier({ homePage, tenantExists: async () => true }), tenantExists: async () => true, homePage, trustedSockets: new WeakSet() });
    await v1.register(jsonApiPlugin);
    await v1.register(feedPlugin, { consumers: worker.service, tenantOf: (request) => known(request.query.tenant ?? request.credential.tenant), checkTenant: async (tenant) => void await known(tenant) });
  }, { prefix: '/v1' });
  const login = async (...scopes: Scope[]): Promise<string> => {
    const { id, secret } = await keys.create({ tenant: 'one', name: 'Caller', scopes });
    return basicHeader(id, secret);
  };
  const admin = await login('admin');
  const call = async (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object, authorization = admin) => {
    const answer = await app.inject({ method, url: `/v1/consumers${url}`, headers: { authorization }, ...(payload && { payload }) });
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json<Record<string, unknown>>() };
  };
  return { ...worker, login, call };
}

t.test('an operator sees and steers the consumers', async (t) => {
  const { call, jobs, checkpoints } = await openApp(t);
  t.match(await call('GET', ''), { status: 200, body: { consumers: [{ name: 'recorder', status: 'running', deadLetters: 0, tenants: [{ tenant: 'one', position: 0, lagStatements: 3 }] }] } });
  t.match(await call('POST', '/recorder/pause'), { status: 200, body: { status: 'paused' } });
  t.match(await call('POST', '/recorder/resume'), { status: 200, body: { status: 'running' } });
  jobs.start();
  await until(async () => (await checkpoints.read('one', 'recorder')).position === 3, 'the end is reached');
  const { body } = await call('GET', '/recorder/dead-letters');
  const [letter] = body!['deadLetters'] as { id: string }[];
  t.match(letter, { tenant: 'one', consumer: 'recorder', position: 2, reason: 'refused', attempts: 1, status: 'dead' });
  t.match(await call('POST', `/recorder/dead-letters/${letter!.id}/retry?tenant=one`), { status: 202, body: { asked: 1 } });
  await until(async () => {
    const [now] = (await call('GET', '/recorder/dead-letters?tenant=one')).body!['deadLetters'] as { attempts: number }[];
    return now!.attempts === 2;
  }, 'it was tried again');
  t.match(await call('POST', '/recorder/dead-letters/retry'), { status: 202, body: { asked: 1 } });
  t.match(await call('POST', '/recorder/replay', { position: 2 }), { status: 200, body: { name: 'recorder' } });
  t.match(await call('DELETE', `/recorder/dead-letters/${letter!.id}`), { status: 204 });
  t.match(await call('DELETE', `/recorder/dead-letters/${letter!.id}`), { status: 404, body: { error: 'not-found' } });
});

t.test('what makes no sense is refused with a reason', async (t) => {
  const { call } = await openApp(t);
  for (const url of ['/nobody/pause', '/nobody/resume', '/nobody/dead-letters/retry', '/recorder/dead-letters/recorder.1/retry']) t.match(await call('POST', url), { status: 404, body: { error: 'not-found' } }, url);
  for (const body of [{}, { position: -1 }, { position: '1' }, { position: 1.5 }, { position: 0, other: 1 }]) t.match(await call('POST', '/recorder/replay', body), { status: 400, body: { error: 'invalid-request' } });
  t.match(await call('POST', '/recorder/replay', { position: 2, tenant: 'one' }), { status: 400, body: { error: 'invalid-request', pointer: '/position' } });
  t.match(await call('POST', '/recorder/replay', { position: 0, tenant: 'two' }), { status: 404 });
  t.match(await call('GET', '/recorder/dead-letters?tenant=two'), { status: 404 });
  t.match(await call('GET', '/recorder/dead-letters?limit=0'), { status: 400, body: { error: 'invalid-parameter' } });
});

t.test('who may look and who may touch', async (t) => {
  const { call, login } = await openApp(t);
  const monitor = await login('monitor');
  const other = await login('all', 'tenant-admin');
  t.equal((await call('GET', '', undefined, monitor)).status, 200);
  t.equal((await call('GET', '', undefined, other)).status, 403);
  const touching: ['GET' | 'POST' | 'DELETE', string, object?][] = [
    ['POST', '/recorder/pause'], ['POST', '/recorder/resume'], ['POST', '/recorder/replay', { position: 0 }], ['GET', '/recorder/dead-letters'],
    ['POST', '/recorder/dead-letters/retry'], ['POST', '/recorder/dead-letters/x/retry'], ['DELETE', '/recorder/dead-letters/x'],
  ];
  for (const [method, url, body] of touching) for (const who of [monitor, other]) t.equal((await call(method, url, body, who)).status, 403, `${method} ${url}`);
});
