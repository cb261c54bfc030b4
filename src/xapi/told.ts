import { hash } from 'node:crypto';
import { definedThings, latestOfEach, mergeDefinition, mergeLanguageMap } from './activity-definitions.js';
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
/** Bytes of a merged value above which it gathers no more: of a definition the latest of each property is kept then, of a display the latest. */
const LONGEST_VALUE = 128 << 10;
/** Bytes above which that is given up as well for the latest alone: what is kept is read and written anew by each that comes. */
const LONGEST_KEPT = 256 << 10;

/** Everything that a statement tells, in order. */
export function toldBy(statement: Statement): Told[] {
  const { activities, verbs, agents } = definedThings(statement);
  return [
    ...activities.map(([name, definition]) => merging('a', name, definition, mergeDefinition, latestOfEach)),
    ...verbs.map(([name, display]) => merging('b', name, display, mergeLanguageMap, (_known, given) => given)),
    ...agents.map(([name, called]): Told => ({
      kind: 'g', name, given: called,
      merge: (known) => {
        const names = known === undefined ? [] : (JSON.parse(known) as string[]);
        return JSON.stringify(names.includes(called) ? names : [...names, called].slice(-MOST_NAMES));
      },
    })),
  ];
}

/** @param instead what is kept where the merged value is too long */
function merging<T>(kind: ToldKind, name: string, value: T, merge: (known: T, given: T) => T, instead: (known: T, given: T) => T): Told {
  const given = JSON.stringify(value);
  return {
    kind, name, given,
    merge: (text) => {
      if (text === undefined) return given;
      const known = JSON.parse(text) as T;
      const merged = JSON.stringify(merge(known, value));
      if (Buffer.byteLength(merged) <= LONGEST_VALUE) return merged;
      const kept = JSON.stringify(instead(known, value));
      return Buffer.byteLength(kept) <= LONGEST_KEPT ? kept : given;
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
