import type { CommitQueue } from './commit-queue.js';
import { numberAtEnd } from './keys.js';
import type { Level } from './level.js';
import { createPacedWork } from './paced-work.js';
import { createPostingCompactor } from './posting-compactor.js';
import { decodeEntry, encodeFurther, isLate, LONGEST_ENTRY, postingKey } from './posting-entry.js';

/**
 * Merges small entries of posting lists that are read: a list to which each commit adds one position is read entry by entry, and a
 * query of several filters reads thousands. What nobody reads costs nothing. See ADR 0001.
 */
export interface PostingMerger {
  /** Tells that a list holds many small entries one after the other, the first and last of which begin at these positions. */
  offer(prefix: Buffer, from: number, to: number): void;
  /** Tells that a list was read between these positions, of which the merger may have deleted entries. */
  wasRead(prefix: Buffer, from: number, to: number): void;
  /** Merges and compacts what waits for that, without pauses, and resolves when it is done. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** An entry with fewer positions is small. */
const SMALL_ENTRY = 512;
/** As many small entries one after the other are worth merging. */
const WORTH_MERGING = 16;
/** Most entries that one commit takes together; the rest of a stretch waits again. */
const MOST_ENTRIES = 1024;
/** Most lists that wait; further ones are offered again when they are read again. */
const MOST_WAITING = 1000;
/** A merge is followed by a pause of as many times its own length, so that it takes half of the time at the most. */
const REST = 1;

interface Stretch {
  prefix: Buffer;
  from: number;
  to: number;
}

/**
 * @param commits its `exclusive` work alone changes entries that are there
 * @param mayCompact whether it is a good moment to compact lists
 */
export function createPostingMerger(level: Level, commits: Pick<CommitQueue, 'commit' | 'exclusiveRuns'>, mayCompact: () => boolean): PostingMerger {
  const compactor = createPostingCompactor(level, mayCompact);
  const waiting = new Map<string, Stretch>();
  const paced = createPacedWork(() => {
    const [next] = waiting;
    if (!next) return undefined;
    const [name, stretch] = next;
    waiting.delete(name);
    return async () => {
      // When the store takes no writes now, this throws: the list is as it was, and offered again.
      const rest = await merge(stretch);
      if (rest && !waiting.has(name)) waiting.set(name, rest);
    };
  }, REST);

  /** Merges the beginning of a stretch. @returns what of it is left to be merged */
  async function merge({ prefix, from, to }: Stretch): Promise<Stretch | undefined> {
    const before = commits.exclusiveRuns();
    const entries = await level.iterator({ gte: postingKey(prefix, from), lte: postingKey(prefix, to), limit: MOST_ENTRIES }).all();
    const rest = entries.length < MOST_ENTRIES ? undefined : { prefix, from: numberAtEnd(entries[entries.length - 1]![0]), to };
    const groups = groupsOf(entries);
    if (groups.length === 0) return rest;
    const deleted = groups.flatMap(({ keys }) => keys.slice(1));
    const written = await commits.commit((commit) => {
      // What was read may not be what is there any more.
      if (commits.exclusiveRuns() !== before) return false;
      for (const key of deleted) commit.delete(key);
      for (const { keys, positions } of groups) commit.put(keys[0]!, encodeFurther(positions));
      return true;
    });
    if (written) compactor.deleted(prefix, numberAtEnd(deleted[0]!), numberAtEnd(deleted[deleted.length - 1]!), deleted.length);
    return rest;
  }

  return {
    offer: (prefix, from, to) => {
      // Late lists have no order that a merged entry would keep.
      if (isLate(prefix)) return;
      const name = prefix.toString('latin1');
      if (!waiting.has(name) && waiting.size >= MOST_WAITING) return;
      waiting.set(name, { prefix, from, to });
      paced.start();
    },
    wasRead: (prefix, from, to) => compactor.passed(prefix, from, to),
    idle: async () => {
      await paced.finish();
      await compactor.finish();
    },
    close: async () => {
      await Promise.all([paced.close(), compactor.close()]);
    },
  };
}

/** Neighbours among small entries that become one: the keys of each group, and its positions. */
function groupsOf(entries: readonly [Buffer, Buffer][]): { keys: Buffer[]; positions: number[] }[] {
  const groups: { keys: Buffer[]; positions: number[] }[] = [];
  let group: { keys: Buffer[]; positions: number[] } | undefined;
  for (const [key, value] of entries) {
    const positions = decodeEntry(key, value);
    if (positions.length >= SMALL_ENTRY) {
      group = undefined;
      continue;
    }
    if (!group || group.positions.length + positions.length > LONGEST_ENTRY) groups.push(group = { keys: [], positions: [] });
    group.keys.push(key);
    group.positions.push(...positions);
  }
  return groups.filter(({ keys }) => keys.length > 1);
}

/** Notices, while a list is read in either direction, what of it was read, and stretches of small entries. */
export interface ListWatch {
  /** Tells of the next entry. */
  see(key: Buffer, positions: number): void;
  /** To be called when no more is read. @param last position up to which there was nothing more, where that is known */
  end(last?: number): void;
}

/** Watches the reading of a list on behalf of a merger. @param start position where the reading begins, in either direction */
export function watchList(merger: PostingMerger, prefix: Buffer, start: number): ListWatch {
  let end = -1;
  let small = 0;
  let smallBegin = -1;
  let smallEnd = -1;

  function endStretch(): void {
    if (small >= WORTH_MERGING) merger.offer(prefix, Math.min(smallBegin, smallEnd), Math.max(smallBegin, smallEnd));
    small = 0;
  }

  return {
    see: (key, positions) => {
      end = numberAtEnd(key);
      if (positions >= SMALL_ENTRY) return endStretch();
      smallEnd = end;
      if (small++ === 0) smallBegin = end;
    },
    end: (last = end) => {
      endStretch();
      end = last;
      if (end >= 0) merger.wasRead(prefix, Math.min(start, end), Math.max(start, end));
    },
  };
}
