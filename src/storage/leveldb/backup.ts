import type { BackupStore } from '../../backup/store.js';
import type { AttachmentFiles } from './attachment-files.js';
import type { Level } from './level.js';
import { FORMAT } from './migrations.js';

/** Name of this engine's format. */
export const engine = 'leveldb';
const chunkBytes = 4 << 20;

/** A source of backups that `purge` can wait for: what an open snapshot holds, LevelDB keeps on the disk. */
export interface LevelBackupStore extends BackupStore {
  /** Waits until the dumps that are under way have ended. */
  settled(): Promise<void>;
  /** Whether there are any. */
  busy(): boolean;
}

/** Milliseconds within which whoever reads a backup has to take a chunk: erasures wait for its end. */
const PATIENCE = 300_000;

/** The database as a source of backups. */
export function createBackupStore(level: Level, files: AttachmentFiles, patience = PATIENCE): LevelBackupStore {
  const underWay = new Set<Promise<void>>();

  async function* tracked(): AsyncGenerator<Buffer> {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => { end = resolve; });
    underWay.add(ended);
    const leave = (): void => {
      underWay.delete(ended);
      end();
    };
    const chunks = dump(level);
    let impatience: NodeJS.Timeout | undefined;
    let stalled = false;
    try {
      for await (const chunk of chunks) {
        impatience = setTimeout(() => {
          stalled = true;
          // Gives back the snapshot.
          void chunks.return(undefined).finally(leave);
        }, patience);
        yield chunk;
        clearTimeout(impatience);
        if (stalled) throw new Error(`Nobody has read from the backup for ${patience / 1000} s.`);
      }
    } finally {
      clearTimeout(impatience);
      leave();
    }
  }

  return { engine, version: FORMAT, dump: tracked, attachments: files.list, settled: async () => { await Promise.all(underWay); }, busy: () => underWay.size > 0 };
}

/**
 * Every entry in order of its key, from one snapshot: pairs of key and value, each with its length before it (32 bits, big-endian).
 */
async function* dump(level: Level): AsyncGenerator<Buffer> {
  const snapshot = level.snapshot();
  try {
    let parts: Buffer[] = [];
    let size = 0;
    for await (const [key, value] of level.iterator({ snapshot, highWaterMarkBytes: 256 << 10, fillCache: false })) {
      parts.push(lengthOf(key), key, lengthOf(value), value);
      size += key.length + value.length + 8;
      if (size < chunkBytes) continue;
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
    if (parts.length > 0) yield Buffer.concat(parts);
  } finally {
    await snapshot.close();
  }
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes.length);
  return length;
}

/** The entries of a chunk. @throws Error when it is damaged */
export function* pairs(chunk: Buffer): Generator<[Buffer, Buffer]> {
  let at = 0;
  const take = (): Buffer => {
    const start = at + 4;
    const end = start <= chunk.length ? start + chunk.readUInt32BE(at) : Infinity;
    if (end > chunk.length) throw new Error('An entry of the store in this backup is cut off.');
    at = end;
    return chunk.subarray(start, end);
  };
  while (at < chunk.length) yield [take(), take()];
}
