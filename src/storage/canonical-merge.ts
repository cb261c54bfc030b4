import { definedThings, mergeDefinition, mergeLanguageMap } from '../xapi/activity-definitions.js';
import type { Statement } from '../xapi/types.js';

/** What a store knows beyond statements: `a` the definition of an activity, `b` the display of a verb, `g` the names of an agent. */
export type CanonicalKind = 'a' | 'b' | 'g';

/** One thing that a statement tells of an activity, a verb or an agent. */
export interface Told {
  kind: CanonicalKind;
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

function merging<T>(kind: CanonicalKind, name: string, value: T, merge: (known: T | undefined, given: T) => T): Told {
  const given = JSON.stringify(value);
  return {
    kind, name, given,
    merge: (known) => {
      const merged = JSON.stringify(merge(known === undefined ? undefined : (JSON.parse(known) as T), value));
      return Buffer.byteLength(merged) > LONGEST_VALUE ? given : merged;
    },
  };
}

/** What was merged lately, so that the same definition in statement after statement costs no read and no write. */
export interface ToldLately {
  has(tenant: string, told: Told): boolean;
  note(tenant: string, told: Told): void;
  clear(): void;
}

const REMEMBERED = 20_000;
const LONGEST_REMEMBERED = 4_000;

/** @param lifetime milliseconds after which it is looked up again, where others may change it */
export function createToldLately(lifetime = Infinity): ToldLately {
  let remembered = new Map<string, { given: string; at: number }>();
  const keyOf = (tenant: string, { kind, name, given }: Told): string => `${kind}${tenant}\0${name}${kind === 'g' ? `\0${given}` : ''}`;
  return {
    has: (tenant, told) => {
      const before = remembered.get(keyOf(tenant, told));
      return before?.given === told.given && performance.now() - before.at < lifetime;
    },
    note: (tenant, told) => {
      const key = keyOf(tenant, told);
      if (told.given.length + told.name.length > LONGEST_REMEMBERED) {
        remembered.delete(key);
        return;
      }
      if (remembered.size >= REMEMBERED) remembered = new Map();
      remembered.set(key, { given: told.given, at: performance.now() });
    },
    clear: () => { remembered = new Map(); },
  };
}
