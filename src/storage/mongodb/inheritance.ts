import type { AnyBulkWriteOperation } from 'mongodb';
import { missingKeys } from '../inherited-keys.js';
import { byIds } from './by-ids.js';
import { idOfRow, rowId, type StatementRow } from './collections.js';
import type { Database } from './database.js';
import type { Horizons } from './horizon.js';

/** A statement's row without its text. */
export type LinkRow = Omit<StatementRow, 'text'>;

/**
 * What a StatementRef does to its target and its target to it: it is found by whatever finds the target (1.0.3 Part Three 2.1.3),
 * and a voiding one voids it (Part Two 2.3.2). Each process looks for the other side of its own statements after it has committed
 * them, and whoever comes last finds it. Only a statement that exists has an effect; one that may yet exist can suffer it.
 *
 * Every change names the row it was made from, and rows that suffer are read before those that cause it: what a process that was
 * taken for dead still tries after an erasure fails or finds the cause gone.
 */
export interface Inheritance {
  /** Brings a StatementRef up to date with its target. */
  pull(tenant: string, id: string, target: string): Promise<void>;
  /**
   * Brings whatever refers to these statements, directly or through others, up to date, and voids those that are voided.
   * @param thorough also through statements that need no change, as when another process was interrupted in this
   */
  spread(tenant: string, ids: readonly string[], thorough: boolean): Promise<void>;
  /** Voids a statement if it is there, is none that voids, and the other one voids it. */
  voidTarget(tenant: string, target: string, voiding: string): Promise<void>;
  /** Rows by statement id. */
  links(tenant: string, ids: readonly string[]): Promise<Map<string, LinkRow>>;
  /** Those of the ids that statements other than `except` refer to. */
  referred(tenant: string, ids: readonly string[], except: readonly string[]): Promise<string[]>;
}

/** Referring statements brought up to date together. */
const SLICE = 64;
/** Different changes in one command, so that none takes longer than a command may. */
const MOST_CHANGES = 16;
/** Statements whose referring ones are asked for in one command. */
const MOST_ASKED = 1000;
/** Times that others may change a row in between. */
const MOST_ATTEMPTS = 100;

export function createInheritance({ collections: { statements, references } }: Database, horizons: Horizons): Inheritance {
  async function links(tenant: string, ids: readonly string[]): Promise<Map<string, LinkRow>> {
    const rows = await byIds(statements, ids.map((id) => rowId(tenant, id)), { text: 0 });
    return new Map(rows.map((row) => [idOfRow(row._id), row]));
  }

  /** Adds to rows what they inherit; says whether all of them were still as they were read. Index t, p, a of statements. */
  async function grow(tenant: string, growths: readonly Growth[]): Promise<boolean> {
    if (growths.length === 0) return true;
    const alike = new Map<string, Growth[]>();
    for (const growth of growths) {
      const name = `${growth.row.x} ${Buffer.concat(growth.missing).toString('latin1')}`;
      alike.set(name, [...(alike.get(name) ?? []), growth]);
    }
    const changes = [...alike.values()].map((same): AnyBulkWriteOperation<StatementRow> => ({
      updateMany: { filter: { t: tenant, p: { $in: same.map(({ row }) => row.p) }, x: same[0]!.row.x }, update: { $push: { k: { $each: same[0]!.missing } }, $inc: { x: 1 } } },
    }));
    let matched = 0;
    for (let start = 0; start < changes.length; start += MOST_CHANGES) matched += (await statements.bulkWrite(changes.slice(start, start + MOST_CHANGES), { ordered: false })).matchedCount;
    return matched === growths.length;
  }

  /** Brings some statements that refer to one up to date; gives the ids of those that exist, and whether each has grown. */
  async function spreadTo(tenant: string, id: string, referring: readonly string[]): Promise<Map<string, boolean>> {
    const reached = new Map<string, boolean>();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const before = horizons.known(tenant);
      const rows = [...(await links(tenant, referring)).values()].filter(({ r }) => r === id);
      const source = (await links(tenant, [id])).get(id);
      if (!source) return reached;
      const growths: Growth[] = [];
      for (const row of rows) {
        const growth = growthOf(row, source);
        if (growth) growths.push(growth);
        reached.set(idOfRow(row._id), growth !== undefined || reached.get(idOfRow(row._id)) === true);
      }
      const done = await grow(tenant, growths);
      const states = await horizons.states(tenant, rows, before);
      for (const row of rows) {
        if (states.get(row._id) !== 'exists') reached.delete(idOfRow(row._id));
        else if (row.w && !source.v && !source.w) await voidTarget(tenant, id, idOfRow(row._id));
      }
      if (done) return reached;
    }
    throw new Error(`What refers to statement ${id} is being changed faster than it can be brought up to date`);
  }

  /** Who refers to some statements: for each of them slices of the ids of others. */
  async function* referringTo(tenant: string, ids: readonly string[]): AsyncGenerator<[id: string, referring: string[]]> {
    for (let start = 0; start < ids.length; start += MOST_ASKED) {
      const asked = ids.slice(start, start + MOST_ASKED).map((id) => rowId(tenant, id));
      let current: { g: string; referring: string[] } | undefined;
      // Index g, _id of references.
      for await (const { g, id } of references.find({ g: asked.length === 1 ? asked[0]! : { $in: asked } }).sort({ g: 1, _id: 1 })) {
        if (current && (current.g !== g || current.referring.length === SLICE)) {
          yield [idOfRow(current.g), current.referring];
          current = undefined;
        }
        current ??= { g, referring: [] };
        current.referring.push(id);
      }
      if (current) yield [idOfRow(current.g), current.referring];
    }
  }

  async function voidTarget(tenant: string, target: string, voiding: string): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const row = (await links(tenant, [target])).get(target);
      if (!row || row.w || row.v) return;
      const cause = (await links(tenant, [voiding])).get(voiding);
      if (!cause?.w || cause.r !== target) return;
      if ((await statements.updateOne({ _id: row._id, p: row.p, x: row.x }, { $set: { v: true }, $inc: { x: 1 } })).matchedCount === 1) return;
    }
  }

  return {
    links,
    voidTarget,
    referred: async (tenant, ids, except) => {
      if (ids.length === 0) return [];
      // Index g, _id of references.
      return (await references.distinct('g', { g: { $in: ids.map((id) => rowId(tenant, id)) }, ...(except.length > 0 && { id: { $nin: except } }) })).map(idOfRow);
    },
    pull: async (tenant, id, target) => {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const before = horizons.known(tenant);
        const row = (await links(tenant, [id])).get(id);
        const source = (await links(tenant, [target])).get(target);
        if (!row || !source || (await horizons.states(tenant, [source], before)).get(source._id) !== 'exists') return;
        const growth = growthOf(row, source);
        if (!growth || await grow(tenant, [growth])) return;
      }
    },
    spread: async (tenant, ids, thorough) => {
      const visited = new Set<string>(ids);
      for (let layer = [...ids]; layer.length > 0;) {
        const next = new Set<string>();
        for await (const [id, referring] of referringTo(tenant, layer)) {
          for (const [other, grew] of await spreadTo(tenant, id, referring)) if (grew || (thorough && !visited.has(other))) next.add(other);
        }
        for (const id of next) visited.add(id);
        layer = [...next];
      }
    },
  };
}

/** What a statement inherits from its target and has not yet. */
interface Growth {
  row: LinkRow;
  missing: Buffer[];
}

function growthOf(row: LinkRow, source: LinkRow): Growth | undefined {
  const missing = missingKeys(Buffer.concat(row.k), Buffer.concat(source.k));
  return missing.length === 0 ? undefined : { row, missing };
}
