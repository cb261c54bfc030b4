import { hash } from 'node:crypto';
import { definedThings, mergeDefinition, mergeLanguageMap } from './activity-definitions.js';
import { createRecently, type Recently } from './recently.js';
import type { Statement } from './types.js';

/** What an LRS knows beyond statements: `a` the definition of an activity, `b` the display of a verb, `g` the names of an agent. */
export type ToldKind = 'a' | 'b' | 'g';

/** One thing that a statement tells of an activity, a verb or an agent. */
export interface Told {
  kind: ToldKind;
  /** Activity id, verb id or the agent's canonical identifier. */
  name: string;
  /** What is told, as text. */
  given: string;
  /** The JSON to keep when `known` was kept before. Doing it again changes nothing. */
  merge(known: string | undefined): string;
}

/** Names kept of one agent. */
const MOST_NAMES = 100;
/** A merged value longer than this starts again from the newest one. */
const LONGEST_VALUE = 32 << 10;

/** Everything that a statement tells, in order. */
export function toldBy(statement: Statement): Told[] {
  const { activities, verbs, agents } = definedThings(statement);
  return [
    ...activities.map(([name, definition]) => merging('a', name, definition, mergeDefinition)),
    ...verbs.map(([name, display]) => merging('b', name, display, mergeLanguageMap)),
    ...agents.map(([name, called]): Told => ({
      kind: 'g', name, given: called,
      merge: (known) => {
        const names = known === undefined ? [] : (JSON.parse(known) as string[]);
        return JSON.stringify(names.includes(called) ? names : [...names, called].slice(-MOST_NAMES));
      },
    })),
  ];
}

function merging<T>(kind: ToldKind, name: string, value: T, merge: (known: T | undefined, given: T) => T): Told {
  const given = JSON.stringify(value);
  return {
    kind, name, given,
    merge: (known) => {
      const merged = JSON.stringify(merge(known === undefined ? undefined : (JSON.parse(known) as T), value));
      return Buffer.byteLength(merged) > LONGEST_VALUE ? given : merged;
    },
  };
}

/** Bytes of a hash of what something is told of, and of what is told: as many as a number holds exactly. */
const HALF_BYTES = 6;
/** Bytes that stand for one thing told. */
export const TOLD_BYTES = 2 * HALF_BYTES;

/**
 * What a statement tells, hashed: TOLD_BYTES for each entry of `toldBy`, in the same order. Of the names of an agent each is a thing
 * of its own, since all are kept; of anything else the latest counts.
 */
export type ToldRun = Buffer;

/** A statement and what it tells. */
export interface Telling {
  readonly value: Statement;
  readonly told: ToldRun;
}

const REMEMBERED = 10_000;
const LONGEST_REMEMBERED = 4_000;
const REMEMBERED_TENANTS = 50;

/** Hashes what statements tell; what was told lately is not hashed again. */
export function createToldHash(): (statement: Statement) => ToldRun {
  const kinds = { a: remember(), b: remember(), g: remember() };

  function hashed(kind: ToldKind, name: string, given: string): string {
    const before = kinds[kind].get(name);
    if (before?.given === given) return before.bytes;
    const bytes = half(kind === 'g' ? `g${name}\0${given}` : kind + name) + half(given);
    if (given.length + name.length <= LONGEST_REMEMBERED) kinds[kind].set(name, { given, bytes });
    return bytes;
  }

  return (statement) => {
    const { activities, verbs, agents } = definedThings(statement);
    const run = Buffer.allocUnsafe((activities.length + verbs.length + agents.length) * TOLD_BYTES);
    let at = 0;
    const put = (kind: ToldKind, name: string, given: string): void => {
      run.write(hashed(kind, name, given), at, 'latin1');
      at += TOLD_BYTES;
    };
    for (const [name, definition] of activities) put('a', name, JSON.stringify(definition));
    for (const [name, display] of verbs) put('b', name, JSON.stringify(display));
    for (const [name, called] of agents) put('g', name, called);
    return run;
  };
}

const remember = () => createRecently<string, { given: string; bytes: string }>(REMEMBERED);

function half(text: string): string {
  return hash('sha1', text, 'binary').slice(0, HALF_BYTES);
}

/** What an entry is told of. */
function thingOf(run: ToldRun, index: number): number {
  return run.readUIntBE(index * TOLD_BYTES, HALF_BYTES);
}

/** What is told of it. */
function givenOf(run: ToldRun, index: number): number {
  return run.readUIntBE(index * TOLD_BYTES + HALF_BYTES, HALF_BYTES);
}

/** What was merged lately, so that the same definition in statement after statement costs no read and no write. */
export interface ToldLately {
  /** Whether the entry of a run at `index` is known to be merged already. */
  has(tenant: string, run: ToldRun, index: number): boolean;
  note(tenant: string, run: ToldRun, index: number): void;
  clear(): void;
}

/** @param lifetime milliseconds after which it is looked up again, where others may change it */
export function createToldLately(lifetime = Infinity): ToldLately {
  const tenants = createRecently<string, Recently<number, { given: number; at: number }>>(REMEMBERED_TENANTS);
  return {
    has: (tenant, run, index) => {
      const before = tenants.get(tenant)?.get(thingOf(run, index));
      return before !== undefined && before.given === givenOf(run, index) && (lifetime === Infinity || performance.now() - before.at < lifetime);
    },
    note: (tenant, run, index) => {
      let things = tenants.get(tenant);
      if (!things) tenants.set(tenant, things = createRecently(REMEMBERED));
      things.set(thingOf(run, index), { given: givenOf(run, index), at: performance.now() });
    },
    clear: () => tenants.clear(),
  };
}

/**
 * What a statement tells that is not known to be merged already, in order; each is taken to be merged when the next is asked for.
 */
export function* freshlyTold(lately: ToldLately, tenant: string, statement: Telling): Generator<Told> {
  const run = statement.told;
  let all: Told[] | undefined;
  for (let index = 0; index < run.length / TOLD_BYTES; index++) {
    if (lately.has(tenant, run, index)) continue;
    all ??= toldBy(statement.value);
    yield all[index]!;
    lately.note(tenant, run, index);
  }
}

/**
 * What statements tell of the things of which they tell anything that is not known to be merged already: all of it, in order, and where
 * it stands.
 */
export function toldAnew(lately: ToldLately, tenant: string, statements: readonly Telling[]): { told: Told; run: ToldRun; index: number }[] {
  const entries = statements.flatMap((statement) => Array.from({ length: statement.told.length / TOLD_BYTES }, (_, index) => ({ statement, index, thing: thingOf(statement.told, index) })));
  const anew = new Set(entries.flatMap(({ statement, index, thing }) => (lately.has(tenant, statement.told, index) ? [] : [thing])));
  const parsed = new Map<Telling, Told[]>();
  return entries.filter(({ thing }) => anew.has(thing)).map(({ statement, index }) => {
    const all = parsed.get(statement) ?? toldBy(statement.value);
    parsed.set(statement, all);
    return { told: all[index]!, run: statement.told, index };
  });
}
