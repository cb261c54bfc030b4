import type { Position } from '../statements/store.js';
import type { Tracing } from '../tracing/tracing.js';
import { LONGEST_INSERT, type Fence, type RefusedRow } from './block-writer.js';
import { createTenantShipper, type TenantShipper, type TenantShipperDeps } from './tenant-shipper.js';

export interface ShipperDeps extends Omit<TenantShipperDeps, 'onRefused' | 'onUncertain'> {
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  /** Called before the first statement of a tenant is shipped. @throws anything when the engine doesn't answer */
  prepare(tenant: string): Promise<void>;
  log: { warn(details: object, message: string): void };
  tracing: Tracing;
  /** Milliseconds to wait for more statements before a block is begun. */
  linger?: number;
}

/** Fills a table with the statements of every tenant. It is driven by whoever holds the lease on that table. */
export interface Shipper {
  /**
   * Ships until everything is in the table, the time is over or the signal ends it.
   * @returns whether everything that it has heard of is in the table
   * @throws anything when the engine doesn't take rows
   */
  drain(signal: AbortSignal, fence: Fence, milliseconds?: number): Promise<boolean>;
  /** Last entry dealt with and rows in the table, as far as this process knows. */
  at(tenant: string): { position: Position; rows: number } | undefined;
  /** Rows that went in with their text alone, since the start: all of them counted, the newest first. */
  refused(): { count: number; rows: readonly RefusedRow[] };
  /** Nothing that was sent can still arrive in the table when this many milliseconds have passed. */
  settlesIn(): number;
  /** Something that another process sent may still arrive. */
  doubt(): void;
  /** Takes every place from the table again. */
  forget(): void;
}

const mostRefused = 100;
/** Entries that make a block worth its while. */
const MANY = 1000;

/** It reads the feed in slices and gives way between them. */
export function createShipper({ listTenants, prepare, log, tracing, linger = 300, ...deps }: ShipperDeps): Shipper {
  const shippers = new Map<string, TenantShipper>();
  const refused: RefusedRow[] = [];
  let refusedCount = 0;
  let uncertainAt = -Infinity;

  const onRefused = (row: RefusedRow): void => {
    refusedCount++;
    if (!refused.some(({ tenant, id }) => tenant === row.tenant && id === row.id)) refused.unshift(row);
    refused.length = Math.min(refused.length, mostRefused);
    log.warn(row, 'The analytics engine took a statement with its text alone');
  };
  const doubt = (): void => { uncertainAt = performance.now(); };

  function shipperOf(tenant: string): TenantShipper {
    let shipper = shippers.get(tenant);
    if (!shipper) shippers.set(tenant, shipper = createTenantShipper(tenant, { ...deps, onRefused, onUncertain: doubt }));
    return shipper;
  }

  function forget(): void {
    for (const shipper of shippers.values()) shipper.forget();
  }

  async function drain(signal: AbortSignal, fence: Fence, milliseconds = Infinity): Promise<boolean> {
    const awake = new Set<string>();
    const unsubscribe = deps.feed.subscribe((tenant) => awake.add(tenant));
    try {
      for (const tenant of await listTenants()) awake.add(tenant);
      const begun = performance.now();
      for (let shipped = 0; awake.size > 0 && !signal.aborted && performance.now() - begun < milliseconds;) {
        // After a long block there is enough for the next.
        if (shipped < MANY) await pause(linger, signal);
        shipped = await round(awake, signal, fence);
      }
      return awake.size === 0;
    } catch (error) {
      forget();
      throw error;
    } finally {
      unsubscribe();
    }
  }

  /** One block of each tenant that may have something. @returns entries of the longest */
  async function round(awake: Set<string>, signal: AbortSignal, fence: Fence): Promise<number> {
    let longest = 0;
    for (const tenant of [...awake]) {
      if (signal.aborted) break;
      awake.delete(tenant);
      const shipper = shipperOf(tenant);
      if (!(await shipper.pending())) continue;
      await prepare(tenant);
      const entries = await tracing.span('analytics.block', { 'quipu.tenant': tenant }, async (note) => {
        const count = await shipper.step(fence);
        note({ 'quipu.entries': count });
        return count;
      });
      if (entries > 0) awake.add(tenant);
      longest = Math.max(longest, entries);
    }
    return longest;
  }

  return {
    drain, doubt, forget,
    at: (tenant) => shippers.get(tenant)?.at,
    refused: () => ({ count: refusedCount, rows: refused }),
    settlesIn: () => Math.max(0, uncertainAt + LONGEST_INSERT - performance.now()),
  };
}

/** Waits, unless the signal ends it. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
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
