import type { Activity, Statement } from '../src/xapi/types.js';
import { courseId, learnerAgent } from './generator.js';

/** What a statement of the generator can be found by. */
export interface Facts {
  /** Name of the actor's account. */
  agent: string;
  /** Verb id. */
  verb: string;
  /** Id of the object. */
  activity: string;
  registration: string;
  /** Ids of the object and of every context activity. */
  activities: readonly string[];
}

/** What a query asks for; all of it must hold. */
export interface Filter {
  agent?: string;
  /** Asks with related_agents, which finds the same statements and reads more lists. */
  relatedAgents?: true;
  verb?: string;
  activity?: string;
  /** An activity asked for with related_activities. */
  relatedActivity?: string;
  registration?: string;
}

/** Reads the facts of a statement, generated or answered in any format. */
export function factsOf({ actor, verb, object, context }: Statement): Facts {
  const { id } = object as Activity;
  const context_ = context?.contextActivities ?? {};
  return {
    agent: actor.account?.name ?? '', verb: verb.id, activity: id, registration: context?.registration ?? '',
    activities: [id, ...Object.values(context_).flat().map((activity) => (activity as Activity).id)],
  };
}

/** The kinds of queries, each made of a statement that is in the store: who asks, asks for what is there. */
export const filterKinds = {
  agent: ({ agent }) => ({ agent }),
  verb: ({ verb }) => ({ verb }),
  activity: ({ activity }) => ({ activity }),
  registration: ({ registration }) => ({ registration }),
  'agent-verb': ({ agent, verb }) => ({ agent, verb }),
  'verb-activity': ({ verb, activity }) => ({ verb, activity }),
  'agent-verb-activity': ({ agent, verb, activity }) => ({ agent, verb, activity }),
  'verb-activity-registration': ({ verb, activity, registration }) => ({ verb, activity, registration }),
  'related-agents': ({ agent }) => ({ agent, relatedAgents: true }),
  'related-activities': ({ activities }) => ({ relatedActivity: courseOf(activities) }),
  'verb-related-activities': ({ verb, activities }) => ({ verb, relatedActivity: courseOf(activities) }),
} satisfies Record<string, (facts: Facts) => Filter>;

/** Name of a kind of query. */
export type FilterKind = keyof typeof filterKinds;

const coursePrefix = courseId(0).slice(0, -1);

/** The course of a statement: the grouping, which has the shortest id below the courses. */
function courseOf(activities: readonly string[]): string {
  return activities.filter((id) => id.startsWith(coursePrefix)).reduce((shortest, id) => (id.length < shortest.length ? id : shortest));
}

/**
 * Filters of a kind, drawn from statements of the store, so that they are asked for as often as they happen.
 * @returns as many as asked for, some perhaps the same
 */
export function drawFilters(kind: FilterKind, statements: readonly Facts[], count: number): Filter[] {
  const step = statements.length / count;
  return Array.from({ length: count }, (_, index) => filterKinds[kind](statements[Math.floor(index * step)]!));
}

/** Whether a statement is what a filter asks for. */
export function matches(filter: Filter, facts: Facts): boolean {
  return (filter.agent === undefined || filter.agent === facts.agent)
    && (filter.verb === undefined || filter.verb === facts.verb)
    && (filter.activity === undefined || filter.activity === facts.activity)
    && (filter.registration === undefined || filter.registration === facts.registration)
    && (filter.relatedActivity === undefined || facts.activities.includes(filter.relatedActivity));
}

/** Parameters of GET /statements for a filter. */
export function filterParameters(filter: Filter): Record<string, string> {
  const parameters: Record<string, string> = {};
  if (filter.agent !== undefined) parameters.agent = JSON.stringify({ account: { ...learnerAgent(0).account, name: filter.agent } });
  if (filter.relatedAgents) parameters.related_agents = 'true';
  if (filter.verb !== undefined) parameters.verb = filter.verb;
  if (filter.activity !== undefined) parameters.activity = filter.activity;
  if (filter.relatedActivity !== undefined) Object.assign(parameters, { activity: filter.relatedActivity, related_activities: 'true' });
  if (filter.registration !== undefined) parameters.registration = filter.registration;
  return parameters;
}

/** Path of GET /statements below the xAPI resources. */
export function queryPath(parameters: Record<string, string>): string {
  return `/statements?${new URLSearchParams(parameters)}`;
}

/** Counts how many statements each filter finds. */
export interface Tally {
  /** In the order of the filters. */
  readonly counts: number[];
  add(facts: Facts): void;
}

/** A tally that goes on from counts, or begins. Costs a few look-ups a statement, however many filters there are. */
export function createTally(filters: readonly Filter[], counts: readonly number[] = filters.map(() => 0)): Tally {
  const tally = { counts: [...counts], add };
  const places = new Map<string, number[]>();
  filters.forEach((filter, index) => {
    const key = narrowestKey(filter);
    places.set(key, [...(places.get(key) ?? []), index]);
  });

  function count(key: string, facts: Facts): void {
    for (const index of places.get(key) ?? []) if (matches(filters[index]!, facts)) tally.counts[index]!++;
  }
  function add(facts: Facts): void {
    count(`agent ${facts.agent}`, facts);
    count(`registration ${facts.registration}`, facts);
    count(`activity ${facts.activity}`, facts);
    count(`verb ${facts.verb}`, facts);
    for (const id of facts.activities) count(`related ${id}`, facts);
    count('', facts);
  }
  return tally;
}

function narrowestKey({ agent, registration, activity, relatedActivity, verb }: Filter): string {
  if (agent !== undefined) return `agent ${agent}`;
  if (registration !== undefined) return `registration ${registration}`;
  if (activity !== undefined) return `activity ${activity}`;
  if (relatedActivity !== undefined) return `related ${relatedActivity}`;
  return verb === undefined ? '' : `verb ${verb}`;
}

/** What a page must be. */
export interface PageRules {
  filter: Filter;
  limit: number;
  /** Statements in the store that it could hold. */
  expected: number;
  /** Whether the store holds no others; otherwise the page may hold more. */
  exact: boolean;
}

/**
 * Looks at an answered page as closely as possible.
 * @returns what is wrong with it, in words
 */
export function pageFault(body: string, { filter, limit, expected, exact }: PageRules): string | undefined {
  let page: { statements: (Statement & { id: string; stored?: string })[] };
  try {
    page = JSON.parse(body) as typeof page;
  } catch {
    return 'the answer is not JSON';
  }
  const { statements } = page;
  if (!Array.isArray(statements)) return 'the answer has no statements';
  const least = Math.min(limit, expected);
  if (statements.length > limit || statements.length < least || (exact && statements.length !== least)) return `${statements.length} statements where ${least} were expected`;
  if (new Set(statements.map(({ id }) => id)).size !== statements.length) return 'a statement comes twice';
  const stranger = statements.find((statement) => !matches(filter, factsOf(statement)));
  if (stranger) return `the statement ${stranger.id} is not what was asked for`;
  const times = statements.flatMap(({ stored }) => (stored === undefined ? [] : [Date.parse(stored)]));
  return times.some((time, index) => index > 0 && time > times[index - 1]!) ? 'the newest statement is not first' : undefined;
}
