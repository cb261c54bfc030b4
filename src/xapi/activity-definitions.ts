import { agentIdentifier } from './actors.js';
import { contextActivityKinds, contextActivityList } from './context-activities.js';
import { isActivity, isActor, isSubStatement } from './statement-objects.js';
import type { Activity, ActivityDefinition, Actor, Context, InteractionComponent, LanguageMap, Statement, SubStatement } from './types.js';

/** The properties of a definition that hold interaction components (xAPI 1.0.3 Part Two 2.4.4.1). */
export const interactionComponentLists = ['choices', 'scale', 'source', 'target', 'steps'] as const satisfies readonly (keyof ActivityDefinition)[];

/** What a statement tells about the things it names. */
export interface DefinedThings {
  /** Activity id and definition, in order of occurrence; an id can come twice. */
  activities: [id: string, definition: ActivityDefinition][];
  /** Verb id and display. */
  verbs: [id: string, display: LanguageMap][];
  /** Canonical identifier and name of Agents; Groups are nobody's name, nor is an empty text. */
  agents: [identifier: string, name: string][];
}

/**
 * The canonical definition after another one arrived (xAPI 1.0.3 Part Two 2.4.4.1: an LRS should update what it has
 * stored). Language maps are merged by tag, interaction components by id and extensions by key; of any other property
 * the latest wins; nothing that was known is lost because the new definition leaves it out, but for the components and response
 * patterns of another interaction type than the new one, which does not know them. Changes neither argument.
 */
export function mergeDefinition(known: ActivityDefinition | undefined, given: ActivityDefinition): ActivityDefinition {
  if (known === undefined) return given;
  const merged = latestOfEach(known, given);
  if (known.name && given.name) merged.name = mergeLanguageMap(known.name, given.name);
  if (known.description && given.description) merged.description = mergeLanguageMap(known.description, given.description);
  if (known.extensions && given.extensions) merged.extensions = { ...known.extensions, ...given.extensions };
  for (const list of interactionComponentLists) {
    const [before, after] = [known[list], given[list]];
    if (before && after && !changesType(known, given)) merged[list] = mergeComponents(before, after);
  }
  return merged;
}

/** The latest of each property, whole, so that it grows no further; without what another interaction type does not know. Changes neither argument. */
export function latestOfEach(known: ActivityDefinition, given: ActivityDefinition): ActivityDefinition {
  const latest: ActivityDefinition = { ...known, ...given };
  if (!changesType(known, given)) return latest;
  for (const property of ['correctResponsesPattern', ...interactionComponentLists] as const) {
    if (given[property] === undefined) delete latest[property];
  }
  return latest;
}

function changesType(known: ActivityDefinition, given: ActivityDefinition): boolean {
  return given.interactionType !== undefined && given.interactionType !== known.interactionType;
}

/** Merges by language tag, which is case insensitive (RFC 5646 2.1.1): the latest text and spelling of a tag win. Changes neither argument. */
export function mergeLanguageMap(known: LanguageMap | undefined, given: LanguageMap): LanguageMap {
  if (known === undefined) return given;
  const byTag = new Map<string, [tag: string, text: string]>();
  for (const entry of Object.entries(known)) byTag.set(entry[0].toLowerCase(), entry);
  for (const entry of Object.entries(given)) byTag.set(entry[0].toLowerCase(), entry);
  return Object.fromEntries(byTag.values());
}

/**
 * The definitions, displays and names given anywhere in a statement: actor, verb, object, context, SubStatement, members of
 * Groups. The authority is left out, for it is the LRS that says who that is.
 */
export function definedThings(statement: Statement): DefinedThings {
  const things: DefinedThings = { activities: [], verbs: [], agents: [] };
  collect(things, statement);
  if (isSubStatement(statement.object)) collect(things, statement.object);
  return things;
}

function mergeComponents(known: InteractionComponent[], given: InteractionComponent[]): InteractionComponent[] {
  const byId = new Map<string, InteractionComponent>();
  for (const component of known) byId.set(component.id, component);
  for (const component of given) {
    const before = byId.get(component.id);
    byId.set(component.id, before?.description && component.description
      ? { ...before, ...component, description: mergeLanguageMap(before.description, component.description) }
      : { ...before, ...component });
  }
  return [...byId.values()];
}

function collect(things: DefinedThings, { actor, verb, object, context }: Statement | SubStatement): void {
  addActor(things, actor);
  if (verb.display !== undefined) things.verbs.push([verb.id, verb.display]);
  if (isActor(object)) addActor(things, object);
  else if (isActivity(object)) addActivity(things, object);
  if (context !== undefined) addContext(things, context);
}

function addContext(things: DefinedThings, context: Context): void {
  if (context.instructor !== undefined) addActor(things, context.instructor);
  if (context.team !== undefined) addActor(things, context.team);
  for (const { agent } of context.contextAgents ?? []) addActor(things, agent);
  for (const { group } of context.contextGroups ?? []) addActor(things, group);
  for (const kind of contextActivityKinds) {
    for (const activity of contextActivityList(context, kind)) addActivity(things, activity);
  }
}

function addActivity(things: DefinedThings, activity: Activity): void {
  if (activity.definition !== undefined) things.activities.push([activity.id, activity.definition]);
}

function addActor(things: DefinedThings, actor: Actor): void {
  if (actor.name !== undefined && actor.name !== '' && actor.objectType !== 'Group') {
    const identifier = agentIdentifier(actor);
    if (identifier !== undefined) things.agents.push([identifier, actor.name]);
  }
  if (actor.member !== undefined) for (const member of actor.member) addActor(things, member);
}
