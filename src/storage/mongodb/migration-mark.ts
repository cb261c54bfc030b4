import { MongoClient, ObjectId, type Db } from 'mongodb';
import type { MigrationOrigin, MigrationProgress } from '../../migration/store.js';
import { databaseName, FORMAT, type DatabaseOptions } from './database.js';

/** `_id` of the mark of an unfinished migration in the collection `meta`. */
export const MIGRATING = 'migrating' satisfies DatabaseOptions['filling'];

/** `_id` of what a complete one leaves there. */
const MIGRATED = 'migrated';

/** An unfinished migration. */
export interface MigrationMark {
  _id: typeof MIGRATING;
  /** Of the source. */
  digest: string;
  /** What stands for the append that the statements came with. */
  append: ObjectId;
  progress: MigrationProgress;
  /** Where its attachments go, in words; not known before that place was found to be there. */
  attachments?: string;
}

interface MetaRow {
  _id: string;
  format?: number;
  salt?: string;
  digest?: string;
  completed?: Date;
}

/**
 * Finds an empty database, or one with an unfinished migration of the same source, and marks it. The mark is the first that is
 * written: what has it holds nothing else than this migration.
 * @throws Error with a sentence for the operator
 */
export async function beginMigration(url: string, database: string | undefined, origin: () => Promise<MigrationOrigin>): Promise<{ mark: MigrationMark; from: MigrationOrigin }> {
  const name = databaseName(url, database);
  const known = await withDatabase(url, name, (db) => look(db, name));
  const from = await origin();
  if (known && known.digest !== from.digest) {
    throw new Error(`The database ${name} holds the unfinished migration of another data folder, or of this one before its data changed. Drop the database, and run quipu migrate again.`);
  }
  const mark = known ?? { _id: MIGRATING, digest: from.digest, append: new ObjectId(), progress: { after: '', afterAttachment: '', bytes: 0, statements: 0, attachments: 0 } };
  await withDatabase(url, name, async (db) => {
    if (!known) {
      await look(db, name);
      await db.collection<MigrationMark>('meta').insertOne(mark);
    }
    await db.collection<MetaRow>('meta').replaceOne({ _id: 'store' }, { format: FORMAT, salt: from.salt }, { upsert: true });
  });
  return { mark, from };
}

/**
 * Finds that attachments go where those of before the interruption went: the others would be looked for in vain.
 * @param place in words, without what may change, such as credentials
 * @throws Error with a sentence for the operator
 */
export function checkAttachments({ attachments }: MigrationMark, place: string): void {
  if (attachments === undefined || attachments === place) return;
  throw new Error(`The attachments of this unfinished migration are ${attachments}, and the rest would go elsewhere: ${place}. Run quipu migrate with the settings it was begun with (QUIPU_S3_BUCKET, QUIPU_S3_URL), or drop the database and begin anew.`);
}

/** Keeps where attachments go, once that place is known to be there. */
export async function noteAttachments(db: Db, attachments: string): Promise<void> {
  await db.collection<MigrationMark>('meta').updateOne({ _id: MIGRATING }, { $set: { attachments } });
}

/** Keeps how far a migration is. */
export async function noteProgress(db: Db, progress: MigrationProgress): Promise<void> {
  await db.collection<MigrationMark>('meta').updateOne({ _id: MIGRATING }, { $set: { progress } });
}

/** Makes the database a store. */
export async function endMigration(db: Db, { digest }: MigrationOrigin): Promise<void> {
  const meta = db.collection<MetaRow>('meta');
  await meta.replaceOne({ _id: MIGRATED }, { digest, completed: new Date() }, { upsert: true });
  await meta.deleteOne({ _id: MIGRATING });
}

/** The unfinished migration; undefined in an empty database. */
async function look(db: Db, name: string): Promise<MigrationMark | undefined> {
  const meta = db.collection<MetaRow>('meta');
  const mark = await db.collection<MigrationMark>('meta').findOne({ _id: MIGRATING });
  if (mark) return mark;
  const migrated = await meta.findOne({ _id: MIGRATED });
  if (migrated) throw new Error(`The database ${name} has been migrated to already, on ${migrated.completed!.toISOString()}: there is nothing left to do. Start Quipu with QUIPU_MONGODB_URL.`);
  if ((await db.listCollections({}, { nameOnly: true }).toArray()).length > 0) {
    throw new Error(`The database ${name} is not empty: a data folder is migrated to an empty one only. Drop it, or name another in QUIPU_MONGODB_URL.`);
  }
  return undefined;
}

async function withDatabase<T>(url: string, name: string, work: (db: Db) => Promise<T>): Promise<T> {
  try {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 3000, writeConcern: { w: 'majority', journal: true } });
    try {
      return await work(client.db(name));
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof Error) || (!error.name.startsWith('Mongo') && (error as NodeJS.ErrnoException).code === undefined)) throw error;
    throw new Error(`The database ${name} of QUIPU_MONGODB_URL can't be used: ${error.message}`, { cause: error });
  }
}
