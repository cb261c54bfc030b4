import { hash } from 'node:crypto';
import { definedThings, mergeDefinition, mergeLanguageMap } from './activity-definitions.js';
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

/** Bytes that stand for one thing told: as many as a number holds exactly. */
export const TOLD_BYTES = 6;

/** What a statement tells, hashed: TOLD_BYTES for each entry of `toldBy`, in the same order. */
export type ToldRun = Buffer;

/** A statement and what it tells. */
export interface Telling {
  readonly value: Statement;
  readonly told: ToldRun;
}

/** Hashes what a statement tells. */
export function toldHashes(statement: Statement): ToldRun {
  const { activities, verbs, agents } = definedThings(statement);
  const run = Buffer.allocUnsafe((activities.length + verbs.length + agents.length) * TOLD_BYTES);
  let at = 0;
  const put = (kind: ToldKind, name: string, given: string): void => {
    run.write(hash('sha1', `${kind}${name}\0${given}`, 'binary'), at, TOLD_BYTES, 'latin1');
    at += TOLD_BYTES;
  };
  for (const [name, definition] of activities) put('a', name, JSON.stringify(definition));
  for (const [name, display] of verbs) put('b', name, JSON.stringify(display));
  for (const [name, called] of agents) put('g', name, called);
  return run;
}

/** The entry of a run at `index`. */
function entryOf(run: ToldRun, index: number): number {
  return run.readUIntBE(index * TOLD_BYTES, TOLD_BYTES);
}

/**
 * What was merged lately, so that the same definition in statement after statement costs no read and no write. Of an activity or a
 * verb the last that was told counts, of an agent every name.
 */
export interface ToldLately {
  /** Whether the entry of a run at `index` is known to be merged already. */
  has(tenant: string, run: ToldRun, index: number): boolean;
  /** @param told what the entry stands for */
  note(tenant: string, run: ToldRun, index: number, told: Told): void;
  clear(): void;
}

/** Entries noted with what they are told of, so that both are forgotten together. */
interface Generation {
  entries: Map<number, number>;
  latest: Map<string, number>;
}

const REMEMBERED = 10_000;
/** Bytes of the hash of what is told of. */
const THING_BYTES = 8;

/** @param lifetime milliseconds after which it is looked up again, where others may change it */
export function createToldLately(lifetime = Infinity): ToldLately {
  const tenants = new Map<string, { young: Generation; old: Generation }>();
  let noted = 0;

  function rememberedOf(tenant: string): { young: Generation; old: Generation } {
    let remembered = tenants.get(tenant);
    if (!remembered) tenants.set(tenant, remembered = { young: generation(), old: generation() });
    return remembered;
  }

  return {
    has: (tenant, run, index) => {
      const remembered = tenants.get(tenant);
      const entry = entryOf(run, index);
      const at = remembered?.young.entries.get(entry) ?? remembered?.old.entries.get(entry);
      return at !== undefined && (lifetime === Infinity || performance.now() - at < lifetime);
    },
    note: (tenant, run, index, { kind, name }) => {
      if (noted++ >= REMEMBERED) {
        noted = 0;
        for (const [id, { young }] of tenants) {
          if (young.entries.size === 0) tenants.delete(id);
          else tenants.set(id, { young: generation(), old: young });
        }
      }
      const remembered = rememberedOf(tenant);
      const entry = entryOf(run, index);
      if (kind !== 'g') {
        // Hashed, for a name may be of any length. Two that meet make each other be looked up again, no more.
        const thing = hash('sha1', kind + name, 'binary').slice(0, THING_BYTES);
        for (const { entries, latest } of [remembered.young, remembered.old]) {
          const before = latest.get(thing);
          if (before !== undefined) entries.delete(before);
        }
        remembered.young.latest.set(thing, entry);
      }
      remembered.young.entries.set(entry, performance.now());
    },
    clear: () => tenants.clear(),
  };
}

const generation = (): Generation => ({ entries: new Map(), latest: new Map() });

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
    lately.note(tenant, run, index, all[index]!);
  }
}

/**
 * What statements tell of the things of which they tell anything that is not known to be merged already: all of it, in order, and where
 * it stands.
 */
export function toldAnew(lately: ToldLately, tenant: string, statements: readonly Telling[]): { told: Told; run: ToldRun; index: number }[] {
  const fresh = statements.filter(({ told }) => Array.from({ length: told.length / TOLD_BYTES }, (_, index) => index).some((index) => !lately.has(tenant, told, index)));
  if (fresh.length === 0) return [];
  const all = statements.flatMap(({ value, told: run }) => toldBy(value).map((told, index) => ({ told, run, index })));
  const anew = new Set(all.flatMap(({ told, run, index }) => (lately.has(tenant, run, index) ? [] : [told.kind + told.name])));
  return all.filter(({ told }) => anew.has(told.kind + told.name));
}
