import { UUID_BYTES, uuidBytes } from '../../xapi/uuids.js';

/**
 * Every key is `tenant \0 table rest`, bytes compared from the left. The tables:
 *
 * | table | rest | value |
 * |---|---|---|
 * | `s` | position | record of a statement, or of an erasure (see record.ts): the log, which is the feed |
 * | `i` | statement id | where the statement stands, or that others wait for it (see statement-index.ts) |
 * | `p` | kind, hash, first position | further positions: one list of postings per filter value (see posting-entry.ts) |
 * | `r` | target's id, position | `NOTHING`: this StatementRef has that target |
 * | `j` | tenant \0 statement id | a mark (see inheritance.ts): its keys have grown, the statements that refer to it are still to inherit them |
 * | `a` `b` `g` | hash of activity id, verb id, agent | merged definition, merged display, names |
 * | `d` | resource, agent, activity, registration, id | a document |
 * | `c` `x` `u` | collection, … | records, their indexes, their unique keys |
 * | `f` | time, hash | bytes of a small attachment (see attachment-rows.ts) |
 * | `h` | hash | that time, number of bytes |
 * | `n` | , or `late` | number of statements; or that late postings exist |
 *
 * The tenant '' holds the server's own: `j`, `m` name (format version, salt, head, up to where postings are written, digest of the file of ids) and `t` stored (first position of a time).
 */
export type Table = 's' | 'i' | 'p' | 'r' | 'j' | 'a' | 'b' | 'g' | 'd' | 'f' | 'h' | 'c' | 'x' | 'u' | 'n' | 'm' | 't';

/** Bytes of a position or a time in a key: 48 bits, big-endian, so that bytewise order is numeric order. */
export const NUMBER_BYTES = 6;

const tenantPrefixes = new Map<string, Buffer>();

/** `tenant \0`, where every key of a tenant starts. */
export function tenantPrefix(tenant: string): Buffer {
  let prefix = tenantPrefixes.get(tenant);
  if (!prefix) {
    prefix = Buffer.from(`${tenant}\0`, 'utf8');
    tenantPrefixes.set(tenant, prefix);
  }
  return prefix;
}

/** The tenant of a key. */
export function tenantOf(key: Buffer): string {
  return key.toString('utf8', 0, key.indexOf(0));
}

/** The table of a key. */
export function tableOf(key: Buffer): Table {
  return String.fromCharCode(key[key.indexOf(0) + 1]!) as Table;
}

/** Whether a key is one under which the index has a statement id: asked so often that it is quicker than `tableOf`. */
export function isIdKey(key: Buffer): boolean {
  for (let at = 0; at < key.length; at++) if (key[at] === 0) return key[at + 1] === 0x69;
  return false;
}

/** A key of one table from raw parts. */
export function tableKey(tenant: string, table: Table, ...parts: Buffer[]): Buffer {
  return Buffer.concat([tenantPrefix(tenant), Buffer.from(table), ...parts]);
}

/** Key of one of the server's own values. */
export function metaKey(name: 'format' | 'salt' | 'head' | 'postings' | 'ids'): Buffer {
  return tableKey('', 'm', Buffer.from(name));
}

/** A key of one table that ends in a number (position or milliseconds). */
export function numberedKey(tenant: string, table: Table, number: number): Buffer {
  const prefix = tenantPrefix(tenant);
  const key = Buffer.allocUnsafe(prefix.length + 1 + NUMBER_BYTES);
  prefix.copy(key, 0);
  key[prefix.length] = table.charCodeAt(0);
  key.writeUIntBE(number, prefix.length + 1, NUMBER_BYTES);
  return key;
}

/** The key under which the index has a statement id. */
export function idKey(tenant: string, id: string): Buffer {
  return uuidKey(tenant, uuidBytes(id));
}

/** The same from the id's bytes. */
export function uuidKey(tenant: string, uuid: Buffer): Buffer {
  const prefix = tenantPrefix(tenant);
  const key = Buffer.allocUnsafe(prefix.length + 1 + UUID_BYTES);
  prefix.copy(key, 0);
  key[prefix.length] = 0x69;
  uuid.copy(key, prefix.length + 1);
  return key;
}

/** The number that a key ends in. */
export function numberAtEnd(key: Buffer): number {
  return key.readUIntBE(key.length - NUMBER_BYTES, NUMBER_BYTES);
}

/** A position as bytes. */
export function positionBytes(position: number): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER_BYTES);
  bytes.writeUIntBE(position, 0, NUMBER_BYTES);
  return bytes;
}

/** The first key after every key of a tenant. */
export function afterTenant(tenant: string): Buffer {
  return Buffer.from(`${tenant}\u0001`, 'utf8');
}

/** The first key after every key that starts with `prefix`. */
export function afterPrefix(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.alloc(24, 0xff)]);
}
