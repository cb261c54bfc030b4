import type { CommitQueue } from './commit-queue.js';
import { numberAtEnd } from './keys.js';
import type { Level } from './level.js';
import { decodeEntry, encodeFurther, isLate, postingKey } from './posting-entry.js';

/**
 * Merges small entries of posting lists that are read: a list to which each commit adds one position is read entry by entry, and a
 * query of several filters reads thousands. What nobody reads costs nothing. See ADR 0001.
 */
export interface PostingMerger {
  /** Tells that a list holds many small entries one after the other, the first and last of which begin at these positions. */
  offer(prefix: Buffer, from: number, to: number): void;
  /** Does what is left to do, without pauses, and resolves when nothing is. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** An entry with fewer positions is small. */
const SMALL_ENTRY = 512;
/** As many small entries one after the other are worth merging. */
const WORTH_MERGING = 16;
/** Most positions of a merged entry. */
const LONGEST_ENTRY = 2048;
/** Most entries that one commit takes together; the rest of a stretch waits again. */
const MOST_ENTRIES = 1024;
/** Most lists that wait; further ones are offered again when they are read again. */
const MOST_WAITING = 1000;
/** A merge is followed by a pause of as many times its own length, so that it takes half of the time at the most. */
const REST = 1;
const SHORTEST_REST = 5;

interface Stretch {
  prefix: Buffer;
  from: number;
  to: number;
}

/** @param commits its `exclusive` work alone changes entries that are there */
export function createPostingMerger(level: Level, commits: Pick<CommitQueue, 'commit' | 'exclusiveRuns'>): PostingMerger {
  const waiting = new Map<string, Stretch>();
  let working: Promise<void> | undefined;
  let closed = false;
  let hurried = false;
  let wake = (): void => undefined;

  async function work(): Promise<void> {
    for (let [next] = waiting; next && !closed; [next] = waiting) {
      const [name, stretch] = next;
      waiting.delete(name);
      const begun = performance.now();
      try {
        const rest = await merge(stretch);
        if (rest && !waiting.has(name)) waiting.set(name, rest);
      } catch {
        // The store takes no writes now. The list is as it was, and offered again.
      }
      if (!closed && !hurried) await rest(Math.max(SHORTEST_REST, REST * (performance.now() - begun)));
    }
    working = undefined;
  }

  function rest(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, milliseconds).unref();
    });
  }

  /** Merges the beginning of a stretch. @returns what of it is left to be merged */
  async function merge({ prefix, from, to }: Stretch): Promise<Stretch | undefined> {
    const before = commits.exclusiveRuns();
    const entries = await level.iterator({ gte: postingKey(prefix, from), lte: postingKey(prefix, to), limit: MOST_ENTRIES }).all();
    const rest = entries.length < MOST_ENTRIES ? undefined : { prefix, from: numberAtEnd(entries[entries.length - 1]![0]), to };
    const groups = groupsOf(entries);
    if (groups.length === 0) return rest;
    await commits.commit((commit) => {
      // What was read may not be what is there any more.
      if (commits.exclusiveRuns() !== before) return;
      for (const { keys, positions } of groups) {
        for (const key of keys.slice(1)) commit.delete(key);
        commit.put(keys[0]!, encodeFurther(positions));
      }
    });
    return rest;
  }

  return {
    offer: (prefix, from, to) => {
      // Late lists have no order that a merged entry would keep.
      if (closed || isLate(prefix)) return;
      const name = prefix.toString('latin1');
      if (!waiting.has(name) && waiting.size >= MOST_WAITING) return;
      waiting.set(name, { prefix, from, to });
      working ??= work();
    },
    idle: async () => {
      hurried = true;
      wake();
      await working;
      hurried = false;
    },
    close: async () => {
      closed = true;
      waiting.clear();
      wake();
      await working;
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

/** Notices stretches of small entries while a list is read, in either direction. */
export interface StretchWatch {
  /** Tells of the next entry. */
  see(key: Buffer, positions: number): void;
  /** To be called when no more is read. */
  end(): void;
}

/** Watches the reading of a list on behalf of a merger. */
export function watchStretches(merger: PostingMerger, prefix: Buffer): StretchWatch {
  let count = 0;
  let first = 0;
  let last = 0;

  function end(): void {
    if (count >= WORTH_MERGING) merger.offer(prefix, Math.min(first, last), Math.max(first, last));
    count = 0;
  }

  return {
    see: (key, positions) => {
      if (positions >= SMALL_ENTRY) return end();
      last = numberAtEnd(key);
      if (count++ === 0) first = last;
    },
    end,
  };
}
