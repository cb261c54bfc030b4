import type { ClassicLevel } from 'classic-level';
import { afterTenant, metaKey, tenantOf } from './keys.js';

/** LevelDB with binary keys and values. */
export type Level = ClassicLevel<Buffer, Buffer>;

/**
 * Sizes in bytes: much memory for writes, and blocks that hold a few statements, so that they compress well together. LevelDB maps as many
 * files as stay open, and a thousand at the most; to open one takes longer than to read from it (ADR 0001).
 */
export const levelOptions = {
  keyEncoding: 'buffer', valueEncoding: 'buffer', writeBufferSize: 16 << 20, cacheSize: 64 << 20, blockSize: 8192, maxFileSize: 8 << 20, maxOpenFiles: 1000,
} as const;

/**
 * The value of an entry whose key says all. It is not empty, since classic-level 3.0 keeps 32 bytes for ever for each empty value that a
 * batch is given (`DisposeSliceBuffer` in its binding.cc frees what is not empty): gigabytes a day in a busy store. In older data it is
 * empty, and so may the bytes of an attachment be.
 */
export const NOTHING = Buffer.from([0x80]);

/** The tenants that have any keys, the server's own '' first, each looked for when it is asked for. */
export async function* tenantsIn(level: Level): AsyncGenerator<string> {
  for (let from: Buffer = Buffer.alloc(0); ;) {
    const [key] = await level.keys({ gte: from, limit: 1 }).all();
    if (!key) return;
    const tenant = tenantOf(key);
    yield tenant;
    from = afterTenant(tenant);
  }
}

/** The newest position and its time, as they are on disk. */
export function readHead(level: Level): { position: number; stored: number } {
  const head = level.getSync(metaKey('head'));
  return head ? { position: head.readUIntBE(0, 6), stored: head.readUIntBE(6, 6) } : { position: 0, stored: 0 };
}

/** The write that moves the head; part of every commit that takes positions. */
export function headWrite(position: number, stored: number): { key: Buffer; value: Buffer } {
  const value = Buffer.allocUnsafe(12);
  value.writeUIntBE(position, 0, 6);
  value.writeUIntBE(stored, 6, 6);
  return { key: metaKey('head'), value };
}
