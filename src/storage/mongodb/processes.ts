import { randomUUID } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import { FORMAT } from './database.js';

/** What others see of a process: a number that rises while it lives. */
interface ProcessRow {
  _id: string;
  beat: number;
  /** The data format that it writes: whoever is to bring the data to a newer one has to find none left that writes an older one. */
  format: number;
}

/** How a process looks from here: `silent` is one that may be dead or merely slow. */
export type ProcessState = 'alive' | 'silent' | 'dead';

/**
 * The processes that work on one database, each known by a sign of life. No clock is read and none is compared: a process counts
 * as dead after a number of looks in a row that all succeeded and saw no new sign.
 */
export interface Processes {
  /** Id of this process. It is another one after others have taken it for dead, whose claims are then void. */
  readonly id: string;
  /**
   * Asks the database how a process looks. Work that others undo once its process is dead asks this of its own process between
   * registering itself and the write that makes it count.
   */
  stateOf(id: string): Promise<ProcessState>;
  /** Adds a duty: clears up what a dead process has left. Is repeated, also elsewhere, until it succeeds, so it must be repeatable. */
  onDeath(clear: (id: string) => Promise<void>): void;
  /** Ends the signs of life and clears up after itself. */
  close(): Promise<void>;
}

export interface ProcessesOptions {
  db: Db;
  /** Milliseconds between two signs of life, and between two looks. */
  interval?: number;
  /** Looks without a new sign after which a process is dead. */
  patience?: number;
  /** Called when a sign of life, or clearing up after a dead process, has failed; it is tried again. */
  onFault?: (error: unknown) => void;
}

/** Registers this process and begins to watch the others. @throws driver's errors when the database can't be reached */
export async function openProcesses({ db, interval = 2000, patience = 8, onFault = () => undefined }: ProcessesOptions): Promise<Processes> {
  const rows: Collection<ProcessRow> = db.collection<ProcessRow>('processes');
  const duties: ((id: string) => Promise<void>)[] = [];
  let seen = new Map<string, { beat: number; looks: number }>();
  let id = randomUUID();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  const register = (as: string): Promise<unknown> => rows.insertOne({ _id: as, beat: 0, format: FORMAT });

  async function clear(dead: string): Promise<void> {
    for (const duty of duties) await duty(dead);
    await rows.deleteOne({ _id: dead });
    seen.delete(dead);
  }

  async function beat(): Promise<void> {
    if ((await rows.updateOne({ _id: id }, { $inc: { beat: 1 } })).matchedCount === 1) return;
    const former = id;
    const fresh = randomUUID();
    await register(fresh);
    id = fresh;
    await clear(former);
  }

  async function look(): Promise<void> {
    const next: typeof seen = new Map();
    for (const { _id, beat } of await rows.find({}).toArray()) {
      const before = seen.get(_id);
      next.set(_id, before?.beat === beat ? { beat, looks: before.looks + 1 } : { beat, looks: 0 });
    }
    seen = next;
    for (const [other, { looks }] of next) if (other !== id && looks >= patience) await clear(other);
  }

  async function work(): Promise<void> {
    try {
      await beat();
      await look();
    } catch (error) {
      // Nobody could give a sign of life while the database was away.
      for (const one of seen.values()) one.looks = 0;
      onFault(error);
    }
    if (!closed) timer = setTimeout(() => { round = work(); }, interval).unref();
  }

  await register(id);
  await look();
  timer = setTimeout(() => { round = work(); }, interval).unref();
  return {
    get id() { return id; },
    stateOf: async (asked) => {
      if (!(await rows.findOne({ _id: asked }))) return 'dead';
      return (seen.get(asked)?.looks ?? 0) > 1 ? 'silent' : 'alive';
    },
    onDeath: (clear) => { duties.push(clear); },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await round;
      await clear(id).catch(onFault);
    },
  };
}
