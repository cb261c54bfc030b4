import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { QuipuError } from '../../xapi/errors.js';
import type { ContentStore } from '../content-store.js';
import type { ByteSource } from './byte-source.js';
import { dataStart, inflated } from './zip-data.js';
import { readZipDirectory, type ZipEntry } from './zip-directory.js';

/** A file of a package. */
export interface PackageFile {
  /** Bytes, unpacked. */
  length: number;
  /** CRC-32 of them. */
  crc32: number;
  /** Bytes in the package when they are a raw deflate stream; undefined when they stand there as they are. */
  deflatedLength?: number;
  /** The file's bytes, from `start` up to and not including `end`; all of them when left out. Never more than that. */
  open(range?: { start: number; end: number }): Promise<Readable>;
  /** Its bytes as a raw deflate stream, when it has a `deflatedLength`. */
  openDeflated(): Promise<Readable>;
}

/** The files of packages that were imported. */
export interface PackageFiles {
  /**
   * A file by its name; undefined when there is none.
   * @throws QuipuError `not-found` when there is no such package, `store-unavailable`
   */
  find(tenant: string, packageId: string, path: string): Promise<PackageFile | undefined>;
}

/** Entries whose places are remembered, of all packages together. */
const REMEMBERED = 200_000;

interface Directory {
  files: Map<string, ZipEntry>;
  /** What it counts among those that are remembered. */
  weight: number;
}

/**
 * Reads files out of packages where they lie. The directory of a package is read once and remembered, those used last for longest.
 * @param deps.remembered entries of all directories that are remembered
 */
export function createPackageFiles({ content, remembered = REMEMBERED }: { content: ContentStore; remembered?: number }): PackageFiles {
  const known = new Map<string, Promise<Directory>>();
  /** Weights of those in `known` that have been read. */
  const weights = new Map<string, number>();
  let total = 0;

  function forget(name: string): void {
    known.delete(name);
    total -= weights.get(name) ?? 0;
    weights.delete(name);
  }

  async function load(name: string, tenant: string, packageId: string): Promise<Directory> {
    const length = await content.length(tenant, packageId);
    if (length === undefined) throw new QuipuError('not-found', `There is no package ${packageId.slice(0, 60)}.`);
    const directory = await readDirectory(sourceOf(content, tenant, packageId, length));
    if (known.has(name)) {
      weights.set(name, directory.weight);
      total += directory.weight;
    }
    for (const oldest of known.keys()) {
      if (total <= remembered || oldest === name) break;
      forget(oldest);
    }
    return directory;
  }

  function directoryOf(tenant: string, packageId: string): Promise<Directory> {
    const name = `${tenant}/${packageId}`;
    let directory = known.get(name);
    if (directory) {
      known.delete(name);
      known.set(name, directory);
      return directory;
    }
    directory = Promise.resolve().then(() => load(name, tenant, packageId));
    known.set(name, directory);
    directory.catch(() => forget(name));
    return directory;
  }

  return {
    find: async (tenant, packageId, path) => {
      const { files } = await directoryOf(tenant, packageId);
      const entry = files.get(path);
      return entry && fileOf(content, tenant, packageId, entry);
    },
  };
}

/** The names that find an entry: its own, and the other forms of its letters with marks: macOS decomposes names, and cmi5.xml may not. */
export function namesOf(path: string): Set<string> {
  return new Set([path, path.normalize('NFC'), path.normalize('NFD')]);
}

/** A package without a directory, such as a lone cmi5.xml, has no files. It was judged when it was imported. */
async function readDirectory(source: ByteSource): Promise<Directory> {
  const { entries } = await readZipDirectory(source, Infinity);
  const files = new Map<string, ZipEntry>();
  for (const entry of entries) if (!entry.folder) for (const name of namesOf(entry.path)) if (!files.has(name)) files.set(name, entry);
  return { files, weight: files.size + 1 };
}

function sourceOf(content: ContentStore, tenant: string, packageId: string, length: number): ByteSource {
  return { length, read: async (start, end) => buffer(await content.open(tenant, packageId, start, end)) };
}

/** Where the data of entries begin, once it was looked up. */
const starts = new WeakMap<ZipEntry, number>();

function fileOf(content: ContentStore, tenant: string, packageId: string, entry: ZipEntry): PackageFile {
  const { method, length, packedLength, crc32 } = entry;

  async function start(): Promise<number> {
    const found = starts.get(entry) ?? await dataStart(sourceOf(content, tenant, packageId, Infinity), entry);
    if (found === undefined) throw new Error(`The package ${packageId} of tenant ${tenant} is not what it was when it was imported.`);
    starts.set(entry, found);
    return found;
  }

  async function packed(from = 0, to = packedLength): Promise<Readable> {
    if (from === to) return Readable.from([], { objectMode: false });
    const at = await start();
    return content.open(tenant, packageId, at + from, at + to);
  }

  return {
    length, crc32, ...(method === 'deflated' && { deflatedLength: packedLength }),
    open: async (range) => {
      const from = Math.min(Math.max(0, range?.start ?? 0), length);
      const to = Math.min(Math.max(from, range?.end ?? length), length);
      if (method === 'stored') return packed(from, to);
      if (from === to) return Readable.from([], { objectMode: false });
      const source = await packed();
      const unpacked = Readable.from(part(inflated(source, length), from, to), { objectMode: false });
      // Whoever leaves before the first byte never begins to run what would end it.
      unpacked.once('close', () => source.destroy());
      return unpacked;
    },
    openDeflated: () => packed(),
  };
}

/** Some of the bytes of a stream that has to be read from its beginning. */
async function* part(bytes: AsyncGenerator<Buffer>, from: number, to: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const piece of bytes) {
    const chosen = piece.subarray(Math.max(0, from - at), Math.max(0, to - at));
    at += piece.length;
    if (chosen.length > 0) yield chosen;
    if (at > to) return;
  }
}
