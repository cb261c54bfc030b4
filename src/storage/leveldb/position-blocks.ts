/** Positions of one block: as many as its bits. */
export const BLOCK_POSITIONS = 1 << 15;
/** Most blocks that are kept, of 4 KiB each: 32 MiB, which is 25 lists of ten million positions. */
const MOST_BLOCKS = 8192;

/** Which positions of one part of the log a list holds. */
export interface PositionBlock {
  /** The first position that it tells of. */
  readonly start: number;
  /** One bit a position, the lowest of each byte first. Some may be set that are erased since; none is missing. */
  readonly bits: Uint8Array;
  /** It tells of all positions up to this one. */
  through: number;
}

/** A block, and the highest position that is sought in it. */
export interface SoughtBlock {
  readonly block: PositionBlock;
  highest: number;
}

/**
 * Remembers dense lists, decoded. Positions are only ever added at the end of the log, so that what is known of a part of it stays
 * true, but for erasures, which the records tell of. Late lists, which grow anywhere, must not be remembered.
 */
export interface PositionBlocks {
  /** The blocks of a list that positions are in, both rising. One that is new or forgotten tells of nothing yet. */
  seek(list: string, positions: readonly number[]): SoughtBlock[];
  /** Forgets everything. */
  clear(): void;
}

/** Keeps blocks; of the list that was asked for longest ago, those are forgotten first that are there longest. */
export function createPositionBlocks(mostBlocks = MOST_BLOCKS): PositionBlocks {
  const lists = new Map<string, Map<number, PositionBlock>>();
  let kept = 0;

  function forgetOne(): void {
    for (const [list, blocks] of lists) {
      for (const number of blocks.keys()) {
        blocks.delete(number);
        kept--;
        return;
      }
      lists.delete(list);
    }
  }

  function blockOf(blocks: Map<number, PositionBlock>, number: number): PositionBlock {
    let block = blocks.get(number);
    if (!block) {
      const start = number * BLOCK_POSITIONS;
      blocks.set(number, block = { start, bits: new Uint8Array(BLOCK_POSITIONS / 8), through: start - 1 });
      if (++kept > mostBlocks) forgetOne();
    }
    return block;
  }

  return {
    seek: (list, positions) => {
      const blocks = lists.get(list) ?? new Map<number, PositionBlock>();
      lists.delete(list);
      lists.set(list, blocks);
      const sought: SoughtBlock[] = [];
      let end = 0;
      for (const position of positions) {
        if (position >= end) {
          const block = blockOf(blocks, Math.floor(position / BLOCK_POSITIONS));
          end = block.start + BLOCK_POSITIONS;
          sought.push({ block, highest: position });
        }
        sought[sought.length - 1]!.highest = position;
      }
      return sought;
    },
    clear: () => {
      lists.clear();
      kept = 0;
    },
  };
}

/** Whether a list holds a position that its block tells of. */
export function holdsPosition({ start, bits }: PositionBlock, position: number): boolean {
  const at = position - start;
  return (bits[at >>> 3]! & (1 << (at & 7))) !== 0;
}
