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

/** A list is compacted when so many deleted entries have been passed over: 30 to 100 ms, which is what one compaction of several takes. */
const WORTH_COMPACTING = 1 << 15;
/** Most lists that are remembered; those that were read or merged longest ago are forgotten, and wait for what LevelDB compacts by itself. */
const MOST_LISTS = 1000;
/** Compactions take a fifth of the time at the most. */
const REST = 4;
const LAST_POSITION = 2 ** 48 - 1;

interface List {
  from: number;
  to: number;
  entries: number;
  passed: number;
}

/** @param mayCompact whether it is a good moment: an optimisation must not fill the disk, nor keep a backup's files twice */
export function createPostingCompactor(level: Level, mayCompact: () => boolean): PostingCompactor {
  /** In the order in which they were last told of. */
  const lists = new Map<string, List>();
  /** Those of them that are worth compacting. */
  const due = new Set<string>();
  const paced = createPacedWork(() => {
    const [name] = due;
    if (name === undefined || !mayCompact()) return undefined;
    due.delete(name);
    lists.delete(name);
    const prefix = Buffer.from(name, 'latin1');
    return () => level.compactRange(postingKey(prefix, 0), postingKey(prefix, LAST_POSITION));
  }, REST);

  function remember(name: string, list: List): void {
    lists.delete(name);
    lists.set(name, list);
    if (lists.size <= MOST_LISTS) return;
    const [oldest] = lists.keys();
    lists.delete(oldest!);
    due.delete(oldest!);
  }

  return {
    deleted: (prefix, from, to, entries) => {
      const name = prefix.toString('latin1');
      const list = lists.get(name);
      if (list) remember(name, { ...list, from: Math.min(list.from, from), to: Math.max(list.to, to), entries: list.entries + entries });
      else remember(name, { from, to, entries, passed: 0 });
    },
    passed: (prefix, from, to) => {
      if (lists.size === 0) return;
      const name = prefix.toString('latin1');
      const list = lists.get(name);
      if (!list) return;
      const shared = Math.min(to, list.to) - Math.max(from, list.from) + 1;
      if (shared > 0) list.passed += (list.entries * shared) / (list.to - list.from + 1);
      remember(name, list);
      if (list.passed < WORTH_COMPACTING) return;
      due.add(name);
      paced.start();
    },
    finish: () => paced.finish(),
    close: () => paced.close(),
  };
}
