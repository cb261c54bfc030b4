import { QuipuError } from '../xapi/errors.js';
import { readAgent, readBoolean, readInteger, readIri, readText, readTimestamp, readUuid, rejectUnknown, type Query } from '../xapi/parameters.js';
import type { XapiVersion } from '../xapi/types.js';
import type { StatementFormat } from './answer.js';
import type { ListRequest } from './service.js';
import type { Cursor } from './store.js';

const section = 'xAPI 1.0.3 Part Three 2.1.3; IEEE 9274.1.1 4.1.6.1';
const single = ['statementId', 'voidedStatementId', 'attachments', 'format'] as const;
const filters = ['agent', 'verb', 'activity', 'registration', 'related_activities', 'related_agents', 'since', 'until', 'limit', 'format', 'attachments', 'ascending'] as const;

/** What a GET of the Statement Resource asks for. */
export type StatementsQuery = { format: StatementFormat; attachments: boolean } & (
  | { kind: 'one'; id: string; voided: boolean }
  /** `through` is set on a page after the first: the Consistent-Through of the first. */
  | { kind: 'list'; list: ListRequest; through?: number }
);

export interface PageLimits {
  maxPage: number;
  maxPageBytes: number;
  maxDepth: number;
}

/**
 * Reads the parameters of GET /statements.
 * @throws QuipuError `invalid-parameter` that names the parameter
 */
export function readStatementsQuery(query: Query, version: XapiVersion, limits: PageLimits): StatementsQuery {
  const format = readFormat(query);
  const attachments = readBoolean(query, 'attachments', section) ?? false;
  if (query.statementId !== undefined || query.voidedStatementId !== undefined) {
    return { kind: 'one', format, attachments, ...readSingle(query) };
  }
  const continuation = readCursor(query);
  return { kind: 'list', format, attachments, list: readList(query, version, limits, continuation?.cursor), through: continuation?.through };
}

function readFormat(query: Query): StatementFormat {
  const format = readText(query, 'format', section) ?? 'exact';
  if (format === 'exact' || format === 'ids' || format === 'canonical') return format;
  throw new QuipuError('invalid-parameter', `The parameter format is ${JSON.stringify(format.slice(0, 100))}.`, { parameter: 'format', rule: 'parameter-format', section, expected: 'ids, exact or canonical' });
}

function readSingle(query: Query): { id: string; voided: boolean } {
  if (query.statementId !== undefined && query.voidedStatementId !== undefined) {
    throw new QuipuError('invalid-parameter', 'statementId and voidedStatementId exclude each other.', { parameter: 'voidedStatementId', rule: 'one-statement', section, expected: 'one of the two' });
  }
  const other = Object.keys(query).find((name) => (filters as readonly string[]).includes(name) && !(single as readonly string[]).includes(name));
  if (other !== undefined) {
    throw new QuipuError('invalid-parameter', `The parameter ${other} does not go with the id of a single statement.`, { parameter: other, rule: 'one-statement', section, expected: 'only attachments and format beside the id' });
  }
  rejectUnknown(query, single, section);
  const voided = query.statementId === undefined;
  return { id: readUuid(query, voided ? 'voidedStatementId' : 'statementId', section)!, voided };
}

function readList(query: Query, version: XapiVersion, { maxPage, maxPageBytes, maxDepth }: PageLimits, cursor: Cursor | undefined): ListRequest {
  rejectUnknown(query, [...filters, 'cursor'], section);
  const limit = readInteger(query, 'limit', section) ?? 0;
  const agent = readAgent(query, 'agent', { version, groups: true, maxDepth }, section);
  return {
    ...(agent === undefined ? {} : { agent: agent.actor }),
    verb: readIri(query, 'verb', section),
    activity: readIri(query, 'activity', section),
    registration: readUuid(query, 'registration', section),
    relatedActivities: readBoolean(query, 'related_activities', section),
    relatedAgents: readBoolean(query, 'related_agents', section),
    since: readTimestamp(query, 'since', section),
    until: readTimestamp(query, 'until', section),
    ascending: readBoolean(query, 'ascending', section) ?? false,
    limit: limit === 0 ? maxPage : Math.min(limit, maxPage),
    maxBytes: maxPageBytes,
    cursor,
  };
}

function readCursor(query: Query): { cursor: Cursor; through: number } | undefined {
  const text = readText(query, 'cursor', section);
  if (text === undefined) return undefined;
  const matched = /^([0-9a-z]{1,9})-([0-9a-z]{1,9})-([0-9a-z]{1,9})$/.exec(text);
  if (!matched) throw new QuipuError('invalid-parameter', 'The parameter cursor is not one that a more link of this server has.', { parameter: 'cursor', rule: 'cursor', section, expected: 'the more link as it was given' });
  const [position, horizon, through] = matched.slice(1).map((digits) => parseInt(digits, 36)) as [number, number, number];
  return { cursor: { position, horizon }, through };
}

/**
 * The `more` of a page: the same query with a cursor, below the path by which the request came.
 * @param through the Consistent-Through of the first page, which the next one repeats
 */
export function moreLink(path: string, query: Query, next: Cursor | undefined, through: number): string {
  if (next === undefined) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (typeof value === 'string' && name !== 'cursor') parameters.append(name, value);
  parameters.append('cursor', [next.position, next.horizon, through].map((number) => number.toString(36)).join('-'));
  return `${path}?${parameters}`;
}
