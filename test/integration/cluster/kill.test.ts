import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { createRandom, type Random } from '../../contract/random.js';
import { mongodbFor } from '../../services/mongodb.js';
import { redisFor } from '../../services/redis.js';
import { withoutEngine } from '../analytics/analytics-server.js';
import { checkBatches, checkDocuments, checkEverything, checkLateTargets } from '../kill-checks.js';
import { createLedger, createLoad, type Ledger, type LoadTarget } from '../kill-load.js';
import { startInstallation, until, wait, type Installation, type Place } from './installation.js';

const KILLS = 24;
const WORKERS = 20;
/** New statements for each kill, so that what looks through the whole collection stays quick. */
const PER_KILL = 80;
const seed = Number(process.env.QUIPU_KILL_SEED ?? Date.now() % 1e6);

t.setTimeout(280_000);

const mongodb = withoutEngine ? undefined : await mongodbFor(t);
const redis = withoutEngine ? undefined : await redisFor(t);
const skip = withoutEngine || (mongodb && redis ? false : 'a service is missing');

t.test(`three processes under load, killed ${KILLS} times: nothing is lost, doubled or passed over (QUIPU_KILL_SEED=${seed})`, { skip, timeout: 280_000 }, async (t) => {
  const begun = performance.now();
  const random = createRandom(seed);
  const installation = await startInstallation(t, { mongodb: mongodb!, redis: redis! }, ['api', 'api', 'worker']);
  const ledger = createLedger();
  const target = clusterTarget(installation, random);
  const sent = (): number => ledger.batches.reduce((sum, { statements }) => sum + statements.length, 0);
  let killed = 0;
  const load = createLoad(target, ledger, random, {
    largestBatch: 12, filling: 300, together: 0.5, persistent: true,
    turn: async () => {
      while (killed < KILLS && sent() >= (killed + 1) * PER_KILL) await wait(20);
    },
  });
  const running = load.run(WORKERS);
  let left = KILLS;
  const live = async (place: Place): Promise<void> => {
    while (left > 0) {
      await wait(random.below(4000));
      if (left-- <= 0) return;
      await place.kill();
      killed++;
      if (killed % 5 === 0) await installation.recorder.restart();
      await wait(random.below(1000));
      // In the second half each of them does everything.
      await place.start(killed < KILLS / 2 ? place.role : 'all');
    }
  };
  await Promise.all(installation.places.map(live));
  load.stop();
  await running;
  t.same(load.failures, [], 'nothing was refused');
  const loaded = performance.now();
  await settled(t, installation, ledger);
  await checkReaders(t, installation, target, ledger);
  t.same(target.faults, [], 'what one process has answered, the others know');
  for (const place of installation.places) t.equal(await place.stop(), 0, `${place.role}: it stops by SIGTERM as if nothing had been`);
  const seconds = (since: number): number => Math.round((performance.now() - since) / 1000);
  t.comment(`${killed} kills, ${sent()} statements sent in ${ledger.batches.length} writes, ${ledger.batches.filter(({ answered }) => !answered).length} of them unanswered, ${target.again} sent again, ${target.unavailable} times 503, ` +
    `${ledger.voids.size} voided, ${installation.listener.connections} live connections; ${seconds(begun)} s, ${seconds(loaded)} of them after the load; slowest answer ${Math.round(target.slowest)} ms`);
});

interface ClusterTarget extends LoadTarget {
  readonly again: number;
  readonly unavailable: number;
  /** Longest time in milliseconds that one process took to answer a write. */
  readonly slowest: number;
  readonly faults: string[];
}

/** Sends each request to any process; when it is not answered, or by 503, mostly once more to any. */
function clusterTarget({ serving }: Installation, random: Random): ClusterTarget {
  let again = 0;
  let unavailable = 0;
  let slowest = 0;
  const faults: string[] = [];
  const any = async () => {
    await until(() => serving().length > 0, 'a process lives');
    return random.pick(serving());
  };

  /** What was answered once is there for all. */
  async function look(body: unknown): Promise<void> {
    const { id } = ([body].flat() as { id: string }[])[0]!;
    const answer = await (await any()).request('statements', { query: { statementId: id } }).catch(() => undefined);
    if (answer && answer.status !== 200 && answer.status !== 503) faults.push(`${id}: ${answer.status} ${answer.text}`);
  }

  return {
    faults,
    get again() { return again; },
    get unavailable() { return unavailable; },
    get slowest() { return slowest; },
    request: async (path, options = {}) => {
      for (;;) {
        const server = await any();
        const begun = performance.now();
        const answer = await server.request(path, options).catch(() => undefined);
        if (answer) slowest = Math.max(slowest, performance.now() - begun);
        if (answer?.status === 503) unavailable++;
        else if (answer) {
          if (options.method === 'POST' && path === 'statements' && !Buffer.isBuffer(options.body) && answer.status === 200 && random.chance(0.2)) await look(options.body);
          return answer;
        }
        if (random.chance(0.25)) throw new Error('Not answered');
        again++;
        await wait(50 + random.below(300));
      }
    },
  };
}

/** Waits until a last statement from each process has come everywhere: then everything before it is settled. */
async function settled(t: Test, { serving, poller, recorder, listener, analytics }: Installation, ledger: Ledger): Promise<void> {
  const last: string[] = [];
  for (const server of serving()) {
    const statement = { id: randomUUID(), actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/ended' }, object: { id: 'https://example.org/all' } };
    await until(async () => (await server.request('statements', { method: 'POST', body: statement })).status === 200, 'the last statements are taken');
    ledger.batches.push({ statements: [statement], answered: true, attachments: new Map() });
    last.push(statement.id);
  }
  await until(() => last.every((id) => poller.seen.some((entry) => entry.kind === 'statement' && entry.id === id)), 'the feed tells them');
  await until(async () => {
    const lines = await recorder.lines();
    return last.every((id) => lines.some((line) => line.id === id));
  }, 'the recorder has them');
  await until(() => last.every((id) => listener.events.some(({ data }) => data?.includes(id))), 'the live tail shows them');
  await until(async () => {
    const { status, tenants } = await analytics();
    return status === 'running' && tenants.length > 0 && tenants.every(({ lagStatements }) => lagStatements === 0);
  }, 'analytics has caught up');
  t.pass('all is settled');
}

/** Store, feed, live tail, another consumer and ClickHouse tell the same, which is what was answered. */
async function checkReaders(t: Test, { serving, poller, recorder, listener, clickhouse }: Installation, target: LoadTarget, ledger: Ledger): Promise<void> {
  const server = serving()[0]!;
  await checkBatches(t, target, ledger.batches, 'at the end');
  await checkDocuments(t, target, ledger, 'at the end');
  const listed = await checkEverything(t, server, ledger);
  await checkLateTargets(t, target, ledger, new Set(listed.map(({ id }) => id)));

  const log = (await poller.readAll()).flatMap((entry) => (entry.kind === 'statement' ? [entry] : []));
  const asLine = ({ position, id }: { position: number; id: string }): string => `${position} ${id}`;
  const lines = log.map(asLine);
  t.ok(log.every(({ position }, at) => at === 0 || position > log[at - 1]!.position), 'positions grow');
  t.equal(new Set(log.map(({ id }) => id)).size, log.length, 'the feed has each statement once');
  t.same(log.filter(({ voided }) => !voided).map(({ id }) => id), listed.map(({ id }) => id), 'the feed tells what the list does, in the same order');

  t.same(poller.faults, [], 'whoever reads the feed never sees an entry at or below one that was read');
  t.same(poller.seen.map((entry) => asLine(entry as typeof log[number])), lines, 'who reads the feed as it grows has read all of it, each entry once');

  const recorded = (await recorder.lines()).map(asLine);
  t.same(recorded.filter((line, at) => recorded.indexOf(line) === at), lines, 'another consumer was given all, in order');

  const shown = listener.events.filter(({ event }) => event === 'statement').map(({ id, data }) => ({ position: id, id: (JSON.parse(data!) as { id: string }).id }));
  const places = new Map(lines.map((line, at) => [line, at]));
  t.ok(shown.every((one, at) => places.has(asLine(one)) && (at === 0 || one.position > shown[at - 1]!.position)), 'the live tail shows them in the order of the feed, each once');
  const seen = new Set(shown.map(({ id }) => id));
  t.same(log.filter(({ id, voided }) => !voided && !seen.has(id)).map(asLine), [], 'and all that are not voided');

  const rows = async (from: string) => (await clickhouse.client.query({ query: `SELECT toUInt32(position) AS position, toString(id) AS id FROM ${from} ORDER BY position, id`, format: 'JSONEachRow' })).json<{ position: number; id: string }>();
  t.same((await rows('quipu.statement_log')).map(asLine), lines, "ClickHouse's table holds each statement once");
  t.same((await rows('quipu_default.statements')).map(({ id }) => id), listed.map(({ id }) => id), "analysts' statements are those of the store, without the voided ones");
}
