import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ContentStore } from '../../cmi5/content-store.js';
import { arrivingPackage, isPackageId, noPackage, within } from '../package-bytes.js';
import { flushFolder, receiveFile } from './arriving-file.js';
import { storageFull, unavailable } from './store-failure.js';

/** The embedded store of packages with what the start of the program needs. */
export interface LevelContentStore extends ContentStore {
  /** Removes what a crash left half-received. */
  clean(): Promise<void>;
}

/**
 * Packages as files: `<directory>/packages/<tenant>/<id>`. Bytes are received into `incoming/`, flushed to disk and moved to
 * their name when they are to stay, so that a file under an id is always whole.
 * @param hasRoom whether the disk has room for more
 */
export function createContentStore(directory: string, hasRoom: () => boolean = () => true): LevelContentStore {
  const incoming = join(directory, 'incoming');
  const folder = (tenant: string): string => join(directory, 'packages', tenant);
  const file = (tenant: string, id: string): string => join(folder(tenant), id);

  async function lengthOf(tenant: string, id: string): Promise<number | undefined> {
    if (!isPackageId(id)) return undefined;
    return (await orMissing(stat(file(tenant, id))))?.size;
  }

  return {
    stage: async (tenant, id, source, maxBytes) => {
      if (!isPackageId(id)) throw noPackage(id);
      const bytes = arrivingPackage(maxBytes, () => (hasRoom() ? null : storageFull()));
      const path = join(incoming, randomUUID());
      await receiveFile(source, bytes.measure, path);
      let staged = true;
      return {
        length: bytes.length(),
        sha256: bytes.sha256(),
        read: (start, end) => readPart(staged ? path : file(tenant, id), within(bytes.length(), start, end)),
        commit: async () => {
          try {
            await mkdir(folder(tenant), { recursive: true, mode: 0o700 });
            await rename(path, file(tenant, id));
            staged = false;
            await flushFolder(folder(tenant));
          } catch (error) {
            throw unavailable(error);
          }
        },
        discard: async () => {
          if (staged) await rm(path, { force: true });
        },
      };
    },
    length: lengthOf,
    open: async (tenant, id, start, end) => {
      const length = await lengthOf(tenant, id);
      if (length === undefined) throw noPackage(id);
      const part = within(length, start, end);
      return part.start === part.end ? Readable.from([], { objectMode: false }) : createReadStream(file(tenant, id), { start: part.start, end: part.end - 1 });
    },
    delete: async (tenant, id) => {
      if (isPackageId(id)) await rm(file(tenant, id), { force: true });
    },
    list: async function* (tenant) {
      yield* (await orMissing(readdir(folder(tenant))) ?? []).filter(isPackageId).sort();
    },
    clean: async () => {
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { recursive: true });
    },
  };
}

async function readPart(path: string, { start, end }: { start: number; end: number }): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(end - start);
  try {
    const handle = await open(path, 'r');
    try {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unavailable(error);
  }
}

/** What is there, or undefined; other failures are the store's. */
async function orMissing<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unavailable(error);
  }
}
