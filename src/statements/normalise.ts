import { randomUUID } from 'node:crypto';
import type { StatementText } from '../xapi/json-text.js';
import { statementKeys } from '../xapi/statement-keys.js';
import type { Activity, Actor, Context, Statement, StatementRef, SubStatement, XapiVersion } from '../xapi/types.js';
import type { NewStatement } from './store.js';

/** The Verb that voids (1.0.3 Part Two 2.3.2; IEEE 9274.1.1 4.2.5). */
export const VOIDED_VERB = 'http://adlnet.gov/expapi/verbs/voided';

/** What the LRS gives to a statement. */
export interface Assignment {
  /** The version under which it came in. */
  version: XapiVersion;
  /** Takes the place of whatever authority the statement names. */
  authority: Actor;
  /** For a statement without an id. */
  id?: string;
  /** The credential has the scope `define`. */
  defines: boolean;
}

/** Members that the LRS writes, so that the client's are cut out. */
const assigned: ReadonlySet<string> = new Set(['authority', 'stored']);
const authorityTexts = new WeakMap<Actor, string>();

/**
 * Gives a valid statement what the LRS has to set: id, authority and version (1.0.3 Part Two 2.3.1 and 2.4); stored and
 * a missing timestamp follow in the store, which alone knows the time of the commit. The rest of the text stays as it was sent,
 * but for a context with single objects as context activities, which must be given back as arrays (2.4.6.2).
 */
export function normalise({ value, text, members }: StatementText, { version, authority, id: givenId, defines }: Assignment): NewStatement {
  const statement = value as unknown as Statement;
  const id = statement.id ?? givenId ?? randomUUID();
  const kept = keptText(text, members, listContextActivities(statement));
  const idText = statement.id === undefined ? `,"id":"${id}"` : '';
  const versionText = statement.version === undefined ? `,"version":"${version === '1.0.3' ? '1.0.0' : '2.0.0'}"` : '';
  const { object } = statement;
  const target = object.objectType === 'StatementRef' ? (object as StatementRef).id.toLowerCase() : undefined;
  return {
    id: id.toLowerCase(),
    value: statement,
    text: `${kept}${idText}${versionText},"authority":${authorityText(authority)}}`,
    keys: statementKeys({ ...statement, authority }),
    ...(target === undefined ? {} : { target }),
    voids: target !== undefined && statement.verb.id === VOIDED_VERB,
    defines,
  };
}

/** The text without the members that the LRS writes, with those that have changed written anew, and without its closing brace. */
function keptText(text: string, members: StatementText['members'], changed: Partial<Statement>): string {
  if (!members.some(({ key }) => assigned.has(key) || key in changed)) return text.slice(0, text.lastIndexOf('}'));
  const kept = members.filter(({ key }) => !assigned.has(key))
    .map(({ key, start, end }) => (key in changed ? `${JSON.stringify(key)}:${JSON.stringify(changed[key as keyof Statement])}` : text.slice(start, end)));
  return `{${kept.join(',')}`;
}

function authorityText(authority: Actor): string {
  let text = authorityTexts.get(authority);
  if (text === undefined) {
    text = JSON.stringify(authority);
    authorityTexts.set(authority, text);
  }
  return text;
}

const nothing: Partial<Statement> = Object.freeze(Object.create(null) as object);

/** Turns single context activities into arrays, in place; gives the members in which there were any. */
function listContextActivities(statement: Statement): Partial<Statement> {
  const { context, object } = statement;
  const own = listIn(context);
  const inner = object.objectType === 'SubStatement' && listIn((object as SubStatement).context);
  if (!own && !inner) return nothing;
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
