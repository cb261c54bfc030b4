import type { ClickHouseClient } from '@clickhouse/client';
import type { Feed } from '../feed/service.js';
import type { Jobs } from '../jobs/jobs.js';
import { LeaseLost, type Lease, type LeaseBook } from '../jobs/leases.js';
import { pause, type Shipper } from './shipper.js';
import { fenceOf, type Shipping } from './shipping.js';
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

/** What is kept of it: the last one, over all processes. */
interface RebuildRecord extends RebuildState {
  /** The tables may have changed places already. */
  exchanging?: boolean;
}

export interface RebuildDeps {
  client: ClickHouseClient;
  feed: Feed;
  /** The consumer that fills the table in use. */
  shipping: Shipping;
  /** Makes what fills another table. */
  createShipper(table: string): Shipper;
  leases: LeaseBook;
  jobs: Jobs;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  /** Statements in the store, of all tenants. */
  count(): Promise<number>;
  /** What is derived from the table's rows; what ships afterwards allows it again. */
  summaries: Pick<Summaries, 'takeAway'>;
  /** Waits until the engine can be used. @throws anything when it can't yet */
  ready(): Promise<void>;
  /** Whether the engine goes on with what it was sent when its sender has died, as a server does. */
  outlives: boolean;
  /** Whether analytics is used at all. */
  isOn(): boolean;
  /** What its lease is kept under, behind the name. */
  scope: string;
}

/** Fills the analytics table anew from the store. */
export interface Rebuild {
  state(): Promise<RebuildState>;
  /** Asks for one; a process that works begins it, and another goes on with it should that one die. @returns undefined when one runs already */
  start(): Promise<RebuildState | undefined>;
  /** Goes on with a table that an earlier version has begun to fill. */
  resume(): Promise<void>;
}

const job = 'analytics-rebuild';
const table = 'quipu.statement_log';
const beside = 'quipu.statement_log_rebuild';
/** Comment of the table that has given its place to another: whatever its name is after a crash, it is not filled on. */
const replaced = 'replaced';
/** Milliseconds of one turn of filling, after which it is told how far it is. */
const slice = 1000;

/**
 * A table is filled beside the old one while statements and queries go on as ever; then both change places in one step. The new
 * table holds its own checkpoint, so that a rebuild which was cut short goes on where it was, also in another process.
 */
export function createRebuild({ client, feed, shipping, createShipper, leases, jobs, listTenants, count, ready, outlives, isOn, scope, summaries }: RebuildDeps): Rebuild {
  const kind = leases.kind<RebuildRecord>('analytics-rebuild', { status: 'none', done: 0, total: 0 });
  const id = `analytics${scope}`;

  async function run(_subject: string, signal: AbortSignal): Promise<'done'> {
    if (!isOn() || (await kind.read('', id)).status !== 'running') return 'done';
    const lease = await kind.acquire('', id);
    if (!lease) return 'done';
    try {
      if (lease.state.status === 'running') await carryOut(lease, AbortSignal.any([signal, lease.signal]));
    } finally {
      await lease.release();
    }
    return 'done';
  }

  async function carryOut(lease: Lease<RebuildRecord>, signal: AbortSignal): Promise<void> {
    let end: Partial<RebuildRecord> = { status: 'complete' };
    try {
      await ready();
      if (!(await dropUseless() && lease.state.exchanging)) await rebuild(lease, signal);
      if (signal.aborted) return;
    } catch (error) {
      // It goes on elsewhere, or after the next start.
      if (error instanceof LeaseLost || signal.aborted) return;
      end = { status: 'failed', problem: error instanceof Error ? error.message.slice(0, 500) : String(error) };
    }
    const total = await count();
    await lease.save(({ exchanging: _exchanging, ...state }) => ({ ...state, ...end, total, done: end.status === 'complete' ? total : state.done, finishedAt: new Date().toISOString() }));
  }

  async function rebuild(lease: Lease<RebuildRecord>, signal: AbortSignal): Promise<void> {
    await client.command({ query: `CREATE TABLE IF NOT EXISTS ${beside} AS ${table}` });
    await client.command({ query: `ALTER TABLE ${beside} MODIFY COMMENT ''` });
    const filling = createShipper(beside);
    if (outlives && lease.takenOver) filling.doubt();
    await fill(filling, lease, signal);
    await shipping.replace(signal, async (settled) => {
      await fill(filling, lease, signal);
      await pause(filling.settlesIn(), signal);
      await settled();
      if (signal.aborted) throw new LeaseLost(job);
      await summaries.takeAway(await listTenants());
      await lease.save((state) => ({ ...state, exchanging: true }));
      await client.command({ query: `ALTER TABLE ${table} MODIFY COMMENT '${replaced}'` });
      if (!lease.held()) throw new LeaseLost(job);
      await client.command({ query: `EXCHANGE TABLES ${beside} AND ${table}` });
      await client.command({ query: `DROP TABLE ${beside} SYNC`, clickhouse_settings: { max_table_size_to_drop: '0' } });
      return filling;
    });
  }

  /** Until the table holds what the store held when this was called. */
  async function fill(filling: Shipper, lease: Lease<RebuildRecord>, signal: AbortSignal): Promise<void> {
    const heads = new Map<string, number>();
    for (const tenant of await listTenants()) heads.set(tenant, await feed.head(tenant));
    const isFull = async (): Promise<boolean> => {
      for (const [tenant, head] of heads) {
        const [next] = await feed.read(tenant, filling.at(tenant)?.position ?? 0, 1);
        if (next && next.position <= head) return false;
      }
      return true;
    };
    while (!signal.aborted) {
      const drained = await filling.drain(signal, fenceOf(lease), slice);
      const rows = (await listTenants()).reduce((sum, tenant) => sum + (filling.at(tenant)?.rows ?? 0), 0);
      const total = await count();
      await lease.save((state) => ({ ...state, total, done: Math.min(rows, total) }));
      if (drained || await isFull()) return;
    }
  }

  /** A table that an older version has begun is no use, nor one that has been replaced and was not dropped. @returns whether there was one of the latter */
  async function dropUseless(): Promise<boolean> {
    const old = await client.query({ query: "SELECT name FROM system.tables WHERE database = 'quipu' AND name = 'statement_log_rebuild' AND comment = {replaced:String}", query_params: { replaced }, format: 'JSONEachRow' });
    const left = (await old.json()).length > 0;
    if (left) await client.command({ query: `DROP TABLE ${beside} SYNC`, clickhouse_settings: { max_table_size_to_drop: '0' } });
    const shapes = await client.query({
      query: "SELECT uniqExact(shape) AS shapes FROM (SELECT table, groupArray((name, type)) AS shape FROM (SELECT * FROM system.columns WHERE database = 'quipu' AND table LIKE 'statement\\_log%' ORDER BY table, position) GROUP BY table)",
      format: 'JSONEachRow',
    });
    if (Number((await shapes.json<{ shapes: string }>())[0]!.shapes) > 1) await client.command({ query: `DROP TABLE IF EXISTS ${beside} SYNC` });
    return left;
  }

  async function start(): Promise<RebuildState | undefined> {
    let running = false;
    const state = await kind.change('', id, (known) => {
      running = known.status === 'running';
      return running ? known : { status: 'running', done: 0, total: 0, startedAt: new Date().toISOString() };
    });
    jobs.wake(job, '');
    return running ? undefined : shown(state);
  }

  jobs.define({ name: job, subjects: async () => [''], run, concurrency: 1 });

  return {
    start,
    resume: async () => {
      if ((await kind.read('', id)).status === 'running') return;
      await dropUseless();
      const found = await client.query({ query: "SELECT name FROM system.tables WHERE database = 'quipu' AND name = 'statement_log_rebuild'", format: 'JSONEachRow' });
      if ((await found.json()).length > 0) await start();
    },
    state: async () => shown(await kind.read('', id)),
  };
}

function shown({ exchanging: _exchanging, ...state }: RebuildRecord): RebuildState {
  return state;
}
