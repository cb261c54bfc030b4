import { toldHashes, type Telling } from '../../xapi/told.js';
import type { Statement } from '../../xapi/types.js';
import type { AppendRecords } from './append-records.js';
import type { MongoCanonicalStore } from './canonical-store.js';
import { idOfRow, type AppendRow } from './collections.js';
import type { Database } from './database.js';
import type { Inheritance, LinkRow } from './inheritance.js';

/** What has to be known of a committed statement to do what it does to others. */
export interface CommittedStatement {
  id: string;
  target?: string;
  voids: boolean;
  /** Its content, when it may define activities, verbs and agents. */
  defines?: Telling;
}

/** Does what a committed append does to other statements and to what is known of activities, verbs and agents, and ends it. */
export interface Finish {
  /**
   * For the process that made the append.
   * @param judged the rows of targets that its statements have inherited from already
   */
  finish(record: AppendRow, statements: readonly CommittedStatement[], judged: ReadonlyMap<string, LinkRow>): Promise<void>;
  /** For any process, from the rows alone; does again what may be done. */
  finishAgain(record: AppendRow): Promise<void>;
}

export function createFinish({ collections: { statements: rows } }: Database, records: AppendRecords, inheritance: Inheritance, canonical: MongoCanonicalStore): Finish {
  async function run(record: AppendRow, statements: readonly CommittedStatement[], judged: ReadonlyMap<string, LinkRow> | undefined): Promise<void> {
    const { t: tenant } = record;
    const own = new Set(statements.map(({ id }) => id));
    const referring = statements.filter((statement): statement is CommittedStatement & { target: string } => statement.target !== undefined && !own.has(statement.target));
    const targets = await inheritance.links(tenant, referring.map(({ target }) => target));
    for (const { id, target, voids } of referring) {
      const row = targets.get(target);
      if (!row) continue;
      const before = judged?.get(target);
      if (before?.x !== row.x || before.p !== row.p) await inheritance.pull(tenant, id, target);
      if (voids && !row.v && !row.w) await inheritance.voidTarget(tenant, target, id);
    }
    const { settled, roots } = judged ? chainsWithin(statements, own) : { settled: [], roots: [] };
    const grown = [...(await inheritance.links(tenant, roots)).entries()].filter(([, { x }]) => x > 0).map(([id]) => id);
    await inheritance.spread(tenant, [...new Set([...grown, ...await inheritance.referred(tenant, [...own], settled)])], judged === undefined);
    await canonical.gather(tenant, statements.flatMap(({ defines }) => (defines ? [defines] : [])));
    await records.remove(record);
  }

  const tellingOf = (text: Buffer): Telling => {
    const value = JSON.parse(text.toString('utf8')) as Statement;
    return { value, told: toldHashes(value) };
  };

  return {
    finish: run,
    finishAgain: async (record) => {
      // Index t, p of statements.
      const found = await rows.find({ t: record.t, p: { $gte: record.first!, $lte: record.last! }, a: record._id }).sort({ p: 1 }).toArray();
      await run(record, found.map(({ _id, r, w, d, text }) => ({
        id: idOfRow(_id), voids: w === true, ...(r !== undefined && { target: r }), ...(d && { defines: tellingOf(text) }),
      })), undefined);
    },
  };
}

/**
 * Statements of an append that inherited, when they were written, from one before them; and where such chains begin: what is there
 * found by a target outside of the append may have to be passed on within.
 */
function chainsWithin(statements: readonly CommittedStatement[], own: ReadonlySet<string>): { settled: string[]; roots: string[] } {
  const before = new Set<string>();
  const settled: string[] = [];
  const roots = new Set<string>();
  const outside = new Set(statements.filter(({ target }) => target !== undefined && !own.has(target)).map(({ id }) => id));
  for (const { id, target } of statements) {
    before.add(id);
    if (target === undefined || target === id || !before.has(target)) continue;
    settled.push(id);
    if (outside.has(target)) roots.add(target);
  }
  return { settled, roots: [...roots] };
}
