import { QuipuError } from '../../xapi/errors.js';
import type { StatementStore } from '../../statements/store.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { holdsKey, KEY_BYTES } from '../../xapi/key-run.js';
import { createAnnouncements } from './announcements.js';
import { createAppender } from './append.js';
import { createAppendQueue } from './append-queue.js';
import { createAppendRecords } from './append-records.js';
import type { MongoCanonicalStore } from './canonical-store.js';
import type { Chores } from './chores.js';
import { rowId } from './collections.js';
import type { Database } from './database.js';
import { createFinish } from './finish.js';
import type { Horizons } from './horizon.js';
import { createInheritance } from './inheritance.js';
import { createJanitor, type Janitor, type JanitorDeps } from './janitor.js';
import type { Processes } from './processes.js';
import { countStatements } from './statement-count.js';
import { createSettled } from './settled.js';
import { createStatementErasure } from './statement-erasure.js';
import { readFeed } from './statement-feed.js';
import { runQuery, toStored } from './statement-query.js';
import { answering } from './store-failure.js';

/** The statement log in MongoDB. */
export interface MongoStatementStore extends StatementStore {
  /** Ends what this process has under way; before its `chores` and its `processes`. */
  close(): Promise<void>;
}

export interface StatementStoreDeps extends Pick<JanitorDeps, 'onSettled' | 'keepRolled' | 'sweepInterval'> {
  database: Database;
  hash: KeyHash;
  canonical: MongoCanonicalStore;
  horizons: Horizons;
  processes: Processes;
  chores: Chores;
  /** Milliseconds between two looks at what other processes have taken in, while somebody subscribes. */
  pollInterval?: number;
}

/** Most bytes of text and keys of a statement: its row must fit into a document of 16 MB, and into the plan of an erasure. */
export const MOST_ROW_BYTES = 15 << 20;
/** Bytes of a key in a row. */
export const ROW_KEY_BYTES = 22;

export function createStatementStore({ database, hash, canonical, horizons, processes, chores, pollInterval = 200, ...leftovers }: StatementStoreDeps): MongoStatementStore {
  const { statements } = database.collections;
  const records = createAppendRecords(database, processes, chores);
  const inheritance = createInheritance(database, horizons);
  const finish = createFinish(database, records, inheritance, canonical);
  const announcements = createAnnouncements(database, horizons, pollInterval);
  const settle: Janitor['settle'] = (record) => janitor.settle(record);
  const erasure = createStatementErasure({ database, hash, records, horizons, chores, settle });
  const janitor = createJanitor({ database, records, finish, processes, applyErasure: (record) => erasure.apply(record), ...leftovers });
  const queue = createAppendQueue(createAppender({ database, hash, records, horizons, inheritance, finish, chores, settle, announce: (tenant) => announcements.announce(tenant) }));

  return {
    keyHash: hash,
    append: answering(async (tenant, batch) => {
      for (const [index, statement] of batch.entries()) {
        if ((statement.keys(hash).length / KEY_BYTES) * ROW_KEY_BYTES + statement.text.length <= MOST_ROW_BYTES) continue;
        throw new QuipuError('too-large', `Statement ${index} takes more than the ${MOST_ROW_BYTES} bytes that the store has for one; nothing of the batch was stored.`, { statement: index, rule: 'statement-size', expected: `at most ${MOST_ROW_BYTES} bytes` });
      }
      return batch.length === 0 ? { status: 'stored', outcomes: [] } : queue.append(tenant, batch);
    }),
    get: answering(async (tenant, id) => {
      const before = horizons.known(tenant);
      const row = await statements.findOne({ _id: rowId(tenant, id) }, { projection: { k: 0 } });
      return row && (await horizons.states(tenant, [row], before)).get(row._id) === 'exists' ? toStored(row) : undefined;
    }),
    find: answering((tenant, query) => runQuery({ database, hash, horizons }, tenant, query)),
    consistentThrough: answering(async (tenant) => (tenant === undefined ? 0 : horizons.consistentThrough(tenant))),
    feed: answering((tenant, after, limit) => readFeed(database, horizons, tenant, after, limit)),
    head: answering(async (tenant) => (await horizons.view(tenant)).horizon),
    settled: answering(createSettled(horizons)),
    matches: (entry, filters) => entry.kind === 'statement' && filters.every((anyOf) => anyOf.some((key) => holdsKey(entry.keys, hash.key(key)))),
    subscribe: (listener) => announcements.subscribe(listener),
    erase: answering(async (tenant, request) => {
      if (!await queue.alone(tenant, () => erasure.erase(tenant, request))) return;
      await horizons.view(tenant);
      announcements.announce(tenant);
    }),
    /**
     * Does nothing: what was erased is deleted and overwritten in the database when `erase` answers, and MongoDB reuses the space and
     * overwrites it in its own time. Its `compact` would hurry, but not every server that speaks its protocol has it.
     */
    purge: async () => undefined,
    count: answering((tenant) => countStatements(database, horizons, tenant)),
    close: async () => {
      await queue.close();
      announcements.close();
      janitor.close();
    },
  };
}
