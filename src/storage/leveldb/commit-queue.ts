import { headWrite, type Level } from './level.js';
import { storageFull, unavailable } from './store-failure.js';
import { isIdKey, numberedKey, positionBytes } from './keys.js';
import type { IdFilter } from './id-filter.js';
import { KEY_BYTES, type KeyRun } from '../../xapi/key-run.js';
import { entriesOf, MOST_POSTINGS, writtenThrough, type RecentPostings } from './recent-postings.js';

/** One commit in the making: what the tasks of a group have read and written so far. */
export interface Commit {
  /** Reads through the writes of this commit. */
  get(key: Buffer): Buffer | undefined;
  put(key: Buffer, value: Buffer): void;
  delete(key: Buffer): void;
  /** Adds a statement to the posting list of each of its keys. */
  post(tenant: string, keys: KeyRun, position: number): void;
  /** Has the lists written out with this commit, as they were before it. */
  writePostings(): void;
  /** Takes the next position of the log. */
  takePosition(): number;
  /** Time of this commit in milliseconds since the epoch: what `stored` becomes. Never earlier than in a commit before. */
  readonly stored: number;
}

/**
 * Work on the store. It must judge before it writes: once it has written to the commit it must not throw.
 */
export type Task<T> = (commit: Commit) => T;

/**
 * The one writer. All tasks that wait are put in one batch, written with fsync, and answered when it is on disk.
 */
export interface CommitQueue {
  /**
   * @throws what the task throws; QuipuError `storage-full` or `store-unavailable` when the batch could not be written
   */
  commit<T>(task: Task<T>): Promise<T>;
  /**
   * Runs alone, with no commit before it is done; for work that has to read ranges before it writes.
   * @throws what the work throws; QuipuError as `commit` does while the store takes no writes
   */
  exclusive<T>(work: (commitNow: <R>(task: Task<R>) => Promise<R>) => Promise<T>): Promise<T>;
  /** How often exclusive work has come to its end: whoever read before and writes after can tell that nothing else changed what was there. */
  exclusiveRuns(): number;
  /** Newest position that can be read. */
  head(): number;
  /** Every time up to this one (milliseconds) belongs to commits that can be read or to none. */
  settledThrough(): number;
  /** Calls back when the store was reopened after a failure: what is remembered of uncommitted writes is void. */
  onReset(listener: () => void): void;
  available(): boolean;
  close(): Promise<void>;
}

interface Waiting {
  run: Task<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

export interface CommitQueueDeps {
  level: Level;
  /** Gets what commits post, and is written by them when it is due. */
  postings: Pick<RecentPostings, 'add' | 'due' | 'entries' | 'written'>;
  /** Gets the keys that are written under which the index has ids. */
  ids: Pick<IdFilter, 'add'>;
  get(key: Buffer): Buffer | undefined;
  head(): { position: number; stored: number };
  /** Whether the disk has room for another write. */
  hasRoom(): boolean;
  /** Whether the disk has the room that opening the database takes. */
  canReopen(): Promise<boolean>;
  /** Opens the database again, and loads `postings` from it. */
  reopen(): Promise<void>;
  onState(state: 'available' | 'unavailable', reason?: Error): void;
}

/** Bytes of records after which no more tasks go into a batch: a longer queue is written in several. */
const GROUP_BYTES = 8 << 20;

export function createCommitQueue(deps: CommitQueueDeps): CommitQueue {
  const { level, postings: recent, ids } = deps;
  let { position: head, stored: lastStored } = deps.head();
  let waiting: Waiting[] = [];
  const alone: { run: () => Promise<void>; reject: (error: unknown) => void }[] = [];
  let writing: number | undefined;
  let clock = lastStored;
  let running = false;
  let runsAlone = 0;
  let closing = false;
  let broken: { reason: Error; mended: Promise<void> } | undefined;
  let idle: (() => void)[] = [];
  const resets: (() => void)[] = [];

  /** Time that never goes backwards while this process runs, nor behind what is stored. */
  function now(): number {
    clock = Math.max(clock, Date.now());
    return clock;
  }

  async function write(group: Waiting[]): Promise<Waiting[]> {
    // The batch gets the last value of each key alone: a key that each of thousands of statements changes would fill the memory.
    const overlay = new Map<string, { key: Buffer; value: Buffer | undefined }>();
    // What was looked for in vain, which is what becomes of most new ids: to judge a statement and to write it asks for the same.
    const missing = new Set<string>();
    const batch = level.batch();
    const posted: [tenant: string, keys: KeyRun, position: number][] = [];
    let postings = 0;
    let writesPostings = false;
    const stored = now();
    const before = head;
    let position = head;
    let bytes = 0;
    let writes = 0;
    const commit: Commit = {
      get: (key) => {
        const name = key.toString('latin1');
        const written = overlay.get(name);
        if (written) return written.value;
        if (missing.has(name)) return undefined;
        const value = deps.get(key);
        if (value === undefined) missing.add(name);
        return value;
      },
      put: (key, value) => {
        overlay.set(key.toString('latin1'), { key, value });
        bytes += value.length;
        writes++;
      },
      delete: (key) => {
        overlay.set(key.toString('latin1'), { key, value: undefined });
        writes++;
      },
      post: (tenant, keys, at) => {
        posted.push([tenant, keys, at]);
        postings += keys.length / KEY_BYTES;
      },
      writePostings: () => {
        writesPostings = true;
      },
      takePosition: () => ++position,
      stored,
    };
    const answers: (() => void)[] = [];
    const written: Waiting[] = [];
    let taken = 0;
    for (const task of group) {
      if (bytes > GROUP_BYTES) break;
      taken++;
      const mark = writes;
      try {
        const value = task.run(commit);
        answers.push(() => task.resolve(value));
        written.push(task);
      } catch (error) {
        if (writes > mark) {
          await batch.close();
          throw new Error('A task threw after it had written', { cause: error });
        }
        task.reject(error);
      }
    }
    const rest = group.slice(taken);
    if (position > before) {
      const time = numberedKey('', 't', stored);
      if (stored > lastStored || !deps.get(time)) commit.put(time, positionBytes(before + 1));
      const moved = headWrite(position, stored);
      commit.put(moved.key, moved.value);
    }
    // Those of this commit are in memory afterwards, unless they are too many.
    const writesOwn = postings > MOST_POSTINGS;
    const through = writesOwn ? position : before;
    if (writesPostings || recent.due(postings)) {
      writesPostings = true;
      const moved = writtenThrough(through);
      commit.put(moved.key, moved.value);
    }
    if (writes === 0) {
      await batch.close();
    } else {
      writing = stored;
      try {
        for (const { key, value } of overlay.values()) {
          if (value) batch.put(key, value);
          else batch.del(key);
          if (value && isIdKey(key)) ids.add(key);
        }
        const put = (key: Buffer, value: Buffer): void => void batch.put(key, value);
        if (writesPostings) recent.entries(put);
        if (writesOwn) for (const [tenant, keys, at] of posted) entriesOf(tenant, keys, at, put);
        await batch.write({ sync: true });
        if (writesPostings) recent.written(through);
        if (!writesOwn) for (const [tenant, keys, at] of posted) recent.add(tenant, keys, at);
      } catch (error) {
        // `writing` stays: the batch may be whole in the log, and then be there when the database was opened again.
        const failure = unavailable(error);
        for (const task of written) task.reject(failure);
        fail(error as Error);
        return rest;
      }
      writing = undefined;
      head = position;
      if (position > before) lastStored = stored;
    }
    for (const answer of answers) answer();
    return rest;
  }

  /**
   * After a failed write nothing more may be written until the database was opened again: what follows half a record in its log
   * would be lost with it. Until there is room to open it, reads go on.
   */
  function fail(reason: Error): void {
    deps.onState('unavailable', reason);
    broken = { reason, mended: mend() };
  }

  async function mend(): Promise<void> {
    for (let delay = 100; !closing; delay = Math.min(delay * 2, 2000)) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      try {
        if (!await deps.canReopen()) continue;
        await deps.reopen();
        ({ position: head, stored: lastStored } = deps.head());
        writing = undefined;
      } catch {
        continue;
      }
      broken = undefined;
      for (const reset of resets) reset();
      deps.onState('available');
      return;
    }
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0 || alone.length > 0) {
      if (broken) {
        const failed = [...waiting, ...alone.splice(0)];
        waiting = [];
        for (const task of failed) task.reject(unavailable(broken.reason));
        await broken.mended;
        continue;
      }
      if (waiting.length > 0) {
        const group = waiting;
        waiting = [];
        try {
          const rest = await write(group);
          waiting = rest.concat(waiting);
        } catch (error) {
          for (const task of group) task.reject(error);
        }
      }
      if (!broken) await alone.shift()?.run();
    }
    running = false;
    for (const done of idle) done();
    idle = [];
  }

  function start(): void {
    if (!running) {
      running = true;
      setImmediate(() => void run());
    }
  }

  const commitNow = <T>(task: Task<T>): Promise<T> => new Promise<T>((resolve, reject) => {
    void write([{ run: task, resolve: resolve as (value: unknown) => void, reject }]).catch(reject);
  });

  return {
    commit: <T>(task: Task<T>) => new Promise<T>((resolve, reject) => {
      if (closing || broken) {
        reject(unavailable(broken?.reason));
        return;
      }
      if (!deps.hasRoom()) {
        reject(storageFull());
        return;
      }
      waiting.push({ run: task, resolve: resolve as (value: unknown) => void, reject });
      start();
    }),
    exclusive: <T>(work: (now: typeof commitNow) => Promise<T>) => new Promise<T>((resolve, reject) => {
      if (closing || broken) {
        reject(unavailable(broken?.reason));
        return;
      }
      alone.push({ run: () => work(commitNow).then(resolve, reject).finally(() => runsAlone++), reject });
      start();
    }),
    exclusiveRuns: () => runsAlone,
    head: () => head,
    settledThrough: () => {
      // Moves the clock on, so that commits from now on are later.
      now();
      return Math.min(Date.now(), writing ?? Infinity) - 1;
    },
    onReset: (listener) => resets.push(listener),
    available: () => broken === undefined && !closing,
    close: async () => {
      closing = true;
      if (running) await new Promise<void>((resolve) => idle.push(resolve));
      // Or the database would be opened again behind whoever closes it.
      await broken?.mended;
    },
  };
}

