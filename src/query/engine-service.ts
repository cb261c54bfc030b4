import type { ClickHouseClient } from '@clickhouse/client';
import { join } from 'node:path';
import type { Checkpoints } from '../feed/checkpoints.js';
import type { Consumer } from '../feed/consumers.js';
import type { Feed } from '../feed/service.js';
import type { Jobs } from '../jobs/jobs.js';
import { withLease, type LeaseBook } from '../jobs/leases.js';
import type { StatementStore } from '../statements/store.js';
import type { Tracing } from '../tracing/tracing.js';
import { QuipuError } from '../xapi/errors.js';
import { createEngineClient, serverAddress, type EngineAddress } from './engine/client.js';
import { createSupervisor } from './engine/supervisor.js';
import { migrate } from './migrate.js';
import { queryMemory } from './query-memory.js';
import { createRebuild, type Rebuild, type RebuildState } from './rebuild.js';
import { createLineMaker } from './row-lines.js';
import { createShipper, pause, type Shipper, type ShipperDeps } from './shipper.js';
import { createShipping } from './shipping.js';
import { createSummaries } from './summaries.js';
import { createTenantDatabases } from './tenant-databases.js';

export interface EngineServiceDeps {
  feed: Feed;
  statements: StatementStore;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  checkpoints: Checkpoints;
  leases: LeaseBook;
  jobs: Jobs;
  tracing: Tracing;
  /** Tells the leases of this engine from those of another one that is fed from the same store; empty for the one that all share. */
  scope?: string;
  /** Whether other processes append to the store as well. */
  sharedStore: boolean;
  /** `off` leaves everything undone. */
  analytics: 'auto' | 'off';
  /** With its credentials; the embedded engine when left out. */
  clickhouseUrl?: string;
  /** Folder of the embedded engine's data. */
  directory: string;
  /** Socket of the embedded engine. */
  socketPath: string;
  memoryBytes: number;
  queryBytes: number;
  /** Seconds that a query may take. */
  timeout: number;
  log: { info(details: object, message: string): void; warn(details: object, message: string): void };
}

/** What the engine is and does. */
export interface EngineStatus {
  /** `off`, `missing` (the package chdb is not installed), `waiting` or `running`. */
  status: 'off' | 'missing' | 'waiting' | 'running';
  engine: 'server' | 'embedded';
  /** Process of the embedded engine. */
  pid?: number;
  /** Why it waits. */
  problem?: string;
  rebuild: RebuildState;
}

/** ClickHouse as the rest of the program sees it: a client for queries, the consumer that fills it, and its state. */
export interface EngineService {
  /** Where the engine is. */
  readonly address: EngineAddress;
  /** For queries; each may take the time and memory of the settings. */
  readonly client: ClickHouseClient;
  readonly consumer: Consumer;
  /** @throws QuipuError `store-unavailable` unless the engine can be asked */
  check(): void;
  status(): Promise<EngineStatus>;
  /** Makes the database of a tenant unless it is there. @throws QuipuError `store-unavailable` unless the engine can be asked */
  prepareTenant(tenant: string): Promise<void>;
  /** For `/health/ready`. */
  health(): { status: string; code?: string };
  /** Begins a rebuild, or goes on with one. @throws QuipuError `store-unavailable`; `record-conflict` when one runs */
  rebuild(): Promise<RebuildState>;
  /** Starts the engine, for queries and, where jobs are run, for the consumer that fills it; returns at once. */
  start(): void;
  close(): Promise<void>;
}

/** Milliseconds between two looks at whether summaries are due. */
const TEND_EVERY = 30_000;
/** Milliseconds within which the store shows all processes the same end of the log, also when one of them dies. */
const AHEAD_PATIENCE = 60_000;
/** Seconds of the shipper's lag from which they have to wait. */
const BEHIND = 10;

/** Puts the engine, its schema, the shipper and the rebuild together. Nothing of it is waited for by ingest. */
export function createEngineService({ feed, statements, listTenants, checkpoints, leases, jobs, tracing, scope = '', sharedStore, analytics, clickhouseUrl, directory, socketPath, memoryBytes, queryBytes, timeout, log }: EngineServiceDeps): EngineService {
  const address: EngineAddress = clickhouseUrl === undefined ? { kind: 'socket', socketPath } : serverAddress(clickhouseUrl);
  const limits = { max_execution_time: timeout, ...queryMemory(queryBytes) };
  const client = createEngineClient(address, { requestTimeout: (timeout + 10) * 1000, settings: limits });
  const writing = createEngineClient(address, { requestTimeout: 55_000, connections: 8 });
  const making = createEngineClient(address, { requestTimeout: 900_000, connections: 2, settings: queryMemory(queryBytes) });
  const summaries = createSummaries({ client: making });
  const databases = createTenantDatabases({ client: writing, onFault: (view, reason) => log.warn({ view, reason: reason.slice(0, 500) }, 'The analytics engine does not take a view') });
  const supervisor = address.kind === 'server' ? undefined : createSupervisor({
    path: join(directory, 'clickhouse'), socketPath, memoryBytes, log, maxResidentBytes: memoryBytes * 1.5, maxStatements: 24, maxBodyBytes: 256 << 20,
    defaults: { max_execution_time: String(timeout), ...queryMemory(queryBytes) },
  });
  const schema = leases.kind<object>('analytics-schema', {});
  const summarising = leases.kind<object>('analytics-summaries', {});
  const stopping = new AbortController();
  let started = false;
  let prepared = false;
  let preparing: Promise<void> | undefined;
  let problem: string | undefined;
  let watching: Promise<void> = Promise.resolve();

  function ready(): Promise<void> {
    if (prepared) return Promise.resolve();
    preparing ??= prepare().finally(() => { preparing = undefined; });
    return preparing;
  }

  async function prepare(): Promise<void> {
    if (supervisor && !(await supervisor.settled())) throw new Error(problemOf() ?? 'the analytics engine does not run');
    const answer = await writing.ping();
    if (!answer.success) throw answer.error;
    databases.forget();
    await withLease(schema, '', `analytics${scope}`, stopping.signal, async () => {
      await migrate(writing);
      await summaries.prepare();
      await databases.refresh();
      await rebuild.resume();
    });
    prepared = true;
  }

  /** Keeps the engine ready, also where nothing is shipped: it may go away and come back, and be another one then. */
  async function watch(): Promise<void> {
    while (!stopping.signal.aborted && supervisor?.state().status !== 'missing') {
      try {
        await ready();
        const answer = supervisor ? undefined : await writing.ping();
        if (answer?.success === false) throw answer.error;
        problem = undefined;
      } catch (error) {
        prepared = false;
        problem = error instanceof Error ? error.message.slice(0, 500) : String(error);
      }
      await pause(prepared ? 5000 : 1000, stopping.signal);
    }
  }

  function problemOf(): string | undefined {
    const state = supervisor?.state();
    return state?.status === 'failed' ? state.reason : state?.status === 'missing' ? 'the package chdb is not installed' : undefined;
  }

  const isOn = (): boolean => !['off', 'missing'].includes(statusOf());

  const lines = createLineMaker();

  function shipperOf(table: string, more: Pick<ShipperDeps, 'summaries'> = {}): Shipper {
    return createShipper({ table, client: writing, lines, feed, statements, listTenants, log, tracing, prepare: (tenant) => databases.ensure(tenant), aheadPatience: sharedStore ? AHEAD_PATIENCE : 0, ...more });
  }

  const outlives = supervisor === undefined;
  const shipping = createShipping({
    name: 'analytics', scope, shipper: shipperOf('quipu.statement_log', { summaries }), feed, statements, checkpoints, leases, jobs, listTenants, log, ready, isOn, outlives,
    failed: () => { prepared = false; }, rebuild: () => begin(), begins: async () => summaries.allow(await listTenants()),
  });
  const rebuild: Rebuild = createRebuild({
    client: writing, feed, shipping, createShipper: shipperOf, leases, jobs, listTenants, ready, isOn, outlives, scope,
    count: async () => {
      let sum = 0;
      for (const tenant of await listTenants()) sum += await statements.count(tenant);
      return sum;
    },
    summaries,
  });

  /** Keeps the summaries near the statements; while the shipper is behind, the engine's time is the shipper's. */
  async function tendSummaries(signal: AbortSignal): Promise<'done'> {
    if (statusOf() !== 'running') return 'done';
    const { tenants } = await shipping.consumer.state();
    if (tenants.some(({ lagSeconds }) => lagSeconds > BEHIND)) return 'done';
    const lease = await summarising.acquire('', `analytics${scope}`);
    if (!lease) return 'done';
    try {
      await summaries.tend(tenants.map(({ tenant }) => tenant), AbortSignal.any([signal, lease.signal]));
    } finally {
      await lease.release();
    }
    return 'done';
  }

  jobs.define({ name: 'analytics-summaries', subjects: async () => (isOn() ? [''] : []), run: (_, signal) => tendSummaries(signal), concurrency: 1, interval: TEND_EVERY });

  async function begin(): Promise<RebuildState> {
    check();
    const state = await rebuild.start();
    if (!state) throw new QuipuError('record-conflict', 'A rebuild runs already.');
    return state;
  }

  function statusOf(): EngineStatus['status'] {
    if (!started) return 'off';
    const state = supervisor?.state().status ?? 'running';
    return state === 'missing' ? 'missing' : state === 'running' && prepared ? 'running' : 'waiting';
  }

  function check(): void {
    const status = statusOf();
    if (status === 'running') return;
    throw new QuipuError('store-unavailable', { off: 'Analytics is switched off (QUIPU_ANALYTICS).', missing: 'Analytics is off: the optional package chdb is not installed.', waiting: 'The analytics engine does not answer yet.' }[status]);
  }

  return {
    address, client, check,
    prepareTenant: async (tenant) => {
      check();
      await databases.ensure(tenant);
    },
    consumer: shipping.consumer,
    status: async () => {
      const status = statusOf();
      const waits = status === 'waiting' ? problemOf() ?? problem : undefined;
      return { status, engine: supervisor ? 'embedded' : 'server', ...(supervisor?.pid() === undefined ? {} : { pid: supervisor.pid() }), ...(waits === undefined ? {} : { problem: waits }), rebuild: await rebuild.state() };
    },
    health: () => {
      const status = statusOf();
      return status === 'running' ? { status: 'ok' } : status === 'waiting' ? { status: 'failed', code: 'store-unavailable' } : { status: 'off' };
    },
    rebuild: begin,
    start: () => {
      if (analytics === 'off' || started) return;
      started = true;
      supervisor?.start();
      watching = watch();
      shipping.consumer.wake('');
    },
    close: async () => {
      stopping.abort();
      await supervisor?.close();
      await Promise.all([client.close(), writing.close(), making.close()]);
      await watching;
      await lines.close();
    },
  };
}
