import type { Consumer, ConsumerState, ConsumerTenantState } from '../feed/consumers.js';
import { LONGEST_INSERT, type RefusedRow } from './block-writer.js';
import { createTenantShipper, type TenantShipper, type TenantShipperDeps } from './tenant-shipper.js';

export interface ShipperDeps extends Omit<TenantShipperDeps, 'onRefused' | 'onUncertain'> {
  /** Name of the consumer. */
  name: string;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  /** Called before the first statement of a tenant is shipped. @throws anything when the engine doesn't answer */
  prepare(tenant: string): Promise<void>;
  /** Waits until the engine can be used; called again after each failure. @throws anything when it can't yet */
  ready(): Promise<void>;
  log: { warn(details: object, message: string): void };
  /** Milliseconds to wait for more statements before a block is begun. */
  linger?: number;
  /** Milliseconds before it tries again after a failure; doubled up to ten seconds. */
  backOff?: number;
}

/** The consumer of the feed that fills a table with the statements of every tenant. */
export interface Shipper extends Consumer {
  start(): void;
  /** Ends after the block under way. */
  stop(): Promise<void>;
  /** Waits until everything stored before the call is dealt with, or the signal ends the wait. */
  drained(signal: AbortSignal): Promise<void>;
  /** Nothing that was sent can still arrive in the table when this many milliseconds have passed. */
  settlesIn(): number;
  /** Takes every place from the table again. */
  forget(): void;
}

const longestBackOff = 10_000;
const mostRefused = 100;

/** Runs beside everything else: it reads the feed in slices, gives way between them, and waits while the engine is away. */
export function createShipper({ name, listTenants, prepare, ready, log, linger = 300, backOff = 500, ...deps }: ShipperDeps): Shipper {
  const shippers = new Map<string, TenantShipper>();
  const awake = new Set<string>();
  const refused: RefusedRow[] = [];
  let refusedCount = 0;
  let lastError: ConsumerState['lastError'];
  let uncertainAt = 0;
  let status: ConsumerState['status'] = 'off';
  let stopping: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  let wake: () => void = () => undefined;

  const onRefused = (row: RefusedRow): void => {
    refusedCount++;
    if (!refused.some(({ tenant, id }) => tenant === row.tenant && id === row.id)) refused.unshift(row);
    refused.length = Math.min(refused.length, mostRefused);
    log.warn(row, 'The analytics engine took a statement with its text alone');
  };

  function shipperOf(tenant: string): TenantShipper {
    let shipper = shippers.get(tenant);
    if (!shipper) shippers.set(tenant, shipper = createTenantShipper(tenant, { ...deps, onRefused, onUncertain: () => { uncertainAt = Date.now(); } }));
    return shipper;
  }

  async function run(signal: AbortSignal): Promise<void> {
    const unsubscribe = deps.feed.subscribe((tenant) => {
      awake.add(tenant);
      wake();
    });
    let pause = backOff;
    let fresh = true;
    while (!signal.aborted) {
      try {
        if (fresh) {
          await ready();
          for (const tenant of await listTenants()) awake.add(tenant);
          fresh = false;
        }
        status = 'running';
        await round(signal);
        pause = backOff;
        if (awake.size === 0) await sleep(60_000, signal);
        await sleep(linger, signal, false);
      } catch (error) {
        fresh = true;
        status = 'waiting';
        const message = error instanceof Error ? error.message.slice(0, 500) : String(error);
        if (lastError?.message !== message) log.warn({ reason: message }, `The consumer ${name} waits for the analytics engine`);
        lastError = { message, at: new Date().toISOString() };
        for (const shipper of shippers.values()) shipper.forget();
        await sleep(pause, signal, false);
        pause = Math.min(pause * 2, longestBackOff);
      }
    }
    unsubscribe();
    status = 'off';
  }

  /** One block of each tenant that may have something. */
  async function round(signal: AbortSignal): Promise<void> {
    for (const tenant of [...awake]) {
      if (signal.aborted) return;
      awake.delete(tenant);
      try {
        const shipper = shipperOf(tenant);
        if (!(await shipper.pending())) continue;
        await prepare(tenant);
        if (await shipper.step() > 0) awake.add(tenant);
      } catch (error) {
        awake.add(tenant);
        throw error;
      }
    }
  }

  function sleep(milliseconds: number, signal: AbortSignal, wakeable = true): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      timer.unref();
      signal.addEventListener('abort', over);
      if (wakeable) wake = over;
    });
  }

  async function tenantState(tenant: string): Promise<ConsumerTenantState> {
    const at = shippers.get(tenant)?.at;
    const [next] = await deps.feed.read(tenant, at?.position ?? 0, 1);
    if (!next) return { tenant, position: at?.position ?? 0, lagStatements: 0, lagSeconds: 0 };
    const stored = await deps.statements.count(tenant);
    return { tenant, position: at?.position ?? 0, lagStatements: Math.max(1, stored - (at?.rows ?? 0)), lagSeconds: Math.max(0, (Date.now() - next.stored) / 1000) };
  }

  return {
    name,
    state: async () => {
      const tenants: ConsumerTenantState[] = [];
      for (const tenant of await listTenants()) tenants.push(await tenantState(tenant));
      return { name, status, tenants, ...(lastError === undefined ? {} : { lastError }), refusedCount, refused: refused.map(({ tenant, id, reason }) => ({ tenant, id, reason })) };
    },
    start: () => {
      if (stopping) return;
      stopping = new AbortController();
      status = 'waiting';
      running = run(stopping.signal);
    },
    stop: async () => {
      stopping?.abort();
      await running;
      stopping = undefined;
    },
    drained: async (signal) => {
      const head = deps.feed.head();
      for (const tenant of await listTenants()) {
        while (!signal.aborted) {
          const [next] = await deps.feed.read(tenant, shippers.get(tenant)?.at?.position ?? 0, 1);
          if (!next || next.position > head) break;
          await sleep(100, signal, false);
        }
      }
    },
    settlesIn: () => Math.max(0, uncertainAt + LONGEST_INSERT - Date.now()),
    forget: () => {
      for (const shipper of shippers.values()) shipper.forget();
    },
  };
}
