import type { Readable } from 'node:stream';
import { asStream, type AttachmentStore, type HeldAttachment, type StagedAttachment } from '../../statements/attachment-store.js';
import { algorithmOf, isHash, verifyBytes } from '../attachment-bytes.js';
import type { AttachmentFiles } from './attachment-files.js';
import type { AttachmentRows } from './attachment-rows.js';
import type { Commit, CommitQueue } from './commit-queue.js';
import { createHolding, MOST_SMALL_BYTES } from './held-bytes.js';
import { storageFull } from './store-failure.js';

/** The embedded attachment store with what the statement store needs of it. */
export interface LevelAttachmentStore extends AttachmentStore {
  /**
   * Protects attachments from removal while `work` stores the statements that name them.
   * @param work is handed what writes them into a commit
   */
  storing<T>(tenant: string, held: readonly HeldAttachment[], work: (put: (commit: Commit) => void) => Promise<T>): Promise<T>;
}

/** Where small attachments are. */
export interface SmallAttachments {
  rows: AttachmentRows;
  commits: CommitQueue;
  /** Whether the disk has room for more. */
  hasRoom(): boolean;
}

/** What becomes of bytes that have arrived. */
interface Arrived {
  length: number;
  bytes?: Buffer;
  /** Makes them durable under their hash. */
  place(): Promise<void>;
  /** Throws them away; not after `place`. */
  discard(): Promise<void>;
}

/**
 * Attachments, small ones in the database and the others as files. Which of them one is, its upload decides, so that one hash may have
 * its bytes in both. @param small without it, all are files
 */
export function createAttachmentStore(files: AttachmentFiles, small?: SmallAttachments): LevelAttachmentStore {
  const { hold, holdWhole } = createHolding();
  const pinned = new Map<string, number>();
  /** Removals under way, which uploads of the same bytes disturb. */
  const removals = new Set<{ name: string; disturbed: boolean }>();
  const nameOf = (tenant: string, sha2: string): string => `${tenant}/${sha2}`;

  function pin(name: string): void {
    pinned.set(name, (pinned.get(name) ?? 0) + 1);
    for (const removal of removals) if (removal.name === name) removal.disturbed = true;
  }

  function unpin(name: string): void {
    const count = (pinned.get(name) ?? 0) - 1;
    if (count > 0) pinned.set(name, count);
    else pinned.delete(name);
  }

  /** Removes bytes that nothing names; `own` pins are those of the caller. Between the last look and a removal nothing else runs. */
  async function remove(tenant: string, sha2: string, own: number, isNamed: () => Promise<boolean>): Promise<void> {
    const name = nameOf(tenant, sha2);
    const isPinned = (): boolean => (pinned.get(name) ?? 0) > own;
    const removal = { name, disturbed: false };
    const still = (): boolean => !removal.disturbed && !isPinned();
    removals.add(removal);
    try {
      for (let done = false; !done;) {
        removal.disturbed = false;
        if (isPinned() || await isNamed()) return;
        if (!still()) continue;
        files.remove(tenant, sha2);
        done = !small || await small.rows.remove(tenant, sha2, still);
      }
    } finally {
      removals.delete(removal);
    }
  }

  async function arrive(tenant: string, sha2: string, source: Readable | Buffer, maxBytes: number): Promise<Arrived> {
    const most = Math.min(maxBytes, MOST_SMALL_BYTES);
    const held = small && (Buffer.isBuffer(source) ? holdWhole(source, most) : await hold(source, most));
    if (!held) return files.receive(tenant, sha2, asStream(source), maxBytes);
    const { bytes, free } = held;
    try {
      if (!small.hasRoom()) throw storageFull();
      verifyBytes(sha2, bytes);
    } catch (error) {
      free();
      throw error;
    }
    return {
      length: bytes.length,
      bytes,
      place: () => small.commits.commit((commit) => small.rows.put(commit, tenant, { sha2, bytes })).finally(free),
      discard: async () => free(),
    };
  }

  return {
    stage: async (tenant, sha2, source, maxBytes): Promise<StagedAttachment> => {
      algorithmOf(sha2);
      const { length, bytes, place, discard } = await arrive(tenant, sha2, source, maxBytes);
      const name = nameOf(tenant, sha2);
      let state: 'staged' | 'committed' | 'over' = 'staged';
      return {
        sha2,
        length,
        ...(bytes && { bytes }),
        commit: async () => {
          pin(name);
          state = 'committed';
          await place();
        },
        release: () => {
          if (state === 'committed') {
            unpin(name);
            state = 'over';
          }
        },
        retract: async (isNamed) => {
          if (state !== 'committed') return;
          try {
            await remove(tenant, sha2, 1, isNamed);
          } finally {
            unpin(name);
            state = 'over';
          }
        },
        discard: async () => {
          if (state === 'staged') await discard();
        },
      };
    },
    storing: async (tenant, held, work) => {
      const names = held.map(({ sha2 }) => nameOf(tenant, sha2));
      names.forEach(pin);
      try {
        return await work((commit) => {
          for (const attachment of held) small!.rows.put(commit, tenant, attachment);
        });
      } finally {
        names.forEach(unpin);
      }
    },
    open: async (tenant, sha2) => {
      if (!isHash(sha2)) return undefined;
      const bytes = await small?.rows.read(tenant, sha2);
      return bytes ? { length: bytes.length, stream: asStream(bytes) } : files.open(tenant, sha2);
    },
    has: async (tenant, sha2) => isHash(sha2) && (small?.rows.has(tenant, sha2) || await files.has(tenant, sha2)),
    delete: async (tenant, sha2, isNamed) => {
      if (isHash(sha2)) await remove(tenant, sha2, 0, isNamed);
    },
    list: async function* (tenant) {
      const others = files.list(tenant);
      let file = await others.next();
      for await (const row of small?.rows.list(tenant) ?? []) {
        for (; !file.done && file.value.sha2 < row.sha2; file = await others.next()) yield file.value;
        if (!file.done && file.value.sha2 === row.sha2) file = await others.next();
        yield row;
      }
      for (; !file.done; file = await others.next()) yield file.value;
    },
  };
}
