import { QuipuError } from '../xapi/errors.js';
import { readAgent, readBoolean, readIri, readText, readUuid, type Query } from '../xapi/parameters.js';
import { parseTimestamp } from '../xapi/timestamps.js';
import { momentOfLocal } from './local-time.js';
import { verbSets } from './verb-sets.js';

/** Names of the filters in a query string. */
export const filterNames = ['since', 'until', 'timezone', 'activity', 'descendants', 'verb', 'agent', 'group', 'registration'] as const;

/** Which statements a view counts. */
export interface Filters {
  /** First moment that counts, in milliseconds since the epoch. */
  since?: number;
  /** First moment that counts no more, in milliseconds since the epoch. */
  until?: number;
  /** Name of the IANA time zone of days and hours. */
  timezone: string;
  activity?: string;
  /** Also statements that have the activity among their parents or groupings. */
  descendants: boolean;
  verbs?: readonly string[];
  /** Identifier of an actor. */
  agent?: string;
  /** Identifier of a Group. */
  group?: string;
  registration?: string;
}

/** SQL with the values that its parameters `{name:Type}` have. */
export interface Condition {
  sql: string;
  params: Record<string, unknown>;
}

/**
 * Reads the filters of a query string.
 * @throws QuipuError `invalid-parameter` that names the parameter and says why
 */
export function readFilters(query: Query, maxDepth: number): Filters {
  const timezone = readTimezone(query);
  const activity = readIri(query, 'activity');
  const descendants = readBoolean(query, 'descendants') ?? false;
  if (descendants && activity === undefined) throw invalid('descendants', 'filter-descendants', 'The parameter descendants says nothing without activity.', 'activity beside it');
  const since = readMoment(query, 'since', timezone);
  const until = readMoment(query, 'until', timezone);
  if (since !== undefined && until !== undefined && since >= until) {
    throw invalid('until', 'filter-period', 'The parameter until is not after since, so that nothing could count.', 'a moment after since');
  }
  return {
    timezone, descendants,
    ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }),
    activity, verbs: readVerbs(query), agent: readIdentifier(query, 'agent', maxDepth), group: readIdentifier(query, 'group', maxDepth),
    registration: readUuid(query, 'registration'),
  };
}

/** The condition of filters that let every statement through. */
export const everyStatement = 'true';

/** The filters as a condition on the columns of `statements`. @param statements SQL of the statements that filters choose from */
export function filterCondition(filters: Filters, statements: string): Condition {
  const { since, until, activity, descendants, verbs, agent, group, registration } = filters;
  const terms: string[] = [];
  const params: Record<string, unknown> = {};
  const add = (term: string, values: Record<string, unknown>): void => {
    terms.push(term);
    Object.assign(params, values);
  };
  if (since !== undefined) add(`timestamp >= ${momentSql('since')}`, { since });
  if (until !== undefined) add(`timestamp < ${momentSql('until')}`, { until });
  if (activity !== undefined) {
    const own = "(object_type = 'Activity' AND object_id = {activity:String})";
    add(descendants ? `(${own} OR has(parents, {activity:String}) OR has(groupings, {activity:String}))` : own, { activity });
  }
  if (verbs) add('verb IN ({verbs:Array(String)})', { verbs });
  if (agent !== undefined) add('(actor_key = cityHash64({agent:String}) AND actor_id = {agent:String})', { agent });
  if (group !== undefined) {
    add(`(actor_id = {group:String} OR team_id = {group:String} OR has(related_agents, {group:String})
      OR actor_id IN (SELECT arrayJoin(actor_members) FROM ${statements} WHERE actor_id = {group:String} AND actor_type = 'Group'))`, { group });
  }
  if (registration !== undefined) add('registration = {registration:UUID}', { registration });
  return { sql: terms.join(' AND ') || everyStatement, params };
}

/** SQL of a moment, of which the parameter of that name has the milliseconds. */
export function momentSql(name: string): string {
  return `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`;
}

function readTimezone(query: Query): string {
  const name = readText(query, 'timezone') ?? 'UTC';
  if (/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    } catch { /* The name is refused below. */ }
  }
  throw invalid('timezone', 'filter-timezone', `The parameter timezone is ${show(name)}, which is no time zone of the IANA database.`, 'a name such as Europe/Berlin');
}

function readMoment(query: Query, name: 'since' | 'until', timezone: string): number | undefined {
  const value = readText(query, name);
  if (value === undefined) return undefined;
  const text = value.replace(/^([^ ]{11,64}) (\d\d:?(?:\d\d)?)$/, '$1+$2').replace(/^(\d{4}-\d\d-\d\d)$/, '$1T00:00:00');
  const moment = parseTimestamp(text);
  if (moment === undefined || moment < Date.UTC(1900, 0, 2) || moment > Date.UTC(2299, 11, 30)) {
    throw invalid(name, 'filter-moment', `The parameter ${name} is ${show(value)}, which is no day and no timestamp of ISO 8601 in the years 1900 to 2299.`, 'a day such as 2026-01-31, or a timestamp such as 2026-01-31T08:30:00Z');
  }
  return /(?:z|[+-]\d\d(?::?\d\d)?)$/i.test(text.slice(10)) ? moment : momentOfLocal(moment, timezone);
}

function readVerbs(query: Query): readonly string[] | undefined {
  const name = readText(query, 'verb');
  if (name === undefined) return undefined;
  if (Object.hasOwn(verbSets, name)) return verbSets[name as keyof typeof verbSets];
  if (!name.includes(':')) throw invalid('verb', 'filter-verb', `The parameter verb is ${show(name)}, which is neither an IRI nor a set of verbs.`, `an IRI, or one of ${Object.keys(verbSets).join(', ')}`);
  return [readIri(query, 'verb')!];
}

function readIdentifier(query: Query, name: 'agent' | 'group', maxDepth: number): string | undefined {
  const value = readText(query, name);
  if (value === undefined) return undefined;
  if (/^(?:mbox:mailto:|mbox_sha1sum:|openid:|account:)./s.test(value)) return value;
  if (!value.startsWith('{')) {
    throw invalid(name, 'filter-identifier', `The parameter ${name} is ${show(value)}, which is neither JSON nor an identifier.`, 'an Agent or Group as JSON, or its identifier as the views show it, such as mbox:mailto:ann@example.org');
  }
  return readAgent(query, name, { version: '2.0.0', groups: true, maxDepth })!.identifier;
}

function invalid(parameter: string, rule: string, message: string, expected: string): QuipuError {
  return new QuipuError('invalid-parameter', message, { parameter, rule, expected });
}

function show(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
