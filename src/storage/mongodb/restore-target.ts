import { BSON, MongoClient, ObjectId, type Document } from 'mongodb';
import type { RestoreTarget } from '../../backup/store.js';
import { keyValues } from '../../xapi/statement-keys.js';
import type { Statement } from '../../xapi/types.js';
import { createKeyHash } from '../../xapi/key-hash.js';
import { eachKey } from '../../xapi/key-run.js';
import { createAttachmentStore } from './attachment-store.js';
import { engine, type BackupRow } from './backup.js';
import { createChores } from './chores.js';
import { idOfRow, rowId } from './collections.js';
import { createContentStore } from './content-store.js';
import { databaseName, FORMAT, openDatabase, type DatabaseOptions } from './database.js';
import { createHorizons } from './horizon.js';
import { createInheritance } from './inheritance.js';
import { openBlobs } from './open-blobs.js';
import { openProcesses } from './processes.js';
import type { S3Options } from './s3-blobs.js';

export interface RestoreTargetOptions {
  url: string;
  database?: string;
  /** Where attachments go, instead of GridFS. */
  s3?: S3Options;
}

const restored: ReadonlySet<string> = new Set<BackupRow['c']>(['statements', 'erasures', 'canonical', 'records', 'documents', 'documentParts', 'heads']);
/** `_id` of the mark in the collection `meta`. */
const RESTORING = 'restoring' satisfies DatabaseOptions['filling'];
/** Referring statements looked up in one command. */
const PAGE = 500;

/**
 * Makes an empty database ready to be filled from a backup. Until `complete` it is marked, no server opens it, and the next
 * restore begins anew.
 * @throws Error with a sentence for the operator: not empty, or can't be reached
 */
export async function openMongoRestoreTarget({ url, database: name, s3 }: RestoreTargetOptions): Promise<RestoreTarget> {
  await clear(url, databaseName(url, name));
  const database = await openDatabase({ url, database: name, filling: RESTORING });
  const processes = await openProcesses({ db: database.db });
  const chores = createChores();
  const blobs = await openBlobs(database.db, s3);
  let hash = createKeyHash(database.salt);
  const inheritance = createInheritance(database, createHorizons(database));
  const append = new ObjectId();

  /** What is left out of a backup because it follows from the rest. */
  function complete({ c, d }: BackupRow): Document {
    if (c === 'heads') return { ...d, h: d.p as number, cp: 0, cn: 0, e: 0 };
    if (c !== 'statements') return d;
    const statement = JSON.parse((d.text as Buffer).toString('utf8')) as Statement;
    return { ...d, a: append, x: 0, v: false, k: [...eachKey(hash.run(keyValues(statement)))] };
  }

  /** Hashes in the backup are those of the store that it is from. */
  async function takeSalt(salt: string): Promise<void> {
    await database.db.collection<{ _id: string }>('meta').updateOne({ _id: 'store' }, { $set: { salt } });
    hash = createKeyHash(salt);
  }

  async function insert(collection: string, rows: Document[]): Promise<void> {
    if (rows.length > 0) await database.db.collection(collection).insertMany(rows, { ordered: false });
  }

  /** What statements do to those they refer to and inherit from them. */
  async function relate(): Promise<void> {
    for (let after = ''; ;) {
      const page = await database.collections.references.find({ _id: { $gt: after } }).sort({ _id: 1 }).limit(PAGE).toArray();
      const targets = new Map<string, Set<string>>();
      for (const { g } of page) {
        const tenant = g.slice(0, g.length - 37);
        targets.set(tenant, (targets.get(tenant) ?? new Set()).add(idOfRow(g)));
      }
      for (const [tenant, ids] of targets) await inheritance.spread(tenant, [...ids], false);
      if (page.length < PAGE) return;
      after = page[page.length - 1]!._id;
    }
  }

  return {
    engine,
    version: FORMAT,
    attachments: createAttachmentStore({ database, blobs, processes, chores, settled: () => Promise.resolve() }),
    content: createContentStore({ database, blobs, processes, chores }),
    load: async (chunk) => {
      const byCollection = new Map<string, Document[]>();
      for (const row of rowsIn(chunk)) {
        if (row.c === 'meta') await takeSalt(row.d.salt as string);
        else if (!restored.has(row.c)) throw new Error(`This backup holds rows of the unknown collection ${JSON.stringify(String(row.c).slice(0, 100))}.`);
        else listOf(byCollection, row.c).push(complete(row));
      }
      for (const [collection, rows] of byCollection) await insert(collection, rows);
      await insert('references', (byCollection.get('statements') ?? []).filter(({ r }) => r !== undefined)
        .map(({ _id, t, p, r }) => ({ _id: `${rowId(t as string, r as string)}/${p as number}`, g: rowId(t as string, r as string), id: idOfRow(_id as unknown as string) })));
      return 0;
    },
    complete: async () => {
      await relate();
      await database.db.collection<{ _id: string }>('meta').deleteOne({ _id: RESTORING });
    },
    close: async () => {
      await chores.close();
      await processes.close();
      blobs.close?.();
      await database.close();
    },
  };
}

function listOf(lists: Map<string, Document[]>, name: string): Document[] {
  let list = lists.get(name);
  if (!list) lists.set(name, list = []);
  return list;
}

/** Removes what an interrupted restore has left, and marks the database. */
async function clear(url: string, name: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 3000, writeConcern: { w: 'majority', journal: true } });
  try {
    const db = client.db(name);
    const meta = db.collection<{ _id: string }>('meta');
    const unfinished = await meta.findOne({ _id: RESTORING });
    if (unfinished) await db.dropDatabase();
    else if ((await db.listCollections({}, { nameOnly: true }).toArray()).length > 0) {
      throw new Error(`The database ${name} is not empty: a backup is restored into an empty one only. Drop it, or name another in QUIPU_MONGODB_URL.`);
    }
    await meta.insertOne({ _id: RESTORING });
  } catch (error) {
    if (!(error instanceof Error) || !error.name.startsWith('Mongo')) throw error;
    throw new Error(`The database ${name} of QUIPU_MONGODB_URL can't be used: ${error.message}`, { cause: error });
  } finally {
    await client.close();
  }
}

/** @throws Error when the chunk is damaged */
function* rowsIn(chunk: Buffer): Generator<BackupRow> {
  for (let at = 0; at < chunk.length;) {
    const length = at + 4 <= chunk.length ? chunk.readInt32LE(at) : Infinity;
    if (length < 5 || at + length > chunk.length) throw new Error('A row of the store in this backup is cut off.');
    yield BSON.deserialize(chunk.subarray(at, at + length), { promoteBuffers: true }) as BackupRow;
    at += length;
  }
}
