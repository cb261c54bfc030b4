import type { Collection, CollectionSpec, RecordStore, VersionedRecord } from '../../records/store.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import { afterPrefix, tableKey, type Table } from './keys.js';

/**
 * Records: `c collection \0 id` holds version and value; `x collection \0 property \0 value \0 id` is an index entry,
 * `u collection \0 property \0 value` names the id that has a unique value.
 */
export function createRecordStore(database: Database): RecordStore {
  return { collection: (spec) => createCollection(database, spec) };
}

const escaped = (text: string): string => text.replaceAll('\u0001', '\u0001\u0001').replaceAll('\0', '\u0001\u0002');
const key = (tenant: string, table: Table, ...parts: string[]): Buffer => tableKey(tenant, table, Buffer.from(parts.map(escaped).join('\0'), 'utf8'));
/** Where the keys begin that have these parts before others. */
export const below = (tenant: string, table: Table, ...parts: string[]): Buffer => Buffer.concat([key(tenant, table, ...parts), Buffer.alloc(1)]);

function createCollection<T extends object>(database: Database, spec: CollectionSpec<T>): Collection<T> {
  const { name } = spec;

  const read = (bytes: Buffer | undefined, id: string): VersionedRecord<T> | undefined =>
    bytes && { id, ...(JSON.parse(bytes.toString('utf8')) as { version: number; value: T }) };

  const property = (value: T, at: keyof T & string): string | undefined => {
    const found = value[at];
    return found === undefined || found === null ? undefined : String(found);
  };

  function uniqueTaken(commit: Commit, tenant: string, id: string, value: T): boolean {
    return spec.unique.some((at) => {
      const wanted = property(value, at);
      const owner = wanted === undefined ? undefined : commit.get(key(tenant, 'u', name, at, wanted));
      return owner !== undefined && owner.toString('utf8') !== id;
    });
  }

  /** Entries of a record's properties. @param unless a value whose own entries of the same record are left out */
  function entriesOf(tenant: string, { id, value }: Pick<VersionedRecord<T>, 'id' | 'value'>, unless?: T): Buffer[] {
    const wanted = (at: keyof T & string): boolean => unless === undefined || property(unless, at) !== property(value, at);
    const held = spec.unique.filter((at) => wanted(at) && property(value, at) !== undefined);
    return [
      ...spec.indexes.filter(wanted).map((at) => key(tenant, 'x', name, at, property(value, at) ?? '', id)),
      ...held.map((at) => key(tenant, 'u', name, at, property(value, at)!)),
    ];
  }

  function store(commit: Commit, tenant: string, record: VersionedRecord<T>, before?: T): void {
    const { id, value, version } = record;
    commit.put(key(tenant, 'c', name, id), Buffer.from(JSON.stringify({ version, value }), 'utf8'));
    for (const entry of entriesOf(tenant, record, before)) commit.put(entry, Buffer.from(id, 'utf8'));
  }

  return {
    get: async (tenant, id) => read(database.get(key(tenant, 'c', name, id)), id),
    insert: (tenant, id, value) => database.commits.commit((commit) => {
      if (commit.get(key(tenant, 'c', name, id)) || uniqueTaken(commit, tenant, id, value)) return 'exists';
      store(commit, tenant, { id, value, version: 1 });
      return 'inserted';
    }),
    update: (tenant, id, value, version) => database.commits.commit((commit) => {
      const known = read(commit.get(key(tenant, 'c', name, id)), id);
      if (known?.version !== version) return 'changed';
      if (uniqueTaken(commit, tenant, id, value)) return 'exists';
      for (const entry of entriesOf(tenant, known, value)) commit.delete(entry);
      store(commit, tenant, { id, value, version: version + 1 }, known.value);
      return 'updated';
    }),
    delete: (tenant, id) => database.commits.commit((commit) => {
      const known = read(commit.get(key(tenant, 'c', name, id)), id);
      if (!known) return false;
      commit.delete(key(tenant, 'c', name, id));
      for (const entry of entriesOf(tenant, known)) commit.delete(entry);
      return true;
    }),
    list: async (tenant, { where, after, limit = 1000 } = {}) => {
      const parts: string[] = where ? [name, where.property, where.equals] : [name];
      const table: Table = where ? (spec.indexes.includes(where.property) ? 'x' : 'u') : 'c';
      if (where && table === 'u') {
        const owner = database.get(key(tenant, 'u', ...parts))?.toString('utf8');
        const record = owner === undefined || (after !== undefined && owner <= after) ? undefined : read(database.get(key(tenant, 'c', name, owner)), owner);
        return record ? [record] : [];
      }
      const start = below(tenant, table, ...parts);
      const range = after === undefined ? { gte: start } : { gt: key(tenant, table, ...parts, after) };
      const found: VersionedRecord<T>[] = [];
      for await (const [at, bytes] of database.level.iterator({ ...range, lt: afterPrefix(start), limit })) {
        const id = where ? bytes.toString('utf8') : unescaped(at.toString('utf8', start.length));
        const record = read(where ? database.get(key(tenant, 'c', name, id)) : bytes, id);
        if (record) found.push(record);
      }
      return found;
    },
  };
}

/** A part of a key as it was given. */
export function unescaped(text: string): string {
  return text.replace(/\u0001([\u0001\u0002])/g, (_, escape: string) => (escape === '\u0001' ? '\u0001' : '\0'));
}
