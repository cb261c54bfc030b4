import type { Job, Jobs } from '../jobs/jobs.js';
import { LeaseLost, type Lease } from '../jobs/leases.js';
import type { FeedEntry, Position, StatementStore } from '../statements/store.js';
import { QuipuError } from '../xapi/errors.js';
import type { Aside, Checkpoint, Checkpoints } from './checkpoints.js';
import type { Consumer, ConsumerTenantState } from './consumers.js';
import type { DeadLetters } from './dead-letters.js';
import { lagOf } from './lag.js';
import type { Feed } from './service.js';

/**
 * Thrown by `handle` for an entry that can't be dealt with for a reason of its own, such as a receiver that refuses this one and
 * takes others. It says that the entries before it in the batch were dealt with, and those after it were not.
 */
export class EntryFault extends Error {
  /** @param reason for operators; it must hold nothing of the statement */
  constructor(readonly position: Position, reason: string) {
    super(reason);
  }
}

/** What a consumer of the feed is. */
export interface ConsumerSpec {
  /** kebab-case, unique in the program; its checkpoints are kept under it. */
  name: string;
  /**
   * Deals with entries of a tenant, in order of position, erasures among them. At least once: after a crash, or when another
   * process took over, the same entries come again, so it has to know them by statement id.
   * @param signal ended when another may have taken over: what is not done by then should stay undone
   * @throws EntryFault; anything else means that what it feeds does not work, and it is tried again for as long as it takes
   */
  handle(tenant: string, entries: FeedEntry[], signal: AbortSignal): Promise<void>;
  /** Most entries of one batch; 100 when left out. */
  batch?: number;
  /** Attempts at an entry with a fault of its own before it is put aside; 5 when left out. */
  attempts?: number;
  /** Milliseconds that one call of `handle` may take; it has failed then. Five minutes when left out. */
  patience?: number;
  /** Milliseconds before the second attempt, doubled with each further one up to a minute; 500 when left out. */
  backOff?: number;
}

export interface ConsumerDeps {
  feed: Feed;
  statements: Pick<StatementStore, 'count'>;
  checkpoints: Checkpoints;
  letters: DeadLetters;
  jobs: Jobs;
  /** Ids of all tenants. */
  listTenants(): Promise<string[]>;
  log: { warn(details: object, message: string): void };
}

/** Milliseconds after which a run makes room for others. */
const turn = 10_000;
/** Milliseconds that `handle` has to come to an end when its signal has. */
const grace = 5000;
const longestBackOff = 60_000;
const longestMessage = 500;

/** What a run came to. */
type Outcome = 'done' | 'more';

/**
 * A consumer and the job that drains it, one tenant at a time: in each tenant by one worker at a time, in order, at least once,
 * with a checkpoint that never goes back but by `replay`. Entries that fail for a reason of their own are put aside after some
 * attempts and hold up nothing else.
 */
export function createConsumer({ name, handle, batch = 100, attempts = 5, patience = 300_000, backOff = 500 }: ConsumerSpec, { feed, statements, checkpoints, letters, jobs, listTenants, log }: ConsumerDeps): Consumer {
  /** By tenant: when the next attempt is due, by the monotonic clock, and after which failure. */
  const pauses = new Map<string, { after: string; until: number }>();
  const job: Job = { name, subjects: listTenants, run };
  jobs.define(job);

  async function run(tenant: string, signal: AbortSignal): Promise<Outcome> {
    if (await checkpoints.paused(name) || !(await isDue(tenant))) return 'done';
    const lease = await checkpoints.acquire(tenant, name);
    // Whoever has it looks once more when it has given it back.
    if (!lease) return 'done';
    let outcome: Outcome = 'done';
    try {
      outcome = await drain(tenant, lease, AbortSignal.any([signal, lease.signal]));
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
    } finally {
      await lease.release();
    }
    return outcome === 'more' || (!signal.aborted && await isDue(tenant)) ? 'more' : 'done';
  }

  /** Whether there is something to do, and now. */
  async function isDue(tenant: string): Promise<boolean> {
    const checkpoint = await checkpoints.read(tenant, name);
    if (isPausing(tenant, checkpoint)) return false;
    return checkpoint.aside.length > 0 || checkpoint.retriesAsked > 0 || (await feed.read(tenant, checkpoint.position, 1)).length > 0;
  }

  /** A pause begins when this process first sees a failure, whichever process had it. */
  function isPausing(tenant: string, { position, failures }: Checkpoint): boolean {
    if (failures === 0) {
      pauses.delete(tenant);
      return false;
    }
    const after = `${position} ${failures}`;
    const known = pauses.get(tenant);
    if (known?.after === after) return performance.now() < known.until;
    const length = Math.min(longestBackOff, backOff * 2 ** Math.min(failures - 1, 20)) * (0.5 + Math.random() / 2);
    pauses.set(tenant, { after, until: performance.now() + length });
    setTimeout(() => jobs.wake(name, tenant), length + 1).unref();
    return true;
  }

  async function drain(tenant: string, lease: Lease<Checkpoint>, signal: AbortSignal): Promise<Outcome> {
    for (const begun = performance.now(); !signal.aborted && lease.held();) {
      if (await checkpoints.paused(name)) return 'done';
      await putAside(tenant, lease);
      if (lease.state.retriesAsked > 0 && !(await retryLetters(tenant, lease, signal))) return 'done';
      const { position, replays } = lease.state;
      const entries = await feed.read(tenant, position, batch);
      if (entries.length === 0 || !lease.held()) return 'done';
      if (!(await attempt(tenant, lease, entries, replays, signal))) return 'done';
      if (performance.now() - begun > turn) return 'more';
    }
    return 'done';
  }

  /** @returns whether to go on; not when a pause is due */
  async function attempt(tenant: string, lease: Lease<Checkpoint>, entries: FeedEntry[], replays: number, signal: AbortSignal): Promise<boolean> {
    /** Books what was done, unless a replay has made it void. */
    const book = (change: (checkpoint: Checkpoint) => Checkpoint): Promise<Checkpoint> => lease.save((now) => (now.replays === replays ? change(now) : now));
    try {
      await call(tenant, entries, signal);
    } catch (error) {
      if (signal.aborted) return false;
      const before = lease.state;
      const after = await book((now) => afterFailure(now, entries, error, attempts));
      if (after.lastError?.message !== before.lastError?.message) log.warn({ consumer: name, tenant, reason: after.lastError?.message }, 'A consumer of the feed does not get on');
      return after.failures === 0;
    }
    await book(({ fault: _fault, ...now }) => ({ ...now, position: entries.at(-1)!.position, failures: 0 }));
    return true;
  }

  /** Calls `handle` and waits for it, but not for ever. */
  async function call(tenant: string, entries: FeedEntry[], signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    let timer = setTimeout(() => over.abort(new Error(`It did not come to an end within ${patience / 1000} s`)), patience);
    const end = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => over.abort(new Error('It did not end when it was told to')), grace);
    };
    signal.addEventListener('abort', end);
    try {
      await Promise.race([
        handle(tenant, entries, AbortSignal.any([signal, over.signal])),
        new Promise<never>((_resolve, reject) => over.signal.addEventListener('abort', () => reject(over.signal.reason as Error))),
      ]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  /** Makes dead letters of what was written down for it. */
  async function putAside(tenant: string, lease: Lease<Checkpoint>): Promise<void> {
    const { aside } = lease.state;
    if (aside.length === 0) return;
    await letters.add(tenant, name, aside);
    for (const { position, reason } of aside) log.warn({ consumer: name, tenant, position, reason }, 'A consumer of the feed has put an entry aside');
    const done = new Set(aside.map(({ position }) => position));
    await lease.save((now) => ({ ...now, aside: now.aside.filter(({ position }) => !done.has(position)) }));
  }

  /** Tries the dead letters again that an operator asked for. @returns false when what the consumer feeds does not work */
  async function retryLetters(tenant: string, lease: Lease<Checkpoint>, signal: AbortSignal): Promise<boolean> {
    const { retriesAsked } = lease.state;
    for (let [letter] = await letters.retrying(tenant, name, 1); letter; [letter] = await letters.retrying(tenant, name, 1)) {
      const [entry] = await feed.read(tenant, letter.position - 1, 1);
      if (signal.aborted || !lease.held()) return false;
      try {
        // An entry that was erased meanwhile is not there any more.
        if (entry?.position === letter.position) await call(tenant, [entry], signal);
      } catch (error) {
        if (signal.aborted) return false;
        if (!(error instanceof EntryFault)) {
          await lease.save((now) => ({ ...now, failures: now.failures + 1, lastError: told(error) }));
          return false;
        }
        await letters.mark(tenant, name, letter.id, { status: 'dead', reason: told(error).message, attempts: letter.attempts + 1 });
        continue;
      }
      await letters.drop(tenant, name, letter.id);
    }
    await lease.save((now) => ({ ...now, failures: 0, retriesAsked: now.retriesAsked === retriesAsked ? 0 : now.retriesAsked }));
    return true;
  }

  async function tenantState(tenant: string): Promise<ConsumerTenantState & { failures: number }> {
    const { position, failures, lastError } = await checkpoints.read(tenant, name);
    const [lag, deadLetters] = await Promise.all([lagOf(feed, statements, tenant, position), letters.count(tenant, name)]);
    return { tenant, position, ...lag, deadLetters, failures, ...(lastError === undefined ? {} : { lastError }) };
  }

  return {
    name,
    wake: (tenant) => jobs.wake(name, tenant),
    state: async () => {
      const states: (ConsumerTenantState & { failures: number })[] = [];
      for (const tenant of await listTenants()) states.push(await tenantState(tenant));
      const [lastError] = states.flatMap((state) => state.lastError ?? []).sort((one, other) => other.at.localeCompare(one.at));
      return {
        name, status: states.some(({ failures }) => failures > 0) ? 'waiting' : 'running',
        tenants: states.map(({ failures: _failures, ...state }) => state),
        ...(lastError === undefined ? {} : { lastError }),
        deadLetters: states.reduce((sum, { deadLetters }) => sum + deadLetters, 0), refusedCount: 0, refused: [],
      };
    },
    replay: async (position, tenant) => {
      for (const one of tenant === undefined ? await listTenants() : [tenant]) {
        await checkpoints.change(one, name, (now) => {
          if (tenant !== undefined && position > now.position) throw new QuipuError('invalid-request', `The consumer ${name} is at position ${now.position}: it can't be replayed from ${position}.`, { pointer: '/position', expected: `0 to ${now.position}` });
          const { fault: _fault, ...rest } = now;
          return { ...rest, position: Math.min(position, now.position), replays: now.replays + 1, failures: 0 };
        });
        jobs.wake(name, one);
      }
    },
  };
}

/** What a failure makes of a checkpoint: the place goes on to the entry at fault, and beyond it after its last attempt. */
function afterFailure({ fault: before, ...now }: Checkpoint, entries: FeedEntry[], error: unknown, attempts: number): Checkpoint {
  const lastError = told(error);
  const failures = now.failures + 1;
  const entry = error instanceof EntryFault ? entries.find(({ position }) => position === error.position) : undefined;
  if (!entry) return { ...now, failures, lastError, ...(before === undefined ? {} : { fault: before }) };
  const fault: Aside = {
    position: entry.position, reason: lastError.message, attempts: before?.position === entry.position ? before.attempts + 1 : 1, ...(entry.kind === 'statement' ? { id: entry.id } : {}),
  };
  if (fault.attempts >= attempts) return { ...now, position: entry.position, failures: 0, aside: [...now.aside, fault], lastError };
  const position = entries.reduce((last, { position: each }) => (each < entry.position ? Math.max(last, each) : last), now.position);
  return { ...now, position, failures: fault.attempts, fault, lastError };
}

function told(error: unknown): { message: string; at: string } {
  return { message: (error instanceof Error ? error.message : String(error)).slice(0, longestMessage), at: new Date().toISOString() };
}
