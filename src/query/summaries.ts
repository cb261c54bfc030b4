import { createHash, randomInt } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { changedSince, rowsOfVersion, summaryTable } from './summary-sql.js';
import { databaseOf } from './tenant-databases.js';
import { loadSummaries, renderView, summaryDefinitions, summaryRows } from './views.js';

/**
 * Keeps what views say of each learner in tables, so that they need not read every statement at every query.
 * The views read them by `summarised`, which makes anew what has changed since; nothing here is needed for them to be right.
 * Several processes may do this on one engine: of what they make, the newest counts, whole or not at all.
 */
export interface Summaries {
  /** Makes the tables; empties them when the definition of one has changed. */
  prepare(): Promise<void>;
  /**
   * Summarises the statements of a tenant that are in the log at the moment of the call.
   * @returns false when nothing was made, because summaries were taken away before or meanwhile
   */
  make(tenant: string): Promise<boolean>;
  /** Does the same for each tenant of whose statements more than a part is not summarised, unless the last time is too near. */
  tend(tenants: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Removes what is summarised of these tenants: nothing of it counts any more, and nothing is made until `allow`. */
  takeAway(tenants: readonly string[]): Promise<void>;
  /** Lets summaries of these tenants be made again. */
  allow(tenants: readonly string[]): Promise<void>;
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
/** Keys of those of whom something has changed, while a version is made. */
const CHANGED = 'quipu.changed_learners';

/**
 * A version is a number of three parts: how often summaries were taken away, how often one was made since, and chance, which
 * tells those of two processes apart. 0 in the second part: none may be made. So what was begun before summaries were taken
 * away has a version that never is the newest.
 */
const AGE = 1n << 36n;
const TURN = 1n << 12n;
const isForbidden = (version: bigint): boolean => version > 0n && (version % AGE) / TURN === 0n;

export function createSummaries({ client, minBehind = 50_000, minShare = 0.05, rest = 10, portion = 4_000_000 }: SummariesDeps): Summaries {
  const names = [...loadSummaries().keys()];
  const definitions = summaryDefinitions();
  const restUntil = new Map<string, number>();
  let queue: Promise<unknown> = Promise.resolve();

  /** One making at a time. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work, work);
    queue = done.catch(() => undefined);
    return done;
  }

  const command = (query: string, params: Record<string, unknown> = {}): Promise<unknown> =>
    client.command({ query, query_params: params, clickhouse_settings: { max_threads: 1, max_execution_time: LONGEST } });

  async function all<T>(query: string, params: Record<string, unknown> = {}): Promise<T[]> {
    const found = await client.query({ query, query_params: params, format: 'JSONEachRow' });
    return found.json<T>();
  }

  const record = (tenant: string, version: bigint, through: number): Promise<unknown> =>
    client.insert({ table: 'quipu.summaries', values: [{ tenant, version: String(version), through, definitions, made: new Date().toISOString().slice(0, -1) }], format: 'JSONEachRow' });

  /** The version that counts, 0 where there is none, and the position that it counts through: 0 where it was made by other definitions. */
  async function newest(tenant: string): Promise<{ version: bigint; through: number }> {
    const [found] = await all<{ newest: string; through: string }>(
      'SELECT max(version) AS newest, if(argMax(definitions, version) = {definitions:String}, argMax(through, version), 0) AS through FROM quipu.summaries WHERE tenant = {tenant:String}', { tenant, definitions },
    );
    return { version: BigInt(found!.newest), through: Number(found!.through) };
  }

  /** Drops the rows of the versions below one, or of that version alone. */
  async function drop(tenant: string, which: 'below' | 'of', version: bigint, tables: readonly string[] = [CHANGED, ...names.map(summaryTable)]): Promise<void> {
    for (const table of tables) {
      const found = await all<{ partition_id: string; partition: string }>(
        "SELECT DISTINCT partition_id, partition FROM system.parts WHERE active AND database = 'quipu' AND table = {table:String} AND startsWith(partition, {start:String})",
        { table: table.slice('quipu.'.length), start: `('${tenant}',` },
      );
      for (const { partition_id: id, partition } of found) {
        const other = BigInt(partition.slice(partition.lastIndexOf(',') + 1, -1));
        if (which === 'below' ? other < version : other === version) await command(`ALTER TABLE ${table} DROP PARTITION ID '${id}'`);
      }
    }
  }

  /** A version that another process has made meanwhile may have cost this one the rows that it reads: it begins again, from that one. */
  async function make(tenant: string): Promise<boolean> {
    for (;;) {
      const { version, through } = await newest(tenant);
      if (isForbidden(version)) return false;
      if (await makeAfter(tenant, version, through)) return true;
      if ((await newest(tenant)).version / AGE !== version / AGE) return false;
    }
  }

  /** Makes a version from the one before. @returns false when that did not stay the newest: nothing was made then */
  async function makeAfter(tenant: string, before: bigint, through: number): Promise<boolean> {
    const version = (before / TURN + 1n) * TURN + BigInt(randomInt(Number(TURN)));
    const isNewest = async (): Promise<boolean> => (await newest(tenant)).version === before;
    // The position first: what arrives after it is behind the summary, whether it is in it or not.
    const [log] = await all<{ through: string; rows: string }>('SELECT max(position) AS through, count() AS rows FROM quipu.statement_log WHERE tenant = {tenant:String}', { tenant });
    await drop(tenant, 'below', before);
    try {
      await fill(tenant, version, { before, through, rows: Number(log!.rows), isNewest });
    } catch (error) {
      // It never counts: nobody has recorded it.
      await drop(tenant, 'of', version).catch(() => undefined);
      throw error;
    }
    // Who drops the rows of a version has recorded a newer one before: so all of them were there until now.
    const isWhole = await isNewest();
    if (isWhole) await record(tenant, version, Number(log!.through));
    if (isWhole && (await newest(tenant)).version / AGE === before / AGE) {
      await drop(tenant, 'of', version, [CHANGED]);
      return true;
    }
    await drop(tenant, 'of', version);
    return false;
  }

  /** Writes the rows of a version, from those of the one before, for as long as that is the newest. */
  async function fill(tenant: string, version: bigint, { before, through, rows: count, isNewest }: { before: bigint; through: number; rows: number; isNewest(): Promise<boolean> }): Promise<void> {
    const isFirst = through === 0;
    if (!isFirst) await command(`INSERT INTO ${CHANGED} SELECT DISTINCT {tenant:String}, ${version}, actor_key FROM (${changedSince('{tenant:String}', String(through))})`, { tenant });
    const portions = BigInt(Math.max(1, Math.ceil(count / portion)));
    for (const name of names) {
      for (let n = 0n; n < portions && await isNewest(); n++) {
        const learners = portions === 1n ? 'true' : `actor_key BETWEEN ${KEYS * n / portions} AND ${KEYS * (n + 1n) / portions - 1n}`;
        const statements = `${databaseOf(tenant)}.statements`;
        const changed = `(SELECT actor_key FROM ${CHANGED} PREWHERE tenant = {tenant:String} AND version = ${version} WHERE ${learners})`;
        const rows = renderView({ sql: `{by_learner.${name}}` }, {
          statements: `(SELECT * FROM ${statements} WHERE ${learners})`, timezone: "'UTC'", now: 'now64(3)',
          ...(isFirst ? {} : { byLearner: rowsOfVersion({ statements, tenant: '{tenant:String}', version: String(before), changed, learners }) }),
        });
        await command(`INSERT INTO ${summaryTable(name)} SELECT {tenant:String}, ${version}, * FROM ${rows}`, { tenant });
      }
    }
  }

  async function isDue(tenant: string): Promise<boolean> {
    if ((restUntil.get(tenant) ?? 0) > performance.now()) return false;
    const { version, through } = await newest(tenant);
    if (isForbidden(version)) return false;
    const count = async (condition: string): Promise<number> =>
      Number((await all<{ n: string }>(`SELECT count() AS n FROM quipu.statement_log WHERE tenant = {tenant:String} AND ${condition}`, { tenant, through }))[0]!.n);
    const behind = await count('position > {through:UInt64}');
    return behind >= minBehind && behind >= await count('true') * minShare;
  }

  async function takeAway(tenants: readonly string[]): Promise<void> {
    for (const tenant of tenants) {
      const version = ((await newest(tenant)).version / AGE + 1n) * AGE;
      await record(tenant, version, 0);
      await drop(tenant, 'below', version);
    }
  }

  async function allow(tenants: readonly string[]): Promise<void> {
    for (const tenant of tenants) {
      const { version } = await newest(tenant);
      if (isForbidden(version)) await record(tenant, version + TURN, 0);
    }
  }

  return {
    prepare: () => alone(async () => {
      const found = await all<{ name: string; comment: string }>("SELECT name, comment FROM system.tables WHERE database = 'quipu'");
      const hashes = new Map(found.map(({ name, comment }) => [`quipu.${name}`, comment]));
      const changed = names.map((name) => ({ table: summaryTable(name), rows: summaryRows(name) }))
        .map((one) => ({ ...one, hash: createHash('sha256').update(one.rows).digest('hex') }))
        .filter(({ table, hash }) => hashes.get(table) !== hash);
      if (changed.length === 0) return;
      const tenants: string[] = [];
      for (const { tenant } of await all<{ tenant: string }>('SELECT DISTINCT tenant FROM quipu.summaries')) {
        // Those of whom nothing counts, for an erasure or a rebuild is under way, are allowed by who took them away.
        if (!isForbidden((await newest(tenant)).version)) tenants.push(tenant);
      }
      await takeAway(tenants);
      for (const { table, rows, hash } of changed) {
        await command(`DROP TABLE IF EXISTS ${table} SYNC`);
        await command(`CREATE TABLE ${table} ENGINE = MergeTree PARTITION BY (tenant, version) ORDER BY (tenant, version, actor_key)
          SETTINGS fsync_after_insert = 1, fsync_part_directory = 1 EMPTY AS SELECT toLowCardinality('') AS tenant, toUInt64(0) AS version, * FROM ${rows} COMMENT '${hash}'`);
      }
      await allow(tenants);
    }),
    make: (tenant) => alone(() => make(tenant)),
    tend: async (tenants, signal) => {
      const failures: unknown[] = [];
      for (const tenant of tenants) {
        await alone(async () => {
          if (signal?.aborted || !(await isDue(tenant))) return;
          const before = performance.now();
          try {
            await make(tenant);
          } finally {
            const now = performance.now();
            restUntil.set(tenant, now + (now - before) * rest);
          }
        }).catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
    takeAway, allow,
  };
}
