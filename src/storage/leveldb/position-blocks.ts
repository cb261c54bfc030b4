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

/**
 * Remembers dense lists, decoded. Positions are only ever added at the end of the log, so that what is known of a part of it stays
 * true, but for erasures, which the records tell of. Late lists, which grow anywhere, must not be remembered.
 */
export interface PositionBlocks {
  /** The block of a list that a position is in; when it is new or forgotten, one that tells of nothing yet. */
  blockOf(list: string, position: number): PositionBlock;
  /** Forgets everything. */
  clear(): void;
}

/** Keeps the blocks that were asked for last. */
export function createPositionBlocks(mostBlocks = MOST_BLOCKS): PositionBlocks {
  const kept = new Map<string, PositionBlock>();

  return {
    blockOf: (list, position) => {
      const number = Math.floor(position / BLOCK_POSITIONS);
      const name = `${list}${number}`;
      let block = kept.get(name);
      if (block) {
        kept.delete(name);
      } else {
        const start = number * BLOCK_POSITIONS;
        block = { start, bits: new Uint8Array(BLOCK_POSITIONS / 8), through: start - 1 };
        const [oldest] = kept.keys();
        if (kept.size >= mostBlocks) kept.delete(oldest!);
      }
      kept.set(name, block);
      return block;
    },
    clear: () => kept.clear(),
  };
}

/** Whether a list holds a position that its block tells of. */
export function holdsPosition({ start, bits }: PositionBlock, position: number): boolean {
  const at = position - start;
  return (bits[at >>> 3]! & (1 << (at & 7))) !== 0;
}
