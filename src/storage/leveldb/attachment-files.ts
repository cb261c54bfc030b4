import { randomUUID } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { arrivingBytes } from '../attachment-bytes.js';
import { flushFolder, receiveFile } from './arriving-file.js';
import { storageFull, unavailable } from './store-failure.js';

/** A file that was received and has no name yet. */
export interface ReceivedFile {
  /** Bytes. */
  length: number;
  /** Gives it its name, durably. */
  place(): Promise<void>;
  /** Removes it; not after `place`. */
  discard(): Promise<void>;
}

/** Attachments as files. Hashes are handed in checked. */
export interface AttachmentFiles {
  /** @throws QuipuError as `AttachmentStore.stage` does */
  receive(tenant: string, sha2: string, source: Readable, maxBytes: number): Promise<ReceivedFile>;
  open(tenant: string, sha2: string): Promise<{ length: number; stream: Readable } | undefined>;
  has(tenant: string, sha2: string): Promise<boolean>;
  /** Removes a file at once, if there is one. */
  remove(tenant: string, sha2: string): void;
  /** Every file of a tenant, in order of its hash. */
  list(tenant: string): AsyncGenerator<{ sha2: string; length: number }, void>;
  /** Removes what a crash left half-received. */
  clean(): Promise<void>;
}

/**
 * Attachments as files: `<directory>/by-hash/<tenant>/<first two digits>/<hash>`. Bytes are received into `incoming/`, hashed on
 * the way, flushed to disk and then moved to their name, so that a file under a hash is always whole.
 * @param hasRoom whether the disk has room for more
 */
export function createAttachmentFiles(directory: string, hasRoom: () => boolean): AttachmentFiles {
  const incoming = join(directory, 'incoming');
  const folder = (tenant: string, sha2: string): string => join(directory, 'by-hash', tenant, sha2.slice(0, 2));
  const file = (tenant: string, sha2: string): string => join(folder(tenant, sha2), sha2);

  return {
    receive: async (tenant, sha2, source, maxBytes) => {
      const bytes = arrivingBytes(sha2, maxBytes, () => (hasRoom() ? null : storageFull()));
      const path = join(incoming, randomUUID());
      await receiveFile(source, bytes.measure, path, bytes.verify);
      return {
        length: bytes.length(),
        place: async () => {
          try {
            await mkdir(folder(tenant, sha2), { recursive: true });
            await rename(path, file(tenant, sha2));
            await flushFolder(folder(tenant, sha2));
          } catch (error) {
            throw unavailable(error);
          }
        },
        discard: () => rm(path, { force: true }),
      };
    },
    open: async (tenant, sha2) => {
      const path = file(tenant, sha2);
      const found = await stat(path).catch(() => undefined);
      return found && { length: found.size, stream: createReadStream(path) };
    },
    has: (tenant, sha2) => stat(file(tenant, sha2)).then(() => true, () => false),
    remove: (tenant, sha2) => rmSync(file(tenant, sha2), { force: true }),
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
