import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createSummaries } from '../../../src/query/summaries.js';
import { startProcess } from '../server-process.js';
import { startServer } from '../server.js';
import { analyticsOf, statement, until, withoutEngine, type Analytics } from './analytics-server.js';

t.setTimeout(240_000);

const on = { QUIPU_ANALYTICS: 'auto' };

/** Statements and different ids of a tenant in the engine. */
async function counted({ rows }: Analytics): Promise<{ rows: number; ids: number }> {
  const [found] = await rows<{ rows: string; ids: string }>('SELECT count() AS rows, uniqExact(id) AS ids FROM quipu_default.statements');
  return { rows: Number(found!.rows), ids: Number(found!.ids) };
}

t.test('kill -9 of the engine again and again under load: each statement counts once', { skip: withoutEngine }, async (t) => {
  const server = await startServer(t, on);
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  let sent = 0;
  for (let round = 0; round < 4; round++) {
    for (let batch = 0; batch < 10; batch++) {
      const body = Array.from({ length: 100 }, () => statement(sent++));
      t.equal((await server.request('statements', { method: 'POST', body })).status, 200);
    }
    const { pid } = await analytics.status();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
  await analytics.caughtUp();
  t.same(await counted(analytics), { rows: sent, ids: sent });
  t.match(await analytics.consumer(), { lastError: { message: String } }, 'the failure is told');
});

t.test('kill -9 of the whole server: it goes on where the table ends, and the engine does not outlive it', { skip: withoutEngine }, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-exact-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  let sent = 0;
  for (let round = 0; round < 3; round++) {
    const server = await startProcess(dataDir, on);
    for (let batch = 0; batch < 10; batch++) await server.request('statements', { method: 'POST', body: Array.from({ length: 100 }, () => statement(sent++)) });
    const { pid } = (await server.request('/v1/analytics/status')).json<{ pid: number }>();
    await new Promise((resolve) => setTimeout(resolve, round * 700));
    await server.kill();
    await until(async () => !alive(pid), 'the engine has ended with its parent');
  }
  const server = await startProcess(dataDir, on);
  t.teardown(server.stop);
  const analytics = analyticsOf(server, dataDir);
  t.teardown(analytics.close);
  await analytics.caughtUp();
  t.same(await counted(analytics), { rows: sent, ids: sent });
});

t.test('voiding, erasure and replay leave everything equal to a fresh rebuild', { skip: withoutEngine }, async (t) => {
  const server = await startServer(t, on);
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  const statements = Array.from({ length: 60 }, (_, index) => statement(index, index % 10 === 0
    ? { context: { registration: '7ccd3322-e1a5-411a-a67d-6a735c76f119', instructor: { mbox: 'mailto:learner1@example.org' } } } : {}));
  const post = (body: unknown) => server.request('statements', { method: 'POST', body });
  const voiding = (target: string) => statement(0, { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: { objectType: 'StatementRef', id: target } });
  await post([...statements, voiding(statements[3]!.id)]);
  await analytics.caughtUp();
  await createSummaries({ client: analytics.client }).make('default');
  const late = statement(99);
  await post([voiding(statements[4]!.id), voiding(late.id)]);
  await post([late]);
  await post(statements.slice(0, 30));
  const erased = await server.request('/v1/erasures', { method: 'POST', key: server.admin, body: { agent: { mbox: 'mailto:learner1@example.org' } } });
  t.match(erased.headers.location, /^\/v1\/erasures\//, erased.text);
  await until(async () => (await server.request(erased.headers.location!, { key: server.admin })).json<{ status: string }>().status === 'complete', 'the erasure is complete');
  await analytics.caughtUp();
  const summarised = await analytics.rows<{ rows: string }>("SELECT sum(total_rows) AS rows FROM system.tables WHERE database = 'quipu' AND name LIKE '%by\\_learner'");
  t.same(summarised.map(({ rows }) => Number(rows)), [0], 'nor in what was summarised');
  await createSummaries({ client: analytics.client }).make('default');
  await post([statement(2)]);
  await analytics.caughtUp();
  const before = await snapshot(analytics);
  const raw = await analytics.rows<{ n: string }>("SELECT count() AS n FROM quipu.statement_log WHERE text LIKE '%learner1@example.org%'");
  t.same(raw.map(({ n }) => Number(n)), [0], 'the person is gone');
  t.same((await counted(analytics)).rows, (await server.request('/v1/tenants/default/statistics', { key: server.admin })).json<{ statements: number }>().statements - 3, 'as many as the store has, without three voided ones');

  t.equal((await server.request('/v1/analytics/rebuild', { method: 'POST', key: server.admin })).status, 202);
  t.equal((await server.request('/v1/analytics/rebuild', { method: 'POST', key: server.admin })).status, 409, 'one at a time');
  const during = statement(5);
  await post([during]);
  await until(async () => (await analytics.status()).rebuild.status === 'complete', 'the rebuild is complete');
  await analytics.caughtUp();
  const after = await snapshot(analytics);
  t.ok(before.size > 10, 'every view was looked at');
  t.same((await analytics.rows(`SELECT id FROM quipu.statement_log WHERE id = '${during.id}'`)).length, 1, 'what came meanwhile is there');
  const voided = await post([voiding(during.id)]);
  t.equal(voided.status, 200);
  const again = await rebuiltTwice(analytics, () => server.request('/v1/analytics/rebuild', { method: 'POST', key: server.admin }));
  for (const [name, rows] of again.first) t.same(again.second.get(name), rows, name);
  t.ok(after.size >= before.size);
});

/** Everything that an analyst can see, before and after a rebuild. */
async function rebuiltTwice(analytics: Analytics, rebuild: () => Promise<unknown>): Promise<{ first: Map<string, unknown>; second: Map<string, unknown> }> {
  await analytics.caughtUp();
  const first = await snapshot(analytics);
  await rebuild();
  await until(async () => (await analytics.status()).rebuild.status === 'complete', 'the rebuild is complete');
  return { first, second: await snapshot(analytics) };
}

/** The rows of the raw table and of every view, in an order of their own. */
async function snapshot({ rows }: Analytics): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>([['quipu.statement_log', await rows('SELECT * FROM quipu.statement_log ORDER BY position')]]);
  for (const { name } of await rows<{ name: string }>("SELECT name FROM system.tables WHERE database = 'quipu_default' ORDER BY name")) {
    const found = await rows(`SELECT * FROM quipu_default.${name}`);
    all.set(name, found.map((row) => JSON.stringify(row)).sort());
  }
  return all;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
