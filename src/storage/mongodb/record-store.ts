import { createHash } from 'node:crypto';
import type { Db, Filter } from 'mongodb';
import type { Collection, CollectionSpec, RecordStore, VersionedRecord } from '../../records/store.js';
import { answering, isDuplicateKey } from './store-failure.js';

/** A record. The collection is small and stays on one shard, where its unique indexes hold. */
export interface RecordRow {
  /** `tenant/collection/id`: their order is that of the ids, bytes of UTF-8 compared from the left. */
  _id: string;
  /** The value as JSON. */
  text: string;
  /** Version. */
  v: number;
  /** `tenant/collection/property/hash of the value` of each indexed property that it has. */
  x: string[];
  /** The same of the first unique property in order of name, the second and the third; missing where it has none. */
  u1?: string;
  u2?: string;
  u3?: string;
}

/** One index each: a unique index over an array is not unique by element on every server. */
const uniqueFields = ['u1', 'u2', 'u3'] as const;

/** Records of all kinds. An update depends on the version that it replaces. */
export function createRecordStore(db: Db): RecordStore {
  return { collection: (spec) => createCollection(db, spec) };
}

/** How the records of one kind stand in rows. */
export function recordRows<T extends object>(spec: CollectionSpec<T>) {
  if (spec.unique.length > uniqueFields.length) throw new Error(`The collection ${spec.name} has more than ${uniqueFields.length} unique properties.`);
  // In an order that the records themselves tell, for whoever moves them here from another store.
  const unique = [...spec.unique].sort();
  const prefix = (tenant: string): string => `${tenant}/${spec.name}/`;

  const entry = (tenant: string, property: string, value: string): string =>
    `${prefix(tenant)}${property}/${createHash('sha256').update(value).digest('base64url')}`;

  function entryOf(tenant: string, value: T, property: keyof T & string): string | undefined {
    const found = value[property];
    return found === undefined || found === null ? undefined : entry(tenant, property, String(found));
  }

  const uniquesOf = (tenant: string, value: T): Pick<RecordRow, 'u1' | 'u2' | 'u3'> => Object.fromEntries(unique
    .map((property, index) => [uniqueFields[index]!, entryOf(tenant, value, property)] as const)
    .filter(([, wanted]) => wanted !== undefined));

  return {
    prefix, entry, unique, uniquesOf,
    rowOf: (tenant: string, id: string, value: T, version: number): RecordRow => ({
      _id: prefix(tenant) + id, text: JSON.stringify(value), v: version,
      x: spec.indexes.map((property) => entryOf(tenant, value, property)).filter((one): one is string => one !== undefined),
      ...uniquesOf(tenant, value),
    }),
  };
}

function createCollection<T extends object>(db: Db, spec: CollectionSpec<T>): Collection<T> {
  const rows = db.collection<RecordRow>('records');
  const { prefix, entry, unique, uniquesOf, rowOf } = recordRows(spec);

  const recordOf = (tenant: string, { _id, text, v }: RecordRow): VersionedRecord<T> => ({ id: _id.slice(prefix(tenant).length), value: JSON.parse(text) as T, version: v });

  /** Asked instead of reading the error of a refused update, which says different things on different servers. */
  async function uniqueTaken(tenant: string, id: string, value: T): Promise<boolean> {
    for (const [field, wanted] of Object.entries(uniquesOf(tenant, value))) {
      const owner = await rows.findOne({ [field]: wanted }, { projection: { _id: 1 } });
      if (owner && owner._id !== prefix(tenant) + id) return true;
    }
    return false;
  }

  function selection(tenant: string, where: { property: keyof T & string; equals: string } | undefined): Filter<RecordRow> {
    if (!where) return {};
    const wanted = entry(tenant, where.property, where.equals);
    return spec.indexes.includes(where.property) ? { x: wanted } : { [uniqueFields[unique.indexOf(where.property)]!]: wanted };
  }

  return {
    get: answering(async (tenant, id) => {
      const row = await rows.findOne({ _id: prefix(tenant) + id });
      return row ? recordOf(tenant, row) : undefined;
    }),
    insert: answering(async (tenant, id, value) => {
      try {
        await rows.insertOne(rowOf(tenant, id, value, 1));
        return 'inserted';
      } catch (error) {
        if (isDuplicateKey(error)) return 'exists';
        throw error;
      }
    }),
    update: answering(async (tenant, id, value, version) => {
      try {
        const { matchedCount } = await rows.replaceOne({ _id: prefix(tenant) + id, v: version }, rowOf(tenant, id, value, version + 1));
        return matchedCount === 1 ? 'updated' : 'changed';
      } catch (error) {
        if (await uniqueTaken(tenant, id, value)) return 'exists';
        throw error;
      }
    }),
    delete: answering(async (tenant, id) => (await rows.deleteOne({ _id: prefix(tenant) + id })).deletedCount === 1),
    list: answering(async (tenant, { where, after, limit = 1000 } = {}) => {
      const start = prefix(tenant);
      const ids = { ...(after === undefined ? { $gte: start } : { $gt: start + after }), $lt: `${start.slice(0, -1)}0` };
      const found = await rows.find({ ...selection(tenant, where), _id: ids }).sort({ _id: 1 }).limit(limit).toArray();
      return found.map((row) => recordOf(tenant, row));
    }),
  };
}
