import { randomUUID } from 'node:crypto';
import type { Checkpoints } from '../feed/checkpoints.js';
import type { Consumer, ConsumerState, ConsumerTenantState } from '../feed/consumers.js';
import { lagOf } from '../feed/lag.js';
import type { Feed } from '../feed/service.js';
import type { Jobs } from '../jobs/jobs.js';
import { LeaseLost, withLease, type Lease, type LeaseBook } from '../jobs/leases.js';
import type { StatementStore } from '../statements/store.js';
import type { Fence } from './block-writer.js';
import { pause, type Shipper } from './shipper.js';
import { AheadOfStore } from './tenant-shipper.js';

export interface ShippingDeps {
  /** Name of the consumer. */
  name: string;
  /** What its leases and checkpoints are kept under, behind the name. */
  scope: string;
  shipper: Shipper;
  feed: Feed;
  statements: Pick<StatementStore, 'count'>;
  checkpoints: Checkpoints;
  leases: LeaseBook;
  jobs: Jobs;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  /** Waits until the engine can be used. @throws anything when it can't yet */
  ready(): Promise<void>;
  /** Called when the engine failed while it was used. */
  failed(): void;
  /** Whether analytics is used at all. */
  isOn(): boolean;
  /** Whether the engine goes on with what it was sent when its sender has died, as a server does. */
  outlives: boolean;
  /** Called before this process ships after another, or after the table was replaced. */
  begins(): Promise<void>;
  /** Begins to fill the table anew. */
  rebuild(): Promise<unknown>;
  log: { warn(details: object, message: string): void };
}

/** What the holder of the lease on the table tells those who come after it, and operators. */
interface ShippingState {
  /** The process that shipped last: any other takes its place from the table. */
  by: string;
  /** Something that was sent may still arrive. */
  doubt: boolean;
  failures: number;
  lastError?: { message: string; at: string };
  refusedCount: number;
  refused: { tenant: string; id: string; reason: string }[];
}

/** The consumer of the feed that fills the analytics table, by one process at a time. */
export interface Shipping {
  consumer: Consumer;
  /**
   * Puts another table in the place of this one, while nobody fills it.
   * @param work what does so. It gets a function that waits until nothing that was sent can still arrive, and gives how far the new table is
   */
  replace(signal: AbortSignal, work: (settled: () => Promise<void>) => Promise<Pick<Shipper, 'at'>>): Promise<void>;
}

/** Milliseconds after which a run gives the lease back for a moment. */
const turn = 5000;
const gap = 300;
const firstBackOff = 500;
const longestBackOff = 10_000;

/** The right to fill a table, as a lease gives it. */
export function fenceOf<T>(lease: Lease<T>): Fence {
  return {
    confirm: async () => {
      await lease.save((state) => state);
    },
    held: () => lease.held(),
  };
}

/**
 * Where it goes on is what the table says (ADR 0016); the checkpoints that it writes are for those who look. The lease keeps
 * two processes from shipping at the same time, and its state tells the next one whether it may trust what it remembers.
 */
export function createShipping({ name, scope, shipper, feed, statements, checkpoints, leases, jobs, listTenants, ready, failed, isOn, outlives, begins, rebuild, log }: ShippingDeps): Shipping {
  const kind = leases.kind<ShippingState>('analytics-shipping', { by: '', doubt: false, failures: 0, refusedCount: 0, refused: [] });
  const id = name + scope;
  const self = randomUUID();
  const told = new Map<string, number>();
  let refusedTold = 0;
  let paused: { failures: number; until: number } | undefined;

  async function run(_subject: string, signal: AbortSignal): Promise<'done' | 'more'> {
    if (!isOn() || await checkpoints.paused(name)) return 'done';
    const { failures } = await kind.read('', id);
    if (isPausing(failures) || (failures === 0 && !(await isDue()))) return 'done';
    const lease = await kind.acquire('', id);
    if (!lease) return 'done';
    let more = false;
    try {
      more = await ship(lease, AbortSignal.any([signal, lease.signal]));
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
    } finally {
      await lease.release((state) => ({ ...state, doubt: shipper.settlesIn() > 0 }));
    }
    // Whoever waits for the lease gets it now.
    await pause(gap, signal);
    return more ? 'more' : 'done';
  }

  /** Whether this process knows of nothing that it has not shipped: by what it remembers, or else by the checkpoints. */
  async function isDue(): Promise<boolean> {
    for (const tenant of await listTenants()) {
      const position = shipper.at(tenant) === undefined ? undefined : (await checkpoints.read(tenant, id)).position;
      if (position === undefined || (await feed.read(tenant, position, 1)).length > 0) return true;
    }
    return false;
  }

  function inherit({ takenOver, state }: Lease<ShippingState>): void {
    if (outlives && (takenOver || (state.doubt && state.by !== self))) shipper.doubt();
  }

  async function ship(lease: Lease<ShippingState>, signal: AbortSignal): Promise<boolean> {
    inherit(lease);
    try {
      await ready();
      if (lease.state.by !== self) {
        shipper.forget();
        told.clear();
        await begins();
        await lease.save((state) => ({ ...state, by: self }));
      }
      const drained = await drain(lease, signal);
      if (lease.state.failures > 0) await lease.save((state) => ({ ...state, failures: 0 }));
      return !drained && !signal.aborted && !(await checkpoints.paused(name));
    } catch (error) {
      if (error instanceof LeaseLost || signal.aborted) return false;
      if (!(error instanceof AheadOfStore)) failed();
      const message = error instanceof Error ? error.message.slice(0, 500) : String(error);
      if (lease.state.lastError?.message !== message) log.warn({ reason: message }, `The consumer ${name} waits for the analytics engine`);
      const { failures } = await lease.save((state) => ({ ...state, failures: state.failures + 1, lastError: { message, at: new Date().toISOString() } }));
      isPausing(failures);
      return false;
    }
  }

  async function drain(lease: Lease<ShippingState>, signal: AbortSignal): Promise<boolean> {
    const begun = performance.now();
    for (;;) {
      const drained = await shipper.drain(signal, fenceOf(lease), 1000);
      await tell(lease);
      if (drained || signal.aborted || performance.now() - begun > turn || await checkpoints.paused(name)) return drained;
    }
  }

  /** Makes known how far the table is, and what it could take in part only. */
  async function tell(lease: Lease<ShippingState>): Promise<void> {
    for (const tenant of await listTenants()) {
      const at = shipper.at(tenant);
      if (!at || told.get(tenant) === at.position) continue;
      await checkpoints.change(tenant, id, (checkpoint) => ({ ...checkpoint, position: at.position, statements: at.rows }));
      told.set(tenant, at.position);
    }
    const { count, rows } = shipper.refused();
    const fresh = count - refusedTold;
    if (fresh === 0) return;
    await lease.save((state) => {
      const newest = [...rows.slice(0, fresh).map(({ tenant, id, reason }) => ({ tenant, id, reason })), ...state.refused];
      return { ...state, refusedCount: state.refusedCount + fresh, refused: newest.filter(({ tenant, id }, index) => newest.findIndex((other) => other.tenant === tenant && other.id === id) === index).slice(0, 100) };
    });
    refusedTold = count;
  }

  /** A pause begins when this process first sees so many failures. */
  function isPausing(failures: number): boolean {
    if (failures === 0) {
      paused = undefined;
      return false;
    }
    if (paused?.failures === failures) return performance.now() < paused.until;
    const length = Math.min(longestBackOff, firstBackOff * 2 ** Math.min(failures - 1, 10)) * (0.75 + Math.random() / 4);
    paused = { failures, until: performance.now() + length };
    setTimeout(() => jobs.wake(name, ''), length + 1).unref();
    return true;
  }

  async function tenantState(tenant: string): Promise<ConsumerTenantState> {
    const { position, statements: rows } = await checkpoints.read(tenant, id);
    return { tenant, position, ...(await lagOf(feed, statements, tenant, position, rows)), deadLetters: 0 };
  }

  jobs.define({ name, subjects: async () => (isOn() ? [''] : []), run, concurrency: 1 });

  return {
    consumer: {
      name,
      wake: () => jobs.wake(name, ''),
      state: async (): Promise<ConsumerState> => {
        if (!isOn()) return { name, status: 'off', tenants: [], deadLetters: 0, refusedCount: 0, refused: [] };
        const { failures, lastError, refusedCount, refused } = await kind.read('', id);
        const tenants: ConsumerTenantState[] = [];
        for (const tenant of await listTenants()) tenants.push(await tenantState(tenant));
        return { name, status: failures > 0 ? 'waiting' : 'running', tenants, ...(lastError === undefined ? {} : { lastError }), deadLetters: 0, refusedCount, refused };
      },
      // Rows of a part of the log can't be taken out and sent again: the engine drops what it remembers to have had.
      replay: async () => {
        await rebuild();
      },
    },
    replace: async (signal, work) => {
      await withLease(kind, '', id, signal, async (lease) => {
        inherit(lease);
        const filled = await work(async () => {
          await pause(shipper.settlesIn(), AbortSignal.any([signal, lease.signal]));
          await lease.save((state) => ({ ...state, doubt: false, by: '', failures: 0 }));
        });
        shipper.forget();
        told.clear();
        for (const tenant of await listTenants()) {
          const { position = 0, rows = 0 } = filled.at(tenant) ?? {};
          await checkpoints.change(tenant, id, (checkpoint) => ({ ...checkpoint, position, statements: rows }));
        }
      });
      jobs.wake(name, '');
    },
  };
}
