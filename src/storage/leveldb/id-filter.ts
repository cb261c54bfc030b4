import { randomInt } from 'node:crypto';
import { UUID_BYTES } from '../../xapi/uuids.js';
import { afterTenant, tableKey, tenantOf } from './keys.js';
import type { Level } from './level.js';
import { createPacedWork } from './paced-work.js';

/**
 * Knows of almost every statement id that is new that the index does not have it, so that LevelDB is not asked. Asking costs more than the
 * search: LevelDB charges each search that meets two files to the first of them, and has compacted after some hundred searches a file that has
 * just been written with all that it overlaps, which is every file of the level below. See ADR 0028.
 */
export interface IdFilter {
  /** Whether the index may have something under a key: true when it does, and for one in a thousand that it doesn't have; always true until all are known. */
  mayHave(key: Buffer): boolean;
  /** Tells that something is written under a key. */
  add(key: Buffer): void;
  /** Begins to read what the index has, in the background: when the database was opened, and each time it was opened again. */
  fill(): void;
  /** Resolves when all is known. */
  filled(): Promise<void>;
  close(): Promise<void>;
}

/** A Bloom filter. */
interface Filter {
  readonly bits: Uint32Array;
  /** Number of bits, a power of two, less one. */
  readonly mask: number;
  /** How many ids it still takes. */
  left: number;
}

/** Ids of the first filter; each further one takes twice as many. */
const FIRST_IDS = 1 << 18;
/** Bits for each id, of which as many are set as PROBES: one in 1,700 others has all of them set too. */
const BITS_AN_ID = 16;
const PROBES = 8;
/** Keys read at a time, some milliseconds. */
const PIECE = 4000;
/** Reading takes half of the time at the most. */
const REST = 1;

/** @param firstIds ids of the first filter, a power of two */
export function createIdFilter(level: Level, firstIds = FIRST_IDS): IdFilter {
  const filters: Filter[] = [createFilter(firstIds)];
  // Nobody outside can aim at ids that seem to be there.
  const seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const;
  /** Where reading goes on; undefined while it does, and when it has ended. */
  let next: Buffer | undefined;
  let complete = false;
  const work = createPacedWork(() => next && readSome, REST);

  async function readSome(): Promise<void> {
    const from = next!;
    // Where it fails it ends: `fill` begins again when the database was opened again.
    next = undefined;
    const rest = await readFrom(from);
    // Unless `fill` was called meanwhile.
    if (next !== undefined) return;
    next = rest;
    complete = rest === undefined;
  }

  /** Adds the ids of all tenants from a key on, about PIECE of them. @returns where to go on; undefined at the end */
  async function readFrom(begin: Buffer): Promise<Buffer | undefined> {
    let from = begin;
    for (let left = PIECE; left > 0; left--) {
      const [first] = await level.keys({ gte: from, limit: 1 }).all();
      if (!first) return undefined;
      const tenant = tenantOf(first);
      const start = tableKey(tenant, 'i');
      // No iterator stays open: what it sees LevelDB would keep on the disk.
      const keys = await level.keys({ gte: from.compare(start) > 0 ? from : start, lt: tableKey(tenant, 'j'), limit: left, fillCache: false }).all();
      for (const key of keys) add(key);
      from = keys.length < left ? afterTenant(tenant) : Buffer.concat([keys[keys.length - 1]!, Buffer.alloc(1)]);
      left -= keys.length;
    }
    return from;
  }

  function isIn({ bits, mask }: Filter, first: number, second: number): boolean {
    for (let probe = 0, at = first; probe < PROBES; probe++, at += second) if ((bits[(at & mask) >>> 5]! & (1 << (at & 31))) === 0) return false;
    return true;
  }

  function has(first: number, second: number): boolean {
    for (let index = filters.length - 1; index >= 0; index--) if (isIn(filters[index]!, first, second)) return true;
    return false;
  }

  function add(key: Buffer): void {
    const first = hashOf(key, seeds[0]);
    const second = hashOf(key, seeds[1]) | 1;
    if (has(first, second)) return;
    let newest = filters[filters.length - 1]!;
    if (newest.left === 0) filters.push(newest = createFilter((newest.mask + 1) / BITS_AN_ID * 2));
    const { bits, mask } = newest;
    for (let probe = 0, at = first; probe < PROBES; probe++, at += second) bits[(at & mask) >>> 5]! |= 1 << (at & 31);
    newest.left--;
  }

  return {
    mayHave: (key) => !complete || has(hashOf(key, seeds[0]), hashOf(key, seeds[1]) | 1),
    add,
    fill: () => {
      complete = false;
      next = Buffer.alloc(0);
      work.start();
    },
    filled: () => work.finish(),
    close: () => work.close(),
  };
}

function createFilter(ids: number): Filter {
  return { bits: new Uint32Array(ids * BITS_AN_ID / 32), mask: ids * BITS_AN_ID - 1, left: ids };
}

/** 32 bits of the id that a key ends in: MurmurHash3 of its four words. */
function hashOf(key: Buffer, seed: number): number {
  let hash = seed;
  for (let at = key.length - UUID_BYTES; at < key.length; at += 4) {
    let word = Math.imul(key.readInt32LE(at), 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
