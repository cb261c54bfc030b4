import type { ClickHouseClient } from '@clickhouse/client';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer } from '../feed/consumers.js';
import type { Feed } from '../feed/service.js';
import type { StatementStore } from '../statements/store.js';
import { QuipuError } from '../xapi/errors.js';
import { createEngineClient, serverAddress, type EngineAddress } from './engine/client.js';
import { createSupervisor } from './engine/supervisor.js';
import { migrate } from './migrate.js';
import { createRebuild, type Rebuild, type RebuildState } from './rebuild.js';
import { createShipper, type Shipper } from './shipper.js';
import { createSummaries } from './summaries.js';
import { createTenantDatabases } from './tenant-databases.js';

export interface EngineServiceDeps {
  feed: Feed;
  statements: StatementStore;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
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
  /** Starts the engine and the consumer; returns at once. */
  start(): void;
  close(): Promise<void>;
}

/** Milliseconds between two looks at whether summaries are due. */
const TEND_EVERY = 10_000;
/** Seconds of the shipper's lag from which they have to wait. */
const BEHIND = 10;

/** Puts the engine, its schema, the shipper and the rebuild together. Nothing of it is waited for by ingest. */
export function createEngineService({ feed, statements, listTenants, analytics, clickhouseUrl, directory, socketPath, memoryBytes, queryBytes, timeout, log }: EngineServiceDeps): EngineService {
  const address: EngineAddress = clickhouseUrl === undefined ? { kind: 'socket', socketPath } : serverAddress(clickhouseUrl);
  const limits = { max_execution_time: timeout, max_memory_usage: String(queryBytes) };
  const client = createEngineClient(address, { requestTimeout: (timeout + 10) * 1000, settings: limits });
  const writing = createEngineClient(address, { requestTimeout: 55_000, connections: 8 });
  const making = createEngineClient(address, { requestTimeout: 900_000, connections: 2, settings: { max_memory_usage: String(queryBytes) } });
  const summaries = createSummaries({ client: making });
  const databases = createTenantDatabases({ client: writing, onFault: (view, reason) => log.warn({ view, reason: reason.slice(0, 500) }, 'The analytics engine does not take a view') });
  const supervisor = address.kind === 'server' ? undefined : createSupervisor({
    path: join(directory, 'clickhouse'), socketPath, memoryBytes, log, maxResidentBytes: memoryBytes * 1.5, maxStatements: 24, maxBodyBytes: 256 << 20,
    defaults: { max_execution_time: String(timeout), max_memory_usage: String(queryBytes) },
  });
  let started = false;
  let prepared = false;
  let resumed = false;
  const closing = new AbortController();

  async function ready(): Promise<void> {
    prepared = false;
    if (supervisor && !(await supervisor.settled())) throw new Error(problemOf() ?? 'the analytics engine does not run');
    const answer = await writing.ping();
    if (!answer.success) throw answer.error;
    databases.forget();
    await migrate(writing);
    await summaries.prepare();
    await databases.refresh();
    prepared = true;
    if (!resumed) await rebuild.resume();
    resumed = true;
  }

  function problemOf(): string | undefined {
    const state = supervisor?.state();
    return state?.status === 'failed' ? state.reason : state?.status === 'missing' ? 'the package chdb is not installed' : undefined;
  }

  function shipperOf(name: string, table: string): Shipper {
    const main = name === 'analytics';
    return createShipper({
      name, table, client: writing, feed, statements, listTenants, log, ready: main ? ready : awaited, prepare: (tenant) => databases.ensure(tenant),
      ...(main ? { summaries } : {}),
    });
  }

  async function awaited(): Promise<void> {
    if (supervisor && !(await supervisor.settled())) throw new Error('the analytics engine does not run');
  }

  const shipper = shipperOf('analytics', 'quipu.statement_log');
  const rebuild: Rebuild = createRebuild({
    client: writing, shipper, createShipper: (table) => shipperOf('analytics-rebuild', table),
    count: async () => {
      let sum = 0;
      for (const tenant of await listTenants()) sum += await statements.count(tenant);
      return sum;
    },
    listTenants, summaries,
  });

  /** Keeps the summaries near the statements; while the shipper is behind, the engine's time is the shipper's. */
  async function tendSummaries(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await pause(TEND_EVERY, undefined, { signal: closing.signal, ref: false });
        if (statusOf() === 'running' && (await shipper.state()).tenants.every(({ lagSeconds }) => lagSeconds < BEHIND)) await summaries.tend(await listTenants());
      } catch (error) {
        if (!closing.signal.aborted) log.warn({ reason: error instanceof Error ? error.message.slice(0, 500) : String(error) }, 'The summaries of the analytics are as they were');
      }
    }
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
    consumer: {
      name: shipper.name,
      state: async () => (['off', 'missing'].includes(statusOf()) ? { name: shipper.name, status: 'off', tenants: [], refusedCount: 0, refused: [] } : shipper.state()),
    },
    status: async () => {
      const { lastError } = await shipper.state();
      const status = statusOf();
      const problem = status === 'waiting' ? problemOf() ?? lastError?.message : undefined;
      return { status, engine: supervisor ? 'embedded' : 'server', ...(supervisor?.pid() === undefined ? {} : { pid: supervisor.pid() }), ...(problem === undefined ? {} : { problem }), rebuild: await rebuild.state() };
    },
    health: () => {
      const status = statusOf();
      return status === 'running' ? { status: 'ok' } : status === 'waiting' ? { status: 'failed', code: 'store-unavailable' } : { status: 'off' };
    },
    rebuild: async () => {
      check();
      if (!rebuild.start()) throw new QuipuError('record-conflict', 'A rebuild runs already.');
      return rebuild.state();
    },
    start: () => {
      if (analytics === 'off' || started) return;
      started = true;
      supervisor?.start();
      shipper.start();
      void tendSummaries();
    },
    close: async () => {
      closing.abort();
      // At once: what the engine has not answered is shipped again after the next start.
      await Promise.all([rebuild.close(), shipper.stop(), supervisor?.close()]);
      await Promise.all([client.close(), writing.close(), making.close()]);
    },
  };
}
