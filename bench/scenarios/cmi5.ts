import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writeZip } from '../../test/integration/cmi5/write-zip.js';
import { createClient, percentile, type Answer, type Client } from '../client.js';
import type { LoadRequest } from '../load.js';
import { startQuipu, type Quipu } from '../quipu.js';
import type { Bench, Figure, Goal, Scenario } from '../scenario.js';

const A_SECOND = 200;
const MASTERY = 0.8;
const json = { 'Content-Type': 'application/json' };
const category = (name: string): { id: string } => ({ id: `https://w3id.org/xapi/cmi5/context/categories/${name}` });

export const cmi5: Scenario = {
  name: 'cmi5',
  about: 'Learners who launch a course at nine o\'clock: 500 of them, 200 a second, from the launch until the content has said initialized; then all of them finish.',
  goals: goals(),
  run: async (bench) => {
    const folder = join(bench.folder, 'cmi5');
    await rm(folder, { recursive: true, force: true });
    const quipu = await startQuipu({ folder });
    try {
      const course = await importCourse(quipu);
      const warmUp = createMeasurements();
      await nineOClock(quipu, course, bench.quick ? 50 : 200, warmUp);
      const measured = createMeasurements();
      for (let round = 0; round < (bench.quick ? 1 : 5); round++) await nineOClock(quipu, course, bench.quick ? 100 : 500, measured);
      tell(bench, measured, warmUp.wrong);
    } finally {
      await quipu.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** What the learners of a round saw. */
interface Measurements {
  learners: number;
  /** Milliseconds of each answer, by what was asked. */
  times: Map<string, number[]>;
  wrong: number;
  /** A wrong answer in words. */
  fault?: string;
  /** Seconds of CPU and bytes written, by part of the round. */
  used: Record<'launch' | 'finish', { cpu: number; written: number }>;
}

function createMeasurements(): Measurements {
  return { learners: 0, times: new Map(), wrong: 0, used: { launch: { cpu: 0, written: 0 }, finish: { cpu: 0, written: 0 } } };
}

function note({ times }: Measurements, what: string, milliseconds: number): void {
  const known = times.get(what);
  if (known) known.push(milliseconds);
  else times.set(what, [milliseconds]);
}

/** Sends a request and looks at the answer; what comes after depends on it. @throws Error when it is wrong */
type Ask = (what: string, request: LoadRequest, right: (answer: Answer) => boolean) => Promise<Answer>;

/** A learner who is enrolled, with a connection of his own. */
interface Learner {
  registration: string;
  ask: Ask;
  close(): void;
}

/** Content that was launched. */
interface Content {
  /** Stores a statement of the content, with an id of its own. */
  say(name: string, statement: { result?: object; moveOn?: boolean; extensions?: object }): Promise<void>;
}

/** Enrols learners, has each launch the course when his turn comes, and then has all of them finish. */
async function nineOClock(quipu: Quipu, course: string, count: number, measured: Measurements): Promise<void> {
  const learners = await inGroups(count, () => enrol(quipu, course, measured));
  const contents = await atPace(learners, 'launch', async (learner, due) => {
    const content = await launch(learner);
    note(measured, 'launch', performance.now() - due);
    return content;
  });
  await atPace(learners, 'finish', async (learner, due) => {
    await finish(learner, contents.get(learner));
    note(measured, 'finish', performance.now() - due);
  });
  for (const { close } of learners) close();
  measured.learners += count;

  async function atPace<T>(all: readonly Learner[], part: 'launch' | 'finish', act: (learner: Learner, due: number) => Promise<T>): Promise<Map<Learner, T>> {
    const done = new Map<Learner, T>();
    const before = { cpu: await quipu.cpu(), written: await quipu.written() };
    const began = performance.now();
    await Promise.all(all.map(async (learner, index) => {
      const due = began + (index * 1000) / A_SECOND;
      await wait(due - performance.now());
      await act(learner, due).then((value) => done.set(learner, value), (error: Error) => {
        measured.wrong++;
        measured.fault ??= error.message;
      });
    }));
    measured.used[part].cpu += await quipu.cpu() - before.cpu;
    measured.used[part].written += await quipu.written() - before.written;
    return done;
  }
}

async function inGroups<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(...await Promise.all(Array.from({ length: Math.min(20, count - made.length) }, make)));
  return made;
}

async function enrol({ origin, target }: Quipu, course: string, measured: Measurements): Promise<Learner> {
  const client = createClient({ ...target, url: origin });
  const ask = asker(client, measured);
  const learner = { objectType: 'Agent', account: { homePage: 'https://example.org', name: randomUUID() } };
  const answer = await ask('register', { method: 'POST', path: '/v1/registrations', headers: json, body: Buffer.from(JSON.stringify({ course, learner })) }, ({ status }) => status === 201);
  return { registration: parsed<{ id: string }>(answer).id, ask, close: () => client.close() };
}

function asker(client: Client, measured: Measurements): Ask {
  return async (what, request, right) => {
    const answer = await client.send(request);
    if (!right(answer)) throw new Error(`${what}: ${request.method} ${request.path.slice(0, 100)} was answered ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`);
    note(measured, what, answer.milliseconds);
    return answer;
  };
}

/** What an LMS and the content's own library do, one request after the other (cmi5 8 to 11). */
async function launch({ registration, ask }: Learner): Promise<Content> {
  const launched = parsed<{ url: string; session: string }>(await ask('launch/request',
    { method: 'POST', path: `/v1/registrations/${registration}/launch`, headers: json, body: Buffer.from('{"unit":0}') }, ({ status }) => status === 200));
  const { fetch, actor, activityId } = Object.fromEntries(new URL(launched.url).searchParams) as Record<'fetch' | 'actor' | 'activityId', string>;
  const fetched = await ask('launch/fetch', { method: 'POST', path: new URL(fetch).pathname }, ({ status, body }) => status === 200 && body.includes('"auth-token"'));
  const headers = { Authorization: `Basic ${parsed<{ 'auth-token': string }>(fetched)['auth-token']}` };
  const state = new URLSearchParams({ activityId, agent: actor, registration, stateId: 'LMS.LaunchData' });
  const { contextTemplate } = parsed<{ contextTemplate: { contextActivities: object; extensions: object } }>(await ask('launch/launch-data',
    { method: 'GET', path: `/xapi/activities/state?${state}`, headers }, ({ status, body }) => status === 200 && body.includes(launched.session)));
  // Nobody has any, which is an answer as well.
  const profile = new URLSearchParams({ agent: actor, profileId: 'cmi5LearnerPreferences' });
  await ask('launch/preferences', { method: 'GET', path: `/xapi/agents/profile?${profile}`, headers }, ({ status }) => status === 404);

  const content: Content = {
    say: async (name, { result, moveOn = false, extensions }) => {
      const id = randomUUID();
      const contextActivities = { ...contextTemplate.contextActivities, category: [category('cmi5'), ...(moveOn ? [category('moveon')] : [])] };
      const statement = {
        id, actor: JSON.parse(actor) as object, verb: { id: `http://adlnet.gov/expapi/verbs/${name}` }, object: { id: activityId }, ...(result && { result }),
        context: { registration, contextActivities, extensions: { ...contextTemplate.extensions, ...extensions } }, timestamp: new Date().toISOString(),
      };
      await ask(name === 'initialized' ? 'launch/initialized' : `finish/${name}`,
        { method: 'POST', path: '/xapi/statements', headers: { ...json, ...headers }, body: Buffer.from(JSON.stringify(statement)) }, ({ status, body }) => status === 200 && body.includes(id));
    },
  };
  await content.say('initialized', {});
  return content;
}

async function finish({ registration, ask }: Learner, content: Content | undefined): Promise<void> {
  if (!content) throw new Error('What was not launched can not be finished');
  const duration = 'PT1M';
  await content.say('completed', { result: { completion: true, duration }, moveOn: true });
  await content.say('passed', { result: { success: true, score: { scaled: 0.9 }, duration }, moveOn: true, extensions: { 'https://w3id.org/xapi/cmi5/context/extensions/masteryscore': MASTERY } });
  await content.say('terminated', { result: { duration } });
  await ask('finish/status', { method: 'GET', path: `/v1/registrations/${registration}/status` }, ({ status, body }) => status === 200 && parsed<{ satisfied: boolean }>({ body }).satisfied);
  const verbs = 'launched initialized completed passed satisfied satisfied terminated';
  await ask('finish/statements', { method: 'GET', path: `/xapi/statements?registration=${registration}&ascending=true` }, ({ status, body }) =>
    status === 200 && parsed<{ statements: { verb: { id: string } }[] }>({ body }).statements.map((statement) => statement.verb.id.split('/').at(-1)).join(' ') === verbs);
}

function parsed<T>({ body }: Pick<Answer, 'body'>): T {
  return JSON.parse(body.toString('utf8')) as T;
}

/** A course of a block with one AU, made here. @returns its id */
async function importCourse({ origin, target }: Quipu): Promise<string> {
  const texts = (text: string): string => `<title><langstring lang="en">${text}</langstring></title><description><langstring lang="en">${text}</langstring></description>`;
  const course = `<?xml version="1.0" encoding="utf-8"?>
<courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
  <course id="https://example.org/course">${texts('A course')}</course>
  <block id="https://example.org/course/block">${texts('A block')}
    <au id="https://example.org/course/unit" moveOn="CompletedAndPassed" masteryScore="${MASTERY}" launchMethod="AnyWindow">${texts('A unit')}<url>index.html</url></au>
  </block>
</courseStructure>`;
  const client = createClient({ ...target, url: origin });
  const body = writeZip([{ name: 'cmi5.xml', data: course }, { name: 'index.html', data: '<!doctype html><title>A unit</title>' }]);
  const answer = await client.send({ method: 'POST', path: '/v1/cmi5/packages', headers: { 'Content-Type': 'application/zip' }, body });
  client.close();
  if (answer.status !== 201) throw new Error(`The package was answered ${answer.status}: ${answer.body.toString()}`);
  return parsed<{ course: string }>(answer).course;
}

function tell(bench: Bench, { learners, times, wrong, fault, used }: Measurements, wrongBefore: number): void {
  if (fault !== undefined) bench.say(fault);
  const notes = new Map([['launch', 'from when the launch was due to the answer to initialized'], ['finish', 'completed, passed, terminated, and a look at what came of it']]);
  for (const [what, values] of times) {
    const p50 = percentile(values, 0.5);
    bench.record({ scenario: `cmi5/${what}`, name: 'Quipu', value: p50, unit: 'ms', p50, p99: percentile(values, 0.99), wrong: what === 'launch' ? wrong + wrongBefore : 0, note: notes.get(what) ?? `one request; ${learners} learners, ${A_SECOND} a second` });
  }
  for (const part of ['launch', 'finish'] as const) {
    bench.record({ scenario: `cmi5/cpu/${part}`, name: 'Quipu', value: (used[part].cpu * 1000) / learners, unit: 'ms', wrong: 0, note: 'of all threads, a learner' });
    bench.record({ scenario: `cmi5/written/${part}`, name: 'Quipu', value: used[part].written / learners, unit: 'bytes', wrong: 0, note: 'a learner' });
  }
}

function goals(): Goal[] {
  return [{
    scenario: 'cmi5', text: `p99 of ours from the launch to initialized below 100 ms at ${A_SECOND} launches a second`,
    reached: (figures: readonly Figure[]) => {
      const p99 = figures.find(({ scenario }) => scenario === 'cmi5/launch')?.p99;
      return p99 === undefined ? undefined : p99 < 100;
    },
  }];
}
