import { QuipuError } from '../../xapi/errors.js';
import { equivalentStatements } from '../../xapi/comparison.js';
import type { Statement } from '../../xapi/types.js';
import type { AppendResult, FeedEntry, NewStatement, StatementStore, StoredStatement } from '../../statements/store.js';
import { createInheritanceBound, missingKeys } from '../inherited-keys.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { holdsKey, KEY_BYTES } from '../../xapi/key-run.js';
import type { LevelAttachmentStore } from './attachment-store.js';
import type { LevelBackupStore } from './backup.js';
import type { LevelCanonicalStore } from './canonical-store.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import { createInheritance, noteGrown, referrerKey } from './inheritance.js';
import { idKey, numberAtEnd, numberedKey, tableKey, tenantPrefix, uuidKey } from './keys.js';
import { NOTHING } from './level.js';
import { ERASURE, recordFlags, recordId, recordKeys, recordOf, recordStored, recordText, rewriteRecord, VOIDED, VOIDING } from './record.js';
import { createPositionBlocks } from './position-blocks.js';
import { createPostingMerger } from './posting-merger.js';
import type { ReadCount } from './posting-reader.js';
import { createErasure } from './statement-erasure.js';
import { readIndexEntry, writeAwaited, writePresent, type IndexEntry } from './statement-index.js';
import { runQuery } from './statement-query.js';

/** The statement log in LevelDB. */
export interface LevelStatementStore extends StatementStore {
  /** Entries of postings and records that queries have read so far. */
  readonly reads: ReadCount;
  /** Finishes what a crash interrupted; before the first request. */
  resume(): Promise<void>;
  /** Resolves when no posting lists wait to be merged or compacted. */
  merged(): Promise<void>;
  /** Ends work in the background. */
  close(): Promise<void>;
}

/** Bytes of records after which a reading of the feed ends before its limit. */
const FEED_BYTES = 4 << 20;
/** Free bytes that the disk must have, beside what it always must, for posting lists to be compacted: what that writes before it deletes, several times. */
const COMPACTION_BYTES = 1 << 30;

export function createStatementStore(database: Database, hash: KeyHash, canonical: LevelCanonicalStore, attachments: LevelAttachmentStore, backup: LevelBackupStore): LevelStatementStore {
  const { commits } = database;
  const reads: ReadCount = { entries: 0, records: 0 };
  const lateTenants = new Map<string, boolean>();
  const subscribers = new Set<(tenant: string) => void>();
  const lateKey = (tenant: string): Buffer => tableKey(tenant, 'n', Buffer.from('late'));
  const countKey = (tenant: string): Buffer => tableKey(tenant, 'n');

  function hasLate(tenant: string): boolean {
    let late = lateTenants.get(tenant);
    if (late === undefined) {
      late = database.get(lateKey(tenant)) !== undefined;
      lateTenants.set(tenant, late);
    }
    return late;
  }

  function markLate(commit: Commit, tenant: string): void {
    if (hasLate(tenant)) return;
    commit.put(lateKey(tenant), NOTHING);
    lateTenants.set(tenant, true);
  }

  function addToCount(commit: Commit, tenant: string, difference: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(readCount(commit.get(countKey(tenant))) + difference);
    commit.put(countKey(tenant), bytes);
  }

  const inheritance = createInheritance(database, markLate);
  const blocks = createPositionBlocks();
  commits.onReset(() => {
    lateTenants.clear();
    blocks.clear();
    void inheritance.resume().catch(leftForLater);
  });
  const merger = createPostingMerger(database.level, commits, () => database.hasRoom(COMPACTION_BYTES) && commits.available() && !backup.busy());
  const erasure = createErasure({ database, hash, markLate, addToCount });

  /** The statement that is stored under an id, for comparison. */
  function storedValue(commit: Commit, tenant: string, entry: IndexEntry | undefined): Statement | undefined {
    if (entry?.kind !== 'present') return undefined;
    const record = commit.get(numberedKey(tenant, 's', entry.position));
    return record && (JSON.parse(recordText(record).toString('utf8')) as Statement);
  }

  /**
   * Which statements of the batch are new; or the first conflict.
   * @param keys where the index has each id
   */
  function judge(commit: Commit, tenant: string, batch: NewStatement[], keys: readonly Buffer[]): AppendResult {
    const first = new Map<string, number>();
    const outcomes: ('stored' | 'duplicate')[] = [];
    const refers = batch.some(({ target }) => target !== undefined);
    const inheriting = createInheritanceBound(hash, (id) => {
      const entry = readIndexEntry(commit.get(idKey(tenant, id)));
      const record = entry?.kind === 'present' ? commit.get(numberedKey(tenant, 's', entry.position)) : undefined;
      return record ? recordKeys(record).length / KEY_BYTES : 0;
    });
    for (const [index, statement] of batch.entries()) {
      const before = first.get(statement.id);
      const known = before !== undefined ? batch[before]!.value : storedValue(commit, tenant, readIndexEntry(commit.get(keys[index]!)));
      if (known && !equivalentStatements(known, statement.value)) return { status: 'conflict', index };
      if (!known) {
        first.set(statement.id, index);
        if (refers) inheriting.add(statement, index);
      }
      outcomes.push(known ? 'duplicate' : 'stored');
    }
    return { status: 'stored', outcomes };
  }

  /** The record of a new statement, with its own keys and those it inherits from its target. */
  function makeRecord(commit: Commit, tenant: string, statement: NewStatement, flags: number, target: IndexEntry | undefined): Buffer {
    const source = target?.kind === 'present' ? commit.get(numberedKey(tenant, 's', target.position)) : undefined;
    const record = recordOf(statement, hash, flags, commit.stored);
    const missing = source ? missingKeys(recordKeys(record), recordKeys(source)) : [];
    return missing.length === 0 ? record : rewriteRecord(record, flags, Buffer.concat([recordKeys(record), ...missing]));
  }

  /** Notes at the target that this statement refers to it, and voids it when that is what the statement does. */
  function refer(commit: Commit, tenant: string, statement: NewStatement, position: number, target: IndexEntry | undefined): void {
    if (statement.target === undefined) return;
    commit.put(referrerKey(tenant, statement.target, position), NOTHING);
    if (target?.kind !== 'present') {
      commit.put(idKey(tenant, statement.target), writeAwaited(statement.voids || target?.voided === true));
      return;
    }
    if (!statement.voids) return;
    const key = numberedKey(tenant, 's', target.position);
    const record = commit.get(key);
    if (record && (recordFlags(record) & VOIDING) === 0) commit.put(key, rewriteRecord(record, recordFlags(record) | VOIDED, recordKeys(record)));
  }

  /** Writes one statement; says whether others have waited for it. @param key where the index has its id */
  function write(commit: Commit, tenant: string, statement: NewStatement, key: Buffer): boolean {
    const position = commit.takePosition();
    const self = readIndexEntry(commit.get(key));
    const target = statement.target === undefined ? undefined : readIndexEntry(commit.get(idKey(tenant, statement.target)));
    const voidedBefore = self?.kind === 'awaited' && self.voided && !statement.voids;
    const flags = (statement.voids ? VOIDING : 0) | (voidedBefore ? VOIDED : 0);
    const record = makeRecord(commit, tenant, statement, flags, target);
    commit.put(numberedKey(tenant, 's', position), record);
    commit.put(key, writePresent(position));
    commit.post(tenant, recordKeys(record), position);
    refer(commit, tenant, statement, position, statement.target === statement.id ? { kind: 'present', position } : target);
    if (statement.defines) canonical.gather(commit, tenant, statement);
    if (self?.kind !== 'awaited') return false;
    noteGrown(commit, tenant, statement.id);
    return true;
  }

  function toStored(position: number, record: Buffer): StoredStatement {
    return { position, id: recordId(record), stored: recordStored(record), text: recordText(record), voided: (recordFlags(record) & VOIDED) !== 0 };
  }

  function toEntry(position: number, record: Buffer): FeedEntry {
    if (recordFlags(record) & ERASURE) {
      const ids = JSON.parse(recordText(record).toString('utf8')) as { erased: string[]; redacted: string[] };
      return { kind: 'erasure', position, stored: recordStored(record), ...ids };
    }
    return { kind: 'statement', keys: recordKeys(record), ...toStored(position, record) };
  }

  /** Stores a batch and its attachments. @returns also the ids of new statements that others have waited for */
  async function store(tenant: string, batch: NewStatement[], put: (commit: Commit) => void): Promise<{ result: AppendResult; awaited: string[] }> {
    const awaited: string[] = [];
    const result = await commits.commit((commit) => {
      const keys = batch.map(({ uuid }) => uuidKey(tenant, uuid));
      const judged = judge(commit, tenant, batch, keys);
      if (judged.status === 'conflict') return judged;
      put(commit);
      let added = 0;
      for (const [index, statement] of batch.entries()) {
        if (judged.outcomes[index] !== 'stored') continue;
        if (write(commit, tenant, statement, keys[index]!)) awaited.push(statement.id);
        added++;
      }
      if (added > 0) addToCount(commit, tenant, added);
      return judged;
    });
    return { result, awaited };
  }

  const announce = (tenant: string): void => {
    for (const listener of subscribers) listener(tenant);
  };

  return {
    reads,
    keyHash: hash,
    append: async (tenant, batch, held = []) => {
      const { result, awaited } = await attachments.storing(tenant, held, (put) => store(tenant, batch, put));
      for (const id of awaited) await inheritance.propagate(tenant, id).catch(leftForLater);
      if (result.status === 'stored') announce(tenant);
      return result;
    },
    get: async (tenant, id) => {
      const entry = readIndexEntry(await database.read(idKey(tenant, id)));
      const record = entry?.kind === 'present' ? await database.read(numberedKey(tenant, 's', entry.position)) : undefined;
      return record && toStored((entry as { position: number }).position, record);
    },
    find: (tenant, query) => runQuery({ database, hash, hasLate, reads, merger, blocks }, tenant, query),
    consistentThrough: async () => commits.settledThrough(),
    feed: async (tenant, after, limit) => {
      const entries: FeedEntry[] = [];
      const range = { gt: numberedKey(tenant, 's', after), lte: numberedKey(tenant, 's', commits.head()), limit, highWaterMarkBytes: 1 << 20 };
      let bytes = 0;
      for await (const [key, record] of database.level.iterator(range)) {
        entries.push(toEntry(numberAtEnd(key), record));
        bytes += record.length;
        if (bytes > FEED_BYTES) break;
      }
      return entries;
    },
    head: async () => commits.head(),
    settled: async () => undefined,
    matches: (entry, filters) => entry.kind === 'statement'
      && filters.every((anyOf) => anyOf.some((key) => holdsKey(entry.keys, hash.key(key)))),
    subscribe: (listener) => {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
    erase: async (tenant, request) => {
      await erasure.erase(tenant, request);
      announce(tenant);
    },
    purge: async (tenant) => {
      const start = tenantPrefix(tenant);
      const end = Buffer.concat([start, Buffer.alloc(24, 0xff)]);
      await backup.settled();
      // A deletion at each end makes a file that spans all others of the tenant, so that the compaction rewrites every one,
      // also where a value and its deletion went into the same file.
      await database.level.compactRange(start, start);
      await commits.commit((commit) => {
        commit.delete(start);
        commit.delete(end);
      });
      await database.level.compactRange(start, end);
    },
    count: async (tenant) => readCount(database.get(countKey(tenant))),
    resume: () => inheritance.resume(),
    merged: () => merger.idle(),
    close: () => merger.close(),
  };
}

/** The batch is stored, and noted what it leaves to be done: when the store works again, that goes on. @throws what is no failure of the store */
function leftForLater(error: unknown): void {
  if (!(error instanceof QuipuError) && !String((error as { code?: unknown }).code).startsWith('LEVEL_')) throw error;
}

function readCount(bytes: Buffer | undefined): number {
  return bytes ? bytes.readDoubleBE() : 0;
}
