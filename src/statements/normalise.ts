import { randomUUID } from 'node:crypto';
import type { StatementText } from '../xapi/json-text.js';
import type { KeyHash } from '../xapi/key-hash.js';
import { keyValues } from '../xapi/statement-keys.js';
import { toldHashes, type ToldRun } from '../xapi/told.js';
import type { Activity, Actor, Context, Statement, StatementRef, SubStatement, XapiVersion } from '../xapi/types.js';
import type { PreparedParts } from './prepared-batch.js';

/** The Verb that voids (1.0.3 Part Two 2.3.2; IEEE 9274.1.1 4.2.5). */
export const VOIDED_VERB = 'http://adlnet.gov/expapi/verbs/voided';

/** What the LRS gives to a statement. */
export interface Assignment {
  /** The version under which it came in. */
  version: XapiVersion;
  /** Takes the place of whatever authority the statement names. */
  authority: Actor;
  /** `authority` as JSON. */
  authorityText: string;
  /** For a statement without an id. */
  id?: string;
  /** The credential has the scope `define`. */
  defines: boolean;
}

/** Members that the LRS writes, so that the client's are cut out. */
const assigned: ReadonlySet<string> = new Set(['authority', 'stored']);
const nothingTold: ToldRun = Buffer.alloc(0);

/**
 * Gives a valid statement what the LRS has to set: id, authority and version (1.0.3 Part Two 2.3.1 and 2.4); stored and
 * a missing timestamp follow in the store, which alone knows the time of the commit. The rest of the text stays as it was sent,
 * but for a context with single objects as context activities, which must be given back as arrays (2.4.6.2).
 */
export function normalise({ value, text, members }: StatementText, { version, authority, authorityText, id: givenId, defines }: Assignment, hash: KeyHash): PreparedParts {
  const statement = value as unknown as Statement;
  const id = statement.id ?? givenId ?? randomUUID();
  const idText = statement.id === undefined ? `,"id":"${id}"` : '';
  const versionText = statement.version === undefined ? `,"version":"${version === '1.0.3' ? '1.0.0' : '2.0.0'}"` : '';
  const { object } = statement;
  const target = object.objectType === 'StatementRef' ? (object as StatementRef).id : undefined;
  const kept = keptText(text, members, listContextActivities(statement));
  return {
    id,
    ...(target === undefined ? {} : { target }),
    keys: hash.run(keyValues(statement, authority)),
    told: defines ? toldHashes(statement) : nothingTold,
    text: [...kept, `${idText}${versionText},"authority":${authorityText}`],
    timed: statement.timestamp !== undefined,
    named: statement.id !== undefined || givenId !== undefined,
    voids: target !== undefined && statement.verb.id === VOIDED_VERB,
    defines,
  };
}

/** The text without the members that the LRS writes, with those that have changed written anew, and without its closing brace. */
function keptText(text: Buffer, members: StatementText['members'], changed: Partial<Statement> | undefined): (Buffer | string)[] {
  if (changed === undefined && !members.some(({ key }) => assigned.has(key))) return [text.subarray(0, text.length - 1)];
  const kept = members.filter(({ key }) => !assigned.has(key))
    .flatMap(({ key, start, end }) => [',', changed && key in changed ? `${JSON.stringify(key)}:${JSON.stringify(changed[key as keyof Statement])}` : text.subarray(start, end)]);
  return ['{', ...kept.slice(1)];
}

/** Turns single context activities into arrays, in place; gives the members in which there were any. */
function listContextActivities(statement: Statement): Partial<Statement> | undefined {
  const { context, object } = statement;
  const own = listIn(context);
  const inner = object.objectType === 'SubStatement' && listIn((object as SubStatement).context);
  if (!own && !inner) return undefined;
  return Object.assign(Object.create(null) as object, own && { context }, inner && { object });
}

function listIn(context: Context | undefined): boolean {
  let changed = false;
  const lists = context?.contextActivities as Record<string, Activity | Activity[]> | undefined;
  for (const kind in lists) {
    const given = lists[kind]!;
    if (Array.isArray(given)) continue;
    lists[kind] = [given];
    changed = true;
  }
  return changed;
}
