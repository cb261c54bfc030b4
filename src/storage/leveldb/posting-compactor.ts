import type { Level } from './level.js';
import { createPacedWork, type PacedWork } from './paced-work.js';
import { postingKey } from './posting-entry.js';

/**
 * Has LevelDB drop the entries of posting lists that merges deleted: until a compaction meets them, whoever reads the list passes over each,
 * which is cheaper than to read it, yet not free. Lists whose deleted entries nobody passes over are left alone. See ADR 0001.
 */
export interface PostingCompactor extends Pick<PacedWork, 'finish' | 'close'> {
  /** Tells that entries of a list were deleted, all of which began between these positions. */
  deleted(prefix: Buffer, from: number, to: number, entries: number): void;
  /** Tells that a list was read between these positions. */
  passed(prefix: Buffer, from: number, to: number): void;
}

/** A list is compacted when so many deleted entries have been passed over: that took about as long as a compaction does. */
const WORTH_COMPACTING = 1 << 15;
/** Most lists that are remembered; further ones wait for the compactions that LevelDB does by itself. */
const MOST_LISTS = 1000;
/** Compactions take a fifth of the time at the most. */
const REST = 4;
const LAST_POSITION = 2 ** 48 - 1;

interface List {
  prefix: Buffer;
  from: number;
  to: number;
  entries: number;
  passed: number;
}

/** @param hasRoom whether the disk has room for what a compaction writes */
export function createPostingCompactor(level: Level, hasRoom: () => boolean): PostingCompactor {
  const lists = new Map<string, List>();
  const due = new Set<string>();
  const paced = createPacedWork(() => {
    const [name] = due;
    if (name === undefined || !hasRoom()) return undefined;
    const { prefix } = lists.get(name)!;
    due.delete(name);
    lists.delete(name);
    return () => level.compactRange(postingKey(prefix, 0), postingKey(prefix, LAST_POSITION));
  }, REST);

  return {
    deleted: (prefix, from, to, entries) => {
      const name = prefix.toString('latin1');
      const list = lists.get(name);
      if (list) {
        list.from = Math.min(list.from, from);
        list.to = Math.max(list.to, to);
        list.entries += entries;
      } else if (lists.size < MOST_LISTS) {
        lists.set(name, { prefix, from, to, entries, passed: 0 });
      }
    },
    passed: (prefix, from, to) => {
      if (lists.size === 0) return;
      const name = prefix.toString('latin1');
      const list = lists.get(name);
      if (!list) return;
      const shared = Math.min(to, list.to) - Math.max(from, list.from) + 1;
      if (shared > 0) list.passed += (list.entries * shared) / (list.to - list.from + 1);
      if (list.passed < WORTH_COMPACTING) return;
      due.add(name);
      paced.start();
    },
    finish: () => paced.finish(),
    close: () => paced.close(),
  };
}
