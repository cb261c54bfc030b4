import { ObjectId } from 'mongodb';
import type { Position } from '../../statements/store.js';
import type { Chores } from './chores.js';
import type { AppendRow } from './collections.js';
import type { Database } from './database.js';
import type { Processes } from './processes.js';
import { upserting } from './store-failure.js';

/** Positions that were taken, from `first` to `last`, with the `stored` of all of them. */
export interface Positions {
  first: Position;
  last: Position;
  stored: number;
}

/** The life of an append record; see `AppendRow`. */
export interface AppendRecords {
  /**
   * Announces that positions will be taken.
   * @returns the record, and the others of the tenant that are under way, looked for after it was written: of two that announce
   * themselves at once, at least one sees the other. When it fails nothing is announced, also when the database does it later
   */
  register(tenant: string, kind: AppendRow['kind']): Promise<{ record: AppendRow; others: AppendRow[] }>;
  /** Takes the next positions of the tenant, and a `stored` that is not before any that was given. */
  takePositions(tenant: string, count: number): Promise<Positions>;
  /** Makes it count, unless somebody has given it up: the one write after which all of it exists. @returns whether it counts */
  commit(record: AppendRow, details: Pick<AppendRow, 'first' | 'last' | 'stored' | 'plans'>): Promise<boolean>;
  /** Takes an open one for its removal. @returns whether it is the caller's to remove */
  giveUp(record: AppendRow): Promise<boolean>;
  /** Notes that nothing of it is left; the record stays lest its author still writes. */
  markRolled(record: AppendRow): Promise<void>;
  /** Ends it. */
  remove(record: AppendRow): Promise<void>;
}

export function createAppendRecords({ collections: { heads, appends } }: Database, processes: Processes, chores: Chores): AppendRecords {
  /** An insert that was not answered may have been done, or be done later. Nobody else would end it as long as this process lives. */
  const forestall = ({ _id, state: _open, ...rest }: AppendRow): Promise<unknown> =>
    upserting(() => appends.updateOne({ _id }, { $set: { state: 'rolled' }, $setOnInsert: rest }, { upsert: true }));

  return {
    register: async (tenant, kind) => {
      const head = await heads.findOne({ _id: tenant });
      const record: AppendRow = { _id: new ObjectId(), t: tenant, kind, owner: processes.id, state: 'open', from: head?.p ?? 0, s: head?.s ?? 0 };
      try {
        await appends.insertOne(record);
        // Index t of appends.
        const all = await appends.find({ t: tenant }).toArray();
        return { record, others: all.filter(({ _id, state }) => state !== 'rolled' && !_id.equals(record._id)) };
      } catch (error) {
        chores.add(() => forestall(record));
        throw error;
      }
    },
    takePositions: async (tenant, count) => {
      const taken = await upserting(() => heads.findOneAndUpdate(
        { _id: tenant }, { $inc: { p: count }, $max: { s: Date.now() }, $setOnInsert: { cp: 0, cn: 0, e: 0 } }, { upsert: true, returnDocument: 'after' },
      ));
      return { first: taken!.p - count + 1, last: taken!.p, stored: taken!.s };
    },
    commit: async ({ _id }, details) => (await appends.updateOne({ _id, state: 'open' }, { $set: { ...details, state: 'committed' } })).matchedCount === 1,
    giveUp: async ({ _id }) => (await appends.updateOne({ _id, state: { $in: ['open', 'rolling'] } }, { $set: { state: 'rolling' } })).matchedCount === 1,
    markRolled: async ({ _id }) => {
      await appends.updateOne({ _id, state: 'rolling' }, { $set: { state: 'rolled' } });
    },
    remove: async ({ _id }) => {
      await appends.deleteOne({ _id });
    },
  };
}
