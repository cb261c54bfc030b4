import { randomUUID } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttachmentStore } from '../../statements/attachment-store.js';
import { arrivingBytes, isHash } from '../attachment-bytes.js';
import { flushFolder, receiveFile } from './arriving-file.js';
import { storageFull, unavailable } from './store-failure.js';

/** The embedded attachment store with what the start of the program needs. */
export interface LevelAttachmentStore extends AttachmentStore {
  /** Removes what a crash left half-received. */
  clean(): Promise<void>;
}

/**
 * Attachments as files: `<directory>/<tenant>/<first two digits>/<hash>`. Bytes are received into `incoming/`, hashed on
 * the way, flushed to disk and then moved to their name, so that a file under a hash is always whole.
 * @param hasRoom whether the disk has room for more
 */
export function createAttachmentStore(directory: string, hasRoom: () => boolean = () => true): LevelAttachmentStore {
  const incoming = join(directory, 'incoming');
  const pinned = new Map<string, number>();
  /** Counts uploads that have come to their place. */
  let arrivals = 0;
  const folder = (tenant: string, sha2: string): string => join(directory, 'by-hash', tenant, sha2.slice(0, 2));
  const file = (tenant: string, sha2: string): string => join(folder(tenant, sha2), sha2);

  function pin(name: string, difference: number): void {
    const count = (pinned.get(name) ?? 0) + difference;
    if (count > 0) pinned.set(name, count);
    else pinned.delete(name);
  }

  /** Removes a file that nothing names; `own` pins are those of the caller. Between the last look and the removal nothing else runs. */
  async function remove(name: string, own: number, isNamed: () => Promise<boolean>): Promise<void> {
    for (let before = -1; before !== arrivals;) {
      before = arrivals;
      if ((pinned.get(name) ?? 0) > own || await isNamed()) return;
    }
    if ((pinned.get(name) ?? 0) <= own) rmSync(name, { force: true });
  }

  return {
    stage: async (tenant, sha2, source, maxBytes) => {
      const bytes = arrivingBytes(sha2, maxBytes, () => (hasRoom() ? null : storageFull()));
      const path = join(incoming, randomUUID());
      await receiveFile(source, bytes.measure, path, bytes.verify);
      const name = file(tenant, sha2);
      let state: 'staged' | 'committed' | 'over' = 'staged';
      return {
        sha2,
        length: bytes.length(),
        commit: async () => {
          pin(name, 1);
          arrivals++;
          state = 'committed';
          try {
            await mkdir(folder(tenant, sha2), { recursive: true });
            await rename(path, name);
            await flushFolder(folder(tenant, sha2));
          } catch (error) {
            throw unavailable(error);
          }
        },
        release: () => {
          if (state === 'committed') pin(name, -1);
          state = 'over';
        },
        retract: async (isNamed) => {
          if (state !== 'committed') return;
          try {
            await remove(name, 1, isNamed);
          } finally {
            pin(name, -1);
            state = 'over';
          }
        },
        discard: async () => {
          if (state === 'staged') await rm(path, { force: true });
        },
      };
    },
    open: async (tenant, sha2) => {
      if (!isHash(sha2)) return undefined;
      const path = file(tenant, sha2);
      const found = await stat(path).catch(() => undefined);
      return found && { length: found.size, stream: createReadStream(path) };
    },
    has: async (tenant, sha2) => isHash(sha2) && (await stat(file(tenant, sha2)).then(() => true, () => false)),
    delete: async (tenant, sha2, isNamed) => {
      if (isHash(sha2)) await remove(file(tenant, sha2), 0, isNamed);
    },
    list: async function* (tenant) {
      const root = join(directory, 'by-hash', tenant);
      for (const part of (await readdir(root).catch(() => [])).sort()) {
        for (const sha2 of (await readdir(join(root, part))).sort()) yield { sha2, length: (await stat(join(root, part, sha2))).size };
      }
    },
    clean: async () => {
      await rm(incoming, { recursive: true, force: true });
      await mkdir(incoming, { recursive: true });
    },
  };
}
