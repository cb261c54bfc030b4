import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createBodies, type Bodies } from '../bodies.js';
import { createClient, percentile, type Answer, type Client } from '../client.js';
import { cloneStore, filledStore } from '../filled-store.js';
import { activityId, courseId, learnerAgent, moduleId, registrationOf, verbs } from '../generator.js';
import { load, type LoadRequest, type LoadSample } from '../load.js';
import { startQuipu, type Quipu } from '../quipu.js';
import type { Bench, Goal, Scenario, Target } from '../scenario.js';

const COURSE = 7;
const ATTACHMENT_BYTES = 40_000;
const ANSWERS_A_SUBMISSION = 10;
const SLICES = 12;
/** Seconds of the soak; `BENCH_SOAK_SECONDS` shortens or lengthens it. */
const SOAK = 3600;
/** Largest store that the shapes are measured on. */
const LARGEST = 1_000_000;

export const shapes: Scenario = {
  name: 'shapes',
  about: 'Shapes of real life: a module that 500 learners start within ten seconds, a deadline, and a long run at half the peak rate.',
  goals: goals(),
  run: async (bench) => {
    const size = Math.max(...bench.sizes.filter((one) => one <= LARGEST), Math.min(...bench.sizes));
    const store = await filledStore(bench, size);
    const folder = join(bench.folder, 'shapes');
    for (const shape of [moduleStart, deadline, soak]) {
      await cloneStore(store, folder);
      const quipu = await startQuipu({ folder });
      try {
        await shape(bench, quipu, `${size} statements stored before`);
      } finally {
        await quipu.stop();
        await rm(folder, { recursive: true, force: true });
      }
    }
  },
};

/** A step that a player takes, by its name: what it sends, and what the answer must be. */
type Step = [name: string, request: LoadRequest, right: (answer: Answer) => boolean];

/** Learners who open a module, each by a connection of its own, spread evenly over the time. */
async function moduleStart(bench: Bench, { target }: Quipu, note: string): Promise<void> {
  const learners = bench.quick ? 100 : 500;
  const milliseconds = bench.quick ? 2000 : 10_000;
  const times = new Map<string, number[]>();
  const wrong = new Map<string, number>();
  async function learner(number: number): Promise<void> {
    await wait((number * milliseconds) / learners);
    const client = createClient(target);
    for (const [name, request, right] of playerSteps(number)) {
      const answer = await client.send(request);
      times.set(name, [...(times.get(name) ?? []), answer.milliseconds]);
      if (!right(answer)) wrong.set(name, (wrong.get(name) ?? 0) + 1);
    }
    client.close();
  }
  await Promise.all(Array.from({ length: learners }, (_, number) => learner(number)));
  for (const [name, values] of times) {
    const p50 = percentile(values, 0.5);
    bench.record({ scenario: `shapes/module-start/${name}`, name: 'Quipu', value: p50, unit: 'ms', p50, p99: percentile(values, 0.99), wrong: wrong.get(name) ?? 0, note: `${learners} learners within ${milliseconds / 1000} s, ${note}` });
  }
}

/** What a player does when a learner opens a module: says hello, looks where the learner was, tells what happens, keeps the place. */
function playerSteps(learner: number): Step[] {
  const { account } = learnerAgent(learner);
  const registration = registrationOf(learner, COURSE);
  const agent = JSON.stringify({ account });
  const state = `/activities/state?${new URLSearchParams({ activityId: moduleId(COURSE, 1), agent, registration, stateId: `place-${Date.now()}` })}`;
  const place = Buffer.from(JSON.stringify({ page: 1, opened: new Date().toISOString() }));
  const json = { 'Content-Type': 'application/json' };
  const statement = (verb: keyof typeof verbs, object: string): LoadRequest => ({
    method: 'POST', path: '/statements', headers: json,
    body: Buffer.from(JSON.stringify({
      actor: { account }, verb: { id: verbs[verb], display: { 'en-US': verb } }, object: { id: object }, timestamp: new Date().toISOString(),
      context: { registration, contextActivities: { parent: [{ id: moduleId(COURSE, 1) }], grouping: [{ id: courseId(COURSE) }] } },
    })),
  });
  const status = (expected: number) => (answer: Answer): boolean => answer.status === expected;
  return [
    ['about', { method: 'GET', path: '/about' }, ({ status, body }) => status === 200 && body.includes('"version"')],
    ['state-get-none', { method: 'GET', path: state }, status(404)],
    ['statement-initialized', statement('initialized', moduleId(COURSE, 1)), status(200)],
    ['state-put', { method: 'PUT', path: state, headers: { ...json, 'If-None-Match': '*' }, body: place }, status(204)],
    ['statement-viewed', statement('viewed', activityId(COURSE, 3)), status(200)],
    ['state-get', { method: 'GET', path: state }, ({ status, body }) => status === 200 && body.equals(place)],
    ['statements-of-registration', { method: 'GET', path: `/statements?${new URLSearchParams({ agent, registration, limit: '20' })}` }, holdsVerbs([verbs.viewed, verbs.initialized])],
  ];
}

/** Whether a page begins with statements that have these verbs. */
function holdsVerbs(expected: readonly string[]): (answer: Answer) => boolean {
  return ({ status, body }) => {
    if (status !== 200) return false;
    const { statements } = JSON.parse(body.toString()) as { statements: { verb: { id: string } }[] };
    return expected.every((verb, index) => statements[index]?.verb.id === verb);
  };
}

/** Submissions with answers and an attached file, more and more of them until the hour has come. */
async function deadline(bench: Bench, { target }: Quipu, note: string): Promise<void> {
  const bodies = createBodies({ seed: 11, perRequest: ANSWERS_A_SUBMISSION, attachmentBytes: ATTACHMENT_BYTES, pool: 1000 });
  for (const aSecond of bench.quick ? [10, 40] : [10, 20, 40, 80, 120, 160, 200]) {
    const given: string[] = [];
    const sample = await load({
      target, connections: 64, seconds: bench.quick ? 1 : 10, requestsPerSecond: aSecond, expect: 200,
      request: () => {
        const request = posting(bodies);
        given.push(bodies.firstId());
        return request;
      },
    });
    bench.record({
      scenario: `shapes/deadline/${aSecond}-a-second`, name: 'Quipu', value: sample.p50, unit: 'ms', p50: sample.p50, p99: sample.p99,
      wrong: sample.wrong + await withoutFile(target, given.filter((_, index) => index % Math.ceil(given.length / 10) === 0)),
      note: `submissions of ${ANSWERS_A_SUBMISSION} statements and ${ATTACHMENT_BYTES / 1000} KB; ${Math.round(sample.rate)} a second were answered; ${note}`,
    });
    tellFault(bench, sample);
  }
}

function posting(bodies: Bodies): LoadRequest {
  return { method: 'POST', path: '/statements', headers: { 'Content-Type': bodies.contentType }, body: bodies.next() };
}

function tellFault(bench: Bench, { fault }: LoadSample): void {
  if (fault !== undefined) bench.say(fault);
}

/** How many of these statements don't come back with their attachment. */
async function withoutFile(target: Target, ids: readonly string[]): Promise<number> {
  const client = createClient(target);
  let wrong = 0;
  for (const id of ids) {
    const { status, body } = await client.send({ method: 'GET', path: `/statements?statementId=${id}&attachments=true` });
    if (status !== 200 || !body.includes(id) || body.length < ATTACHMENT_BYTES) wrong++;
  }
  client.close();
  return wrong;
}

/** Half of what it can take at the most, for an hour: memory and latency have to stay what they are. */
async function soak(bench: Bench, quipu: Quipu, note: string): Promise<void> {
  const seconds = bench.quick ? 4 : Number(process.env.BENCH_SOAK_SECONDS ?? SOAK);
  const bodies = createBodies({ seed: 12, perRequest: ANSWERS_A_SUBMISSION });
  const common = { target: quipu.target, connections: 16, statementsPerRequest: ANSWERS_A_SUBMISSION, expect: 200, request: () => posting(bodies) };
  const peak = await load({ ...common, seconds: bench.quick ? 1 : 10 });
  const half = peak.rate / ANSWERS_A_SUBMISSION / 2;
  bench.say(`soak: ${Math.round(peak.rate)} statements/s at the peak, half of that for ${seconds} s`);
  const slices: (Memory & { p99: number })[] = [];
  for (let slice = 1; slice <= SLICES; slice++) {
    const watch = watchMemory(quipu);
    const sample = await load({ ...common, seconds: seconds / SLICES, requestsPerSecond: half });
    const memory = await watch.stop();
    const when = seconds < 600 ? `${Math.round((slice * seconds * 10) / SLICES) / 10}-seconds` : `${Math.round((slice * seconds) / SLICES / 6) / 10}-minutes`;
    slices.push({ ...memory, p99: sample.p99 });
    tellFault(bench, sample);
    bench.record({ scenario: `shapes/soak/latency/${when}`, name: 'Quipu', value: sample.p50, unit: 'ms', p50: sample.p50, p99: sample.p99, wrong: sample.wrong, note: `${Math.round(half * ANSWERS_A_SUBMISSION)} statements/s by ${ANSWERS_A_SUBMISSION}, ${note}` });
    for (const part of ['resident', 'anonymous', 'file', 'heap'] as const) {
      bench.record({ scenario: `shapes/soak/${part}/${when}`, name: 'Quipu', value: memory[part], unit: 'MB', wrong: 0 });
    }
  }
  const client = createClient(quipu.target);
  const lost = await missing(client, bodies.sample(100));
  client.close();
  // The first slices fill caches and pools; the last third is compared with the one before it.
  const third = (part: 'anonymous' | 'resident' | 'p99', from: number): number => percentile(slices.slice(from, from + SLICES / 3).map((slice) => slice[part]), 0.5);
  const grown = (name: string, part: 'anonymous' | 'resident' | 'p99', what: string, wrong = 0): void => bench.record({
    scenario: `shapes/soak/${name}`, name: 'Quipu', value: third(part, (2 * SLICES) / 3) / third(part, SLICES / 3), unit: 'of what it was', wrong, note: `${what}, last third of ${seconds} s against the middle one`,
  });
  grown('growth', 'anonymous', 'anonymous memory', lost);
  grown('resident-growth', 'resident', 'resident memory, mapped files among it');
  grown('latency-growth', 'p99', 'p99');
}

/** How many statements can't be read by their ids. */
async function missing(client: Client, ids: readonly string[]): Promise<number> {
  let wrong = 0;
  for (const id of ids) {
    const { status, body } = await client.send({ method: 'GET', path: `/statements?statementId=${id}` });
    if (status !== 200 || !body.includes(id)) wrong++;
  }
  return wrong;
}

/** In megabytes; medians over the time of watching. */
interface Memory {
  resident: number;
  anonymous: number;
  file: number;
  /** JavaScript's own, as /metrics tells it. */
  heap: number;
}

function watchMemory(quipu: Quipu): { stop(): Promise<Memory> } {
  const seen: Memory[] = [];
  let over = false;
  const watching = (async () => {
    do {
      const { resident, anonymous, file } = await quipu.memory();
      seen.push({ resident: resident / 1e6, anonymous: anonymous / 1e6, file: file / 1e6, heap: (await heapOf(quipu)) / 1e6 });
      await wait(seen.length < 20 ? 200 : 2000);
    } while (!over);
  })();
  return {
    stop: async () => {
      over = true;
      await watching;
      const middle = (part: keyof Memory): number => percentile(seen.map((one) => one[part]), 0.5);
      return { resident: middle('resident'), anonymous: middle('anonymous'), file: middle('file'), heap: middle('heap') };
    },
  };
}

/** Bytes of the heap in use; 0 when it is not told. */
async function heapOf({ origin }: Quipu): Promise<number> {
  const text = await fetch(`${origin}/metrics`).then((answer) => answer.text());
  return Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1] ?? 0);
}

function goals(): Goal[] {
  const level = (scenario: string, text: string): Goal => ({
    scenario, text: `${text} level over the soak (at most a twentieth more in its last third than in the middle one)`,
    reached: ([figure]) => figure && figure.value <= 1.05,
  });
  return [level('shapes/soak/growth', 'memory of its own'), level('shapes/soak/resident-growth', 'resident memory'), level('shapes/soak/latency-growth', 'p99')];
}
