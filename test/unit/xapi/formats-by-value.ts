import { interactionComponentLists } from '../../../src/xapi/activity-definitions.js';
import { contextActivityKinds, contextActivityList } from '../../../src/xapi/context-activities.js';
import { chooseLanguage } from '../../../src/xapi/language-choice.js';
import { isActivity, isActor, isSubStatement } from '../../../src/xapi/statement-objects.js';
import type { Activity, ActivityDefinition, Actor, Context, ContextActivities, LanguageMap, Statement, StatementObject, SubStatement, Verb } from '../../../src/xapi/types.js';

/** What the LRS knows, as values. */
export interface KnownValues {
  /** The canonical definition of an activity. */
  definition(activityId: string): ActivityDefinition | undefined;
  /** The canonical display of a verb. */
  display(verbId: string): LanguageMap | undefined;
}

/** What to do with each thing a statement names. */
interface Rewriting {
  actor(actor: Actor): Actor;
  activity(activity: Activity): Activity;
  verb(verb: Verb): Verb;
}

const idsRewriting: Rewriting = {
  actor: actorIds,
  activity: ({ id }) => ({ id }),
  verb: ({ id }) => ({ id }),
};

/** The format `ids` in the plainest way, value by value: what the format of texts is compared with. Changes nothing in `statement`. */
export function idsByValue(statement: Statement): Statement {
  return rewrite(statement, idsRewriting);
}

/** The format `canonical`, likewise. */
export function canonicalByValue(statement: Statement, known: KnownValues, acceptLanguage: string | undefined): Statement {
  return rewrite(statement, {
    actor: (actor) => actor,
    activity(activity) {
      const definition = known.definition(activity.id) ?? activity.definition;
      return definition === undefined ? activity : { ...activity, definition: inOneLanguage(definition, acceptLanguage) };
    },
    verb(verb) {
      const display = known.display(verb.id) ?? verb.display;
      return display === undefined ? verb : { ...verb, display: chooseLanguage(display, acceptLanguage) };
    },
  });
}

/** A definition with one entry in each of its language maps (xAPI 1.0.3 Part Three 2.1.3, Language Filtering Requirements). */
function inOneLanguage(definition: ActivityDefinition, acceptLanguage: string | undefined): ActivityDefinition {
  const filtered = { ...definition };
  if (definition.name) filtered.name = chooseLanguage(definition.name, acceptLanguage);
  if (definition.description) filtered.description = chooseLanguage(definition.description, acceptLanguage);
  for (const list of interactionComponentLists) {
    filtered[list] &&= filtered[list].map((component) => (
      component.description ? { ...component, description: chooseLanguage(component.description, acceptLanguage) } : component
    ));
  }
  return filtered;
}

function actorIds({ objectType, mbox, mbox_sha1sum, openid, account, member }: Actor): Actor {
  const identified = {
    ...(objectType !== undefined && { objectType }),
    ...(mbox !== undefined && { mbox }),
    ...(mbox_sha1sum !== undefined && { mbox_sha1sum }),
    ...(openid !== undefined && { openid }),
    ...(account !== undefined && { account }),
  };
  const anonymous = mbox === undefined && mbox_sha1sum === undefined && openid === undefined && account === undefined;
  return anonymous && member !== undefined ? { ...identified, member: member.map(memberIds) } : identified;
}

/** A member is an Agent, never a Group (xAPI 1.0.3 Part Two 2.4.2.2), so this goes no deeper. */
function memberIds(member: Actor): Actor {
  return actorIds({ ...member, member: undefined });
}

function rewrite(statement: Statement, rewriting: Rewriting): Statement {
  const rewritten = rewriteParts(statement, rewriting);
  if (statement.authority !== undefined) rewritten.authority = rewriting.actor(statement.authority);
  return rewritten;
}

function rewriteParts<T extends Statement | SubStatement>(statement: T, rewriting: Rewriting): T {
  const rewritten: T = {
    ...statement,
    actor: rewriting.actor(statement.actor),
    verb: rewriting.verb(statement.verb),
    object: rewriteObject(statement.object, rewriting),
  };
  if (statement.context !== undefined) rewritten.context = rewriteContext(statement.context, rewriting);
  return rewritten;
}

function rewriteObject(object: StatementObject, rewriting: Rewriting): StatementObject {
  if (isActivity(object)) return rewriting.activity(object);
  if (isActor(object)) return rewriting.actor(object);
  return isSubStatement(object) ? rewriteParts(object, rewriting) : object;
}

function rewriteContext(context: Context, rewriting: Rewriting): Context {
  const rewritten = { ...context };
  if (context.instructor) rewritten.instructor = rewriting.actor(context.instructor);
  if (context.team) rewritten.team = rewriting.actor(context.team);
  if (context.contextAgents) {
    rewritten.contextAgents = context.contextAgents.map((entry) => ({ ...entry, agent: rewriting.actor(entry.agent) }));
  }
  if (context.contextGroups) {
    rewritten.contextGroups = context.contextGroups.map((entry) => ({ ...entry, group: rewriting.actor(entry.group) }));
  }
  if (context.contextActivities) rewritten.contextActivities = rewriteContextActivities(context, context.contextActivities, rewriting);
  return rewritten;
}

function rewriteContextActivities(context: Context, activities: ContextActivities, rewriting: Rewriting): ContextActivities {
  const rewritten = { ...activities };
  for (const kind of contextActivityKinds) {
    if (activities[kind] !== undefined) rewritten[kind] = contextActivityList(context, kind).map(rewriting.activity);
  }
  return rewritten;
}
