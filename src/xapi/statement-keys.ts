import { agentIdentifier } from './actors.js';
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

/**
 * The keys of a statement's own content, each once. An agent that has A or U gets no R beside it and an activity that has
 * T no C, because a query for related ones asks for all of these kinds.
 * @param authority that of the statement when left out
 */
export function statementKeys(statement: Statement, authority = statement.authority): StatementKey[] {
  const keys = new Set<StatementKey>();
  const { object, context } = statement;
  addAgents(keys, 'A', statement.actor);
  if (isActor(object)) addAgents(keys, 'A', object);
  if (authority !== undefined) addAgents(keys, 'U', authority);
  keys.add('V' + statement.verb.id);
  if (isActivity(object)) keys.add('T' + object.id);
  if (context !== undefined) {
    if (context.registration !== undefined) keys.add('G' + context.registration.toLowerCase());
    addContext(keys, context);
  }
  if (isSubStatement(object)) addSubStatement(keys, object);
  if (statement.attachments !== undefined) addAttachments(keys, statement.attachments);
  return Array.from(keys);
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

function addAgents(keys: Set<StatementKey>, kind: 'A' | 'U', actor: Actor): void {
  const own = agentIdentifier(actor);
  if (own !== undefined) keys.add(kind + own);
  if (actor.member === undefined) return;
  for (const member of actor.member) {
    const identifier = agentIdentifier(member);
    if (identifier !== undefined) keys.add(kind + identifier);
  }
}

function addRelatedAgents(keys: Set<StatementKey>, actor: Actor): void {
  addRelatedAgent(keys, actor);
  if (actor.member === undefined) return;
  for (const member of actor.member) addRelatedAgent(keys, member);
}

function addRelatedAgent(keys: Set<StatementKey>, actor: Actor): void {
  const identifier = agentIdentifier(actor);
  if (identifier !== undefined && !keys.has('A' + identifier) && !keys.has('U' + identifier)) keys.add('R' + identifier);
}

function addRelatedActivity(keys: Set<StatementKey>, id: string): void {
  if (!keys.has('T' + id)) keys.add('C' + id);
}

function addContext(keys: Set<StatementKey>, context: Context): void {
  if (context.instructor !== undefined) addRelatedAgents(keys, context.instructor);
  if (context.team !== undefined) addRelatedAgents(keys, context.team);
  if (context.contextAgents !== undefined) for (const { agent } of context.contextAgents) addRelatedAgents(keys, agent);
  if (context.contextGroups !== undefined) for (const { group } of context.contextGroups) addRelatedAgents(keys, group);
  if (context.contextActivities === undefined) return;
  for (const kind of contextActivityKinds) {
    for (const activity of contextActivityList(context, kind)) addRelatedActivity(keys, activity.id);
  }
}

function addSubStatement(keys: Set<StatementKey>, statement: SubStatement): void {
  const { object } = statement;
  addRelatedAgents(keys, statement.actor);
  if (isActor(object)) addRelatedAgents(keys, object);
  else if (isActivity(object)) addRelatedActivity(keys, object.id);
  if (statement.context !== undefined) addContext(keys, statement.context);
  if (statement.attachments !== undefined) addAttachments(keys, statement.attachments);
}

function addAttachments(keys: Set<StatementKey>, attachments: Attachment[]): void {
  for (const { sha2 } of attachments) keys.add('H' + sha2.toLowerCase());
}
