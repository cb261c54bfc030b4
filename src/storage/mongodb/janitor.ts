import type { ObjectId } from 'mongodb';
import type { AppendRecords } from './append-records.js';
import type { AppendRow } from './collections.js';
import type { Database } from './database.js';
import type { Finish } from './finish.js';
import type { Processes } from './processes.js';

/** Ends what others have left: appends and erasures of dead processes, and of this one where they failed. */
export interface Janitor {
  /** Finishes an append or erasure that is committed and takes back one that is not. Repeatable, by several processes at once. */
  settle(record: Pick<AppendRow, '_id'>): Promise<void>;
  close(): void;
}

export interface JanitorDeps {
  database: Database;
  records: AppendRecords;
  finish: Finish;
  /** Applies a committed erasure. */
  applyErasure(record: AppendRow): Promise<void>;
  processes: Processes;
  /** Told of what was brought to its end, or taken back. */
  onSettled?: (outcome: 'finished' | 'rolled-back') => void;
  /** Milliseconds for which the record of something given up is kept, lest its author still writes. */
  keepRolled?: number;
  /** Milliseconds between two looks for what is left. */
  sweepInterval?: number;
}

const HOUR = 3_600_000;
const SWEEP_INTERVAL = 10_000;

export function createJanitor({ database: { collections: { statements, references, appends, plans } }, records, finish, applyErasure, processes, onSettled = () => undefined, keepRolled = HOUR, sweepInterval = SWEEP_INTERVAL }: JanitorDeps): Janitor {
  let rolledSince = new Map<string, number>();

  /** Removes what an append or an erasure has written that does not count. */
  async function rollBack({ _id: a, t: tenant, kind, from }: AppendRow): Promise<void> {
    if (kind === 'erasure') {
      // Index a of plans.
      await plans.deleteMany({ a });
      return;
    }
    // Index a of references, t, p, a of statements. A hint may have come after its row was removed.
    await references.deleteMany({ a });
    await statements.deleteMany({ t: tenant, p: { $gt: from }, a });
  }

  async function settle({ _id }: { _id: ObjectId }): Promise<void> {
    const record = await appends.findOne({ _id });
    if (!record) return;
    // Its author may have written once more in the meantime.
    if (record.state === 'rolled') return rollBack(record);
    if (record.state === 'committed') {
      await (record.kind === 'append' ? finish.finishAgain(record) : applyErasure(record));
      return onSettled('finished');
    }
    if (!await records.giveUp(record)) return settle({ _id });
    await rollBack(record);
    await records.markRolled(record);
    onSettled('rolled-back');
  }

  processes.onDeath(async (owner) => {
    // Index owner of appends.
    for (const record of await appends.find({ owner }).toArray()) await settle(record);
  });

  /** What is left of processes that were taken for dead, or wrote on after that; and records that have been kept for long enough. */
  async function sweep(): Promise<void> {
    const now = performance.now();
    const kept = new Map<string, number>();
    // Index state of appends.
    for (const record of await appends.find({ state: { $in: ['open', 'committed', 'rolling', 'rolled'] } }).toArray()) {
      const id = record._id.toHexString();
      const since = rolledSince.get(id) ?? now;
      if (record.state !== 'rolled') {
        if (await processes.stateOf(record.owner) === 'dead') await settle(record);
      } else if (now - since < keepRolled) {
        kept.set(id, since);
      } else {
        await rollBack(record);
        await records.remove(record);
      }
    }
    rolledSince = kept;
  }

  const timer = setInterval(() => { sweep().catch(() => undefined); }, sweepInterval).unref();
  return { settle, close: () => clearInterval(timer) };
}
