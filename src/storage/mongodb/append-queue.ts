import type { AppendResult, NewStatement } from '../../statements/store.js';
import { isAbsence, unavailable } from './store-failure.js';

/** A batch that waits for its append. */
export interface Waiting {
  batch: NewStatement[];
  /** When it came, by `performance.now()`. */
  since: number;
  resolve(result: AppendResult): void;
  reject(error: unknown): void;
}

/** One append of this process at a time in each tenant: all batches that wait go together. */
export interface AppendQueue {
  /** @throws what the append of its group throws */
  append(tenant: string, batch: NewStatement[]): Promise<AppendResult>;
  /** Runs while this process appends nothing in the tenant. */
  alone<T>(tenant: string, work: () => Promise<T>): Promise<T>;
  /** Waits for what is under way; takes nothing more. */
  close(): Promise<void>;
}

/** Most statements and bytes of text in one append. */
const GROUP_STATEMENTS = 2000;
const GROUP_BYTES = 8 << 20;
/** Milliseconds for which a batch waits for what is in its way. */
const PATIENCE = 20_000;
/** Milliseconds of waiting after which a batch shares the fate of one that found the store away: it would wait as long again. */
const SHARED_FATE = 1000;
/** Longest pause in milliseconds before a batch is tried again. */
const LONGEST_PAUSE = 60;

/** @param appendGroup appends some batches and answers them, but for those it gives back, which are to be tried again */
export function createAppendQueue(appendGroup: (tenant: string, group: Waiting[]) => Promise<Waiting[]>): AppendQueue {
  const tenants = new Map<string, { waiting: Waiting[]; alone: (() => Promise<void>)[]; resting: number; running: Promise<void> | undefined }>();
  let closing = false;

  function takeGroup(waiting: Waiting[]): Waiting[] {
    let statements = 0;
    let bytes = 0;
    let count = 0;
    for (const { batch } of waiting) {
      statements += batch.length;
      bytes += batch.reduce((sum, { text }) => sum + text.length, 0);
      if (count > 0 && (statements > GROUP_STATEMENTS || bytes > GROUP_BYTES)) break;
      count++;
    }
    return waiting.splice(0, count);
  }

  function takeThoseWhoWaited(waiting: Waiting[]): Waiting[] {
    const now = performance.now();
    const newcomers = waiting.filter(({ since }) => now - since < SHARED_FATE);
    const taken = waiting.filter(({ since }) => now - since >= SHARED_FATE);
    waiting.splice(0, Infinity, ...newcomers);
    return taken;
  }

  async function run(tenant: string): Promise<void> {
    const queue = tenants.get(tenant)!;
    while (queue.waiting.length > 0 || queue.alone.length > 0) {
      const group = takeGroup(queue.waiting);
      if (group.length > 0) {
        try {
          const again = await appendGroup(tenant, group);
          if (again.length > 0) rest(tenant, again);
        } catch (error) {
          for (const { reject } of [...group, ...(isAbsence(error) ? takeThoseWhoWaited(queue.waiting) : [])]) reject(error);
        }
      }
      await queue.alone.shift()?.();
    }
    queue.running = undefined;
    if (queue.resting === 0) tenants.delete(tenant);
  }

  /** Tries batches again after a while that differs from that of other processes. */
  function rest(tenant: string, batches: Waiting[]): void {
    const patient = batches.filter(({ since, reject }) => {
      const over = closing || performance.now() - since > PATIENCE;
      if (over) reject(unavailable());
      return !over;
    });
    if (patient.length === 0) return;
    const queue = tenants.get(tenant)!;
    queue.resting++;
    setTimeout(() => {
      queue.resting--;
      queue.waiting.unshift(...patient);
      start(tenant);
    }, 5 + Math.random() * LONGEST_PAUSE);
  }

  function queueOf(tenant: string) {
    let queue = tenants.get(tenant);
    if (!queue) tenants.set(tenant, queue = { waiting: [], alone: [], resting: 0, running: undefined });
    return queue;
  }

  function start(tenant: string): void {
    const queue = queueOf(tenant);
    queue.running ??= new Promise<void>((resolve) => { setImmediate(resolve); }).then(() => run(tenant));
  }

  return {
    append: (tenant, batch) => new Promise((resolve, reject) => {
      if (closing) return reject(unavailable());
      queueOf(tenant).waiting.push({ batch, since: performance.now(), resolve, reject });
      start(tenant);
    }),
    alone: <T>(tenant: string, work: () => Promise<T>) => new Promise<T>((resolve, reject) => {
      if (closing) return reject(unavailable());
      queueOf(tenant).alone.push(() => work().then(resolve, reject));
      start(tenant);
    }),
    close: async () => {
      closing = true;
      while (tenants.size > 0) {
        await Promise.all([...tenants.values()].map(({ running }) => running));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}
