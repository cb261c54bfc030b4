import { ObjectId, type Db } from 'mongodb';
import { isDuplicateKey } from './store-failure.js';

/** Bytes that are not, or no longer, those of a hash: on their way in, or on their way out. */
export interface StagedBlob {
  blob: string;
  process: string;
  /** Being removed: it can't come to count any more. */
  doomed?: true;
}

/** The protection of a hash between the commit of an upload and its end. */
export interface Claim {
  id: string;
  process: string;
}

/**
 * All that the database knows of one hash. Every blob that there is stands in one of these, as `blob` or under `staged`. In a
 * cluster, shard by `{ _id: 1 }`.
 */
export interface AttachmentRow {
  /** `tenant/hash` */
  _id: string;
  /** Another one after each change, on which the next change depends. */
  rev: string;
  /** The bytes that are found under the hash. */
  blob?: string;
  /** Their number. */
  length: number;
  staged: StagedBlob[];
  claims: Claim[];
  /** The processes named in `staged` and `claims`. */
  by: string[];
}

/** What a change is made of; a row that holds nothing any more is removed. */
export type AttachmentState = Pick<AttachmentRow, 'blob' | 'length' | 'staged' | 'claims'>;

/** The rows of hashes, changed by compare-and-set alone. */
export interface AttachmentNames {
  read(_id: string): Promise<AttachmentRow | undefined>;
  /**
   * Changes a row, which is made when missing; judged anew when somebody else was faster.
   * @param judge the new state; undefined changes nothing
   */
  change(_id: string, judge: (state: AttachmentState) => AttachmentState | undefined): Promise<void>;
  /** Changes a row that is still as it was read. @returns whether it was */
  exchange(known: AttachmentRow, next: AttachmentState): Promise<boolean>;
  /** Ids of the rows that name a process. */
  namingProcess(process: string): Promise<string[]>;
  /** Every hash of a tenant that has bytes, in order. */
  list(tenant: string): AsyncIterable<{ sha2: string; length: number }>;
}

export function createAttachmentNames(db: Db): AttachmentNames {
  const rows = db.collection<AttachmentRow>('attachments');

  const rowOf = (_id: string, { blob, length, staged, claims }: AttachmentState): AttachmentRow => ({
    _id, rev: new ObjectId().toHexString(), ...(blob !== undefined && { blob }), length, staged, claims,
    by: [...new Set([...staged, ...claims].map(({ process }) => process))],
  });
  const isEmpty = ({ blob, staged, claims }: AttachmentState): boolean => blob === undefined && staged.length === 0 && claims.length === 0;

  async function insert(row: AttachmentRow): Promise<boolean> {
    try {
      await rows.insertOne(row);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  async function exchange({ _id, rev }: AttachmentRow, next: AttachmentState): Promise<boolean> {
    if (isEmpty(next)) return (await rows.deleteOne({ _id, rev })).deletedCount === 1;
    return (await rows.replaceOne({ _id, rev }, rowOf(_id, next))).matchedCount === 1;
  }

  return {
    exchange,
    read: async (_id) => (await rows.findOne({ _id })) ?? undefined,
    change: async (_id, judge) => {
      for (let attempt = 0; ; attempt++) {
        const known = await rows.findOne({ _id });
        const next = judge(known ?? { length: 0, staged: [], claims: [] });
        if (!next || (!known && isEmpty(next))) return;
        if (known ? await exchange(known, next) : await insert(rowOf(_id, next))) return;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(50, 2 ** attempt)));
      }
    },
    namingProcess: async (process) => (await rows.find({ by: process }, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id),
    list: async function* (tenant) {
      const range = { _id: { $gte: `${tenant}/`, $lt: `${tenant}0` } };
      for await (const { _id, length, blob } of rows.find(range, { projection: { length: 1, blob: 1 } }).sort({ _id: 1 })) {
        if (blob !== undefined) yield { sha2: _id.slice(tenant.length + 1), length };
      }
    },
  };
}
