import type { Iterator } from 'classic-level';
import type { Commit } from './commit-queue.js';
import type { Level } from './level.js';
import { NUMBER_BYTES, tenantPrefix } from './keys.js';
import { KEY_BYTES, type KeyRun } from '../../xapi/key-run.js';

/**
 * Posting lists: for each key (kind and hash of a filter value) the positions of the statements it finds. One commit adds
 * one entry a key, `key | first position -> further positions`, so that a list is read with few reads and written with
 * few writes. Entries of commits never overlap, and their order is the order of positions.
 *
 * A statement that inherits a key later (its StatementRef's target arrived after it) would break that order, so such
 * postings stand in a list of their own beside it, of entries with one position each: the kind in lower case.
 */
export interface PostingGroup {
  /** Adds a statement to the list of each of its keys; within a group positions must rise. */
  add(tenant: string, keys: KeyRun, position: number): void;
  /** Writes what was added. */
  flush(commit: Commit): void;
}

/** `tenant \0 p key`: the start of every entry of a list. */
export function postingPrefix(tenant: string, key: Buffer, late = false): Buffer {
  const start = tenantPrefix(tenant);
  const prefix = Buffer.allocUnsafe(start.length + 1 + KEY_BYTES);
  start.copy(prefix, 0);
  prefix[start.length] = 0x70;
  key.copy(prefix, start.length + 1);
  if (late) prefix[start.length + 1] = key[0]! | 0x20;
  return prefix;
}

/** Key of the entry of a list that begins at a position. */
export function postingKey(prefix: Buffer, position: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + NUMBER_BYTES);
  prefix.copy(key, 0);
  key.writeUIntBE(position, prefix.length, NUMBER_BYTES);
  return key;
}

/** What a group adds to one list. */
interface Added {
  tenant: string;
  /** The run that has the key, and where. */
  run: KeyRun;
  at: number;
  positions: number[];
  /** Another list whose key has the same number. */
  next: Added | undefined;
}

export function createPostingGroup(): PostingGroup {
  const tenants = new Map<string, Map<number, Added>>();

  function listsOf(tenant: string): Map<number, Added> {
    let lists = tenants.get(tenant);
    if (!lists) tenants.set(tenant, lists = new Map());
    return lists;
  }

  return {
    add: (tenant, run, position) => {
      const lists = listsOf(tenant);
      for (let at = 0; at < run.length; at += KEY_BYTES) {
        const number = numberOf(run, at);
        const first = lists.get(number);
        let list = first;
        while (list !== undefined && !sameEnd(list, run, at)) list = list.next;
        if (list) list.positions.push(position);
        else lists.set(number, { tenant, run, at, positions: [position], next: first });
      }
    },
    flush: (commit) => {
      for (const lists of tenants.values()) {
        for (const first of lists.values()) {
          for (let list: Added | undefined = first; list; list = list.next) {
            const { tenant, run, at, positions } = list;
            commit.append(entryKey(tenant, run, at, positions[0]!), encodeFurther(positions));
          }
        }
      }
    },
  };
}

/** `postingKey` of the key at a place of a run, in one piece. */
function entryKey(tenant: string, run: KeyRun, at: number, position: number): Buffer {
  const start = tenantPrefix(tenant);
  const key = Buffer.allocUnsafe(start.length + 1 + KEY_BYTES + NUMBER_BYTES);
  start.copy(key, 0);
  key[start.length] = 0x70;
  run.copy(key, start.length + 1, at, at + KEY_BYTES);
  key.writeUIntBE(position, start.length + 1 + KEY_BYTES, NUMBER_BYTES);
  return key;
}

/** Kind and most of the hash of a key as one number, which tells almost all keys apart. */
function numberOf(run: KeyRun, at: number): number {
  return (run[at]! & 0x1f) * 2 ** 48 + run.readUIntBE(at + 1, 6);
}

/** Whether keys of the same number are the same: the two bytes that it leaves out. */
function sameEnd(list: Added, run: KeyRun, at: number): boolean {
  return list.run[list.at + 7] === run[at + 7] && list.run[list.at + 8] === run[at + 8];
}

const NOTHING = Buffer.alloc(0);

/** Positions after the first as differences, seven bits a byte, the lowest first. */
export function encodeFurther(positions: number[]): Buffer {
  if (positions.length === 1) return NOTHING;
  const bytes: number[] = [];
  for (let i = 1; i < positions.length; i++) {
    let difference = positions[i]! - positions[i - 1]!;
    while (difference >= 0x80) {
      bytes.push((difference % 0x80) | 0x80);
      difference = Math.floor(difference / 0x80);
    }
    bytes.push(difference);
  }
  return Buffer.from(bytes);
}

/** All positions of an entry, rising. */
export function decodeEntry(key: Buffer, value: Buffer): number[] {
  let position = key.readUIntBE(key.length - NUMBER_BYTES, NUMBER_BYTES);
  const positions = [position];
  let difference = 0;
  let scale = 1;
  for (const byte of value) {
    difference += (byte & 0x7f) * scale;
    if (byte & 0x80) {
      scale *= 0x80;
    } else {
      position += difference;
      positions.push(position);
      difference = 0;
      scale = 1;
    }
  }
  return positions;
}

/** The part of the log a query is about: positions from `from` to `to`, both included. */
export interface PositionRange {
  from: number;
  to: number;
}

/** Reads the positions of one list or of several as one, in order, each once. */
export interface PostingReader {
  /** Up to about `count` positions that come next; empty at the end. */
  read(count: number): Promise<number[]>;
  close(): Promise<void>;
}

/** Counts what a query read, for the proof that it reads no more than it must. */
export interface ReadCount {
  entries: number;
  records: number;
}

/** Reads one list within a range. */
export function createListReader(level: Level, prefix: Buffer, range: PositionRange, ascending: boolean, reads: ReadCount): PostingReader {
  const first = postingKey(prefix, 0);
  const last = postingKey(prefix, range.to);
  let iterator: Iterator<Level, Buffer, Buffer> | undefined;
  let done = range.from > range.to;

  async function begin(): Promise<Iterator<Level, Buffer, Buffer>> {
    if (!ascending) return level.iterator({ gte: first, lte: last, reverse: true });
    const start = await entryReaching(level, prefix, range.from, reads);
    return level.iterator({ gte: start, lte: last });
  }

  return {
    read: async (count) => {
      const found: number[] = [];
      while (!done && found.length < count) {
        iterator ??= await begin();
        const entries = await iterator.nextv(Math.min(count - found.length, 1000));
        if (entries.length === 0) done = true;
        reads.entries += entries.length;
        for (const [key, value] of entries) {
          const positions = decodeEntry(key, value);
          if (!ascending) positions.reverse();
          for (const position of positions) if (position >= range.from && position <= range.to) found.push(position);
          if (!ascending && positions[positions.length - 1]! < range.from) done = true;
        }
      }
      return found;
    },
    close: async () => iterator?.close(),
  };
}

/**
 * The positions that some lists hold between two, both included: what of a run of candidates is in them.
 * @param budget most entries to read
 * @returns undefined when there are more entries than that
 */
export async function positionsWithin(level: Level, prefixes: Buffer[], range: PositionRange, budget: number, reads: ReadCount): Promise<Set<number> | undefined> {
  const found = new Set<number>();
  let left = budget;
  for (const prefix of prefixes) {
    const iterator = level.iterator({ gte: await entryReaching(level, prefix, range.from, reads), lte: postingKey(prefix, range.to), limit: left + 1 });
    try {
      for (let entries = await iterator.nextv(1000); entries.length > 0; entries = await iterator.nextv(1000)) {
        reads.entries += entries.length;
        left -= entries.length;
        if (left < 0) return undefined;
        for (const [key, value] of entries) for (const position of decodeEntry(key, value)) found.add(position);
      }
    } finally {
      await iterator.close();
    }
  }
  return found;
}

/** Key of the entry that a list has to be read from: the one that begins before a position may reach beyond it. */
async function entryReaching(level: Level, prefix: Buffer, position: number, reads: ReadCount): Promise<Buffer> {
  const start = postingKey(prefix, position);
  for await (const key of level.keys({ gte: postingKey(prefix, 0), lt: start, reverse: true, limit: 1 })) {
    reads.entries++;
    return key;
  }
  return start;
}

/** Reads several lists as one. */
export function createUnionReader(readers: PostingReader[], ascending: boolean): PostingReader {
  if (readers.length === 1) return readers[0]!;
  const heads = readers.map((reader) => ({ reader, buffer: [] as number[], at: 0, done: false }));
  let lastGiven: number | undefined;
  return {
    read: async (count) => {
      const found: number[] = [];
      while (found.length < count) {
        const empty = heads.filter((head) => !head.done && head.at >= head.buffer.length);
        await Promise.all(empty.map(async (head) => {
          head.buffer = await head.reader.read(Math.max(8, Math.ceil(count / 2)));
          head.at = 0;
          head.done = head.buffer.length === 0;
        }));
        let best: (typeof heads)[number] | undefined;
        for (const head of heads) {
          if (head.done) continue;
          const position = head.buffer[head.at]!;
          if (!best || (ascending ? position < best.buffer[best.at]! : position > best.buffer[best.at]!)) best = head;
        }
        if (!best) break;
        const position = best.buffer[best.at++]!;
        if (position !== lastGiven) found.push(position);
        lastGiven = position;
      }
      return found;
    },
    close: async () => {
      await Promise.all(readers.map((reader) => reader.close()));
    },
  };
}
