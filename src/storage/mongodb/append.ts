import type { ObjectId } from 'mongodb';
import { QuipuError } from '../../xapi/errors.js';
import { stampOf } from '../../xapi/stamp.js';
import type { NewStatement } from '../../statements/store.js';
import { createInheritanceBound, missingKeys } from '../inherited-keys.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { eachKey, KEY_BYTES, type KeyRun } from '../../xapi/key-run.js';
import { judge, type Judgement, type StoredIds } from './append-judgement.js';
import type { Waiting } from './append-queue.js';
import type { AppendRecords, Positions } from './append-records.js';
import { byIds } from './by-ids.js';
import type { Chores } from './chores.js';
import { idOfRow, rowId, type AppendRow, type StatementRow } from './collections.js';
import type { Database } from './database.js';
import type { CommittedStatement, Finish } from './finish.js';
import type { Horizons } from './horizon.js';
import type { Inheritance, LinkRow } from './inheritance.js';
import { isDuplicateKey, storeFailure, unavailable } from './store-failure.js';

export interface AppenderDeps {
  database: Database;
  hash: KeyHash;
  records: AppendRecords;
  horizons: Horizons;
  inheritance: Inheritance;
  finish: Finish;
  /** For what is left of an append that failed. */
  chores: Chores;
  /** Ends an append that nobody works on any more, one way or the other. */
  settle(record: AppendRow): Promise<void>;
  /** Called when the statements of an append can be read. */
  announce(tenant: string): void;
}

/** Milliseconds for which an answer waits until the statements are in lists, while an older append of another process is open. */
const VISIBLE_WITHIN = 2000;
const VISIBLE_PAUSE = 10;

/**
 * Appends a group of batches as one: all of it exists from the moment its record is committed, and none before. Nothing is locked
 * but by what is written: an id by its row, the tenant's log by the record that holds back the horizon.
 */
export function createAppender(deps: AppenderDeps): (tenant: string, group: Waiting[]) => Promise<Waiting[]> {
  const { database: { collections: { statements, references } }, hash, records, horizons, inheritance, finish } = deps;

  async function lookUp(tenant: string, ids: string[]): Promise<StoredIds> {
    const before = horizons.known(tenant);
    const rows = await byIds(statements, ids.map((id) => rowId(tenant, id)), { text: 1, p: 1, a: 1 });
    const states = await horizons.states(tenant, rows, before);
    const texts = new Map<string, Buffer>();
    const pending = new Set<string>();
    for (const { _id, a, text } of rows) {
      const state = states.get(_id);
      if (state === 'exists') texts.set(idOfRow(_id), text);
      else if (state === 'pending') pending.add(idOfRow(_id));
      else await statements.deleteOne({ _id, a });
    }
    return { texts, pending };
  }

  /** Targets outside of the group that exist. */
  async function targetsOf(tenant: string, fresh: ReadonlyMap<string, NewStatement>): Promise<Map<string, LinkRow>> {
    const wanted = [...fresh.values()].flatMap(({ target }) => (target !== undefined && !fresh.has(target) ? [target] : []));
    const before = horizons.known(tenant);
    const targets = await inheritance.links(tenant, wanted);
    const states = await horizons.states(tenant, [...targets.values()], before);
    for (const [id, row] of targets) if (states.get(row._id) !== 'exists') targets.delete(id);
    return targets;
  }

  function makeRows(tenant: string, a: ObjectId, fresh: ReadonlyMap<string, NewStatement>, targets: ReadonlyMap<string, LinkRow>, { first, stored }: Positions): StatementRow[] {
    const runs = new Map<string, KeyRun>([...targets].map(([id, row]) => [id, Buffer.concat(row.k)]));
    const voided = new Set([...fresh.values()].flatMap(({ voids, target }) => (voids && target !== undefined ? [target] : [])));
    return [...fresh.values()].map((statement, index) => {
      const { id, target, voids, defines } = statement;
      const own = statement.keys(hash);
      const source = target === undefined ? undefined : runs.get(target);
      const run = source ? Buffer.concat([own, ...missingKeys(own, source)]) : own;
      runs.set(id, run);
      return {
        _id: rowId(tenant, id), t: tenant, p: first + index, s: stored, a, x: 0, v: !voids && voided.has(id), k: [...eachKey(run)],
        ...(target !== undefined && { r: target }), ...(voids && { w: true as const }), ...(defines && { d: true as const }),
        text: Buffer.concat([statement.text, stampOf(stored, statement.timed)]),
      };
    });
  }

  /** Writes the rows, then the hints that lead to them. @returns false when an id was taken meanwhile; then nothing is left */
  async function insert(tenant: string, rows: StatementRow[], { first, last }: Positions): Promise<boolean> {
    try {
      await statements.insertMany(rows, { ordered: false });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      await statements.deleteMany({ t: tenant, p: { $gte: first, $lte: last }, a: rows[0]!.a });
      return false;
    }
    const hints = rows.flatMap(({ _id, p, r, a }) => (r === undefined ? [] : [{ _id: `${rowId(tenant, r)}/${p}`, g: rowId(tenant, r), id: idOfRow(_id), a }]));
    if (hints.length > 0) await references.insertMany(hints, { ordered: false });
    return true;
  }

  async function whenVisible(tenant: string, last: number): Promise<void> {
    for (const start = performance.now(); performance.now() - start < VISIBLE_WITHIN;) {
      if ((await horizons.view(tenant)).horizon >= last) return deps.announce(tenant);
      await new Promise((resolve) => setTimeout(resolve, VISIBLE_PAUSE));
    }
  }

  /** @returns the last position; or the batches to try again when an id was taken or an erasure is under way, and nothing was done */
  async function store(tenant: string, fresh: ReadonlyMap<string, NewStatement>, group: Waiting[]): Promise<number | Waiting[]> {
    const { record, others } = await records.register(tenant, 'append');
    try {
      const withdraw = async (again: Waiting[]): Promise<Waiting[]> => {
        await records.remove(record);
        return again;
      };
      if (others.some(({ kind }) => kind === 'erasure')) return await withdraw(group);
      const targets = await targetsOf(tenant, fresh);
      const admitted = withinBounds(hash, group, fresh, targets);
      if (admitted.length < group.length) return await withdraw(admitted);
      const positions = await records.takePositions(tenant, fresh.size);
      if (!await insert(tenant, makeRows(tenant, record._id, fresh, targets, positions), positions)) return await withdraw(group);
      const committed = { ...record, first: positions.first, last: positions.last, state: 'committed' as const };
      if (!await records.commit(record, { first: positions.first, last: positions.last })) throw unavailable();
      await finish.finish(committed, [...fresh.values()].map(toCommitted), targets);
      return positions.last;
    } catch (error) {
      deps.chores.add(() => deps.settle(record));
      throw error;
    }
  }

  return async (tenant, group) => {
    try {
      const ids = group.flatMap(({ batch }) => batch.map(({ id }) => id));
      const fresh = new Map<string, NewStatement>();
      const judgements = judge(group.map(({ batch }) => batch), await lookUp(tenant, ids), fresh);
      if (fresh.size === 0) {
        answer(group, judgements);
      } else {
        const stored = await store(tenant, fresh, group);
        if (typeof stored !== 'number') return stored;
        void whenVisible(tenant, stored).catch(() => undefined).then(() => answer(group, judgements));
      }
      return group.filter((_, index) => judgements[index]!.status === 'wait');
    } catch (error) {
      throw storeFailure(error);
    }
  };
}

/** Refuses the batches whose references inherit too much, and names the others. */
function withinBounds(hash: KeyHash, group: readonly Waiting[], fresh: ReadonlyMap<string, NewStatement>, targets: ReadonlyMap<string, LinkRow>): Waiting[] {
  return group.filter((waiting) => {
    const bound = createInheritanceBound(hash, (id) => targets.get(id)?.k.length ?? (fresh.get(id)?.keys(hash).length ?? 0) / KEY_BYTES);
    try {
      for (const [index, statement] of waiting.batch.entries()) if (fresh.get(statement.id) === statement) bound.add(statement, index);
      return true;
    } catch (error) {
      if (!(error instanceof QuipuError)) throw error;
      waiting.reject(error);
      return false;
    }
  });
}

function answer(group: readonly Waiting[], judgements: readonly Judgement[]): void {
  for (const [index, { resolve }] of group.entries()) {
    const judgement = judgements[index]!;
    if (judgement.status !== 'wait') resolve(judgement);
  }
}

function toCommitted(statement: NewStatement): CommittedStatement {
  const { id, target, voids, defines } = statement;
  return { id, voids, ...(target !== undefined && { target }), ...(defines && { defines: statement }) };
}
