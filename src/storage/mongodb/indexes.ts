import type { Db } from 'mongodb';

/** An index and what asks for it. `_id` has one in every collection and is not listed. */
export interface IndexSpec {
  collection: string;
  /** Fields in order; the tenant, or a value that begins with it, comes first. */
  key: Record<string, 1 | -1>;
  unique?: true;
  /** Documents without the field are left out. */
  sparse?: true;
  /** The queries that it serves. */
  serves: string;
}

/**
 * Every index that there is. A filter or sort that the adapter sends begins with the fields of one of them or is about `_id`;
 * `test/integration/cluster/indexes.test.ts` listens to the driver and holds every command against this list.
 */
export const indexes: readonly IndexSpec[] = [
  { collection: 'statements', key: { t: 1, p: 1, a: 1 }, serves: 'lists without filters, the feed, the rows of one append, the number of statements' },
  { collection: 'statements', key: { t: 1, k: 1, p: 1 }, serves: 'lists with filters' },
  { collection: 'statements', key: { t: 1, s: 1, p: 1 }, serves: 'since and until: the first position after a time' },
  { collection: 'appends', key: { t: 1 }, serves: 'the horizon of a tenant' },
  { collection: 'appends', key: { owner: 1 }, serves: 'what a dead process has left' },
  { collection: 'appends', key: { state: 1 }, serves: 'records of what was given up, until they are not needed any more' },
  { collection: 'references', key: { g: 1, _id: 1 }, serves: 'who refers to a statement' },
  { collection: 'references', key: { a: 1 }, sparse: true, serves: 'the hints of one append' },
  { collection: 'erasures', key: { t: 1, p: 1 }, serves: 'the feed' },
  { collection: 'plans', key: { a: 1 }, serves: 'what an erasure that was given up has left' },
  { collection: 'documents', key: { t: 1, r: 1, g: 1, a: 1, n: 1 }, serves: 'lists and removals of documents of an agent, or of a whole resource' },
  { collection: 'documents', key: { t: 1, r: 1, a: 1 }, serves: 'lists and removals of documents of an activity' },
  { collection: 'documentRedo', key: { process: 1 }, serves: 'what a dead process has left undone' },
  { collection: 'documentRedoPages', key: { process: 1 }, serves: 'the same' },
  { collection: 'records', key: { x: 1, _id: 1 }, serves: 'lists by an indexed property' },
  { collection: 'records', key: { u1: 1 }, unique: true, sparse: true, serves: 'the first unique property' },
  { collection: 'records', key: { u2: 1 }, unique: true, sparse: true, serves: 'the second' },
  { collection: 'records', key: { u3: 1 }, unique: true, sparse: true, serves: 'the third' },
  { collection: 'attachments', key: { by: 1 }, serves: 'what a dead process has left of uploads' },
  { collection: 'packages', key: { by: 1 }, serves: 'what a dead process has left of packages' },
  { collection: 'attachments.chunks', key: { files_id: 1, n: 1 }, unique: true, serves: 'the bytes of an attachment or a package, in order' },
];

/** The server's code for a collection that does not exist. */
const NAMESPACE_NOT_FOUND = 26;

/** Makes the indexes that are missing. May take minutes on a large database that has grown without one. */
export async function makeIndexes(db: Db): Promise<void> {
  for (const { collection, key, unique, sparse } of indexes) await db.collection(collection).createIndex(key, { name: indexName(key), ...(unique && { unique }), ...(sparse && { sparse }) });
}

/** The indexes that a database should have and has not. */
export async function missingIndexes(db: Db): Promise<IndexSpec[]> {
  const missing: IndexSpec[] = [];
  for (const spec of indexes) {
    const present = await db.collection(spec.collection).listIndexes().toArray().catch(noneWithoutCollection);
    const same = present.some(({ key, unique }) => indexName(key as IndexSpec['key']) === indexName(spec.key) && (unique === true) === (spec.unique === true));
    if (!same) missing.push(spec);
  }
  return missing;
}

/** A collection that is not there has no indexes. */
function noneWithoutCollection(error: { code?: unknown }): [] {
  if (error.code === NAMESPACE_NOT_FOUND) return [];
  throw error;
}

function indexName(key: Record<string, 1 | -1>): string {
  return Object.entries(key).map(([field, direction]) => `${field}_${direction}`).join('_');
}
