import { randomUUID } from 'node:crypto';
import type { Collection, RecordStore } from '../records/store.js';

/** A lease as it is kept: who has it, a count that the holder bumps as long as it lives, and what is guarded by it. */
interface LeaseRecord<T> {
  /** Empty when nobody has it. */
  holder: string;
  beat: number;
  state: T;
}

/** Thrown to a holder whose lease was taken over: whatever it was about to say has to stay unsaid. */
export class LeaseLost extends Error {
  constructor(id: string) {
    super(`The lease ${id} is held by somebody else`);
  }
}

/** A lease that this process has got. */
export interface Lease<T> {
  /** As this holder last knew it. */
  readonly state: T;
  /** Whether its last holder did not give it back, but fell silent. */
  readonly takenOver: boolean;
  /** Ends when the lease is lost, and when it is no longer certain that it is held. */
  readonly signal: AbortSignal;
  /** Whether nobody else can have it at this moment; judged without asking the store. */
  held(): boolean;
  /**
   * Makes a new state durable, if and only if this is still the holder.
   * @param change from the state as it is now, which an operator may have changed; has to bear being applied twice
   * @throws LeaseLost; QuipuError when the store does not answer, and then it may be done or not
   */
  save(change: (state: T) => T): Promise<T>;
  /** Gives it back, with a last change. Never throws: others otherwise wait until the holder seems dead. */
  release(change?: (state: T) => T): Promise<void>;
}

/**
 * Leases of one kind. One of several processes on the same store has a lease at a time, and a state that only the holder
 * moves on. The holder bumps a count in the record; who wants the lease watches that count by a clock of its own, and takes
 * it over when it has stood still for long enough. No two clocks are compared. Fencing: state, holder and count are one
 * record, and each write is a compare-and-set, so whoever lost the lease can write no state, however late it wakes up.
 */
export interface Leases<T> {
  /** The state, whoever holds the lease; the initial one when there was never a holder. */
  read(tenant: string, id: string): Promise<T>;
  /** @returns undefined when another has it, and is not known to be silent; to find that out this has to be called again */
  acquire(tenant: string, id: string): Promise<Lease<T> | undefined>;
  /** Changes the state, whoever holds the lease; the holder learns of it with its next `save` or bump. */
  change(tenant: string, id: string, change: (state: T) => T): Promise<T>;
}

export interface LeaseOptions {
  records: RecordStore;
  /** Whether other processes may use the same store; if not, a holder of an earlier process is dead for certain. */
  shared: boolean;
  /** Milliseconds of silence after which a holder counts as dead. */
  lifetime?: number;
}

/** Makes the kinds of leases of one process. */
export interface LeaseBook {
  /** @param name of the collection of records */
  kind<T extends object>(name: string, initial: T): Leases<T>;
}

/** Part of the lifetime after which a holder that can't reach the store takes the lease for lost; clocks may run at different rates. */
const prudence = 0.7;
/** Bumps in a lifetime. */
const beats = 5;

export function createLeaseBook({ records, shared, lifetime = 10_000 }: LeaseOptions): LeaseBook {
  /** Holders that live in this process. */
  const alive = new Set<string>();

  function kind<T extends object>(name: string, initial: T): Leases<T> {
    const collection: Collection<LeaseRecord<T>> = records.collection<LeaseRecord<T>>({ name, indexes: [], unique: [] });
    /** When a count was first seen, by the monotonic clock of this process. */
    const seen = new Map<string, { sign: string; since: number }>();

    function silent(key: string, { holder, beat }: LeaseRecord<T>): boolean {
      if (alive.has(holder)) return false;
      if (!shared) return true;
      const sign = `${holder} ${beat}`;
      const before = seen.get(key);
      if (before?.sign === sign) return performance.now() - before.since >= lifetime;
      seen.set(key, { sign, since: performance.now() });
      return false;
    }

    async function acquire(tenant: string, id: string): Promise<Lease<T> | undefined> {
      const key = `${tenant}/${id}`;
      const holder = randomUUID();
      const sent = performance.now();
      const known = await collection.get(tenant, id);
      if (known && known.value.holder !== '' && !silent(key, known.value)) return undefined;
      const value: LeaseRecord<T> = { holder, beat: (known?.value.beat ?? 0) + 1, state: known?.value.state ?? initial };
      const outcome = known ? await collection.update(tenant, id, value, known.version) : await collection.insert(tenant, id, value);
      if (outcome !== 'updated' && outcome !== 'inserted') return undefined;
      seen.delete(key);
      return hold(tenant, id, value, (known?.version ?? 0) + 1, { takenOver: known !== undefined && known.value.holder !== '', sent });
    }

    function hold(tenant: string, id: string, first: LeaseRecord<T>, firstVersion: number, { takenOver, sent }: { takenOver: boolean; sent: number }): Lease<T> {
      const { holder } = first;
      const ended = new AbortController();
      let current = first;
      let version = firstVersion;
      let confirmed = sent;
      let turn: Promise<unknown> = Promise.resolve();
      alive.add(holder);
      const timer = shared ? setInterval(beat, lifetime / beats).unref() : undefined;
      let beating = false;

      function end(): void {
        clearInterval(timer);
        alive.delete(holder);
        ended.abort();
      }

      const held = (): boolean => !ended.signal.aborted && (!shared || performance.now() - confirmed < lifetime * prudence);

      function beat(): void {
        if (!held()) return end();
        if (beating) return;
        beating = true;
        write((state) => state).catch(() => undefined).finally(() => { beating = false; });
      }

      /** One write after the other. */
      function write(change: (state: T) => T, next: string = holder): Promise<T> {
        const written = turn.then(() => attempt(change, next));
        turn = written.catch(() => undefined);
        return written;
      }

      async function attempt(change: (state: T) => T, next: string): Promise<T> {
        for (;;) {
          if (ended.signal.aborted) throw new LeaseLost(id);
          const begun = performance.now();
          const value: LeaseRecord<T> = { holder: next, beat: current.beat + 1, state: change(current.state) };
          if (await collection.update(tenant, id, value, version) === 'updated') {
            current = value;
            version++;
            confirmed = begun;
            return value.state;
          }
          // An operator changed the state, or this very write was done and its answer lost; or the lease is another's.
          const found = await collection.get(tenant, id);
          if (found?.value.holder !== holder) {
            end();
            throw new LeaseLost(id);
          }
          current = found.value;
          version = found.version;
        }
      }

      return {
        get state() { return current.state; },
        takenOver,
        signal: ended.signal,
        held,
        save: (change) => write(change),
        release: async (change = (state) => state) => {
          await write(change, '').catch(() => undefined);
          end();
        },
      };
    }

    return {
      read: async (tenant, id) => (await collection.get(tenant, id))?.value.state ?? initial,
      acquire,
      change: async (tenant, id, change) => {
        for (;;) {
          const known = await collection.get(tenant, id);
          const value: LeaseRecord<T> = known ? { ...known.value, state: change(known.value.state) } : { holder: '', beat: 0, state: change(initial) };
          const outcome = known ? await collection.update(tenant, id, value, known.version) : await collection.insert(tenant, id, value);
          if (outcome === 'updated' || outcome === 'inserted') return value.state;
        }
      },
    };
  }

  return { kind };
}

/**
 * Does something while holding a lease, and waits for the lease before that.
 * @returns undefined when the signal ended the wait
 */
export async function withLease<S, T>(leases: Leases<S>, tenant: string, id: string, signal: AbortSignal, work: (lease: Lease<S>) => Promise<T>): Promise<T | undefined> {
  for (;;) {
    if (signal.aborted) return undefined;
    const lease = await leases.acquire(tenant, id);
    if (lease) {
      try {
        return await work(lease);
      } finally {
        await lease.release();
      }
    }
    await new Promise<void>((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, 100);
      signal.addEventListener('abort', over);
    });
  }
}
