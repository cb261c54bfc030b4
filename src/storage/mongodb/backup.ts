import { BSON, type Collection, type Document, type Filter } from 'mongodb';
import type { BackupStore } from '../../backup/store.js';
import { FORMAT, type Database } from './database.js';
import type { Horizons } from './horizon.js';
import { storeFailure } from './store-failure.js';

/** Name of this engine's format. */
export const engine = 'mongodb';
const chunkBytes = 4 << 20;
/** Rows that one command asks for; none stays open while the backup's reader takes its time. */
const PAGE = 1000;

/** One row of a backup: a document of BSON with the collection that it belongs to. */
export interface BackupRow {
  c: 'meta' | 'statements' | 'erasures' | 'canonical' | 'records' | 'documents' | 'documentParts' | 'heads';
  d: Document;
}

/**
 * The database as a source of backups, without a snapshot, which not every server has. Statements are those up to the horizon of
 * their tenant; what others have made of them meanwhile (inherited keys, voiding) is left out and made again by the restore. What
 * the program keeps as records is read before that horizon, so that no consumer is ahead of the statements; documents and what is
 * known of activities are read after it.
 */
export function createBackupStore({ db, collections, salt }: Database, horizons: Horizons): BackupStore {
  /** All rows in order of one field. Index: that of the field. */
  async function* inOrder(collection: Collection, filter: Filter<Document>, field: '_id' | 'p', projection?: Document): AsyncGenerator<Document> {
    for (let after: unknown; ;) {
      const next = after === undefined ? filter : { ...filter, [field]: { ...(filter[field] as object | undefined), $gt: after } };
      const page = await collection.find(next, projection && { projection }).sort({ [field]: 1 }).limit(PAGE).toArray();
      yield* page;
      if (page.length < PAGE) return;
      after = page[page.length - 1]![field];
    }
  }

  async function* rowsOf(name: BackupRow['c'], ...rest: [Filter<Document>, '_id' | 'p', Document?]): AsyncGenerator<BackupRow> {
    for await (const d of inOrder(db.collection(name), ...rest)) yield { c: name, d };
  }

  /** Documents, each with the parts of the revision that it is at. */
  async function* documents(): AsyncGenerator<BackupRow> {
    const parts = db.collection<{ _id: string }>('documentParts');
    for await (const { _id } of inOrder(db.collection('documents'), {}, '_id', { _id: 1 })) {
      for (;;) {
        const row = await db.collection<{ _id: string; rev: string; parts: number }>('documents').findOne({ _id: _id as string });
        if (!row) break;
        const found: Document[] = [];
        for (let index = 0; index < row.parts; index++) found.push(...await parts.find({ _id: `${row.rev}/${index}` }).toArray());
        if (found.length < row.parts) continue;
        yield { c: 'documents', d: row };
        for (const d of found) yield { c: 'documentParts', d };
        break;
      }
    }
  }

  async function* everything(): AsyncGenerator<BackupRow> {
    const tenants = (await collections.heads.find({}, { projection: { s: 1 } }).toArray()).map(({ _id }) => _id);
    yield { c: 'meta', d: { salt } };
    yield* rowsOf('records', {}, '_id');
    for (const t of tenants) {
      const { horizon } = await horizons.view(t);
      const head = await collections.heads.findOne({ _id: t });
      yield { c: 'heads', d: { _id: t, p: horizon, s: head!.s } };
      yield* rowsOf('statements', { t, p: { $lte: horizon } }, 'p', { k: 0, v: 0, x: 0, a: 0 });
      yield* rowsOf('erasures', { t, p: { $lte: horizon } }, 'p');
    }
    yield* rowsOf('canonical', {}, '_id');
    yield* documents();
  }

  return {
    engine,
    version: FORMAT,
    dump: async function* () {
      let parts: Uint8Array[] = [];
      let size = 0;
      try {
        for await (const row of everything()) {
          const bytes = BSON.serialize(row, { ignoreUndefined: true });
          parts.push(bytes);
          size += bytes.length;
          if (size < chunkBytes) continue;
          yield Buffer.concat(parts);
          parts = [];
          size = 0;
        }
      } catch (error) {
        throw storeFailure(error);
      }
      if (parts.length > 0) yield Buffer.concat(parts);
    },
  };
}
