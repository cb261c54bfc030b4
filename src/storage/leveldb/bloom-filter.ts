import { randomInt } from 'node:crypto';

/**
 * A set of keys, of whose last sixteen bytes a few bits are kept: what was added it has, and of what was not, all but one in a thousand it has
 * not. It grows by filters that each take twice as many keys as the one before, some two to four bytes a key in all.
 */
export interface BloomFilter {
  has(key: Buffer): boolean;
  add(key: Buffer): void;
  /** What the same filter is made from again, as parts of one text of bytes. */
  parts(): Buffer[];
}

interface Part {
  readonly bits: Uint32Array;
  /** Number of bits, a power of two, less one. */
  readonly mask: number;
  /** How many keys it still takes. */
  left: number;
}

/** Bits for each key, of which as many are set as PROBES: one in 1,700 other keys has all of them set too. */
const BITS_A_KEY = 16;
const PROBES = 8;
const HASHED_BYTES = 16;
const HEAD_BYTES = 12;

/** @param firstKeys keys that the first part takes, a power of two */
export function createBloomFilter(firstKeys: number): BloomFilter {
  // Nobody outside can aim at keys that seem to be there.
  return filterOf([randomInt(2 ** 32), randomInt(2 ** 32)], [createPart(firstKeys)]);
}

/** @param bytes the parts of a filter, one behind the other */
export function readBloomFilter(bytes: Buffer): BloomFilter {
  const parts: Part[] = [];
  let at = HEAD_BYTES + 8 * bytes.readUInt32LE(8);
  for (let head = HEAD_BYTES, end = at; head < end; head += 8) {
    const words = bytes.readUInt32LE(head);
    const bits = new Uint32Array(words);
    bytes.copy(Buffer.from(bits.buffer), 0, at, at + words * 4);
    parts.push({ bits, mask: words * 32 - 1, left: bytes.readUInt32LE(head + 4) });
    at += words * 4;
  }
  return filterOf([bytes.readUInt32LE(0), bytes.readUInt32LE(4)], parts);
}

function createPart(keys: number): Part {
  return { bits: new Uint32Array(keys * BITS_A_KEY / 32), mask: keys * BITS_A_KEY - 1, left: keys };
}

function filterOf(seeds: readonly [number, number], parts: Part[]): BloomFilter {
  function isIn({ bits, mask }: Part, first: number, second: number): boolean {
    for (let probe = 0, at = first; probe < PROBES; probe++, at += second) if ((bits[(at & mask) >>> 5]! & (1 << (at & 31))) === 0) return false;
    return true;
  }

  function has(first: number, second: number): boolean {
    for (let index = parts.length - 1; index >= 0; index--) if (isIn(parts[index]!, first, second)) return true;
    return false;
  }

  const second = (key: Buffer): number => hashOf(key, seeds[1]) | 1;

  return {
    has: (key) => has(hashOf(key, seeds[0]), second(key)),
    add: (key) => {
      const first = hashOf(key, seeds[0]);
      const step = second(key);
      if (has(first, step)) return;
      let newest = parts[parts.length - 1]!;
      if (newest.left === 0) parts.push(newest = createPart((newest.mask + 1) / BITS_A_KEY * 2));
      const { bits, mask } = newest;
      for (let probe = 0, at = first; probe < PROBES; probe++, at += step) bits[(at & mask) >>> 5]! |= 1 << (at & 31);
      newest.left--;
    },
    parts: () => {
      const head = Buffer.alloc(HEAD_BYTES + 8 * parts.length);
      head.writeUInt32LE(seeds[0], 0);
      head.writeUInt32LE(seeds[1], 4);
      head.writeUInt32LE(parts.length, 8);
      for (const [index, { bits, left }] of parts.entries()) {
        head.writeUInt32LE(bits.length, HEAD_BYTES + 8 * index);
        head.writeUInt32LE(left, HEAD_BYTES + 8 * index + 4);
      }
      return [head, ...parts.map(({ bits }) => Buffer.from(bits.buffer))];
    },
  };
}

/** MurmurHash3, 32 bits, of the last four words of a key. */
function hashOf(key: Buffer, seed: number): number {
  let hash = seed;
  for (let at = key.length - HASHED_BYTES; at < key.length; at += 4) {
    let word = Math.imul(key.readInt32LE(at), 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
