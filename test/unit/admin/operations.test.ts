import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import t from 'tap';
import { healthPlugin, type HealthCheck } from '../../../src/admin/health-plugin.js';
import { createMetrics } from '../../../src/admin/metrics.js';
import { fromLoopback, metricsPlugin, requestMetricsPlugin } from '../../../src/admin/metrics-plugin.js';
import { createStoreChecks } from '../../../src/admin/store-checks.js';
import { basicHeader } from '../../../src/auth/basic.js';
import { authPlugin } from '../../../src/auth/plugin.js';
import { createTokenVerifier } from '../../../src/auth/tokens.js';
import { setErrorHandler } from '../../../src/server/error-handler.js';
import { QuipuError } from '../../../src/xapi/errors.js';
import { readProjectFile } from '../docs/project-files.js';
import { homePage, openKeys, openTestStorage, type Test } from '../auth/open-keys.js';

t.test('health: live always, ready when every component works', async (t) => {
  const storage = await openTestStorage(t);
  const broken = new Set<string>();
  const checks: Record<string, HealthCheck> = {
    ...createStoreChecks(storage),
    disk: async () => {
      if (broken.has('disk')) throw new QuipuError('storage-full', 'secret detail');
    },
  };
  const app = Fastify();
  t.teardown(() => app.close());
  await app.register(healthPlugin, { checks });
  t.match(await app.inject('/health/live'), { statusCode: 200 });
  const ready = await app.inject('/health/ready');
  t.equal(ready.statusCode, 200);
  t.same(ready.json(), { status: 'ready', components: { reads: { status: 'ok' }, writes: { status: 'ok' }, disk: { status: 'ok' } } });

  broken.add('disk');
  t.equal((await app.inject('/health/ready')).statusCode, 200, 'one look serves a second');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const unready = await app.inject('/health/ready');
  t.equal(unready.statusCode, 503);
  t.match(unready.json(), { status: 'unready', components: { disk: { status: 'failed', code: 'storage-full' }, reads: { status: 'ok' } } });
  t.notMatch(unready.body, /secret/);
});

async function openMetrics(test: Test): Promise<{ app: FastifyInstance; monitor: string; other: string; metrics: ReturnType<typeof createMetrics> }> {
  const { keys } = await openKeys(test);
  const metrics = createMetrics({ head: async () => 42 });
  const app = Fastify();
  test.teardown(() => app.close());
  setErrorHandler(app);
  await app.register(requestMetricsPlugin, { metrics });
  app.get('/things/:id', async () => 'thing');
  await app.register(async (scope) => {
    const tenantExists = async () => true;
    await scope.register(authPlugin, {
      keys, tokens: createTokenVerifier({ homePage, tenantExists }), tenantExists, homePage, trustedSockets: new WeakSet(), openTo: fromLoopback,
    });
    await scope.register(metricsPlugin, { metrics });
  });
  const header = async (scope: 'monitor' | 'all') => {
    const { id, secret } = await keys.create({ tenant: 'one', name: scope, scopes: [scope] });
    return basicHeader(id, secret);
  };
  return { app, metrics, monitor: await header('monitor'), other: await header('all') };
}

t.test('metrics count requests by route, statements and the head', async (t) => {
  const { app, metrics, monitor } = await openMetrics(t);
  for (const id of ['1', '2', '3']) await app.inject(`/things/${id}`);
  await app.inject('/nowhere/at/all');
  metrics.statements('stored', 5);
  metrics.statements('refused', 1);
  const { body, headers } = await app.inject({ url: '/metrics', remoteAddress: '203.0.113.5', headers: { authorization: monitor } });
  t.match(headers['content-type'], /^text\/plain/);
  t.match(body, /quipu_http_requests_total\{method="GET",route="\/things\/:id",status="200"\} 3/);
  t.match(body, /quipu_http_requests_total\{method="GET",route="none",status="404"\} 1/);
  t.match(body, /quipu_http_request_duration_seconds_count\{method="GET",route="\/things\/:id"\} 3/);
  t.match(body, /quipu_statements_total\{outcome="stored"\} 5/);
  t.match(body, /quipu_statements_total\{outcome="duplicate"\} 0/);
  t.match(body, /quipu_feed_head 42/);
  t.match(body, /process_resident_memory_bytes/);
});

t.test('metrics tell of store, jobs, consumers and credentials, and of what is known when a source fails', async (t) => {
  let away = false;
  const metrics = createMetrics({
    head: () => (away ? Promise.reject(new Error('away')) : Promise.resolve(42)),
    lags: () => (away ? new Promise(() => undefined) : Promise.resolve([{ name: 'analytics', statements: 7, seconds: 1.5, deadLetters: 2 }])),
    storeAvailable: () => !away,
    redisAvailable: () => !away,
  });
  metrics.storeOperation('statements.append', 0.02);
  metrics.storeOperation('statements.append', 3, 'store-unavailable');
  metrics.settled('rolled-back');
  metrics.job('analytics', 'failed');
  metrics.credential('remembered');
  const before = await metrics.registry.metrics();
  for (const line of [
    'quipu_store_operation_duration_seconds_count{operation="statements.append"} 2', 'quipu_store_failures_total{operation="statements.append",code="store-unavailable"} 1',
    'quipu_store_settled_total{outcome="rolled-back"} 1', 'quipu_store_settled_total{outcome="finished"} 0', 'quipu_job_runs_total{job="analytics",outcome="failed"} 1',
    'quipu_credentials_total{how="remembered"} 1', 'quipu_store_available 1', 'quipu_redis_available 1', 'quipu_feed_head 42',
    'quipu_consumer_lag_statements{consumer="analytics"} 7', 'quipu_consumer_lag_seconds{consumer="analytics"} 1.5', 'quipu_consumer_dead_letters{consumer="analytics"} 2',
  ]) t.ok(before.includes(`\n${line}\n`), line);
  away = true;
  const begun = Date.now();
  const during = await metrics.registry.metrics();
  t.ok(Date.now() - begun < 4000, 'nothing waits for long');
  t.match(during, /^quipu_store_available 0$/m);
  t.match(during, /^quipu_redis_available 0$/m);
  t.match(during, /^quipu_store_failures_total\{/m);
  t.notMatch(during, /^quipu_(feed_head|consumer_lag_statements|consumer_dead_letters)[ {]/m, 'old figures are not told as new ones');
  away = false;
  t.match(await metrics.registry.metrics(), /^quipu_feed_head 42$/m);
});

t.test('every metric is in the documents, and every name in the documents is a metric', async (t) => {
  const { registry } = createMetrics({ head: async () => 0 });
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name).filter((name) => name.startsWith('quipu_'));
  const table = [...readProjectFile('docs/guides/operations.md').matchAll(/^\| `(quipu_\w+)`/gm)].map(([, name]) => name);
  t.strictSame(table.sort(), names.sort());
});

t.test('metrics are for the scope monitor, and for this machine itself', async (t) => {
  const { app, monitor, other } = await openMetrics(t);
  const status = async (remoteAddress: string, headers: Record<string, string> = {}) => (await app.inject({ url: '/metrics', remoteAddress, headers: { host: 'localhost:8080', ...headers } })).statusCode;
  for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) t.equal(await status(address), 200, address);
  for (const address of ['203.0.113.5', '::ffff:203.0.113.5', '2001:db8::1', '10.0.0.1']) t.equal(await status(address), 401, address);
  t.equal(await status('203.0.113.5', { authorization: monitor }), 200);
  t.equal(await status('203.0.113.5', { authorization: other }), 403);
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-proto', 'x-forwarded-host']) {
    t.equal(await status('127.0.0.1', { [header]: '127.0.0.1' }), 401, `behind a proxy that sends ${header}`);
  }
  for (const host of ['lrs.example.org', 'localhost.evil.example', '127.0.0.1.evil.example']) t.equal(await status('127.0.0.1', { host }), 401, `host ${host}`);
  for (const host of ['localhost', '127.0.0.1:80', '[::1]:8080']) t.equal(await status('127.0.0.1', { host }), 200, `host ${host}`);

  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const real = await new Promise<number | undefined>((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', path: '/metrics', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject).end();
  });
  t.equal(real, 200, 'over a real connection');
});
