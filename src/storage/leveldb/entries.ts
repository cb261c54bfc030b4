import type { MigrationEntry, PlacedEntry } from '../../migration/store.js';
import type { Database } from './database.js';
import { readDocument } from './document-store.js';
import { afterPrefix, numberAtEnd, tableKey, tenantPrefix, type Table } from './keys.js';
import { readHead, tenantsIn } from './level.js';
import { ERASURE, recordFlags, recordId, recordKeys, recordStored, recordText, VOIDED, VOIDING } from './record.js';
import { below, unescaped } from './record-store.js';

/** The contents of the database without what follows from them. */
export interface Entries {
  readonly salt: string;
  head(): { position: number; stored: number };
  /** Every entry in order of its key, after one. */
  read(after?: Buffer): AsyncGenerator<PlacedEntry>;
}

/** Tables that hold contents, in order; all others are made from these. */
const tables: Table[] = ['a', 'b', 'c', 'd', 'g', 's'];
const READ_AHEAD = 1 << 20;

/** What the table `c` holds is told with the properties by which the tables `x` and `u` find it. */
type Spec = (MigrationEntry & { kind: 'record' })['spec'];

export function createEntries({ level, salt }: Database): Entries {
  async function firstKey(from: Buffer, end: Buffer): Promise<Buffer | undefined> {
    for await (const key of level.keys({ gte: from, lt: end, limit: 1 })) return key;
    return undefined;
  }

  /** The properties of a collection that have entries in a table of indexes. */
  async function properties(tenant: string, table: 'x' | 'u', collection: string): Promise<string[]> {
    const start = below(tenant, table, collection);
    const found: string[] = [];
    for (let key = await firstKey(start, afterPrefix(start)); key; ) {
      const property = key.subarray(start.length, key.indexOf(0, start.length));
      found.push(unescaped(property.toString('utf8')));
      key = await firstKey(Buffer.concat([start, property, Buffer.from([1])]), afterPrefix(start));
    }
    return found;
  }

  async function specOf(tenant: string, name: string): Promise<Spec> {
    return { name, indexes: await properties(tenant, 'x', name), unique: await properties(tenant, 'u', name) };
  }

  return {
    salt,
    head: () => readHead(level),
    read: async function* (after) {
      for await (const tenant of tenantsIn(level)) {
        let spec: Spec | undefined;
        for (const table of tables) {
          const start = tableKey(tenant, table);
          const end = afterPrefix(start);
          if (after && after.compare(end) >= 0) continue;
          const from = after && after.compare(start) >= 0 ? { gt: after } : { gte: start };
          for await (const [at, bytes] of level.iterator({ ...from, lt: end, highWaterMarkBytes: READ_AHEAD, fillCache: false })) {
            if (table !== 'c') {
              yield { at, bytes, entry: readEntry(tenant, table, at, bytes) };
              continue;
            }
            const [collection, id] = at.toString('utf8', start.length).split('\0').map(unescaped) as [string, string];
            if (spec?.name !== collection) spec = await specOf(tenant, collection);
            yield { at, bytes, entry: { kind: 'record', tenant, spec, id, ...(JSON.parse(bytes.toString('utf8')) as { version: number; value: Record<string, unknown> }) } };
          }
        }
      }
    },
  };
}

function readEntry(tenant: string, table: Table, at: Buffer, bytes: Buffer): MigrationEntry {
  if (table === 'd') return { kind: 'document', tenant, document: readDocument(bytes) };
  if (table === 's') return readLogEntry(tenant, numberAtEnd(at), bytes);
  return { kind: 'definition', tenant, of: table as 'a' | 'b' | 'g', name: at.toString('hex', tenantPrefix(tenant).length + 1), text: bytes.toString('utf8') };
}

function readLogEntry(tenant: string, position: number, record: Buffer): MigrationEntry {
  const flags = recordFlags(record);
  const stored = recordStored(record);
  if (flags & ERASURE) return { kind: 'erasure', tenant, position, stored, ...(JSON.parse(recordText(record).toString('utf8')) as { erased: string[]; redacted: string[] }) };
  return {
    kind: 'statement', tenant, keys: recordKeys(record), voids: (flags & VOIDING) !== 0,
    statement: { position, stored, id: recordId(record), text: recordText(record), voided: (flags & VOIDED) !== 0 },
  };
}
