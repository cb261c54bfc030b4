import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { linkTo } from '../../services/link.js';
import { mongodbFor, type MongodbService } from '../../services/mongodb.js';
import { redisFor } from '../../services/redis.js';
import { withoutEngine } from '../analytics/analytics-server.js';
import { createLedger, documentQuery, type Batch, type DocumentState, type Ledger, type SentStatement } from '../kill-load.js';
import { checkAll, settled } from './installation-checks.js';
import { startInstallation, until, wait, type Installation } from './installation.js';

/** Milliseconds between two requests. */
const PACE = 200;
/** Milliseconds after which an answer is late while the store is away, where a command has 10 s and its repetition 3 s to find a server, and while something else is. */
const LATE_WITHOUT_STORE = 15_000;
const LATE = 5000;

t.setTimeout(280_000);

const mongodb = withoutEngine ? undefined : await mongodbFor(t);
const redis = withoutEngine ? undefined : await redisFor(t);
const skip = withoutEngine || ((!mongodb || !redis) && 'a service is missing');

t.test('Redis, ClickHouse and MongoDB stopped for a while under load: nothing is lost, nothing hangs, no process is started anew', { skip, timeout: 280_000 }, async (t) => {
  const begun = performance.now();
  const { reached, kill, start, pause, resume } = await stoppable(t, mongodb!);
  const installation = await startInstallation(t, { mongodb: reached, redis: redis! }, ['api', 'api', 'worker']);
  const { clickhouse, places, serving } = installation;
  const pids = places.map(({ process }) => process!.pid);
  const ledger = createLedger();
  const load = steadyLoad(installation, ledger);
  t.teardown(() => load.stop());
  await wait(2000);
  const figures: string[] = [];

  const outages: { what: string; seconds: number; store: boolean; begin(): Promise<void>; end(): Promise<void> }[] = [
    { what: 'Redis killed', seconds: 4, store: false, begin: () => redis!.process.kill(), end: () => redis!.start() },
    { what: 'Redis standing still', seconds: 4, store: false, begin: async () => redis!.process.pause(), end: async () => redis!.process.resume() },
    { what: 'ClickHouse killed', seconds: 4, store: false, begin: async () => {
      clickhouse.link.cut();
      clickhouse.kill();
    }, end: async () => clickhouse.link.mend() },
    { what: 'ClickHouse standing still', seconds: 4, store: false, begin: async () => clickhouse.link.freeze(), end: async () => clickhouse.link.mend() },
    { what: 'MongoDB killed', seconds: 6, store: true, begin: kill, end: start },
    { what: 'MongoDB standing still', seconds: 14, store: true, begin: pause, end: resume },
  ];
  for (const { what, seconds, store, begin, end } of outages) {
    load.go();
    await wait(1000);
    await begin();
    const from = performance.now();
    await wait(seconds * 500);
    await checkHealth(t, installation, store, what);
    await wait(seconds * 500);
    const to = performance.now();
    await end();
    const started = performance.now();
    await Promise.all(serving().map((server) => until(async () => (await server.request('/health/ready')).status === 200, `${what}: it is ready again`, 20_000)));
    // A slow machine would not catch up with a load that goes on, and that makes each request slower.
    load.rest();
    await settled(installation, ledger);
    const back = performance.now() - to;
    const answers = load.answers.filter((answer) => answer.from >= from && answer.from < to);
    const slowest = answers.reduce((one, other) => (other.to - other.from > one.to - one.from ? other : one));
    const took = Math.round(slowest.to - slowest.from);
    const refused = answers.filter(({ status }) => status === 503);
    t.ok(answers.length > 5, `${what}: ${answers.length} requests`);
    if (store) {
      t.ok(refused.length > 5, `${what}: ${refused.length} answers of 503`);
      t.same(answers.filter(isWrong(to)), [], `${what}: each answer while it lasts is 503 with Retry-After`);
    } else {
      t.same(answers.filter(({ status }) => status >= 300), [], `${what}: statements are taken in as ever`);
    }
    t.ok(took < (store ? LATE_WITHOUT_STORE : LATE), `${what}: the slowest answer took ${took} ms`);
    figures.push(`${what}: ${answers.length} requests, ${refused.length} times 503, slowest ${took} ms (${slowest.what}, ${slowest.status}, sent ${Math.round(slowest.from - from)} ms after the stop), started again after ${Math.round(started - to)} ms, everywhere again after ${Math.round(back)} ms`);
  }

  await load.stop();
  t.same(load.answers.filter(({ status }) => status >= 300 && status !== 503), [], 'nothing was refused but for the absence of the store');
  await settled(installation, ledger);
  await checkAll(t, installation, serving()[0]!, ledger);
  t.same(places.map(({ process }) => process!.pid), pids, 'the processes are those of the beginning');
  for (const place of places) t.equal(await place.stop(), 0, `${place.role}: it has lived through all of it`);
  const sent = ledger.batches.flatMap(({ statements }) => statements).length;
  t.comment([...figures, `${sent} statements sent, ${ledger.batches.filter(({ answered }) => !answered).length} of ${ledger.batches.length} writes refused; ${Math.round((performance.now() - begun) / 1000)} s`].join('\n'));
});

/** The server, and how it goes away and comes back: its process, or the network to one that runs elsewhere. */
async function stoppable(t: Test, mongodb: MongodbService) {
  if (mongodb.process !== undefined) {
    return { reached: mongodb, kill: () => mongodb.process!.kill(), start: () => mongodb.start(), pause: async () => mongodb.process!.pause(), resume: async () => mongodb.process!.resume() };
  }
  const link = await linkTo(mongodb.url);
  t.teardown(() => link.end());
  const mend = async () => link.mend();
  return { reached: { ...mongodb, url: link.url }, kill: async () => link.cut(), start: mend, pause: async () => link.freeze(), resume: mend };
}

/** Processes live without what is away; they are ready as long as they have the store. */
async function checkHealth(t: Test, { places }: Installation, store: boolean, what: string): Promise<void> {
  for (const { role, process } of places) {
    t.equal((await process!.request('/health/live')).status, 200, `${what}: ${role} lives`);
    t.equal((await process!.request('/health/ready')).status, store ? 503 : 200, `${what}: ${role} is ${store ? 'not ' : ''}ready`);
  }
}

/** Whether an answer to what was asked while the store was away until `back` is neither 503 nor one that came afterwards. */
function isWrong(back: number): (answer: TimedAnswer) => boolean {
  return ({ status, retryAfter, to }) => (status === 503 ? !(Number(retryAfter) > 0) : status >= 300 || to < back);
}

interface TimedAnswer {
  what: string;
  from: number;
  to: number;
  status: number;
  retryAfter: string | undefined;
}

/** A request to each process in turn at a steady pace, whatever becomes of those before: statements, batches, documents, reads. */
function steadyLoad({ serving }: Installation, ledger: Ledger) {
  const answers: TimedAnswer[] = [];
  const under = new Set<Promise<void>>();
  let count = 0;
  let known: string | undefined;

  const statement = (): SentStatement => ({
    id: randomUUID(), actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: `https://example.org/${count % 7}` }, timestamp: '2026-01-02T03:04:05.678Z',
  });

  async function request(): Promise<void> {
    const number = count++;
    const server = serving()[number % 2]!;
    const from = performance.now();
    const note = ({ status, headers }: { status: number; headers: NodeJS.Dict<string | string[]> }, what: string): boolean => {
      answers.push({ what, from, to: performance.now(), status, retryAfter: headers['retry-after'] as string | undefined });
      return status < 300;
    };
    if (number % 5 === 3) {
      const content = JSON.stringify({ number });
      const state: DocumentState = { stateId: String(number), possible: [undefined, content] };
      ledger.documents.set(state.stateId, state);
      const answer = await server.request('activities/state', { method: 'PUT', query: documentQuery(state.stateId), body: content, headers: { 'Content-Type': 'application/json' } });
      if (note(answer, 'document')) state.possible = [content];
    } else if (number % 5 === 4 && known !== undefined) {
      note(await server.request('statements', { query: { statementId: known } }), 'read');
    } else {
      const batch: Batch = { statements: Array.from({ length: 1 + number % 4 }, statement), answered: false, attachments: new Map() };
      ledger.batches.push(batch);
      batch.answered = note(await server.request('statements', { method: 'POST', body: batch.statements }), 'statements');
      if (batch.answered) known = batch.statements[0]!.id;
    }
  }

  let resting = false;
  const timer = setInterval(() => {
    if (resting) return;
    const one = request().catch((error: Error) => void answers.push({ what: error.message, from: performance.now(), to: performance.now(), status: 600, retryAfter: undefined })).finally(() => under.delete(one));
    under.add(one);
  }, PACE);

  return {
    answers,
    /** Sends nothing more until `go`. */
    rest: (): void => { resting = true; },
    go: (): void => { resting = false; },
    /** Settles when every request is answered. */
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await Promise.all(under);
    },
  };
}
