import { createHash } from 'node:crypto';
import { ObjectId, type Collection, type Document, type Filter } from 'mongodb';
import type { MigrationEntry, MigrationOrigin, MigrationTarget } from '../../migration/store.js';
import type { Statement } from '../../xapi/types.js';
import { MOST_INHERITED } from '../inherited-keys.js';
import { eachKey, KEY_BYTES } from '../../xapi/key-run.js';
import { idOfRow, rowId, type StatementRow } from './collections.js';
import { openDatabase } from './database.js';
import { beginMigration, checkAttachments, endMigration, MIGRATING, noteAttachments, noteProgress } from './migration-mark.js';
import { openMongoStorage } from './open.js';
import { recordRows } from './record-store.js';
import type { S3Options } from './s3-blobs.js';
import { targetOf } from './statement-erasure.js';
import { MOST_ROW_BYTES, ROW_KEY_BYTES } from './statement-store.js';
import { answering, isDuplicateKey } from './store-failure.js';

export interface MigrationTargetOptions {
  url: string;
  database?: string;
  /** Where attachments go, instead of GridFS. */
  s3?: S3Options;
}

/** Documents that are written at once. */
const AT_ONCE = 16;
/** Positions counted in one command. */
const STRIDE = 500_000;

type Rows = Map<string, Document[]>;

/**
 * Opens a database for a migration. Rows are made from the entries alone, with the same `_id` each time, so that those which are
 * there already are known by it. Salt, keys and positions are those of the source.
 * @param origin asked for once the database is found fit
 * @throws Error with a sentence for the operator: not empty, another source, another place for attachments, or can't be reached
 */
export async function openMongoMigrationTarget(options: MigrationTargetOptions, origin: (fits: (entry: MigrationEntry) => boolean) => Promise<MigrationOrigin>): Promise<MigrationTarget> {
  const { mark, from } = await beginMigration(options.url, options.database, () => origin(fits));
  const attachmentsPlace = placeOf(options.s3);
  checkAttachments(mark, attachmentsPlace);
  const storage = await openMongoStorage({ ...options, filling: MIGRATING });
  const database = await openDatabase({ url: options.url, database: options.database, filling: MIGRATING });
  const { db, collections: { statements, erasures, heads, canonical } } = database;
  await noteAttachments(db, attachmentsPlace);

  function addRow(rows: Rows, entry: Exclude<MigrationEntry, { kind: 'document' }>): void {
    const { tenant } = entry;
    if (entry.kind === 'statement') addStatement(rows, entry, mark.append);
    else if (entry.kind === 'erasure') listOf(rows, 'erasures').push({ _id: idFrom(`${tenant}/${entry.position}`), t: tenant, p: entry.position, s: entry.stored, erased: entry.erased, redacted: entry.redacted });
    else if (entry.kind === 'definition') listOf(rows, 'canonical').push({ _id: `${tenant}/${entry.of}/${entry.name}`, x: mark.append, text: entry.text });
    else listOf(rows, 'records').push(recordRows(entry.spec).rowOf(tenant, entry.id, entry.value, entry.version));
  }

  async function insert(name: string, rows: Document[]): Promise<void> {
    try {
      await db.collection(name).insertMany(rows, { ordered: false });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /** Index t, p, a of statements. */
  async function countVoided(tenant: string): Promise<number> {
    let voided = 0;
    const at = async (direction: 1 | -1): Promise<number> => (await statements.find({ t: tenant }, { projection: { p: 1 } }).sort({ p: direction }).limit(1).toArray())[0]?.p ?? 0;
    const last = await at(-1);
    for (let from = await at(1); from > 0 && from <= last; from += STRIDE) voided += await statements.countDocuments({ t: tenant, p: { $gte: from, $lt: from + STRIDE }, v: true });
    return voided;
  }

  /** '0' follows '/', so these are the rows whose `_id` begins with the tenant. */
  const ofTenant = <T extends { _id: string }>(collection: Collection<T>, tenant: string): Promise<number> =>
    collection.countDocuments({ _id: { $gte: `${tenant}/`, $lt: `${tenant}0` } } as Filter<T>);

  return {
    ...storage,
    progress: mark.progress,
    load: answering(async (entries) => {
      const rows: Rows = new Map();
      const documents = entries.filter((entry): entry is MigrationEntry & { kind: 'document' } => entry.kind === 'document');
      for (const entry of entries) if (entry.kind !== 'document') addRow(rows, entry);
      for (const [name, list] of rows) await insert(name, list);
      for (let start = 0; start < documents.length; start += AT_ONCE) {
        await Promise.all(documents.slice(start, start + AT_ONCE).map(({ tenant, document }) => storage.documents.put(tenant, document, { kind: 'any' })));
      }
    }),
    note: answering((progress) => noteProgress(db, progress)),
    endLogs: answering(async (tenants) => {
      const { position, stored } = from.head;
      // What `consistentThrough` of the source has told is not to be overtaken.
      const s = Math.max(stored, Date.now());
      for (const _id of tenants) await heads.replaceOne({ _id }, { p: position, s, h: position, cp: 0, cn: 0, e: 0 }, { upsert: true });
    }),
    count: answering(async (tenant) => ({
      statements: await storage.statements.count(tenant),
      voided: await countVoided(tenant),
      // Index t, p of erasures.
      erasures: await erasures.countDocuments({ t: tenant }),
      definitions: await ofTenant(canonical, tenant),
      // Index t, r, g of documents.
      documents: await db.collection('documents').countDocuments({ t: tenant }),
      records: await ofTenant(db.collection<{ _id: string }>('records'), tenant),
    })),
    complete: answering(() => endMigration(db, from)),
    close: async () => {
      await storage.close();
      await database.close();
    },
  };
}

function placeOf(s3: S3Options | undefined): string {
  if (!s3) return 'in the database';
  return `in the bucket ${s3.bucket} ${s3.url === undefined ? 'of Amazon' : `at ${new URL(s3.url).host}`}`;
}

/** Whether a row can hold it; keys that were inherited have room beside what an append allows. */
function fits(entry: MigrationEntry): boolean {
  if (entry.kind !== 'statement') return true;
  return entry.statement.text.length + Math.max(0, entry.keys.length / KEY_BYTES - MOST_INHERITED) * ROW_KEY_BYTES <= MOST_ROW_BYTES;
}

/** The rows of a statement, as an append makes them. */
function addStatement(rows: Rows, { tenant, statement: { id, position, stored, text, voided }, keys, voids }: MigrationEntry & { kind: 'statement' }, append: ObjectId): void {
  const target = targetOf(JSON.parse(text.toString('utf8')) as Statement);
  const row: StatementRow = {
    _id: rowId(tenant, id), t: tenant, p: position, s: stored, a: append, x: 0, v: voided, k: [...eachKey(keys)],
    ...(target !== undefined && { r: target }), ...(voids && { w: true as const }), text,
  };
  listOf(rows, 'statements').push(row);
  if (target !== undefined) listOf(rows, 'references').push({ _id: `${rowId(tenant, target)}/${position}`, g: rowId(tenant, target), id: idOfRow(row._id) });
}

function listOf(rows: Rows, name: string): Document[] {
  let list = rows.get(name);
  if (!list) rows.set(name, list = []);
  return list;
}

/** The same id for the same name. */
function idFrom(name: string): ObjectId {
  return new ObjectId(createHash('sha256').update(name).digest().subarray(0, 12));
}
