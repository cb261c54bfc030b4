import { numberAtEnd } from './keys.js';
import { decodeEntry, isLate, keyOfList, postingKey } from './posting-entry.js';
import { watchList } from './posting-merger.js';
import type { ListDeps } from './posting-reader.js';
import { firstAtLeast } from './recent-postings.js';
import { BLOCK_POSITIONS, holdsPosition, type PositionBlock, type PositionBlocks, type SoughtBlock } from './position-blocks.js';

/** What seeking positions in lists takes. */
export interface SearchDeps extends ListDeps {
  /** Dense lists, as far as they are known. */
  blocks: PositionBlocks;
}

/** The lists of one filter. */
export interface SoughtLists {
  /** `postingPrefix` of each. */
  lists: readonly Buffer[];
  /** Whether they hold so many positions that they are better remembered than read again. */
  dense: boolean;
}

/** Entries that are read at first: merged ones hold many positions. */
const FIRST_ENTRIES = 8;
const MOST_ENTRIES = 1000;
/** Bytes of them that are read at once. */
const READING_BYTES = 128 << 10;

/**
 * Which of some positions are in one of several lists.
 * @param positions rising
 * @param budget most entries to read
 * @returns those that are, rising, and of dense lists perhaps some that were erased since; undefined when that takes more entries than
 *   the budget
 */
export async function positionsHeld(deps: SearchDeps, { lists, dense }: SoughtLists, positions: readonly number[], budget: number): Promise<number[] | undefined> {
  const held = new Uint8Array(positions.length);
  const written = positions.slice(0, firstAtLeast(positions, deps.recent.written + 1));
  let left = budget;
  for (const prefix of lists) {
    if (isLate(prefix)) {
      left = await markRead(deps, prefix, positions, held, left);
    } else {
      markRecent(deps.recent.positions(keyOfList(prefix)), positions, written.length, held);
      left = await (dense ? markRemembered : markRead)(deps, prefix, written, held, left);
    }
    if (left < 0) return undefined;
  }
  return positions.filter((_, index) => held[index] === 1);
}

/** Marks those positions from a place on that the newest part of a list holds. */
function markRecent(list: readonly number[], positions: readonly number[], from: number, held: Uint8Array): void {
  if (list.length === 0) return;
  for (let index = from; index < positions.length; index++) if (list[firstAtLeast(list, positions[index]!)] === positions[index]) held[index] = 1;
}

/** Marks the positions that a list holds, by its entries. @returns what is left of the budget, negative when it was not enough */
async function markRead(deps: ListDeps, prefix: Buffer, positions: readonly number[], held: Uint8Array, budget: number): Promise<number> {
  let end = positions.length;
  if (end === 0) return budget;
  return readDown(deps, prefix, positions[0]!, positions[end - 1]!, budget, (key, value) => {
    end = markHeld(key, value, positions, end, held);
  });
}

/** The same by what is remembered of the list, which is read first where it isn't. */
async function markRemembered(deps: SearchDeps, prefix: Buffer, positions: readonly number[], held: Uint8Array, budget: number): Promise<number> {
  const sought = deps.blocks.seek(prefix.toString('latin1'), positions);
  const left = await learn(deps, prefix, sought, budget);
  if (left < 0) return left;
  let at = 0;
  for (const { block, highest } of sought) {
    for (; at < positions.length && positions[at]! <= highest; at++) if (holdsPosition(block, positions[at]!)) held[at] = 1;
  }
  return left;
}

/** Completes blocks of a list so far that they tell of what is sought. @param sought rising @returns what is left of the budget */
async function learn(deps: SearchDeps, prefix: Buffer, sought: readonly SoughtBlock[], budget: number): Promise<number> {
  let left = budget;
  for (let end = sought.length; end > 0 && left >= 0; end--) {
    const { block, highest } = sought[end - 1]!;
    if (block.through >= highest) continue;
    // Blocks next to each other of which nothing is known are read in one go.
    const unknown = [block];
    for (; end > 1 && unknown[0]!.through < unknown[0]!.start; end--) {
      const below = sought[end - 2]!;
      if (below.block.start + BLOCK_POSITIONS !== unknown[0]!.start || below.block.through >= below.highest) break;
      unknown.unshift(below.block);
    }
    left = await learnNeighbours(deps, prefix, unknown, Math.min(block.start + BLOCK_POSITIONS - 1, deps.recent.written), left);
  }
  return left;
}

/** Completes blocks that lie next to each other up to a position in the last one. */
async function learnNeighbours(deps: SearchDeps, prefix: Buffer, blocks: readonly PositionBlock[], to: number, budget: number): Promise<number> {
  const incomplete = [...blocks];
  const base = blocks[0]!.start;

  /** Tells the blocks that begin at or above a position, above which all was read, that they are complete. */
  function complete(lowest: number): void {
    for (let block = incomplete.pop(); block; block = incomplete.pop()) {
      if (block.start < lowest) {
        incomplete.push(block);
        return;
      }
      block.through = Math.max(block.through, Math.min(block.start + BLOCK_POSITIONS - 1, to));
    }
  }

  const left = await readDown(deps, prefix, blocks[0]!.through + 1, to, budget, (key, value) => {
    for (const position of decodeEntry(key, value)) {
      const offset = position - base;
      const block = offset < 0 ? undefined : blocks[Math.floor(offset / BLOCK_POSITIONS)];
      if (block) block.bits[(position - block.start) >>> 3]! |= 1 << ((position - block.start) & 7);
    }
    complete(numberAtEnd(key));
  });
  if (left >= 0) complete(0);
  return left;
}

/**
 * Reads the entries of a list that may hold positions from one to another, both included, downwards, so that it ends with the entry that begins
 * at or before the first and may hold it.
 * @returns what is left of the budget of entries, negative when it was not enough
 */
async function readDown({ level, reads, merger }: ListDeps, prefix: Buffer, from: number, to: number, budget: number, see: (key: Buffer, value: Buffer) => void): Promise<number> {
  const watch = watchList(merger, prefix, to);
  const iterator = level.iterator({ gte: postingKey(prefix, 0), lte: postingKey(prefix, to), reverse: true, highWaterMarkBytes: READING_BYTES });
  try {
    let left = budget;
    let seen = 0;
    let size = FIRST_ENTRIES;
    for (let lowest = to + 1; lowest > from;) {
      const entries = await iterator.nextv(Math.min(size, left + 1));
      if (entries.length === 0) break;
      reads.entries += entries.length;
      seen += entries.length;
      for (const [key, value] of entries) {
        if (lowest <= from) break;
        // Each byte ends a position or goes on with one: as near as is needed here.
        watch.see(key, value.length + 1);
        see(key, value);
        lowest = numberAtEnd(key);
      }
      left -= entries.length;
      if (left < 0) break;
      // As many again as the rest takes, by those that were read.
      size = Math.min(Math.ceil((seen * (lowest - from)) / (to + 1 - lowest)) + FIRST_ENTRIES, MOST_ENTRIES);
    }
    return left;
  } finally {
    watch.end();
    await iterator.close();
  }
}

/** Marks those positions below the place `end` that an entry holds. @returns the place of the first one at or above where the entry begins */
function markHeld(key: Buffer, value: Buffer, positions: readonly number[], end: number, held: Uint8Array): number {
  let position = numberAtEnd(key);
  let begin = end;
  while (begin > 0 && positions[begin - 1]! >= position) begin--;
  let at = begin;
  let sought = positions[at]!;
  for (let byte = 0; at < end;) {
    if (position >= sought) {
      while (sought < position && ++at < end) sought = positions[at]!;
      if (sought === position) {
        held[at] = 1;
        sought = positions[++at]!;
      }
    }
    if (byte >= value.length) break;
    let difference = value[byte++]!;
    if (difference >= 0x80) {
      difference -= 0x80;
      for (let scale = 0x80, more = true; more; scale *= 0x80) {
        const digit = value[byte++]!;
        more = digit >= 0x80;
        difference += (digit & 0x7f) * scale;
      }
    }
    position += difference;
  }
  return begin;
}
