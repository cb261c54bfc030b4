import type { HeldAttachment } from '../../statements/attachment-store.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import { afterPrefix, NUMBER_BYTES, numberedKey, tableKey, tableOf } from './keys.js';

/** Small attachments in the database. Hashes are handed in checked. */
export interface AttachmentRows {
  /** Writes bytes into a commit, unless they are there. */
  put(commit: Commit, tenant: string, attachment: HeldAttachment): void;
  read(tenant: string, sha2: string): Promise<Buffer | undefined>;
  has(tenant: string, sha2: string): boolean;
  /**
   * Removes bytes, on a full disk as well.
   * @param still asked when nothing else is written any more before the removal; false keeps them
   * @returns false when it has kept them
   */
  remove(tenant: string, sha2: string, still: () => boolean): Promise<boolean>;
  /** Every hash of a tenant, in order. */
  list(tenant: string): AsyncGenerator<{ sha2: string; length: number }, void>;
}

/** Whether an entry of the database says of a hash where its bytes are. */
export function tellsOfAttachment(key: Buffer): boolean {
  return tableOf(key) === 'h';
}

/**
 * Attachments in two tables: `h` says of a hash when its bytes came in and how many they are, and under that time and the hash `f` has
 * the bytes. Bytes so lie in the order in which they came, as the log does, and compaction moves them on without writing them anew,
 * where it would rewrite ranges of hashes over and over; and to list attachments no bytes are read.
 */
export function createAttachmentRows({ level, commits, get, getMany }: Database): AttachmentRows {
  const indexKey = (tenant: string, sha2: string): Buffer => tableKey(tenant, 'h', Buffer.from(sha2, 'hex'));
  const bytesKey = (tenant: string, entry: Buffer, sha2: string): Buffer => Buffer.concat([numberedKey(tenant, 'f', entry.readUIntBE(0, NUMBER_BYTES)), Buffer.from(sha2, 'hex')]);

  return {
    put: (commit, tenant, { sha2, bytes }) => {
      const key = indexKey(tenant, sha2);
      if (commit.get(key)) return;
      const entry = Buffer.allocUnsafe(NUMBER_BYTES + 4);
      entry.writeUIntBE(commit.stored, 0, NUMBER_BYTES);
      entry.writeUInt32BE(bytes.length, NUMBER_BYTES);
      commit.put(key, entry);
      commit.put(bytesKey(tenant, entry, sha2), bytes);
    },
    read: async (tenant, sha2) => {
      // They may be removed and come in again between the two looks.
      for (let entry = get(indexKey(tenant, sha2)), before: Buffer | undefined; entry && !before?.equals(entry); entry = get(indexKey(tenant, sha2))) {
        const [bytes] = await getMany([bytesKey(tenant, entry, sha2)]);
        if (bytes) return bytes;
        before = entry;
      }
      return undefined;
    },
    has: (tenant, sha2) => get(indexKey(tenant, sha2)) !== undefined,
    remove: async (tenant, sha2, still) => {
      const key = indexKey(tenant, sha2);
      if (!get(key)) return still();
      return commits.exclusive((commitNow) => commitNow((commit) => {
        if (!still()) return false;
        const entry = commit.get(key);
        if (!entry) return true;
        commit.delete(key);
        commit.delete(bytesKey(tenant, entry, sha2));
        return true;
      }));
    },
    list: async function* (tenant) {
      const start = tableKey(tenant, 'h');
      for await (const [key, entry] of level.iterator({ gte: start, lt: afterPrefix(start) })) {
        yield { sha2: key.toString('hex', start.length), length: entry.readUInt32BE(NUMBER_BYTES) };
      }
    },
  };
}
