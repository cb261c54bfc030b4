/**
 * The generic port for everything that is neither a statement nor a document: tenants, keys, erasures, courses, sessions,
 * checkpoints … A feature declares a collection and needs no adapter code of its own.
 */

/** A collection as a feature declares it. */
export interface CollectionSpec<T> {
  /** kebab-case, unique in the program. */
  name: string;
  /** Properties (strings) that `list` can select by. */
  indexes: readonly (keyof T & string)[];
  /** Properties (strings) of which no two records of a tenant may have the same value. Where there are several, each record has all of them. */
  unique: readonly (keyof T & string)[];
}

export interface VersionedRecord<T> {
  id: string;
  value: T;
  /** Counts from 1 with every update. */
  version: number;
}

/**
 * Records of one kind. Values are JSON. The tenant `''` holds what belongs to the server itself.
 * Every write is durable when it answers.
 */
export interface Collection<T> {
  get(tenant: string, id: string): Promise<VersionedRecord<T> | undefined>;
  /** @returns `exists` when the id or a unique property is taken; then nothing was written */
  insert(tenant: string, id: string, value: T): Promise<'inserted' | 'exists'>;
  /** @returns `changed` when the record is not at `version` any more or is gone, `exists` when a unique property is taken */
  update(tenant: string, id: string, value: T, version: number): Promise<'updated' | 'changed' | 'exists'>;
  /** @returns whether there was one */
  delete(tenant: string, id: string): Promise<boolean>;
  /** In order of id, after `after`. With `where`, those whose indexed or unique property has that value. */
  list(tenant: string, options?: { where?: { property: keyof T & string; equals: string }; after?: string; limit?: number }): Promise<VersionedRecord<T>[]>;
}

export interface RecordStore {
  collection<T extends object>(spec: CollectionSpec<T>): Collection<T>;
}
