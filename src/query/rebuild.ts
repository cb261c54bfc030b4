import type { ClickHouseClient } from '@clickhouse/client';
import type { Shipper } from './shipper.js';
import type { Summaries } from './summaries.js';

/** How a rebuild is. */
export interface RebuildState {
  status: 'none' | 'running' | 'complete' | 'failed';
  /** Statements in the new table. */
  done: number;
  /** Statements in the store. */
  total: number;
  startedAt?: string;
  finishedAt?: string;
  problem?: string;
}

export interface RebuildDeps {
  client: ClickHouseClient;
  /** The consumer that fills the table in use. */
  shipper: Shipper;
  /** Makes a consumer that fills another table. */
  createShipper(table: string): Shipper;
  /** Statements in the store, of all tenants. */
  count(): Promise<number>;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  /** What is derived from the table's rows. */
  summaries: Pick<Summaries, 'takeAway' | 'allow'>;
}

/** Fills the analytics table anew from the store. */
export interface Rebuild {
  state(): Promise<RebuildState>;
  /** Begins, or goes on with one that was cut short. @returns false when one runs already */
  start(): boolean;
  /** Goes on with a rebuild that an earlier process left. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

const table = 'quipu.statement_log';
const beside = 'quipu.statement_log_rebuild';
/** Comment of the table that has given its place to another: whatever its name is after a crash, it is not filled on. */
const replaced = 'replaced';

/**
 * A consumer of its own fills a table beside the old one while statements and queries go on as ever; then both change
 * places in one step. The new table holds its own checkpoint, so that a rebuild which was cut short goes on where it was.
 */
export function createRebuild({ client, shipper, createShipper, count, listTenants, summaries }: RebuildDeps): Rebuild {
  const stopping = new AbortController();
  let state: RebuildState = { status: 'none', done: 0, total: 0 };
  let filling: Shipper | undefined;
  let running: Promise<void> = Promise.resolve();

  async function rebuild(): Promise<void> {
    await dropUseless();
    await client.command({ query: `CREATE TABLE IF NOT EXISTS ${beside} AS ${table}` });
    await client.command({ query: `ALTER TABLE ${beside} MODIFY COMMENT ''` });
    filling = createShipper(beside);
    filling.start();
    await filling.drained(stopping.signal);
    if (stopping.signal.aborted) return;
    await shipper.stop();
    try {
      await filling.drained(stopping.signal);
      await filling.stop();
      await pause(Math.max(shipper.settlesIn(), filling.settlesIn()), stopping.signal);
      if (stopping.signal.aborted) return;
      const tenants = await listTenants();
      await summaries.takeAway(tenants);
      await client.command({ query: `ALTER TABLE ${table} MODIFY COMMENT '${replaced}'` });
      await client.command({ query: `EXCHANGE TABLES ${beside} AND ${table}` });
      await summaries.allow(tenants);
      await client.command({ query: `DROP TABLE ${beside} SYNC`, clickhouse_settings: { max_table_size_to_drop: '0' } });
    } finally {
      shipper.forget();
      if (!stopping.signal.aborted) shipper.start();
    }
  }

  /** A table that an older version has begun is no use, nor one that has been replaced and was not dropped. */
  async function dropUseless(): Promise<void> {
    const old = await client.query({ query: "SELECT name FROM system.tables WHERE database = 'quipu' AND name = 'statement_log_rebuild' AND comment = {replaced:String}", query_params: { replaced }, format: 'JSONEachRow' });
    if ((await old.json()).length > 0) await client.command({ query: `DROP TABLE ${beside} SYNC`, clickhouse_settings: { max_table_size_to_drop: '0' } });
    const shapes = await client.query({
      query: "SELECT uniqExact(shape) AS shapes FROM (SELECT table, groupArray((name, type)) AS shape FROM (SELECT * FROM system.columns WHERE database = 'quipu' AND table LIKE 'statement\\_log%' ORDER BY table, position) GROUP BY table)",
      format: 'JSONEachRow',
    });
    if (Number((await shapes.json<{ shapes: string }>())[0]!.shapes) > 1) await client.command({ query: `DROP TABLE IF EXISTS ${beside} SYNC` });
  }

  function start(): boolean {
    if (state.status === 'running' || stopping.signal.aborted) return false;
    state = { status: 'running', done: 0, total: 0, startedAt: new Date().toISOString() };
    running = rebuild().then(
      () => finish({ status: stopping.signal.aborted ? 'failed' : 'complete' }),
      (error: unknown) => finish({ status: 'failed', problem: error instanceof Error ? error.message.slice(0, 500) : String(error) }),
    );
    return true;
  }

  async function finish(end: Pick<RebuildState, 'status' | 'problem'>): Promise<void> {
    const total = await count().catch(() => state.total);
    await filling?.stop();
    filling = undefined;
    state = { ...state, ...end, total, done: end.status === 'complete' ? total : state.done, finishedAt: new Date().toISOString() };
  }

  return {
    start,
    resume: async () => {
      await dropUseless();
      const found = await client.query({ query: "SELECT name FROM system.tables WHERE database = 'quipu' AND name = 'statement_log_rebuild'", format: 'JSONEachRow' });
      if ((await found.json()).length > 0) start();
    },
    state: async () => {
      if (state.status !== 'running' || !filling) return state;
      const [{ tenants }, total] = await Promise.all([filling.state(), count()]);
      state = { ...state, total, done: Math.max(0, total - tenants.reduce((sum, { lagStatements }) => sum + lagStatements, 0)) };
      return state;
    },
    close: async () => {
      stopping.abort();
      await running;
    },
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || milliseconds <= 0) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, milliseconds);
    signal.addEventListener('abort', over);
  });
}
