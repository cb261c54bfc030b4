import { agentIdentifier, agentsOf } from './actors.js';
import { contextActivityKinds, contextActivityList } from './context-activities.js';
import { isActivity, isActor, isSubStatement } from './statement-objects.js';
import type { Actor, Attachment, Context, Statement, SubStatement } from './types.js';

/**
 * One thing a statement can be found by. The first character is the kind, the rest the value:
 *
 * - `A` an agent (canonical identifier): actor or object is that Agent or Group, or a Group there has it as a member
 * - `R` a related agent beyond A and U: instructor, team, context agents and groups, everybody in a SubStatement, and members of those
 * - `U` the authority, and the members of an authority Group
 * - `V` the verb id
 * - `T` the id of the activity that is the object
 * - `C` a related activity beyond T: context activities, and those and the object of a SubStatement
 * - `G` the registration, lower case
 * - `H` the SHA-2 of an attachment, lower case
 */
export type StatementKey = string;

/** What the parameters of GET /statements ask for (xAPI 1.0.3 Part Three 2.1.3); actors and ids already validated. */
export interface StatementFilter {
  /** An Agent or Identified Group. */
  agent?: Actor;
  /** Verb id. */
  verb?: string;
  /** Activity id. */
  activity?: string;
  /** UUID in either case. */
  registration?: string;
  /** Also where the agent is authority, instructor, team, context agent or in a SubStatement. */
  relatedAgents?: boolean;
  /** Also where the activity is in the context or in a SubStatement. */
  relatedActivities?: boolean;
}

/** Keys by value: each value, and the characters of the kinds that it is a key of. */
export type KeyValues = ReadonlyMap<string, string>;

/**
 * The keys of a statement's own content. An agent that has A or U gets no R beside it and an activity that has
 * T no C, because a query for related ones asks for all of these kinds.
 * @param authority that of the statement when left out
 */
export function keyValues(statement: Statement, authority = statement.authority): KeyValues {
  const keys = new Map<string, string>();
  const { object, context } = statement;
  addAgents(keys, 'A', statement.actor);
  if (isActor(object)) addAgents(keys, 'A', object);
  if (authority !== undefined) addAuthority(keys, authority);
  add(keys, 'V', statement.verb.id);
  if (isActivity(object)) add(keys, 'T', object.id);
  if (context !== undefined) {
    if (context.registration !== undefined) add(keys, 'G', context.registration.toLowerCase());
    addContext(keys, context);
  }
  if (isSubStatement(object)) addSubStatement(keys, object);
  if (statement.attachments !== undefined) addAttachments(keys, statement.attachments);
  return keys;
}

/** The same as single keys, each once. */
export function statementKeys(statement: Statement): StatementKey[] {
  return Array.from(keyValues(statement)).flatMap(([value, kinds]) => Array.from(kinds, (kind) => kind + value));
}

/**
 * What a statement whose object is a StatementRef is found by because its target has `key` (xAPI 1.0.3 Part Three 2.1.3,
 * Filter Conditions for StatementRefs). The authority of the target makes only a related agent, so that `U` always is a
 * statement's own; attachments aren't a filter and aren't inherited.
 */
export function inheritedKey(key: StatementKey): StatementKey | undefined {
  switch (key[0]) {
    case 'U': return 'R' + key.slice(1);
    case 'H': return undefined;
    default: return key;
  }
}

/**
 * A filter as `StatementStore.find` takes it: all of the outer list must hold, of each inner list any one. An agent
 * without an identifier gives an empty inner list, which nothing satisfies.
 */
export function filterKeys(filter: StatementFilter): StatementKey[][] {
  const all: StatementKey[][] = [];
  if (filter.agent !== undefined) {
    const identifier = agentIdentifier(filter.agent);
    if (identifier === undefined) all.push([]);
    else all.push(filter.relatedAgents ? ['A' + identifier, 'R' + identifier, 'U' + identifier] : ['A' + identifier]);
  }
  if (filter.verb !== undefined) all.push(['V' + filter.verb]);
  if (filter.activity !== undefined) {
    all.push(filter.relatedActivities ? ['T' + filter.activity, 'C' + filter.activity] : ['T' + filter.activity]);
  }
  if (filter.registration !== undefined) all.push(['G' + filter.registration.toLowerCase()]);
  return all;
}

type Keys = Map<string, string>;

function add(keys: Keys, kind: string, value: string): void {
  const kinds = keys.get(value);
  if (kinds === undefined) keys.set(value, kind);
  else if (!kinds.includes(kind)) keys.set(value, kinds + kind);
}

/** Adds a key unless the value is a key of a kind that says more. */
function addRelated(keys: Keys, kind: 'R' | 'C', closer: string, value: string): void {
  const kinds = keys.get(value);
  if (kinds === undefined) keys.set(value, kind);
  else if (!kinds.includes(kind) && !Array.from(closer).some((other) => kinds.includes(other))) keys.set(value, kinds + kind);
}

function addAgents(keys: Keys, kind: 'A' | 'U', actor: Actor): void {
  const own = agentIdentifier(actor);
  if (own !== undefined) add(keys, kind, own);
  if (actor.member === undefined) return;
  for (const member of actor.member) {
    const identifier = agentIdentifier(member);
    if (identifier !== undefined) add(keys, kind, identifier);
  }
}

let lastAuthority: { actor: Actor; identifiers: string[] } | undefined;

/** One authority is that of statement after statement. */
function addAuthority(keys: Keys, actor: Actor): void {
  if (lastAuthority?.actor !== actor) lastAuthority = { actor, identifiers: agentsOf(actor) };
  for (const identifier of lastAuthority.identifiers) add(keys, 'U', identifier);
}

function addRelatedAgents(keys: Keys, actor: Actor): void {
  for (const identifier of agentsOf(actor)) addRelated(keys, 'R', 'AU', identifier);
}

function addContext(keys: Keys, context: Context): void {
  if (context.instructor !== undefined) addRelatedAgents(keys, context.instructor);
  if (context.team !== undefined) addRelatedAgents(keys, context.team);
  if (context.contextAgents !== undefined) for (const { agent } of context.contextAgents) addRelatedAgents(keys, agent);
  if (context.contextGroups !== undefined) for (const { group } of context.contextGroups) addRelatedAgents(keys, group);
  if (context.contextActivities === undefined) return;
  for (const kind of contextActivityKinds) {
    for (const activity of contextActivityList(context, kind)) addRelated(keys, 'C', 'T', activity.id);
  }
}

function addSubStatement(keys: Keys, statement: SubStatement): void {
  const { object } = statement;
  addRelatedAgents(keys, statement.actor);
  if (isActor(object)) addRelatedAgents(keys, object);
  else if (isActivity(object)) addRelated(keys, 'C', 'T', object.id);
  if (statement.context !== undefined) addContext(keys, statement.context);
  if (statement.attachments !== undefined) addAttachments(keys, statement.attachments);
}

function addAttachments(keys: Keys, attachments: Attachment[]): void {
  for (const { sha2 } of attachments) add(keys, 'H', sha2.toLowerCase());
}
