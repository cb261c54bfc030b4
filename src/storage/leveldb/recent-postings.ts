import { KEY_BYTES, type KeyRun } from '../../xapi/key-run.js';
import { metaKey, NUMBER_BYTES, numberAtEnd, numberedKey, positionBytes, tableKey, tenantPrefix } from './keys.js';
import { NOTHING, tenantsIn, type Level } from './level.js';
import { encodeFurther, LONGEST_ENTRY } from './posting-entry.js';
import { recordKeys } from './record.js';

/**
 * Postings of the newest statements, in memory. They are written into LevelDB's lists when there are many, so that what is added to a list is
 * one entry for thousands of statements, not for those of one commit. Nothing hangs on the memory: the records have the keys, and those
 * behind the position up to which lists are written (`m postings`) are read again when the database is opened. See ADR 0001.
 */
export interface RecentPostings {
  /** Adds a statement that is stored to the list of each of its keys; positions must rise. */
  add(tenant: string, keys: KeyRun, position: number): void;
  /** Whether there are so many that they are to be written. @param adding postings that are about to be added */
  due(adding: number): boolean;
  /** Gives out the entries of all lists. */
  entries(put: (key: Buffer, value: Buffer) => void): void;
  /** Forgets all, which the lists in LevelDB have now. @param through the newest position of theirs */
  written(through: number): void;
  /** The newest part of a tenant's lists as it is now, for one query. */
  of(tenant: string): RecentLists;
  /** Reads what the lists in LevelDB do not have. */
  load(): Promise<void>;
}

/** What a query finds here: it stays, whatever is written meanwhile. */
export interface RecentLists {
  /** The lists in LevelDB have all positions up to this one; later ones are here, except those of late lists. */
  readonly written: number;
  /** Rising positions of a list behind `written`, among them those that are stored after this was asked for. */
  positions(key: Buffer): readonly number[];
}

/**
 * Statements after which lists are written: by then a statement of a course platform adds 1.3 entries to them, beside 4 to 5 where 30 to
 * 100 statements are written together. To read as many again takes some 60 ms.
 */
export const POSTINGS_AFTER = 8192;
/**
 * Postings that are in memory at the most, some 150 bytes each, and as many as one commit may add to them: twice as many as so many statements of a
 * course platform have. A statement may have as many keys as its text has room for.
 */
export const MOST_POSTINGS = 1 << 17;
const NONE: readonly number[] = [];

interface List {
  /** The last two bytes of its key. */
  end: number;
  positions: number[];
  /** Another list whose key has the same number. */
  next: List | undefined;
}

/** Lists of a tenant by kind and most of the hash of their keys, which tells almost all keys apart. */
type Lists = Map<number, List>;

/** What is in memory. */
interface Recent {
  tenants: Map<string, Lists>;
  statements: number;
  postings: number;
  /** The lists in LevelDB have all positions up to this one. */
  written: number;
}

const nothing = (written: number): Recent => ({ tenants: new Map(), statements: 0, postings: 0, written });

/** @param most statements after which they are to be written */
export function createRecentPostings(level: Level, most = POSTINGS_AFTER): RecentPostings {
  let recent = nothing(0);
  return {
    add: (tenant, keys, position) => add(recent, tenant, keys, position),
    due: (adding) => recent.statements >= most || recent.postings + adding > MOST_POSTINGS,
    entries: (put) => {
      for (const [tenant, lists] of recent.tenants) {
        for (const [number, first] of lists) {
          for (let list: List | undefined = first; list; list = list.next) {
            const { end, positions } = list;
            if (positions.length <= LONGEST_ENTRY) put(entryKey(tenant, number, end, positions[0]!), encodeFurther(positions));
            else for (const part of parts(positions)) put(entryKey(tenant, number, end, part[0]!), encodeFurther(part));
          }
        }
      }
    },
    written: (through) => {
      // Queries that are under way go on with what they have.
      recent = nothing(through);
    },
    of: (tenant) => {
      const lists = recent.tenants.get(tenant);
      return { written: recent.written, positions: (key) => (lists && listOf(lists, key, 0)?.positions) ?? NONE };
    },
    load: async () => {
      const loaded = nothing(level.getSync(metaKey('postings'))?.readUIntBE(0, NUMBER_BYTES) ?? 0);
      for await (const [tenant, position, record] of recordsAfter(level, loaded.written)) add(loaded, tenant, recordKeys(record), position);
      recent = loaded;
    },
  };
}

function add(recent: Recent, tenant: string, keys: KeyRun, position: number): void {
  let lists = recent.tenants.get(tenant);
  if (!lists) recent.tenants.set(tenant, lists = new Map());
  for (let at = 0; at < keys.length; at += KEY_BYTES) {
    const number = numberOf(keys, at);
    const list = listOf(lists, keys, at);
    if (list) list.positions.push(position);
    else lists.set(number, { end: endOf(keys, at), positions: [position], next: lists.get(number) });
  }
  recent.statements++;
  recent.postings += keys.length / KEY_BYTES;
}

/** Gives out an entry for each key of a statement: of one that has too many to be in memory. */
export function entriesOf(tenant: string, keys: KeyRun, position: number, put: (key: Buffer, value: Buffer) => void): void {
  for (let at = 0; at < keys.length; at += KEY_BYTES) put(entryKey(tenant, numberOf(keys, at), endOf(keys, at), position), NOTHING);
}

/** The write that tells up to where lists are written. */
export function writtenThrough(position: number): { key: Buffer; value: Buffer } {
  return { key: metaKey('postings'), value: positionBytes(position) };
}

/** Index of the first of rising positions that is at or above one; their number when none is. */
export function firstAtLeast(positions: readonly number[], position: number): number {
  let from = 0;
  for (let to = positions.length; from < to;) {
    const middle = (from + to) >>> 1;
    if (positions[middle]! < position) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Records of each tenant that are stored behind a position, in their order. */
async function* recordsAfter(level: Level, position: number): AsyncGenerator<[string, number, Buffer]> {
  for await (const tenant of tenantsIn(level)) {
    for await (const [key, record] of level.iterator({ gt: numberedKey(tenant, 's', position), lt: tableKey(tenant, 't'), highWaterMarkBytes: 1 << 20 })) yield [tenant, numberAtEnd(key), record];
  }
}

function listOf(lists: Lists, run: Buffer, at: number): List | undefined {
  const end = endOf(run, at);
  let list = lists.get(numberOf(run, at));
  while (list && list.end !== end) list = list.next;
  return list;
}

function* parts(positions: readonly number[]): Generator<number[]> {
  for (let at = 0; at < positions.length; at += LONGEST_ENTRY) yield positions.slice(at, at + LONGEST_ENTRY);
}

/** Kind and first bytes of the hash of a key. */
function numberOf(run: Buffer, at: number): number {
  return (run[at]! & 0x1f) * 2 ** 48 + run.readUIntBE(at + 1, 6);
}

function endOf(run: Buffer, at: number): number {
  return run.readUInt16BE(at + 7);
}

/** The key of a list's entry: see posting-entry.ts. Kinds are capital letters. */
function entryKey(tenant: string, number: number, end: number, position: number): Buffer {
  const start = tenantPrefix(tenant);
  const key = Buffer.allocUnsafe(start.length + 1 + KEY_BYTES + NUMBER_BYTES);
  start.copy(key, 0);
  const at = start.length + 1;
  key[at - 1] = 0x70;
  key[at] = 0x40 | Math.floor(number / 2 ** 48);
  key.writeUIntBE(number % 2 ** 48, at + 1, 6);
  key.writeUInt16BE(end, at + 7);
  key.writeUIntBE(position, at + KEY_BYTES, NUMBER_BYTES);
  return key;
}
