import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { summarised, summaryTable } from './summary-sql.js';
import { databaseOf } from './tenant-databases.js';
import { loadViews, renderView, type View } from './views.js';

/**
 * Keeps what the dearest views say of each learner in tables, so that they need not read every statement at every query.
 * The views read them by `summarised`, which makes anew what has changed since; nothing here is needed for them to be right.
 */
export interface Summaries {
  /** Makes the tables; empties them when the definition of one has changed. */
  prepare(): Promise<void>;
  /**
   * Summarises the statements of a tenant that are in the log at the moment of the call.
   * @returns false when it was given up for `without`
   */
  make(tenant: string): Promise<boolean>;
  /** Does the same for each tenant of whose statements more than a part is not summarised, unless the last time is too near. */
  tend(tenants: readonly string[]): Promise<void>;
  /** Removes what is summarised of a tenant, or of all, and keeps it so until the work is done. */
  without<T>(tenant: string | undefined, work: () => Promise<T>): Promise<T>;
}

export interface SummariesDeps {
  client: ClickHouseClient;
  /** Fewest statements behind the summary for which it is made anew. */
  minBehind?: number;
  /** Least part of all statements of the tenant behind the summary for which it is made anew. */
  minShare?: number;
  /** How many times as long as it took, at least, until it is made again. */
  rest?: number;
  /** Statements of which the learners are summarised in one go, which bounds the memory. */
  portion?: number;
}

/** Actor keys are numbers of 64 bits, evenly spread. */
const KEYS = 1n << 64n;
/** Seconds for one statement of a making. */
const LONGEST = 600;

export function createSummaries({ client, minBehind = 50_000, minShare = 0.05, rest = 10, portion = 4_000_000 }: SummariesDeps): Summaries {
  const views = [...loadViews().values()].filter((view): view is View & { byLearner: string } => view.byLearner !== undefined);
  const restUntil = new Map<string, number>();
  let giveUp = false;
  let queue: Promise<unknown> = Promise.resolve();

  /** One thing at a time: of two makings, or of a making and an erasure, the second finds what the first has left. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work, work);
    queue = done.catch(() => undefined);
    return done;
  }

  const command = (query: string, params: Record<string, unknown> = {}): Promise<unknown> =>
    client.command({ query, query_params: params, clickhouse_settings: { max_threads: 1, max_execution_time: LONGEST } });

  async function first<T>(query: string, params: Record<string, unknown> = {}): Promise<T | undefined> {
    const found = await client.query({ query, query_params: params, format: 'JSONEachRow' });
    return (await found.json<T>())[0];
  }

  const record = (tenant: string, version: number, through: number): Promise<unknown> =>
    client.insert({ table: 'quipu.summaries', values: [{ tenant, version, through, made: new Date().toISOString().slice(0, -1) }], format: 'JSONEachRow' });

  async function stateOf(tenant: string): Promise<{ version: number; through: number }> {
    const found = await first<{ newest: string; through: string }>('SELECT max(version) AS newest, argMax(through, version) AS through FROM quipu.summaries WHERE tenant = {tenant:String}', { tenant });
    return { version: Number(found?.newest ?? 0), through: Number(found?.through ?? 0) };
  }

  /** Drops the rows of every version but those to keep. */
  async function dropBut(tenant: string, kept: readonly number[]): Promise<void> {
    for (const { name } of views) {
      const table = summaryTable(name);
      const found = await client.query({
        query: 'SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = {database:String} AND table = {table:String} AND partition LIKE concat(\'(\\\'\', {tenant:String}, \'\\\',%\') AND NOT has({kept:Array(String)}, partition)',
        query_params: { database: 'quipu', table: table.slice('quipu.'.length), tenant, kept: kept.map((version) => `('${tenant}',${version})`) }, format: 'JSONEachRow',
      });
      for (const { partition_id: id } of await found.json<{ partition_id: string }>()) await command(`ALTER TABLE ${table} DROP PARTITION ID '${id}'`);
    }
  }

  async function make(tenant: string): Promise<boolean> {
    const { version } = await stateOf(tenant);
    // The position first: what arrives after it is behind the summary, whether it is in it or not.
    const log = await first<{ through: string; rows: string }>('SELECT max(position) AS through, count() AS rows FROM quipu.statement_log WHERE tenant = {tenant:String}', { tenant });
    await dropBut(tenant, [version]);
    const portions = BigInt(Math.max(1, Math.ceil(Number(log!.rows) / portion)));
    for (const view of views) {
      for (let n = 0n; n < portions; n++) {
        if (giveUp) return false;
        const learners = portions === 1n ? 'true' : `actor_key BETWEEN ${KEYS * n / portions} AND ${KEYS * (n + 1n) / portions - 1n}`;
        const rows = renderView({ ...view, sql: '{by_learner}' }, {
          statements: '', timezone: "'UTC'", now: 'now64(3)', byLearner: summarised({ statements: `${databaseOf(tenant)}.statements`, tenant: '{tenant:String}', learners }),
        });
        await command(`INSERT INTO ${summaryTable(view.name)} SELECT {tenant:String}, ${version + 1}, * FROM ${rows}`, { tenant });
      }
    }
    if (giveUp) return false;
    await record(tenant, version + 1, Number(log!.through));
    return true;
  }

  async function isDue(tenant: string): Promise<boolean> {
    if ((restUntil.get(tenant) ?? 0) > performance.now()) return false;
    const { through } = await stateOf(tenant);
    const count = async (condition: string): Promise<number> =>
      Number((await first<{ n: string }>(`SELECT count() AS n FROM quipu.statement_log WHERE tenant = {tenant:String} AND ${condition}`, { tenant, through }))!.n);
    const behind = await count('position > {through:UInt64}');
    return behind >= minBehind && behind >= await count('true') * minShare;
  }

  async function remove(tenant: string): Promise<void> {
    const { version } = await stateOf(tenant);
    if (version === 0) return;
    await record(tenant, version + 1, 0);
    await dropBut(tenant, []);
  }

  return {
    prepare: () => alone(async () => {
      for (const view of views) {
        const table = summaryTable(view.name);
        const rows = renderView({ ...view, sql: '{by_learner}' }, { statements: 'quipu.statement_log', timezone: "'UTC'", now: 'now64(3)' });
        const hash = createHash('sha256').update(rows).digest('hex');
        const found = await first<{ comment: string }>('SELECT comment FROM system.tables WHERE database = \'quipu\' AND name = {name:String}', { name: table.slice('quipu.'.length) });
        if (found?.comment === hash) continue;
        await command('TRUNCATE TABLE quipu.summaries');
        await command(`DROP TABLE IF EXISTS ${table} SYNC`);
        await command(`CREATE TABLE ${table} ENGINE = MergeTree PARTITION BY (tenant, version) ORDER BY (tenant, version, actor_key)
          SETTINGS fsync_after_insert = 1, fsync_part_directory = 1 EMPTY AS SELECT toLowCardinality('') AS tenant, toUInt64(0) AS version, * FROM ${rows} COMMENT '${hash}'`);
      }
    }),
    make: (tenant) => alone(() => make(tenant)),
    tend: async (tenants) => {
      for (const tenant of tenants) {
        await alone(async () => {
          if (giveUp || !(await isDue(tenant))) return;
          const before = performance.now();
          await make(tenant);
          const now = performance.now();
          restUntil.set(tenant, now + (now - before) * rest);
        });
      }
    },
    without: async (tenant, work) => {
      giveUp = true;
      try {
        return await alone(async () => {
          giveUp = false;
          if (tenant !== undefined) {
            await remove(tenant);
          } else {
            const found = await client.query({ query: 'SELECT DISTINCT tenant FROM quipu.summaries', format: 'JSONEachRow' });
            for (const one of await found.json<{ tenant: string }>()) await remove(one.tenant);
          }
          return work();
        });
      } finally {
        giveUp = false;
      }
    },
  };
}
