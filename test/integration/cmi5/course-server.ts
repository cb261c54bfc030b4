import { send, type Answer, type TestServer } from '../server.js';
import { courseXml, startUnit, type LaunchedUnit } from './learner.js';
import { writeZip } from './write-zip.js';

export const ann = { objectType: 'Agent', account: { homePage: 'https://school.example', name: '4711' } };

export interface Course {
  id: string;
  node: string;
  units: { node: string; publisherId: string }[];
}

/** A statement as it is stored. */
export interface Stored {
  id: string;
  verb: { id: string };
  object: { id: string };
  stored: string;
  timestamp: string;
  actor: object;
  context: { registration: string; extensions: Record<string, unknown>; contextActivities: { grouping: { id: string }[] } };
}

type Server = Pick<TestServer, 'request' | 'admin'>;

/** Imports a course and says what it has become. */
export async function importCourse(server: Server, units: Parameters<typeof courseXml>[0], query: Record<string, string> = {}): Promise<Course> {
  const files = [{ name: 'cmi5.xml', data: courseXml(units) }, ...units.map((_, number) => ({ name: `au${number}.html`, data: '<title>AU</title>' }))];
  const made = await server.request('/v1/cmi5/packages', { method: 'POST', key: server.admin, version: null, headers: { 'Content-Type': 'application/zip' }, body: writeZip(files), query });
  if (made.status > 201) throw new Error(made.text);
  return (await server.request(`/v1/courses/${made.json<{ course: string }>().course}`, { key: server.admin })).json();
}

/** @param path under /v1 */
export const post = (server: Server, path: string, body?: object): Promise<Answer> => server.request(`/v1/${path}`, { method: 'POST', key: server.admin, body });

export async function register(server: Server, course: Course, learner: object = ann): Promise<string> {
  const made = await post(server, 'registrations', { course: course.id, learner });
  if (made.status !== 201) throw new Error(made.text);
  return made.json<{ id: string }>().id;
}

export async function launch(server: Server, registration: string, unit: number | string = 0, more: object = {}): Promise<{ url: string; session: string }> {
  const launched = await post(server, `registrations/${registration}/launch`, { unit, ...more });
  if (launched.status !== 200) throw new Error(launched.text);
  return launched.json();
}

/** Launches an AU, which does what AUs do at their start. */
export async function start(server: Server, registration: string, unit: number | string = 0, more: object = {}): Promise<LaunchedUnit> {
  const { url, session } = await launch(server, registration, unit, more);
  return startUnit(url, session);
}

/** What is stored of a registration, oldest first. */
export async function log(server: Server, registration: string): Promise<Stored[]> {
  return (await server.request('statements', { query: { registration, ascending: true } })).json<{ statements: Stored[] }>().statements;
}

/** The last part of each verb. */
export const verbs = (statements: readonly Stored[]): string[] => statements.map((one) => one.verb.id.split('/').at(-1)!);

/** A request of an AU sent to another process than the one that launched it. */
export function through(server: { url: string }, { authorization }: LaunchedUnit, path: string, options: Parameters<typeof send>[1] = {}): Promise<Answer> {
  return send(`${server.url}/xapi/${path}`, { version: '1.0.3', ...options, headers: { Authorization: authorization, ...options.headers } });
}
