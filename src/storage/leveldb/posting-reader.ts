import type { Level } from './level.js';
import { decodeEntry, isLate, keyOfList, postingKey } from './posting-entry.js';
import { watchList, type PostingMerger } from './posting-merger.js';
import { firstAtLeast, type RecentLists } from './recent-postings.js';

/** The part of the log a query is about: positions from `from` to `to`, both included. */
export interface PositionRange {
  from: number;
  to: number;
}

/** Reads the positions of one list or of several as one, in order, each once. */
export interface PostingReader {
  /** About `count` positions that come next, fewer at the end alone. */
  read(count: number): Promise<number[]>;
  /** Positions a byte on disk, roughly, by what was read. */
  density(): number;
  close(): Promise<void>;
}

/** Counts what a query read, for the proof that it reads no more than it must. */
export interface ReadCount {
  entries: number;
  records: number;
}

/** What reading lists takes. */
export interface ListDeps {
  level: Level;
  reads: ReadCount;
  /** Is told of lists that are read entry by entry. */
  merger: PostingMerger;
  /** The newest part of the tenant's lists. */
  recent: RecentLists;
}

/** Entries read at first, if they are short, as the newest of a list are; how many come then is known by how many positions these had. */
const FIRST_ENTRIES = 24;
/**
 * Bytes after which one reading of a list ends, however many entries are asked for: those that were merged are long, and one or two are
 * enough to begin with.
 */
const READING_BYTES = 4 << 10;
const MOST_ENTRIES = 1000;
/** What the key of an entry takes, of which most is that of the entry before. */
const KEY_BYTES_ON_DISK = 20;

/** Reads one list within a range, as it was when the reading began. */
export function createListReader(deps: ListDeps, prefix: Buffer, range: PositionRange, ascending: boolean): PostingReader {
  if (isLate(prefix)) return createEntryReader(deps, prefix, range, ascending);
  const { recent } = deps;
  const written = createEntryReader(deps, prefix, { from: range.from, to: Math.min(range.to, recent.written) }, ascending);
  const newest = createRecentReader(recent.positions(keyOfList(prefix)), range, ascending);
  const readers = ascending ? [written, newest] : [newest, written];
  return {
    read: async (count) => {
      let found: number[] = [];
      while (readers.length > 0 && found.length < count) {
        found = found.concat(await readers[0]!.read(count - found.length));
        // Each gives fewer than it was asked for at its end alone.
        if (found.length < count) readers.shift();
      }
      return found;
    },
    density: () => written.density() || newest.density(),
    close: () => written.close(),
  };
}

/** Reads positions that are in memory. @param positions rising */
function createRecentReader(positions: readonly number[], range: PositionRange, ascending: boolean): PostingReader {
  let from = firstAtLeast(positions, range.from);
  let to = firstAtLeast(positions, range.to + 1);
  const length = to - from;
  return {
    read: async (count) => {
      if (ascending) {
        const found = positions.slice(from, Math.min(from + count, to));
        from += found.length;
        return found;
      }
      const found = positions.slice(Math.max(from, to - count), to).reverse();
      to -= found.length;
      return found;
    },
    // As their entry will be: a list of which one in some hundred statements is part has differences of one byte.
    density: () => length / (KEY_BYTES_ON_DISK + length),
    close: async () => undefined,
  };
}

/** Reads what LevelDB has of a list. */
function createEntryReader(deps: ListDeps, prefix: Buffer, range: PositionRange, ascending: boolean): PostingReader {
  const { level, reads, merger } = deps;
  const last = postingKey(prefix, range.to);
  const watch = watchList(merger, prefix, ascending ? range.from : range.to);
  let iterator: EntryIterator | undefined;
  let done = range.from > range.to;
  let nothingUpTo: number | undefined;
  let seen = 0;
  let positionsSeen = 0;
  let bytesSeen = 0;

  async function begin(): Promise<EntryIterator> {
    if (!ascending) return level.iterator({ gte: postingKey(prefix, 0), lte: last, reverse: true, highWaterMarkBytes: READING_BYTES });
    return iterateFrom(deps, prefix, range.from, { lte: last });
  }

  /** Entries that hold about so many positions, by those read before. */
  function entriesFor(count: number): number {
    if (seen === 0) return Math.min(count, FIRST_ENTRIES);
    return Math.min(Math.max(1, Math.ceil((count * seen) / positionsSeen)), MOST_ENTRIES);
  }

  return {
    read: async (count) => {
      const found: number[] = [];
      while (!done && found.length < count) {
        iterator ??= await begin();
        const entries = await iterator.nextv(entriesFor(count - found.length));
        if (entries.length === 0) {
          done = true;
          nothingUpTo = ascending ? range.to : 0;
        }
        reads.entries += entries.length;
        seen += entries.length;
        for (const [key, value] of entries) {
          const positions = decodeEntry(key, value);
          positionsSeen += positions.length;
          bytesSeen += KEY_BYTES_ON_DISK + value.length;
          watch.see(key, positions.length);
          if (!ascending) positions.reverse();
          for (const position of positions) if (position >= range.from && position <= range.to) found.push(position);
          if (!ascending && positions[positions.length - 1]! < range.from) done = true;
        }
      }
      return found;
    },
    density: () => positionsSeen / Math.max(1, bytesSeen),
    close: async () => {
      watch.end(nothingUpTo);
      await iterator?.close();
    },
  };
}

/** Reads entries of a list one after the other. */
interface EntryIterator {
  nextv(count: number): Promise<[Buffer, Buffer][]>;
  close(): Promise<void>;
}

/** Iterates a list from the entry that reaches a position: the one that begins at it or last before it, which may hold it. */
async function iterateFrom({ level, reads }: ListDeps, prefix: Buffer, position: number, options: { lte: Buffer; limit?: number }): Promise<EntryIterator> {
  // Both look at the same moment: a merge in between would put what begins here into an entry before it.
  const snapshot = level.snapshot();
  const before = level.keys({ gte: postingKey(prefix, 0), lte: postingKey(prefix, position), reverse: true, limit: 1, snapshot });
  const [start] = await before.nextv(1);
  await before.close();
  if (start) reads.entries++;
  const iterator = level.iterator({ ...options, gte: start ?? postingKey(prefix, position), snapshot, highWaterMarkBytes: READING_BYTES });
  return {
    nextv: (count) => iterator.nextv(count),
    close: async () => {
      await iterator.close();
      await snapshot.close();
    },
  };
}

/** Reads several lists as one. */
export function createUnionReader(readers: PostingReader[], ascending: boolean): PostingReader {
  if (readers.length === 1) return readers[0]!;
  const heads = readers.map((reader) => ({ reader, buffer: [] as number[], at: 0, done: false }));
  type Head = (typeof heads)[number];
  const isEmpty = (head: Head): boolean => !head.done && head.at === head.buffer.length;
  let lastGiven: number | undefined;

  async function refill(head: Head, count: number): Promise<void> {
    head.buffer = await head.reader.read(Math.max(8, Math.ceil(count / 2)));
    head.at = 0;
    head.done = head.buffer.length === 0;
  }

  /** Merges what is there into `found` until that has `count` positions or a head is empty. */
  function merge(found: number[], count: number): void {
    const open = heads.filter((head) => !head.done);
    while (found.length < count) {
      let best = open[0]!;
      let position = best.buffer[best.at]!;
      for (let other = 1; other < open.length; other++) {
        const head = open[other]!;
        const next = head.buffer[head.at]!;
        if (ascending ? next < position : next > position) [best, position] = [head, next];
      }
      best.at++;
      if (position !== lastGiven) found.push(position);
      lastGiven = position;
      if (best.at === best.buffer.length) return;
    }
  }

  return {
    read: async (count) => {
      const found: number[] = [];
      while (found.length < count) {
        await Promise.all(heads.filter(isEmpty).map((head) => refill(head, count)));
        if (heads.every(({ done }) => done)) break;
        merge(found, count);
      }
      return found;
    },
    density: () => Math.max(...readers.map((reader) => reader.density())),
    close: async () => {
      await Promise.all(readers.map((reader) => reader.close()));
    },
  };
}
