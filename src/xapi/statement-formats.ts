import { eachItem, membersAt, stringAt, type Member } from './json-members.js';
import { definitionInOneLanguage, mapInOneLanguage } from './one-language.js';
import type { Place, PlacedText } from './statement-places.js';

/** What the LRS knows of activities and verbs beyond the statement at hand. */
export interface KnownThings {
  /** The canonical definition of an activity, as JSON. */
  definition(activityId: string): string | undefined;
  /** The canonical display of a verb, as JSON. */
  display(verbId: string): string | undefined;
}

/**
 * The text of a statement in the format `ids` (xAPI 1.0.3 Part Three 2.1.3): Agents, Groups, Activities and Verbs, wherever they
 * are, with nothing but what identifies them; of Anonymous Groups that of each member. All else stays as it was sent.
 */
export function toIdsFormat(statement: PlacedText): string {
  const { text } = statement;
  return rewrite(statement, ({ kind, members }) => (kind === 'actor' ? actorIds(text, members) : `{${picked(text, members, identity)}}`));
}

/**
 * Makes texts of statements in the format `canonical` (xAPI 1.0.3 Part Three 2.1.3): Activities and Verbs, wherever they are, with
 * the definition and display that the LRS knows, or their own where it knows none, in one language; Agents and Groups as in
 * `exact`. Each language map of a definition, interaction components included, and each display is chosen from on its own.
 * Attachments and extensions stay as they are: the LRS keeps no canonical maps for them. What is known is asked for once.
 */
export function createCanonicalFormat(known: KnownThings, acceptLanguage: string | undefined): (statement: PlacedText) => string {
  const definitionIn = (text: string): string => definitionInOneLanguage(text, acceptLanguage);
  const displayIn = (text: string): string => mapInOneLanguage(text, acceptLanguage);
  const definitions = once((id) => known.definition(id), definitionIn);
  const displays = once((id) => known.display(id), displayIn);
  return (statement) => {
    const { text } = statement;
    return rewrite(statement, (place) => {
      switch (place.kind) {
        case 'activity':
          return withMember(text, place, 'definition', definitions(idAt(text, place)), definitionIn);
        case 'verb':
          return withMember(text, place, 'display', displays(idAt(text, place)), displayIn);
        default:
          return text.slice(place.at, place.end);
      }
    });
  };
}

/** The ids of all activities and verbs in statements, each once: what the format `canonical` will ask for. */
export function idsOf(statements: readonly PlacedText[]): { activities: string[]; verbs: string[] } {
  const activities = new Set<string>();
  const verbs = new Set<string>();
  for (const { text, places } of statements) {
    for (const place of places) {
      if (place.kind !== 'actor') (place.kind === 'verb' ? verbs : activities).add(idAt(text, place));
    }
  }
  return { activities: [...activities], verbs: [...verbs] };
}

/** The text with something else in each place. */
function rewrite({ text, places }: PlacedText, replacement: (place: Place) => string): string {
  let rewritten = '';
  let from = 0;
  for (const place of places) {
    const instead = replacement(place);
    rewritten += text.slice(from, place.at) + (place.alone ? `[${instead}]` : instead);
    from = place.end;
  }
  return rewritten + text.slice(from);
}

/** What is known of an id, made into something else when it is first asked for. */
function once(known: (id: string) => string | undefined, make: (text: string) => string): (id: string) => string | undefined {
  const made = new Map<string, string | undefined>();
  return (id) => {
    if (!made.has(id)) {
      const text = known(id);
      made.set(id, text && make(text));
    }
    return made.get(id);
  };
}

function idAt(text: string, { members }: Place): string {
  const id = memberNamed(members, 'id');
  return id === undefined ? '' : stringAt(text, id.at, id.end);
}

function memberNamed(members: readonly Member[], name: string): Member | undefined {
  return members.find(({ key }) => key === name);
}

/** An object with a member that has become what the LRS knows, or else its own in one language. */
function withMember(text: string, { at, end, members }: Place, name: string, known: string | undefined, inOne: (own: string) => string): string {
  const own = memberNamed(members, name);
  if (own) return text.slice(at, own.at) + (known ?? inOne(text.slice(own.at, own.end))) + text.slice(own.end, end);
  return known === undefined ? text.slice(at, end) : `${text.slice(at, end - 1)},"${name}":${known}}`;
}

const identity: readonly string[] = ['id'];
const identifiers: readonly string[] = ['mbox', 'mbox_sha1sum', 'openid', 'account'];
const identifying: readonly string[] = ['objectType', ...identifiers];

function actorIds(text: string, members: readonly Member[]): string {
  const kept = picked(text, members, identifying);
  const group = memberNamed(members, 'member');
  if (!group || members.some(({ key }) => identifiers.includes(key))) return `{${kept}}`;
  const agents: string[] = [];
  // A member is an Agent, never a Group (xAPI 1.0.3 Part Two 2.4.2.2), so this goes no deeper.
  eachItem(text, group.at, (at) => {
    const agent = membersAt(text, at);
    agents.push(`{${picked(text, agent.members, identifying)}}`);
    return agent.end;
  });
  return `{${kept && `${kept},`}"member":[${agents.join(',')}]}`;
}

/** Those of an object's members that are named, in this order, without braces. */
function picked(text: string, members: readonly Member[], names: readonly string[]): string {
  let kept = '';
  for (const name of names) {
    const member = memberNamed(members, name);
    if (member) kept += `${kept && ','}"${name}":${text.slice(member.at, member.end)}`;
  }
  return kept;
}
