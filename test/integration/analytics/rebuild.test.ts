import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startProcess } from '../server-process.js';
import { startServer } from '../server.js';
import { analyticsOf, statement, until, withoutEngine, type Analytics } from './analytics-server.js';

t.setTimeout(240_000);

const on = { QUIPU_ANALYTICS: 'auto' };

async function figures({ rows }: Analytics): Promise<{ rows: number; ids: number }> {
  const [found] = await rows<{ rows: number; ids: number }>('SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(id)) AS ids FROM quipu.statement_log');
  return { rows: found!.rows, ids: found!.ids };
}

t.test('the command fills everything anew while statements and queries go on', { skip: withoutEngine }, async (t) => {
  const server = await startServer(t, on);
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  let sent = 0;
  const post = () => server.request('statements', { method: 'POST', body: Array.from({ length: 100 }, () => statement(sent++)) });
  for (let batch = 0; batch < 20; batch++) await post();
  await analytics.caughtUp();
  await analytics.client.command({ query: "ALTER TABLE quipu.statement_log DELETE WHERE position % 3 = 0", clickhouse_settings: { mutations_sync: '2' } });
  t.not((await figures(analytics)).rows, sent, 'the table was damaged');
  const command = spawn(process.execPath, [fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url)), 'analytics', 'rebuild', '--data-dir', server.dataDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  command.stderr.on('data', (chunk: Buffer) => { told += chunk.toString(); });
  let code: number | null | undefined;
  command.once('exit', (status) => { code = status; });
  while (code === undefined) {
    t.equal((await post()).status, 200);
    t.ok((await figures(analytics)).rows > 0, 'queries go on');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(code, 0, told);
  t.match(told, /filled anew: [\d,]+ statements/);
  await analytics.caughtUp();
  t.same(await figures(analytics), { rows: sent, ids: sent });
});

t.test('a rebuild that was cut short by kill -9 goes on by itself', { skip: withoutEngine }, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-rebuild-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const first = await startProcess(dataDir, on);
  let sent = 0;
  for (let batch = 0; batch < 20; batch++) await first.request('statements', { method: 'POST', body: Array.from({ length: 100 }, () => statement(sent++)) });
  const before = analyticsOf(first, dataDir);
  await before.caughtUp();
  await before.client.command({ query: 'TRUNCATE TABLE quipu.statement_log' });
  await before.client.command({ query: 'INSERT INTO quipu.statement_log (tenant, position, text) VALUES (\'default\', 2000, \'{"damaged":true}\')' });
  await before.client.command({ query: 'CREATE TABLE quipu.statement_log_rebuild AS quipu.statement_log' });
  await before.close();
  await first.kill();

  const second = await startProcess(dataDir, on);
  t.teardown(second.stop);
  const after = analyticsOf(second, dataDir);
  t.teardown(after.close);
  await until(async () => (await after.status()).rebuild.status === 'complete', 'the rebuild is complete');
  await after.caughtUp();
  t.same(await figures(after), { rows: sent, ids: sent });
});

t.test('a table that is ahead of the store is told, not added to', { skip: withoutEngine }, async (t) => {
  const server = await startServer(t, on);
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  await server.request('statements', { method: 'POST', body: [statement(1)] });
  await analytics.caughtUp();
  await analytics.client.command({ query: "INSERT INTO quipu.statement_log (tenant, position) VALUES ('default', 1000000)" });
  process.kill((await analytics.status()).pid!, 'SIGKILL');
  await server.request('statements', { method: 'POST', body: [statement(2)] });
  await until(async () => /rebuild/.test((await analytics.consumer()).lastError?.message ?? ''), 'the consumer asks for a rebuild');
  t.equal((await server.request('/v1/analytics/rebuild', { method: 'POST', key: server.admin })).status, 202);
  await until(async () => (await analytics.status()).rebuild.status === 'complete', 'the rebuild is complete');
  await analytics.caughtUp();
  t.same(await figures(analytics), { rows: 2, ids: 2 });
});
