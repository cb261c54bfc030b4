import type { ObjectId } from 'mongodb';
import type { Position } from '../../statements/store.js';
import { byIds } from './by-ids.js';
import { coalesced } from './coalesced.js';
import type { AppendRow, StatementRow } from './collections.js';
import type { Database } from './database.js';
import { upserting } from './store-failure.js';

/** What there is of a tenant's log at one moment. */
export interface View {
  /** What is at or below is there to be read, or never will be. */
  horizon: Position;
  /** Last position given so far; what of it can be read above the horizon may still change. */
  head: Position;
  /** Appends of which nothing exists, though rows of theirs may be there. */
  void: ObjectId[];
  /** Every append and erasure that is under way, or was given up. */
  records: AppendRow[];
}

/** Whether a row's statement exists: `pending` is one of an append that may yet be committed, `gone` one of an append that won't be. */
export type RowState = 'exists' | 'pending' | 'gone';

/**
 * Where the log of a tenant ends for readers. An append is registered, with a position that all of its own will be above, before
 * it takes positions; the record goes when all is done. So whoever reads the last position given first and the records after it
 * knows that at or below the smallest of these nothing will ever appear: a process that takes positions later takes higher ones.
 */
export interface Horizons {
  /** Looks at the database now. */
  view(tenant: string): Promise<View>;
  /** The highest horizon seen so far: what was settled once remains so. */
  known(tenant: string): Position;
  /**
   * What rows stand for, by their `_id`.
   * @param before `known` from before the rows were read
   */
  states(tenant: string, rows: readonly Pick<StatementRow, '_id' | 'p' | 'a'>[], before: Position): Promise<Map<string, RowState>>;
  /** See `StatementStore.consistentThrough`. Writes down that no later append may have an earlier `stored`. */
  consistentThrough(tenant: string): Promise<number>;
}

export function createHorizons({ collections: { statements, heads, appends } }: Database): Horizons {
  const known = new Map<string, { horizon: Position; rolled: Set<string>; through: number }>();

  function knownOf(tenant: string): { horizon: Position; rolled: Set<string>; through: number } {
    let of = known.get(tenant);
    if (!of) known.set(tenant, of = { horizon: 0, rolled: new Set(), through: 0 });
    return of;
  }

  async function look(tenant: string): Promise<View> {
    const head = await heads.findOne({ _id: tenant });
    return viewOf(tenant, head ?? { p: 0 });
  }

  /** @param head read before */
  async function viewOf(tenant: string, head: { p: Position; h?: Position }): Promise<View> {
    // Index t of appends.
    const records = await appends.find({ t: tenant }).toArray();
    const of = knownOf(tenant);
    const lowest = records.reduce((lowest, { state, from }) => (state === 'rolled' ? lowest : Math.min(lowest, from)), head.p);
    of.horizon = Math.max(of.horizon, head.h ?? 0, lowest);
    of.rolled = new Set(records.filter(({ state }) => state === 'rolled').map(({ _id }) => _id.toHexString()));
    return { horizon: of.horizon, head: Math.max(head.p, of.horizon), void: records.filter(({ state }) => state !== 'committed').map(({ _id }) => _id), records };
  }

  const view = coalesced(look);

  const consistentThrough = coalesced(async (tenant) => {
    const now = Date.now();
    const of = knownOf(tenant);
    const head = await upserting(() => heads.findOneAndUpdate({ _id: tenant }, { $max: { s: now, h: of.horizon }, $setOnInsert: { p: 0, cp: 0, cn: 0, e: 0 } }, { upsert: true, returnDocument: 'after' }));
    const { records } = await viewOf(tenant, head!);
    const under = records.filter(({ state }) => state !== 'rolled').map(({ s }) => s);
    of.through = Math.max(of.through, Math.min(now, head!.s, ...under) - 1);
    return of.through;
  });

  return {
    view,
    known: (tenant) => knownOf(tenant).horizon,
    states: async (tenant, rows, before) => {
      const of = knownOf(tenant);
      const states = new Map<string, RowState>();
      const unsure = rows.filter(({ _id, p, a }) => {
        if (of.rolled.has(a.toHexString())) states.set(_id, 'gone');
        else if (p <= before) states.set(_id, 'exists');
        else return true;
        return false;
      });
      if (unsure.length === 0) return states;
      const records = new Map((await view(tenant)).records.map((record) => [record._id.toHexString(), record.state]));
      const ended: typeof unsure = [];
      for (const row of unsure) {
        const state = records.get(row.a.toHexString());
        if (state === undefined) ended.push(row);
        else states.set(row._id, state === 'committed' ? 'exists' : state === 'rolled' ? 'gone' : 'pending');
      }
      // The append is over, well or not: if not, its rows went before its record.
      const still = new Map((await byIds(statements, ended.map(({ _id }) => _id), { a: 1 })).map(({ _id, a }) => [_id, a]));
      for (const { _id, a } of ended) states.set(_id, still.get(_id)?.equals(a) ? 'exists' : 'gone');
      return states;
    },
    consistentThrough: async (tenant) => Math.min(await consistentThrough(tenant), Date.now()),
  };
}
