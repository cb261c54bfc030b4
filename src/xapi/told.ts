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
