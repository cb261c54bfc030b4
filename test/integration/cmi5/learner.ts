import { randomUUID } from 'node:crypto';
import { send, type Answer, type RequestOptions } from '../server.js';

/** Publisher's ids of the course that `courseXml` makes. */
export const courseId = 'https://example.org/course';
export const unitId = (number: number): string => `https://example.org/course/au/${number}`;

/** A course of one block that holds all of its AUs. */
export function courseXml(units: readonly { moveOn: string; masteryScore?: number }[]): string {
  const one = ({ moveOn, masteryScore }: { moveOn: string; masteryScore?: number }, number: number): string =>
    `<au id="${unitId(number)}" moveOn="${moveOn}"${masteryScore === undefined ? '' : ` masteryScore="${masteryScore}"`} launchMethod="AnyWindow">
      <title><langstring lang="en">AU ${number}</langstring></title><description><langstring lang="en">An AU</langstring></description><url>au${number}.html?own=1#start</url></au>`;
  return `<?xml version="1.0" encoding="utf-8"?>
<courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
  <course id="${courseId}"><title><langstring lang="en">A course</langstring></title><description><langstring lang="en">For tests</langstring></description></course>
  <block id="https://example.org/course/block"><title><langstring lang="en">A block</langstring></title><description><langstring lang="en">Of AUs</langstring></description>${units.map(one).join('')}</block>
</courseStructure>`;
}

/** An AU in the hands of a learner, as a library for content does it. */
export interface LaunchedUnit {
  session: string;
  /** Of the launch URL. */
  parameters: Record<'endpoint' | 'fetch' | 'actor' | 'registration' | 'activityId', string>;
  /** Value of the header Authorization, once the token was fetched. */
  authorization: string;
  launchData: { contextTemplate: { contextActivities: { grouping: object[] }; extensions: Record<string, unknown> }; launchMode: string; moveOn: string; masteryScore?: number; returnURL?: string };
  /** @param path under the endpoint */
  request(path: string, options?: RequestOptions): Promise<Answer>;
  /** A cmi5 defined statement with one of its verbs, or a cmi5 allowed one. */
  statement(verb: string, changes?: Record<string, unknown>): Record<string, unknown> & { id: string; context: Record<string, unknown> };
  /** Stores statements in one request. */
  send(...statements: object[]): Promise<Answer>;
}

const judged: ReadonlySet<string> = new Set(['completed', 'passed', 'failed']);
const category = (name: string): { id: string } => ({ id: `https://w3id.org/xapi/cmi5/context/categories/${name}` });

/** Fetches the token of a launch, and reads launch data and preferences, as an AU does at its start (cmi5 8.2, 10, 11). */
export async function startUnit(url: string, session: string): Promise<LaunchedUnit> {
  const parameters = Object.fromEntries(new URL(url).searchParams) as LaunchedUnit['parameters'];
  const fetched = await send(parameters.fetch, { method: 'POST', version: null });
  const authorization = `Basic ${fetched.json<{ 'auth-token': string }>()['auth-token']}`;
  const unit: LaunchedUnit = {
    session, parameters, authorization, launchData: undefined as never,
    request: (path, options = {}) => send(`${parameters.endpoint}${path}`, { version: '1.0.3', ...options, headers: { Authorization: authorization, ...options.headers } }),
    statement: (verb, changes = {}) => {
      const { contextTemplate } = unit.launchData;
      const defined = verb !== 'experienced';
      return {
        id: randomUUID(), actor: JSON.parse(parameters.actor) as object, verb: { id: `http://adlnet.gov/expapi/verbs/${verb}` }, object: { id: parameters.activityId },
        context: {
          ...contextTemplate, registration: parameters.registration,
          contextActivities: { ...contextTemplate.contextActivities, ...(defined && { category: [category('cmi5'), ...(judged.has(verb) ? [category('moveon')] : [])] }) },
        },
        ...(judged.has(verb) || verb === 'terminated' ? { result: { duration: 'PT1M', ...(verb === 'completed' && { completion: true }), ...(verb === 'passed' && { success: true }), ...(verb === 'failed' && { success: false }) } } : {}),
        timestamp: new Date().toISOString(), ...changes,
      };
    },
    send: (...statements) => unit.request('statements', { method: 'POST', body: statements.length === 1 ? statements[0] : statements }),
  };
  const data = await unit.request('activities/state', { query: { ...stateOf(unit), stateId: 'LMS.LaunchData' } });
  unit.launchData = data.json();
  await unit.request('agents/profile', { query: { agent: parameters.actor, profileId: 'cmi5LearnerPreferences' } });
  return unit;
}

/** Parameters of the State of an AU. */
export function stateOf({ parameters: { actor, activityId, registration } }: Pick<LaunchedUnit, 'parameters'>): Record<string, string> {
  return { agent: actor, activityId, registration };
}
