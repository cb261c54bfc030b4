import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBloomFilter, readBloomFilter, type BloomFilter } from './bloom-filter.js';
import { afterTenant, metaKey, tableKey, tenantOf } from './keys.js';
import type { Level } from './level.js';
import { createPacedWork } from './paced-work.js';

/**
 * Knows of almost every statement id that is new that the index does not have it, so that LevelDB is not asked. Asking costs more than the
 * search: LevelDB charges each search that meets two files to the first of them, and after some hundred has that file compacted with all that it
 * overlaps, which of one that has just been written is every file of the level below. See ADR 0028.
 */
export interface IdFilter {
  /** Whether the index may have something under a key: always when it has, and until all is known; otherwise for one key in a thousand. */
  mayHave(key: Buffer): boolean;
  /** Tells that something is to be written under a key. */
  add(key: Buffer): void;
  /** Begins to read what the index has, in the background; to be called when the database was opened again after a failure. */
  fill(): void;
  /** Resolves when all is known. */
  filled(): Promise<void>;
  /** Keeps what is known for the next start; when nothing more is written, and the database is still open. */
  close(): Promise<void>;
}

export interface IdFilterOptions {
  /** Folder of the database, where the filter is kept while it is closed. */
  directory: string;
  /** Whether the disk has room for so many bytes. */
  hasRoom(bytes: number): boolean;
  /** Ids before it grows for the first time, a power of two. */
  firstIds?: number;
}

const FIRST_IDS = 1 << 18;
/** Keys read at a time, some milliseconds. */
const PIECE = 2000;
/** Reading takes a fifth of the time at the most. */
const REST = 4;
const FILE = 'ids.filter';

/**
 * Takes the filter that the last `close` has kept, if nothing was written since, or begins to read the index. What was kept is the database's own
 * when that has its digest (`m ids`), and holds for this start alone: from here on more is written than it knows of.
 */
export async function openIdFilter(level: Level, { directory, hasRoom, firstIds = FIRST_IDS }: IdFilterOptions): Promise<IdFilter> {
  const path = join(directory, FILE);
  const kept = await takeKept(level, path);
  const bloom = kept ?? createBloomFilter(firstIds);
  let complete = kept !== undefined;
  /** Where reading goes on; undefined while it does, and when it has ended. */
  let next: Buffer | undefined;
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
      for (const key of keys) bloom.add(key);
      from = keys.length < left ? afterTenant(tenant) : Buffer.concat([keys[keys.length - 1]!, Buffer.alloc(1)]);
      left -= keys.length;
    }
    return from;
  }

  function fill(): void {
    complete = false;
    next = Buffer.alloc(0);
    work.start();
  }

  if (!complete) fill();
  return {
    mayHave: (key) => !complete || bloom.has(key),
    add: bloom.add,
    fill,
    filled: () => work.finish(),
    close: async () => {
      await work.close();
      if (complete) await keep(level, path, bloom, hasRoom);
    },
  };
}

/** @returns undefined where nothing is kept, or not what the database has the digest of */
async function takeKept(level: Level, path: string): Promise<BloomFilter | undefined> {
  const digest = level.getSync(metaKey('ids'));
  const bytes = await readFile(path).catch(() => undefined);
  if (digest) await level.del(metaKey('ids'), { sync: true });
  await rm(path, { force: true });
  return digest && bytes && digestOf([bytes]).equals(digest) ? readBloomFilter(bytes) : undefined;
}

/** Where it can't be kept, the index is read again at the next start. */
async function keep(level: Level, path: string, bloom: BloomFilter, hasRoom: (bytes: number) => boolean): Promise<void> {
  const parts = bloom.parts();
  if (!hasRoom(parts.reduce((sum, { length }) => sum + length, 0))) return;
  try {
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await level.put(metaKey('ids'), digestOf(parts), { sync: true });
  } catch {
    await rm(`${path}.new`, { force: true }).catch(() => undefined);
  }
}

function digestOf(parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
