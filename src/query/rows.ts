import type { StoredStatement } from '../statements/store.js';
import { agentIdentifier, agentsOf } from '../xapi/actors.js';
import { contextActivityList } from '../xapi/context-activities.js';
import { durationSeconds } from '../xapi/durations.js';
import { chooseLanguage } from '../xapi/language-choice.js';
import { isActivity, isActor, isStatementRef, isSubStatement } from '../xapi/statement-objects.js';
import { voidedVerb } from '../xapi/statement-rules.js';
import { parseTimestamp } from '../xapi/timestamps.js';
import type { Actor, Context, Extensions, Json, LanguageMap, Statement, StatementObject, SubStatement } from '../xapi/types.js';

/** The columns of `quipu.statement_log` but for `statement`; the migrations say what each holds. */
export interface StatementRow {
  tenant: string;
  position: number;
  erasure: number;
  id: string;
  stored: string;
  timestamp: string;
  version: string;
  actor_id: string;
  actor_name: string;
  actor_type: string;
  actor_members: string[];
  verb: string;
  verb_name: string;
  object_type: string;
  object_id: string;
  object_name: string;
  activity_type: string;
  target: string | null;
  voids: boolean;
  parents: string[];
  groupings: string[];
  categories: string[];
  others: string[];
  related_agents: string[];
  registration: string | null;
  platform: string;
  language: string;
  context_revision: string;
  context_statement: string | null;
  instructor_id: string;
  team_id: string;
  authority_id: string;
  success: boolean | null;
  completion: boolean | null;
  score_scaled: number | null;
  score_raw: number | null;
  score_min: number | null;
  score_max: number | null;
  duration: number | null;
  response: string;
  interaction_type: string;
  correct_responses: string[];
  result_extensions: Record<string, string>;
  context_extensions: Record<string, string>;
  activity_extensions: Record<string, string>;
  text: string;
}

/** Where a row stands. */
export interface RowPlace {
  tenant: string;
  /** Position of the erasure that has rewritten the statement, or 0. */
  erasure: number;
}

/** What a DateTime64 column can hold. */
const earliest = Date.UTC(1900, 0, 1);
const latest = Date.UTC(2299, 11, 31, 23, 59, 59, 999);

/** The row of a stored statement. */
export function rowOf(stored: Pick<StoredStatement, 'position' | 'id' | 'stored' | 'text'>, { tenant, erasure }: RowPlace): StatementRow {
  const text = stored.text.toString('utf8');
  const statement = JSON.parse(text) as Statement;
  const { actor, verb, context, result = {} } = statement;
  const score = objectOf(result.score);
  return {
    tenant, position: stored.position, erasure, id: stored.id,
    stored: dateTime(stored.stored),
    timestamp: dateTime((statement.timestamp === undefined ? undefined : parseTimestamp(statement.timestamp)) ?? stored.stored),
    version: statement.version ?? '',
    actor_id: idOf(actor), actor_name: actor.name ?? '', actor_type: actor.objectType ?? 'Agent',
    actor_members: membersOf(actor),
    verb: verb.id, verb_name: english(verb.display),
    ...objectColumns(statement.object),
    voids: verb.id === voidedVerb && isStatementRef(statement.object),
    parents: idsOf(context, 'parent'), groupings: idsOf(context, 'grouping'), categories: idsOf(context, 'category'), others: idsOf(context, 'other'),
    related_agents: relatedAgents(statement),
    registration: context?.registration?.toLowerCase() ?? null,
    platform: context?.platform ?? '', language: context?.language ?? '', context_revision: context?.revision ?? '',
    context_statement: context?.statement?.id.toLowerCase() ?? null,
    instructor_id: idOf(context?.instructor), team_id: idOf(context?.team), authority_id: idOf(statement.authority),
    success: booleanOf(result.success), completion: booleanOf(result.completion),
    score_scaled: numberOf(score.scaled), score_raw: numberOf(score.raw), score_min: numberOf(score.min), score_max: numberOf(score.max),
    duration: typeof result.duration === 'string' ? durationSeconds(result.duration) ?? null : null,
    response: typeof result.response === 'string' ? result.response : '',
    result_extensions: textsOf(objectOf(result.extensions)), context_extensions: textsOf(context?.extensions),
    text,
  };
}

/** The columns of a line, in order. */
const columns: readonly (keyof StatementRow)[] = [
  'tenant', 'position', 'erasure', 'id', 'stored', 'timestamp', 'version', 'actor_id', 'actor_name', 'actor_type', 'actor_members', 'verb', 'verb_name', 'object_type', 'object_id', 'object_name',
  'activity_type', 'target', 'voids', 'parents', 'groupings', 'categories', 'others', 'related_agents', 'registration', 'platform', 'language', 'context_revision', 'context_statement', 'instructor_id', 'team_id',
  'authority_id', 'success', 'completion', 'score_scaled', 'score_raw', 'score_min', 'score_max', 'duration', 'response', 'interaction_type', 'correct_responses', 'result_extensions', 'context_extensions',
  'activity_extensions', 'text',
];

/** The INSERT that lines of rows follow, a line each. @param table such as `quipu.statement_log` */
export function insertOf(table: string): string {
  return `INSERT INTO ${table} (${columns.join(', ')}, refused) FORMAT JSONCompactEachRow`;
}

/**
 * The line of a row. Of its text the engine makes the column `statement`.
 * @param refused marks the row as one whose text the engine could not take as JSON, and leaves that column empty
 */
export function rowLine(row: StatementRow, refused = false): string {
  const values = [...columns.map((column) => row[column]), refused];
  const written = JSON.stringify(values);
  return `${halfPair.test(written) ? JSON.stringify(values, wellFormed) : written}\n`;
}

type ObjectColumns = Pick<StatementRow, 'object_type' | 'object_id' | 'object_name' | 'activity_type' | 'target' | 'interaction_type' | 'correct_responses' | 'activity_extensions'>;

function objectColumns(object: StatementObject): ObjectColumns {
  const none: ObjectColumns = { object_type: object.objectType ?? 'Activity', object_id: '', object_name: '', activity_type: '', target: null, interaction_type: '', correct_responses: [], activity_extensions: {} };
  if (isActor(object)) return { ...none, object_id: idOf(object), object_name: object.name ?? '' };
  if (isStatementRef(object)) return { ...none, object_id: object.id.toLowerCase(), target: object.id.toLowerCase() };
  if (!isActivity(object)) return none;
  const { definition = {} } = object;
  return {
    ...none, object_id: object.id, object_name: english(definition.name), activity_type: definition.type ?? '',
    interaction_type: definition.interactionType ?? '', correct_responses: definition.correctResponsesPattern ?? [], activity_extensions: textsOf(definition.extensions),
  };
}

/** Everybody in the context and in a SubStatement, members of groups among them, each once. */
function relatedAgents(statement: Statement): string[] {
  const all = new Set<string>();
  const add = (actor: Actor | undefined): void => {
    if (actor) for (const id of agentsOf(actor)) all.add(id);
  };
  const addContext = (context: Context | undefined): void => {
    add(context?.instructor);
    add(context?.team);
    for (const { agent } of context?.contextAgents ?? []) add(agent);
    for (const { group } of context?.contextGroups ?? []) add(group);
  };
  addContext(statement.context);
  if (isSubStatement(statement.object)) {
    const sub: SubStatement = statement.object;
    add(sub.actor);
    if (isActor(sub.object)) add(sub.object);
    addContext(sub.context);
  }
  return [...all];
}

function idOf(actor: Actor | undefined): string {
  return (actor && agentIdentifier(actor)) ?? '';
}

function membersOf(actor: Actor): string[] {
  return (actor.member ?? []).map(idOf).filter((id) => id !== '');
}

function idsOf(context: Context | undefined, kind: 'parent' | 'grouping' | 'category' | 'other'): string[] {
  return contextActivityList(context, kind).map(({ id }) => id);
}

function english(map: LanguageMap | undefined): string {
  return map === undefined ? '' : Object.values(chooseLanguage(map, 'en'))[0] ?? '';
}

function objectOf(value: Json | undefined): Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function booleanOf(value: Json | undefined): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function textsOf(extensions: Extensions | undefined): Record<string, string> {
  const entries = Object.entries(extensions ?? {}).map(([key, value]) => [toWellFormed(key), typeof value === 'string' ? value : JSON.stringify(value)] as const);
  return Object.fromEntries(entries);
}

function dateTime(milliseconds: number): string {
  return new Date(Math.min(Math.max(milliseconds, earliest), latest)).toISOString().slice(0, -1).replace('T', ' ');
}

/** How JSON.stringify writes half a surrogate pair; what looks like one in a text makes no harm. */
const halfPair = /\\ud[89a-f]/;

/** No UTF-8 text holds half a surrogate pair; it becomes U+FFFD, as in the engine's other answers. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? toWellFormed(value) : value;
}

function toWellFormed(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text, 'utf8').toString('utf8') : text;
}
