import { createHash } from 'node:crypto';
import { ObjectId, type Collection, type Db, type Filter } from 'mongodb';
import type { Document, DocumentKey, DocumentScope, DocumentStore } from '../../documents/store.js';
import { holds } from '../expectation.js';
import type { Chores } from './chores.js';
import { createDocumentParts } from './document-parts.js';
import { createDocumentRedo, type SeenDocument } from './document-redo.js';
import type { Processes } from './processes.js';
import { answering, isDuplicateKey } from './store-failure.js';

/** A document. In a cluster, shard by `{ _id: 1 }`. */
interface DocumentRow extends SeenDocument {
  /** `tenant/hash of the address` */
  _id: string;
  /** Tenant. */
  t: string;
  /** Resource. */
  r: string;
  /** Hashes of agent and activity, and the registration; empty where the address has none. */
  g: string;
  a: string;
  n: string;
  /** The address as JSON. */
  key: string;
  type: string;
  etag: string;
  /** Milliseconds since the epoch. */
  updated: number;
  /** Where it is small; otherwise it stands in `documentParts`. */
  content?: Buffer;
}

const hash = (text: string | undefined): string => (text === undefined ? '' : createHash('sha256').update(text).digest('base64url'));

/** Documents. A write depends on the revision that it replaces; one that came too late looks again. */
export function createDocumentStore(db: Db, processes: Processes, chores: Chores): DocumentStore {
  const rows: Collection<DocumentRow> = db.collection<DocumentRow>('documents');
  const parts = createDocumentParts(db);
  const redo = createDocumentRedo(db, db.collection<SeenDocument>('documents'), parts, processes, chores);
  processes.onDeath((process) => redo.finishOf(process));

  /** Another one for every address: its members and their lengths are hashed. */
  function idOf(tenant: string, { resource, activity, agent, registration, id }: DocumentKey): string {
    return `${tenant}/${hash(JSON.stringify([resource, activity ?? null, agent ?? null, registration ?? null, id]))}`;
  }

  function filterOf(tenant: string, { resource, activity, agent, registration }: DocumentScope): Filter<DocumentRow> {
    return {
      t: tenant, r: resource,
      ...(agent !== undefined && { g: hash(agent) }), ...(activity !== undefined && { a: hash(activity) }), ...(registration !== undefined && { n: registration ?? '' }),
    };
  }

  /** The whole document; looks again when it is replaced while its parts are read. */
  async function read(_id: string): Promise<Document | undefined> {
    for (;;) {
      const row = await rows.findOne({ _id });
      if (!row) return undefined;
      const content = row.parts > 0 ? await parts.read(row.rev, row.parts) : row.content;
      if (content) return { key: JSON.parse(row.key) as DocumentKey, content, contentType: row.type, etag: row.etag, updated: row.updated };
    }
  }

  const head = (_id: string): Promise<(SeenDocument & Pick<DocumentRow, 'etag'>) | null> => rows.findOne({ _id }, { projection: { rev: 1, parts: 1, etag: 1 } });

  function rowOf(tenant: string, _id: string, { key, content, contentType, etag, updated }: Document): DocumentRow {
    const count = parts.count(content);
    return {
      _id, t: tenant, r: key.resource, g: hash(key.agent), a: hash(key.activity), n: key.registration ?? '', key: JSON.stringify(key), type: contentType, etag, updated,
      rev: new ObjectId().toHexString(), parts: count, ...(count === 0 && { content }),
    };
  }

  /** @returns false when the row is not as it was seen any more */
  async function exchange(known: SeenDocument | null, next: DocumentRow): Promise<boolean> {
    if (known) return (await rows.replaceOne({ _id: next._id, rev: known.rev }, next)).matchedCount === 1;
    try {
      await rows.insertOne(next);
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  const remove = async ({ _id, rev }: SeenDocument): Promise<boolean> => (await rows.deleteOne({ _id, rev })).deletedCount === 1;

  async function put(known: SeenDocument | null, next: DocumentRow, content: Buffer): Promise<boolean> {
    const revisions = [known, next].filter((one) => one !== null && one.parts > 0).map((one) => one!.rev);
    if (revisions.length === 0) return exchange(known, next);
    const { result, overtaken } = await redo.clearingParts(next._id, revisions, async () => {
      await parts.write(next.rev, content);
      return exchange(known, next);
    });
    if (result && overtaken) await parts.write(next.rev, content);
    return result;
  }

  return {
    get: answering((tenant, key) => read(idOf(tenant, key))),
    put: answering(async (tenant, document, expected) => {
      const _id = idOf(tenant, document.key);
      for (let attempt = 0; ; attempt++) {
        const known = await head(_id);
        if (holds(expected, known ?? undefined)) {
          if (await put(known, rowOf(tenant, _id, document), document.content)) return { status: 'stored' };
        } else {
          const current = await read(_id);
          if (!holds(expected, current)) return { status: 'mismatch', current };
        }
        await pause(attempt);
      }
    }),
    delete: answering(async (tenant, key, expected) => {
      const _id = idOf(tenant, key);
      for (let attempt = 0; ; attempt++) {
        const known = await head(_id);
        if (!holds(expected, known ?? undefined)) {
          const current = await read(_id);
          if (!holds(expected, current)) return { status: 'mismatch', current };
        } else {
          if (!known) return { status: 'absent' };
          const gone = known.parts === 0 ? await remove(known) : (await redo.clearingParts(_id, [known.rev], () => remove(known))).result;
          if (gone) return { status: 'deleted' };
        }
        await pause(attempt);
      }
    }),
    list: answering(async (tenant, scope, since) => {
      const later = since === undefined ? {} : { updated: { $gt: since } };
      const found = await rows.find({ ...filterOf(tenant, scope), ...later }, { projection: { key: 1, updated: 1 } }).toArray();
      return found.map(({ key, updated }) => ({ key: JSON.parse(key) as DocumentKey, updated })).sort((a, b) => (a.key.id < b.key.id ? -1 : a.key.id > b.key.id ? 1 : 0));
    }),
    deleteAll: answering(async (tenant, scope) => redo.removeAll(await rows.find(filterOf(tenant, scope), { projection: { rev: 1, parts: 1 } }).toArray())),
  };
}

/** So that those who got in each other's way do not do so again. */
function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(50, 2 ** attempt)));
}
