import { gzipSync } from 'node:zlib';
import { connect, createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { createEngineClient } from '../../../src/query/engine/client.js';
import { startServer } from '../server.js';
import { analyticsOf, startEngine, statement, withoutEngine } from './analytics-server.js';

t.setTimeout(240_000);

t.test('switched off: ingest works, readiness says so, and nothing waits', async (t) => {
  const server = await startServer(t, { QUIPU_ANALYTICS: 'off' });
  t.equal((await server.request('statements', { method: 'POST', body: [statement(1)] })).status, 200);
  const ready = await server.request('/health/ready');
  t.equal(ready.status, 200);
  t.match(ready.json(), { status: 'ready', components: { analytics: { status: 'off' } } });
  t.match((await server.request('/v1/consumers', { key: server.admin })).json(), { consumers: [{ name: 'analytics', status: 'off', tenants: [] }] });
  const refused = await server.request('/v1/analytics/rebuild', { method: 'POST', key: server.admin });
  t.match([refused.status, refused.json()], [503, { error: 'store-unavailable' }]);
});

t.test('a server that is away: nothing is lost, the lag is visible, no secret is shown, ingest does not wait', async (t) => {
  const server = await startServer(t, { QUIPU_ANALYTICS: 'auto', QUIPU_CLICKHOUSE_URL: 'http://someone:top-secret@127.0.0.1:9' });
  const started = Date.now();
  for (let batch = 0; batch < 10; batch++) t.equal((await server.request('statements', { method: 'POST', body: Array.from({ length: 50 }, () => statement(batch)) })).status, 200);
  t.ok(Date.now() - started < 10_000);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const answer = await server.request('/v1/consumers', { key: server.admin });
  const { consumers: [consumer] } = answer.json<{ consumers: { status: string; lastError: object; tenants: { tenant: string; lagStatements: number; lagSeconds: number }[] }[] }>();
  t.match(consumer, { status: 'waiting', lastError: { message: String, at: String } });
  const lag = consumer!.tenants.find(({ tenant }) => tenant === 'default')!;
  t.equal(lag.lagStatements, 500);
  t.ok(lag.lagSeconds > 1, 'in seconds');
  const metrics = (await server.request('/metrics', { key: null })).text;
  t.match(metrics, /^quipu_consumer_lag_statements\{consumer="analytics"\} 500$/m);
  t.match(metrics, /^quipu_consumer_lag_seconds\{consumer="analytics"\} [1-9]/m);
  const ready = await server.request('/health/ready');
  t.match([ready.status, ready.json()], [200, { components: { analytics: { status: 'failed', code: 'store-unavailable' } } }]);
  const status = await server.request('/v1/analytics/status', { key: server.admin });
  t.match(status.json(), { status: 'waiting', engine: 'server', problem: String });
  t.notMatch(status.text + answer.text + metrics, /top-secret/);
});

t.test('an engine that hangs: ingest goes on, and it catches up when the engine does', { skip: withoutEngine }, async (t) => {
  const server = await startServer(t, { QUIPU_ANALYTICS: 'auto' });
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  await server.request('statements', { method: 'POST', body: [statement(1)] });
  await analytics.caughtUp();
  const asked = await server.request('/clickhouse/', { method: 'POST', key: server.admin, version: null, headers: { 'Content-Encoding': 'gzip' }, body: gzipSync('SELECT count() FROM statements') });
  t.match([asked.status, asked.text], [200, '1\n'], 'a compressed query on the main port');
  const nothing = await server.request('/v1/analytics/verbs', { key: server.admin, query: { tenant: 'two' } });
  t.match([nothing.status, nothing.json()], [200, { rows: [] }], 'a tenant that has stored nothing');
  const pid = (await analytics.status()).pid!;
  process.kill(pid, 'SIGSTOP');
  for (let batch = 0; batch < 10; batch++) {
    const started = Date.now();
    t.equal((await server.request('statements', { method: 'POST', body: Array.from({ length: 20 }, () => statement(batch)) })).status, 200);
    t.ok(Date.now() - started < 3000, 'ingest does not wait');
  }
  t.match((await analytics.consumer()).tenants[0], { lagStatements: 200 });
  process.kill(pid, 'SIGCONT');
  await analytics.caughtUp();
  t.match(await analytics.rows('SELECT toUInt32(count()) AS n FROM quipu_default.statements'), [{ n: 201 }]);
});

t.test('a server by URL: the same code, and whoever may not look at the consumers', { skip: withoutEngine }, async (t) => {
  const { socketPath } = await startEngine(t);
  const seen: string[] = [];
  const gate = createServer((socket) => {
    const inner = connect(socketPath);
    socket.on('data', (chunk) => seen.push(chunk.toString('latin1')));
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  t.teardown(() => gate.close());
  const { port } = gate.address() as AddressInfo;
  const server = await startServer(t, { QUIPU_ANALYTICS: 'auto', QUIPU_CLICKHOUSE_URL: `http://someone:top-secret@127.0.0.1:${port}` });
  await server.request('statements', { method: 'POST', body: Array.from({ length: 300 }, (_, index) => statement(index)) });
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  await analytics.caughtUp();
  const client = createEngineClient({ kind: 'socket', socketPath });
  t.teardown(() => client.close());
  t.match(await (await client.query({ query: 'SELECT toUInt32(count()) AS n FROM quipu_default.statements', format: 'JSONEachRow' })).json(), [{ n: 300 }]);
  t.match((await server.request('/health/ready')).json(), { components: { analytics: { status: 'ok' } } });
  t.match(await analytics.status(), { engine: 'server', status: 'running', pid: undefined });
  t.match(seen.join(''), /authorization: basic c29tZW9uZTp0b3Atc2VjcmV0/i, 'credentials travel in a header');
  t.notMatch(seen.join(''), /top-secret/);
  t.equal((await server.request('/v1/consumers', { key: server.one })).status, 403, 'consumers are for operators');
  t.equal((await server.request('/v1/consumers', { key: await server.makeKey(['monitor']) })).status, 200);
});
