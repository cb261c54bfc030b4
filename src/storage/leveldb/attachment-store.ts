import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { QuipuError } from '../../xapi/errors.js';
import type { AttachmentStore } from '../../statements/attachment-store.js';
import { storageFull, unavailable } from './store-failure.js';

/** The embedded attachment store with what the start of the program needs. */
export interface LevelAttachmentStore extends AttachmentStore {
  /** Removes what a crash left half-received. */
  clean(): Promise<void>;
}

/** Nothing else ever becomes part of a path. */
const HASH = /^[0-9a-f]{56,128}$/;

const algorithms: Record<number, string> = { 56: 'sha224', 64: 'sha256', 96: 'sha384', 128: 'sha512' };

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
      const algorithm = algorithms[sha2.length];
      if (!algorithm || !HASH.test(sha2)) throw new QuipuError('invalid-attachment', `The hash ${sha2.slice(0, 140)} is not a SHA-224, SHA-256, SHA-384 or SHA-512 in hex.`, { rule: 'attachment-sha2', expected: '56, 64, 96 or 128 hexadecimal digits' });
      const path = join(incoming, randomUUID());
      const { digest, length } = await receive(source, path, { algorithm, maxBytes, incoming, hasRoom });
      if (digest !== sha2) {
        await rm(path, { force: true });
        throw new QuipuError('invalid-attachment', `The bytes of an attachment have the ${algorithm.toUpperCase()} ${digest}, not the declared ${sha2}.`, { rule: 'attachment-hash', section: 'xAPI 1.0.3 Part Three 1.5.2', expected: digest });
      }
      const name = file(tenant, sha2);
      let state: 'staged' | 'committed' | 'over' = 'staged';
      return {
        sha2,
        length,
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
      if (!HASH.test(sha2)) return undefined;
      const path = file(tenant, sha2);
      const found = await stat(path).catch(() => undefined);
      return found && { length: found.size, stream: createReadStream(path) };
    },
    has: async (tenant, sha2) => HASH.test(sha2) && (await stat(file(tenant, sha2)).then(() => true, () => false)),
    delete: async (tenant, sha2, isNamed) => {
      if (HASH.test(sha2)) await remove(file(tenant, sha2), 0, isNamed);
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

interface Receiving {
  algorithm: string;
  maxBytes: number;
  incoming: string;
  hasRoom: () => boolean;
}

async function receive(source: Readable, path: string, { algorithm, maxBytes, incoming, hasRoom }: Receiving): Promise<{ digest: string; length: number }> {
  const hash = createHash(algorithm);
  let length = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      hash.update(chunk);
      if (length > maxBytes) done(new QuipuError('too-large', `An attachment is larger than the ${maxBytes} bytes that this server takes.`, { rule: 'attachment-size', expected: `at most ${maxBytes} bytes` }));
      else done(hasRoom() ? null : storageFull(), chunk);
    },
  });
  try {
    await mkdir(incoming, { recursive: true });
    // A stream that broke off meanwhile says so no more, and pipeline would wait for it for ever.
    if (source.destroyed) throw Object.assign(new Error('The bytes of an attachment broke off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    await pipeline(source, measure, createWriteStream(path, { flush: true, mode: 0o600 }));
  } catch (error) {
    await rm(path, { force: true });
    throw error instanceof QuipuError || !(error as NodeJS.ErrnoException).syscall ? error : unavailable(error);
  }
  return { digest: hash.digest('hex'), length };
}

/** Makes a new name in a folder durable. */
async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
