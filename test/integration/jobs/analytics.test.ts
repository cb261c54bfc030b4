import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConsumerState } from '../../../src/feed/consumers.js';
import { createEngineClient } from '../../../src/query/engine/client.js';
import type { EngineStatus } from '../../../src/query/engine-service.js';
import { mongodbFor } from '../../services/mongodb.js';
import { startEngine, statement, until, withoutEngine } from '../analytics/analytics-server.js';
import { startProcess, type ServerProcess } from '../server-process.js';

t.setTimeout(290_000);

const mongodb = withoutEngine ? undefined : await mongodbFor(t);
const skip = withoutEngine || (mongodb ? false : 'a service is missing');

/** Processes on one database and one ClickHouse. */
async function installation(t: Test) {
  const { socketPath } = await startEngine(t, { maxStatements: 24, maxBodyBytes: 64 << 20 });
  const gate = createServer((socket) => {
    const inner = connect(socketPath);
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const client = createEngineClient({ kind: 'socket', socketPath });
  const database = mongodb!.freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'quipu-cluster-'));
  const processes: ServerProcess[] = [];
  t.teardown(async () => {
    await Promise.all(processes.map((one) => one.stop()));
    await client.close();
    gate.close();
    await mongodb!.drop(database);
    await rm(folder, { recursive: true, force: true });
  });
  let sent = 0;
  const start = async (role = 'all'): Promise<ServerProcess> => {
    const dataDir = join(folder, String(processes.length));
    await mkdir(dataDir);
    const env = { QUIPU_MONGODB_URL: `${mongodb!.url}${database}`, QUIPU_ANALYTICS: 'auto', QUIPU_CLICKHOUSE_URL: `http://127.0.0.1:${(gate.address() as AddressInfo).port}`, QUIPU_ROLE: role, QUIPU_LOG_LEVEL: 'warn' };
    const started = await startProcess(dataDir, env);
    processes.push(started);
    return started;
  };
  const consumer = async (process: ServerProcess): Promise<ConsumerState> => (await process.request('/v1/consumers')).json<{ consumers: ConsumerState[] }>().consumers[0]!;
  return {
    start, consumer,
    get sent() { return sent; },
    post: async (process: ServerProcess, batches: number): Promise<void> => {
      for (let batch = 0; batch < batches; batch++) {
        const answer = await process.request('statements', { method: 'POST', body: Array.from({ length: 20 }, () => statement(sent++)) });
        t.equal(answer.status, 200, answer.text);
      }
    },
    figures: async () => {
      const found = await client.query({ query: 'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(id)) AS ids FROM quipu.statement_log', format: 'JSONEachRow' });
      return (await found.json<{ rows: number; ids: number }>())[0]!;
    },
    caughtUp: (process: ServerProcess) => until(async () => {
      const { status, tenants } = await consumer(process);
      return status === 'running' && tenants.length > 0 && tenants.every(({ lagStatements, position }) => lagStatements === 0 && position > 0);
    }, 'the consumer has caught up'),
    rebuildState: async (process: ServerProcess) => (await process.request('/v1/analytics/status')).json<EngineStatus>().rebuild,
  };
}

t.test('several processes and one ClickHouse: each statement counts once, whoever is killed', { skip }, async (t) => {
  const cluster = await installation(t);
  const { start, post, caughtUp, figures } = cluster;
  let processes = [await start(), await start()];
  for (let round = 0; round < 3; round++) {
    await Promise.all(processes.map((one) => post(one, 5)));
    const victim = processes[round % 2]!;
    await victim.kill();
    processes = processes.map((one) => (one === victim ? undefined : one)).filter((one) => one !== undefined);
    await post(processes[0]!, 2);
    processes.splice(round % 2, 0, await start());
  }
  await caughtUp(processes[0]!);
  t.same(await figures(), { rows: cluster.sent, ids: cluster.sent });
  const [one, two] = await Promise.all(processes.map((process) => cluster.consumer(process)));
  t.same(one!.tenants.map(({ position }) => position), two!.tenants.map(({ position }) => position), 'both tell the same');
});

t.test('paused by one process it rests in all; a replay leaves everything exact, also when its process is killed', { skip }, async (t) => {
  const cluster = await installation(t);
  const { start, post, caughtUp, figures, consumer, rebuildState } = cluster;
  const api = await start('api');
  const first = await start('worker');
  await post(api, 20);
  await caughtUp(api);
  t.equal((await api.request('/v1/consumers/analytics/pause', { method: 'POST' })).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await post(api, 2);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  t.match(await consumer(first), { status: 'paused', tenants: [{ lagStatements: 40 }] });
  t.same(await figures(), { rows: cluster.sent - 40, ids: cluster.sent - 40 });
  await first.request('/v1/consumers/analytics/resume', { method: 'POST' });
  await caughtUp(api);

  t.equal((await api.request('/v1/consumers/analytics/replay', { method: 'POST', body: { position: 10 } })).status, 200);
  t.equal((await api.request('/v1/analytics/rebuild', { method: 'POST' })).status, 409, 'one at a time, in all processes');
  await until(async () => (await rebuildState(api)).done > 0, 'it has begun');
  await first.kill();
  const second = await start('worker');
  await post(api, 2);
  // Another process may still have sent something: the tables change places a minute after that at the earliest.
  for (let minute = 0; minute < 3 && (await rebuildState(api)).status === 'running'; minute++) {
    await until(async () => (await rebuildState(api)).status !== 'running', 'the rebuild is over').catch(() => undefined);
  }
  t.match(await rebuildState(second), { status: 'complete' });
  await caughtUp(api);
  t.same(await figures(), { rows: cluster.sent, ids: cluster.sent });
  t.match((await api.request('/v1/analytics/status')).json(), { status: 'running', engine: 'server' });
});
