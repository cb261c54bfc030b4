import type { StatementKey } from '../../xapi/statement-keys.js';
import type { StatementQuery, StoredStatement, StatementPage } from '../../statements/store.js';
import { firstPositionAfter, type Database } from './database.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { holdsKey } from '../../xapi/key-run.js';
import { numberAtEnd, numberedKey } from './keys.js';
import { postingKey, postingPrefix } from './posting-entry.js';
import type { PostingMerger } from './posting-merger.js';
import { createListReader, createUnionReader, type PositionRange, type PostingReader, type ReadCount } from './posting-reader.js';
import { positionsHeld, type SearchDeps, type SoughtLists } from './posting-search.js';
import type { PositionBlocks } from './position-blocks.js';
import { ERASURE, recordFlags, recordId, recordKeys, recordStored, recordText, VOIDED } from './record.js';

/**
 * List queries. One list of postings drives: the sparsest of the filters. Its positions are taken in runs, and the lists of the other
 * filters thin each run, unless one would have more entries read than the run is worth. What is left
 * is read, and the record, which holds all keys of its statement, tells whether the other filters hold. So a query reads at
 * most sixteen entries of each other filter for each position of the sparsest list, however long the other lists.
 */
export interface QueryDeps {
  database: Database;
  hash: KeyHash;
  /** Whether the tenant has postings in late lists at all. */
  hasLate(tenant: string): boolean;
  reads: ReadCount;
  merger: PostingMerger;
  blocks: PositionBlocks;
}

/** Positions looked at to compare lists. */
const SAMPLE = 24;
/** Below this a range may stand in memory or in one block, and its size on disk says nothing. */
const TELLING_BYTES = 64 << 10;
/** Positions of the driving list taken at a time. */
const LONGEST_RUN = 1024;
/** Entries that are read rather than a record: it takes as long as a dozen of them, and once read they are merged. */
const ENTRIES_A_RECORD = 16;
/** A list is dense that holds one in so many positions: its entries are long to decode, and few lists are. */
const DENSE_LIST = 128;
/** A run shorter than this is read rather than thinned. */
const SHORTEST_RUN = 32;
/** Records read at once: at first, at the most, and the bytes that they may take if none is longer than those before. */
const FIRST_RECORDS = 16;
const MOST_RECORDS = 128;
const RECORDS_BYTES = 4 << 20;
const LATEST_TIME = 2 ** 48 - 2;

/** Runs a query; see `StatementStore.find`. */
export async function runQuery(deps: QueryDeps, tenant: string, query: StatementQuery): Promise<StatementPage> {
  const horizon = query.cursor?.horizon ?? deps.database.commits.head();
  const search = { ...deps, level: deps.database.level, recent: deps.database.recentPostings.of(tenant) };
  const range = await rangeOf(deps, query, horizon);
  if (range.from > range.to) return { statements: [] };
  const page = createPage(query, horizon);
  if (query.filters.length === 0) await scanLog(deps, tenant, query, range, page);
  else await scanPostings(search, tenant, query, range, page);
  return page.result();
}


async function rangeOf({ database }: QueryDeps, query: StatementQuery, horizon: number): Promise<PositionRange> {
  let from = 1;
  let to = horizon;
  if (query.since !== undefined) from = query.since >= LATEST_TIME ? horizon + 1 : (await firstPositionAfter(database.level, query.since)) ?? horizon + 1;
  if (query.until !== undefined && query.until < LATEST_TIME) to = Math.min(to, ((await firstPositionAfter(database.level, query.until)) ?? horizon + 1) - 1);
  if (query.cursor && query.ascending) from = Math.max(from, query.cursor.position + 1);
  if (query.cursor && !query.ascending) to = Math.min(to, query.cursor.position - 1);
  return { from, to };
}

interface Page {
  /** Offers the next match in order; says whether the page wants more. */
  offer(position: number, record: Buffer): boolean;
  /** How many matches would show that it is full. */
  left(): number;
  result(): StatementPage;
}

function createPage(query: StatementQuery, horizon: number): Page {
  const statements: StoredStatement[] = [];
  let bytes = 0;
  let more = false;
  return {
    offer: (position, record) => {
      const text = recordText(record);
      if (statements.length === query.limit || (statements.length > 0 && bytes + text.length > (query.maxBytes ?? Infinity))) {
        more = true;
        return false;
      }
      bytes += text.length;
      statements.push({ position, id: recordId(record), stored: recordStored(record), text, voided: (recordFlags(record) & VOIDED) !== 0 });
      return true;
    },
    left: () => query.limit + 1 - statements.length,
    result: () => (more ? { statements, next: { position: statements[statements.length - 1]!.position, horizon } } : { statements }),
  };
}

const wanted = (query: StatementQuery, record: Buffer): boolean =>
  (recordFlags(record) & (query.includeVoided ? ERASURE : ERASURE | VOIDED)) === 0;

async function scanLog({ database, reads }: QueryDeps, tenant: string, query: StatementQuery, range: PositionRange, page: Page): Promise<void> {
  const iterator = database.level.iterator({
    gte: numberedKey(tenant, 's', range.from), lte: numberedKey(tenant, 's', range.to), reverse: !query.ascending,
    highWaterMarkBytes: 256 << 10, fillCache: true,
  });
  try {
    for (let size = query.limit + 1; ; size = 128) {
      const entries = await iterator.nextv(Math.min(size, 128));
      if (entries.length === 0) return;
      reads.records += entries.length;
      for (const [key, record] of entries) {
        if (wanted(query, record) && !page.offer(numberAtEnd(key), record)) return;
      }
    }
  } finally {
    await iterator.close();
  }
}

async function scanPostings(deps: QueryDeps & SearchDeps, tenant: string, query: StatementQuery, range: PositionRange, page: Page): Promise<void> {
  const { hash } = deps;
  const { driver, others } = await rankFilters(deps, tenant, query, range);
  const rest = query.filters.filter((_, index) => index !== driver.index).map((keys) => keys.map((key) => hash.key(key)));
  const records = createRecordReader(deps, tenant);
  try {
    let waiting = driver.sampled;
    // Of a filter alone every position is an answer; of several, some are not.
    for (let size = (query.limit + 1) * (others.length === 0 ? 1 : 2); ; size *= 2) {
      const length = Math.min(size, LONGEST_RUN);
      if (waiting.length < length) waiting = waiting.concat(await driver.reader.read(length - waiting.length));
      if (waiting.length === 0) return;
      let positions = waiting.slice(0, length);
      waiting = waiting.slice(length);
      for (const other of others) {
        if (positions.length < SHORTEST_RUN) break;
        const rising = query.ascending ? positions : positions.toReversed();
        const held = await positionsHeld(deps, other, rising, positions.length * ENTRIES_A_RECORD);
        if (held) positions = query.ascending ? held : held.reverse();
      }
      for (let at = 0; at < positions.length;) {
        const some = positions.slice(at, at + records.next(page.left()));
        for (const [index, record] of (await records.read(some)).entries()) {
          if (!record || !wanted(query, record)) continue;
          const keys = recordKeys(record);
          if (rest.every((anyOf) => anyOf.some((key) => holdsKey(keys, key))) && !page.offer(some[index]!, record)) return;
        }
        at += some.length;
      }
    }
  } finally {
    await driver.reader.close();
  }
}

/** Reads records in groups, beside the thread that answers requests. */
interface RecordReader {
  /** How many to read at once, when so many are needed at least. */
  next(needed: number): number;
  read(positions: readonly number[]): Promise<(Buffer | undefined)[]>;
}

function createRecordReader({ database, reads }: QueryDeps, tenant: string): RecordReader {
  let count = FIRST_RECORDS;
  let longest = 0;
  return {
    next: (needed) => Math.min(count, Math.max(needed, FIRST_RECORDS)),
    read: async (positions) => {
      const found = await database.getMany(positions.map((position) => numberedKey(tenant, 's', position)));
      reads.records += found.length;
      for (const record of found) longest = Math.max(longest, record?.length ?? 0);
      count = Math.max(1, Math.min(count * 8, MOST_RECORDS, Math.floor(RECORDS_BYTES / (longest + 1))));
      return found;
    },
  };
}

/** A filter of a query and its postings. */
interface RankedFilter extends SoughtLists {
  index: number;
  reader: PostingReader;
  /** Positions already read from it. */
  sampled: number[];
}

/**
 * The filter with the fewest postings in range, by the beginning of each list, then by its size on disk, with its reader open; and the others in
 * the order in which they thin its runs: dense lists, which are remembered, before those that have to be read, and sparse ones before long ones.
 */
async function rankFilters(deps: QueryDeps & SearchDeps, tenant: string, query: StatementQuery, range: PositionRange): Promise<{ driver: RankedFilter; others: SoughtLists[] }> {
  const candidates = await Promise.all(query.filters.map(async (keys, index) => {
    const lists = listsOf(deps, tenant, keys);
    const reader = createUnionReader(lists.map((prefix) => createListReader(deps, prefix, range, query.ascending)), query.ascending);
    if (query.filters.length === 1) return { index, lists, reader, sampled: [], size: 0, dense: false };
    const sampled = await reader.read(SAMPLE);
    const size = await estimate(deps, lists, range, sampled, reader.density());
    return { index, lists, reader, sampled, size, dense: size * DENSE_LIST >= range.to - range.from + 1 };
  }));
  candidates.sort((a, b) => a.size - b.size);
  const [driver, ...others] = candidates;
  await Promise.all(others.map((other) => other.reader.close()));
  return { driver: driver!, others: others.sort((a, b) => Number(b.dense) - Number(a.dense)) };
}

async function estimate(deps: SearchDeps, lists: Buffer[], range: PositionRange, sampled: number[], density: number): Promise<number> {
  if (sampled.length < SAMPLE) return sampled.length;
  const sizes = await Promise.all(lists.map((prefix) => deps.level.approximateSize(postingKey(prefix, range.from), postingKey(prefix, range.to + 1))));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes >= TELLING_BYTES) return bytes * density;
  const span = Math.abs(sampled[sampled.length - 1]! - sampled[0]!) + 1;
  return Math.min((sampled.length * (range.to - range.from + 1)) / span, Math.max(bytes, TELLING_BYTES) * density);
}

function listsOf({ hash, hasLate }: QueryDeps, tenant: string, keys: StatementKey[]): Buffer[] {
  const late = hasLate(tenant);
  return keys.flatMap((key) => {
    const bytes = hash.key(key);
    return late ? [postingPrefix(tenant, bytes), postingPrefix(tenant, bytes, true)] : [postingPrefix(tenant, bytes)];
  });
}
