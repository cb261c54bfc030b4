import { keyValues } from '../../xapi/statement-keys.js';
import type { Statement, StatementRef } from '../../xapi/types.js';
import type { Erasure } from '../../statements/store.js';
import { missingKeys } from '../inherited-keys.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { eachKey, type KeyRun } from '../../xapi/key-run.js';
import type { AppendRecords } from './append-records.js';
import { byIds } from './by-ids.js';
import type { Chores } from './chores.js';
import { idOfRow, rowId, type AppendRow, type PlanRow, type PlanStep, type StatementRow } from './collections.js';
import type { Database } from './database.js';
import type { Horizons } from './horizon.js';
import { isDuplicateKey, unavailable } from './store-failure.js';

/** Removes and rewrites statements. */
export interface StatementErasure {
  /**
   * Afterwards the store is as if the erased statements had never been there and the redacted ones had always had their new text,
   * what others inherited from them and what they voided included. It is done from the moment its plan is committed, also when
   * this process dies: another one goes on. Until it is done statements go one by one, and nothing else is appended in the tenant.
   * To be called while this process appends nothing there.
   * @returns whether there was anything to do
   */
  erase(tenant: string, erasure: Erasure): Promise<boolean>;
  /** Does what a committed erasure has planned, as far as it is not done. */
  apply(record: AppendRow): Promise<void>;
}

export interface ErasureDeps {
  database: Database;
  hash: KeyHash;
  records: AppendRecords;
  horizons: Horizons;
  chores: Chores;
  settle(record: AppendRow): Promise<void>;
}

/** A statement as it is and as it will be. */
interface Change {
  row: StatementRow;
  value: Statement;
  /** Undefined when the statement goes. */
  text: Buffer | undefined;
  voided: boolean;
}

/** Milliseconds for which an erasure waits for appends and other erasures. */
const PATIENCE = 30_000;
/** Rough bytes of a plan's document, and of a step without its text and keys. */
const PLAN_BYTES = 4 << 20;
const STEP_BYTES = 200;
/** Statements rewritten in one command, so that none takes longer than a command may. */
const SLICE = 16;

type Removal = Exclude<PlanStep, { x: number }>;
type Rewrite = Extract<PlanStep, { x: number }>;

export function createStatementErasure({ database: { collections }, hash, records, horizons, chores, settle }: ErasureDeps): StatementErasure {
  const { statements, references, erasures, plans, heads } = collections;
  const keyRunOf = (statement: Statement): KeyRun => hash.run(keyValues(statement));

  /** Waits until nothing else is under way in the tenant; of two erasures the one with the greater id gives way. */
  async function begin(tenant: string): Promise<AppendRow> {
    for (const start = performance.now(); performance.now() - start < PATIENCE;) {
      let { record, others } = await records.register(tenant, 'erasure');
      const mine = record._id.toHexString();
      const givesWay = (): boolean => others.some(({ kind, _id }) => kind === 'erasure' && _id.toHexString() < mine);
      try {
        while (others.length > 0 && !givesWay() && performance.now() - start < PATIENCE) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          others = (await horizons.view(tenant)).records.filter(({ _id, state }) => state !== 'rolled' && !_id.equals(record._id));
        }
        if (others.length === 0) return record;
        await records.remove(record);
      } catch (error) {
        chores.add(() => settle(record));
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 50));
    }
    throw unavailable();
  }

  /** Rows by statement id; nothing is under way, so those that are of an append given up are nobody's. */
  async function load(tenant: string, ids: readonly string[]): Promise<Map<string, StatementRow>> {
    const before = horizons.known(tenant);
    const rows = await byIds(statements, ids.map((id) => rowId(tenant, id)));
    const states = await horizons.states(tenant, rows, before);
    return new Map(rows.filter(({ _id }) => states.get(_id) === 'exists').map((row) => [idOfRow(row._id), row]));
  }

  /** Ids of the statements that refer to one of these. */
  async function referringTo(tenant: string, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    // Index g, _id of references.
    return (await references.find({ g: { $in: ids.map((id) => rowId(tenant, id)) } }).toArray()).map(({ id }) => id);
  }

  /** The erased and redacted statements and all that refer to them, directly or through others, by id. */
  async function gather(tenant: string, erasure: Erasure): Promise<Map<string, Change>> {
    const rows = await load(tenant, [...erasure.erase, ...erasure.redact.map(({ id }) => id)]);
    const changes = new Map<string, Change>();
    for (const id of erasure.erase) {
      const row = rows.get(id);
      if (row) changes.set(id, { ...unchanged(row), text: undefined });
    }
    for (const { id, text, value } of erasure.redact) {
      const row = changes.has(id) ? undefined : rows.get(id);
      if (row) changes.set(id, { ...unchanged(row), text: Buffer.from(text, 'utf8'), value });
    }
    for (let layer = new Set(changes.keys()); layer.size > 0;) {
      const referring = (await referringTo(tenant, [...layer])).filter((id) => !changes.has(id));
      const next = new Set<string>();
      for (const [id, row] of await load(tenant, referring)) {
        if (row.r === undefined || !layer.has(row.r)) continue;
        changes.set(id, unchanged(row));
        next.add(id);
      }
      layer = next;
    }
    return changes;
  }

  /** Adds the targets of voiding statements that go: another one may void them still. */
  async function unvoid(tenant: string, changes: Map<string, Change>): Promise<void> {
    const gone = new Map([...changes].filter(([, { text }]) => text === undefined));
    const targets = [...gone.values()].flatMap(({ row: { w, r } }) => (w && r !== undefined ? [r] : []));
    for (const [id, row] of await load(tenant, targets)) {
      const referring = await load(tenant, await referringTo(tenant, [id]));
      const change = changes.get(id) ?? unchanged(row);
      change.voided = !row.w && [...referring].some(([other, { w, r }]) => w && r === id && !gone.has(other));
      changes.set(id, change);
    }
  }

  /** A statement's own keys and those of every statement that its chain of references reaches. */
  async function keysAfter(tenant: string, id: string, changes: ReadonlyMap<string, Change>, others: Map<string, Change | undefined>): Promise<KeyRun> {
    const seen = new Set<string>();
    let run: KeyRun = Buffer.alloc(0);
    for (let next: string | undefined = id; next !== undefined && !seen.has(next);) {
      seen.add(next);
      let change: Change | undefined = changes.get(next);
      if (!change) {
        if (!others.has(next)) others.set(next, [...(await load(tenant, [next])).values()].map(unchanged)[0]);
        change = others.get(next);
      }
      if (!change || change.text === undefined) break;
      const own = keyRunOf(change.value);
      run = seen.size === 1 ? own : Buffer.concat([run, ...missingKeys(run, own)]);
      next = targetOf(change.value);
    }
    return run;
  }

  async function makePlan(tenant: string, erasure: Erasure, changes: Map<string, Change>, a: PlanRow['a']): Promise<PlanRow[]> {
    await unvoid(tenant, changes);
    const erased = new Set(erasure.erase);
    const redacted = new Set(erasure.redact.map(({ id }) => id));
    const others = new Map<string, Change | undefined>();
    const parts: PlanRow[] = [];
    let size = Infinity;
    for (const [id, { row, text, voided }] of changes) {
      const step: PlanStep = text === undefined
        ? { id, p: row.p, ...(row.r !== undefined && { r: row.r }) }
        : { id, p: row.p, x: row.x, v: voided, k: [...eachKey(await keysAfter(tenant, id, changes, others))], ...(text !== row.text && { text }) };
      const bytes = STEP_BYTES + ('x' in step ? step.k.length * 20 + (step.text?.length ?? 0) : 0);
      if (size + bytes > PLAN_BYTES) {
        parts.push({ _id: `${a.toHexString()}/${parts.length}`, a, erased: [], redacted: [], steps: [] });
        size = 0;
      }
      size += bytes;
      const part = parts[parts.length - 1]!;
      part.steps.push(step);
      if (text === undefined) part.erased.push(id);
      else if (redacted.has(id) && !erased.has(id)) part.redacted.push(id);
    }
    return parts;
  }

  async function apply(record: AppendRow): Promise<void> {
    const { _id: a, t: tenant, first: position, stored, plans: parts } = record;
    const erased: string[] = [];
    const redacted: string[] = [];
    for (let number = 0; number < parts!; number++) {
      const part = await plans.findOne({ _id: `${a.toHexString()}/${number}` });
      // Whoever has finished it before has taken the plans away.
      if (!part) return records.remove(record);
      erased.push(...part.erased);
      redacted.push(...part.redacted);
      const removals = part.steps.filter((step) => !('x' in step)) as Removal[];
      const rewrites = part.steps.filter((step) => 'x' in step) as Rewrite[];
      // Index t, p, a of statements: the position, which is given once, and not the id, which may be in use again.
      if (removals.length > 0) await statements.deleteMany({ t: tenant, p: { $in: removals.map(({ p }) => p) } });
      const hints = removals.flatMap(({ r, p }) => (r === undefined ? [] : [`${rowId(tenant, r)}/${p}`]));
      if (hints.length > 0) await references.deleteMany({ _id: { $in: hints } });
      for (let start = 0; start < rewrites.length; start += SLICE) {
        await statements.bulkWrite(rewrites.slice(start, start + SLICE).map(({ id, p, x, v, k, text }) => (
          { updateOne: { filter: { _id: rowId(tenant, id), p, x }, update: { $set: { x: x + 1, v, k, ...(text && { text }) } } } }
        )), { ordered: false });
      }
    }
    await erasures.insertOne({ _id: a, t: tenant, p: position!, s: stored!, erased, redacted }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    });
    await heads.updateOne({ _id: tenant }, { $inc: { e: 1 }, $set: { cp: 0, cn: 0 } });
    // Index a of plans.
    await plans.deleteMany({ a });
    await records.remove(record);
  }

  return {
    apply,
    erase: async (tenant, erasure) => {
      const record = await begin(tenant);
      try {
        const changes = await gather(tenant, erasure);
        if (changes.size === 0) {
          await records.remove(record);
          return false;
        }
        const parts = await makePlan(tenant, erasure, changes, record._id);
        for (const part of parts) await plans.insertOne(part);
        const { first, last, stored } = await records.takePositions(tenant, 1);
        const details = { first, last, stored, plans: parts.length };
        if (!await records.commit(record, details)) throw unavailable();
        await apply({ ...record, ...details, state: 'committed' });
        return true;
      } catch (error) {
        chores.add(() => settle(record));
        throw error;
      }
    },
  };
}

function unchanged(row: StatementRow): Change {
  return { row, value: JSON.parse(row.text.toString('utf8')) as Statement, text: row.text, voided: row.v };
}

/** Id of the StatementRef that is a statement's object, in lower case. */
export function targetOf({ object }: Statement): string | undefined {
  return object.objectType === 'StatementRef' ? (object as StatementRef).id.toLowerCase() : undefined;
}
