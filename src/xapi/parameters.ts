import { agentIdentifier } from './actors.js';
import { QuipuError } from './errors.js';
import { isIri } from './iris.js';
import { parseJsonStrict } from './json-text.js';
import { parseTimestamp } from './timestamps.js';
import type { Actor, Json, XapiVersion } from './types.js';
import { isUuid } from './uuids.js';
import { validateActor } from './validation.js';

/** A query string as Node's `querystring` gives it: a parameter given more than once is an array. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Parameters that clients add to a GET so that no cache answers it, and that mean nothing: `cachebuster` of @xapi/xapi and
 * `_` of jQuery. Everything else that a resource doesn't know is refused.
 */
const cacheBusters: ReadonlySet<string> = new Set(['cachebuster', '_']);

/** The section on error codes, which lets an LRS refuse parameters that a resource doesn't know. */
const errorCodes = 'xAPI 1.0.3 Part Three 3.2; IEEE 9274.1.1 4.1.5';

/**
 * Refuses parameters outside of `known`; names are compared by case (xAPI 1.0.3 Part Three 3.2).
 * @param known names the resource takes for this method
 * @throws QuipuError `invalid-parameter` that names the first unknown one
 */
export function rejectUnknown(query: Query, known: readonly string[], section: string = errorCodes): void {
  for (const name of Object.keys(query)) {
    if (known.includes(name) || cacheBusters.has(name)) continue;
    const other = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
    throw invalid(name, 'parameter-known', section, `The parameter ${show(name)} is unknown to this resource${other === undefined ? '.' : `; did you mean ${other}?`}`,
      known.length === 0 ? 'no parameter' : `one of ${known.join(', ')}`);
  }
}

/**
 * The text of a parameter.
 * @returns undefined when it is not given
 * @throws QuipuError `invalid-parameter` when it is given twice or empty
 */
export function readText(query: Query, name: string, section: string = errorCodes): string | undefined {
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid(name, 'parameter-once', section, `The parameter ${name} is given ${value.length} times.`, 'one value');
  if (value === '') throw invalid(name, 'parameter-not-empty', section, `The parameter ${name} is empty.`, 'a value, or the parameter left out');
  return value;
}

/** @returns the boolean; the standard writes `true` or `false`, in lower case */
export function readBoolean(query: Query, name: string, section: string = errorCodes): boolean | undefined {
  const value = readText(query, name, section);
  if (value === undefined) return undefined;
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw invalid(name, 'parameter-boolean', section, `The parameter ${name} is ${show(value)}, which is no boolean.`, 'true or false');
}

/** @returns the whole number, from 0 to 2^53 - 1 */
export function readInteger(query: Query, name: string, section: string = errorCodes): number | undefined {
  const value = readText(query, name, section);
  if (value === undefined) return undefined;
  if (!/^[0-9]+$/.test(value)) {
    throw invalid(name, 'parameter-integer', section, `The parameter ${name} is ${show(value)}, which is no whole number from 0 up.`, 'a whole number such as 100');
  }
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

/**
 * A moment in time (xAPI 1.0.3 Part Two 4.5). A `+` before the offset that was sent unencoded has become a space in the
 * query string; it is put back.
 * @returns milliseconds since the epoch
 */
export function readTimestamp(query: Query, name: string, section: string = errorCodes): number | undefined {
  const value = readText(query, name, section);
  if (value === undefined) return undefined;
  const moment = parseTimestamp(value.replace(/^([^ ]{1,64}) (\d\d:?(?:\d\d)?)$/, '$1+$2'));
  if (moment === undefined) {
    throw invalid(name, 'parameter-timestamp', section, `The parameter ${name} is ${show(value)}, which is no timestamp of ISO 8601.`, 'a timestamp such as 2026-01-31T08:30:00.000Z');
  }
  return moment;
}

/** @returns the UUID in lower case: UUIDs are compared without regard to case (RFC 4122) */
export function readUuid(query: Query, name: string, section: string = errorCodes): string | undefined {
  const value = readText(query, name, section);
  if (value === undefined) return undefined;
  if (!isUuid(value)) {
    throw invalid(name, 'parameter-uuid', section, `The parameter ${name} is ${show(value)}, which is no UUID.`, 'a UUID such as 2aa3a1e1-4d3b-4d3c-9a43-2c1f3b7e5d60');
  }
  return value.toLowerCase();
}

/** @returns the IRI as it was given */
export function readIri(query: Query, name: string, section: string = errorCodes): string | undefined {
  const value = readText(query, name, section);
  if (value === undefined) return undefined;
  if (!isIri(value)) {
    throw invalid(name, 'parameter-iri', section, `The parameter ${name} is ${show(value)}, which is no IRI.`, 'an absolute IRI such as https://example.org/activities/1');
  }
  return value;
}

/** How an `agent` parameter is read. */
export interface AgentRules {
  version: XapiVersion;
  /** Whether an Identified Group is taken too. */
  groups: boolean;
  /** Deepest nesting of its JSON. */
  maxDepth: number;
}

/** An agent as a parameter names it. */
export interface AgentParameter {
  actor: Actor;
  /** Canonical identifier (`agentIdentifier`). */
  identifier: string;
}

/**
 * The Agent (or Identified Group) that a parameter holds as JSON.
 * @throws QuipuError `invalid-parameter` when it is no JSON, no valid Agent, or a Group where none is taken
 */
export function readAgent(query: Query, name: string, rules: AgentRules, section: string = errorCodes): AgentParameter | undefined {
  const value = readText(query, name, section);
  if (value === undefined) return undefined;
  const expected = 'an Agent as JSON, such as {"mbox":"mailto:ann@example.org"}, percent-encoded';
  const json = parseAgent(value, name, rules.maxDepth, section, expected);
  const fault = validateActor(json, rules.version, name);
  if (fault !== undefined) throw fault;
  const actor = json as unknown as Actor;
  if (actor.objectType === 'Group' && !rules.groups) {
    throw invalid(name, 'parameter-agent-not-group', section, `The parameter ${name} holds a Group; this resource takes an Agent.`,
      'the identifier of the Group within an Agent object');
  }
  const identifier = agentIdentifier(actor);
  if (identifier === undefined) throw invalid(name, 'parameter-agent-identified', section, `The parameter ${name} holds an Anonymous Group, which nothing can be found by.`, expected);
  return { actor, identifier };
}

function parseAgent(value: string, name: string, maxDepth: number, section: string, expected: string): Json {
  try {
    return parseJsonStrict(Buffer.from(value), { maxDepth }, 'It');
  } catch (error) {
    if (!(error instanceof QuipuError)) throw error;
    throw invalid(name, error.details.rule ?? error.code, section, `The parameter ${name} is not read as JSON: ${error.message}`, expected);
  }
}

/**
 * A value that must be there.
 * @param value what one of the readers returned for `name`
 * @throws QuipuError `invalid-parameter` when it is undefined
 */
export function required<T>(value: T | undefined, name: string, section: string = errorCodes): T {
  if (value === undefined) throw invalid(name, 'parameter-required', section, `The parameter ${name} is missing.`, `${name} in the query string`);
  return value;
}

function invalid(parameter: string, rule: string, section: string, message: string, expected: string): QuipuError {
  return new QuipuError('invalid-parameter', message, { parameter, rule, section, expected });
}

/** A value as an error message shows it: quoted, and cut where it is long. */
function show(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
