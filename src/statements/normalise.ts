import { randomUUID } from 'node:crypto';
import { membersAt } from '../xapi/json-members.js';
import type { StatementText } from '../xapi/json-text.js';
import type { KeyHash } from '../xapi/key-hash.js';
import { keyValues } from '../xapi/statement-keys.js';
import { voidedVerb } from '../xapi/statement-rules.js';
import { toldHashes, type ToldRun } from '../xapi/told.js';
import type { Activity, Actor, Context, Statement, StatementRef, SubStatement, XapiVersion } from '../xapi/types.js';
import type { PreparedParts } from './prepared-batch.js';

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
    voids: target !== undefined && statement.verb.id === voidedVerb,
    defines,
  };
}

/**
 * The text without the members that the LRS writes, and without its closing brace.
 * @param listed members in which single context activities are to be put into arrays
 */
function keptText(text: Buffer, members: StatementText['members'], listed: readonly string[]): (Buffer | string)[] {
  if (listed.length === 0 && !members.some(({ key }) => assigned.has(key))) return [text.subarray(0, text.length - 1)];
  const kept = members.filter(({ key }) => !assigned.has(key))
    .flatMap(({ key, start, end }) => [',', listed.includes(key) ? withLists(text.toString('utf8', start, end)) : text.subarray(start, end)]);
  return ['{', ...kept.slice(1)];
}

/** The member `context`, or `object` with a SubStatement, its single context activities in brackets and all else as it was sent. */
function withLists(member: string): string {
  const text = `{${member}}`;
  const inner = (key: string, at: number): number[] => membersAt(text, at).members.filter((found) => found.key === key).map((found) => found.at);
  const contexts = [...inner('context', 0), ...inner('object', 0).flatMap((at) => inner('context', at))];
  const singles = contexts.flatMap((at) => inner('contextActivities', at)).flatMap((at) => membersAt(text, at).members.filter((kind) => text[kind.at] === '{'));
  let listed = '';
  let from = 1;
  for (const { at, end } of singles) {
    listed += `${text.slice(from, at)}[${text.slice(at, end)}]`;
    from = end;
  }
  return listed + text.slice(from, -1);
}

/** Turns single context activities into arrays, in place; gives the members in which there were any. */
function listContextActivities(statement: Statement): string[] {
  const { context, object } = statement;
  const own = listIn(context);
  const inner = object.objectType === 'SubStatement' && listIn((object as SubStatement).context);
  return [...(own ? ['context'] : []), ...(inner ? ['object'] : [])];
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
