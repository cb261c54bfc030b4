import t from 'tap';
import { createRandom, type Random } from '../../contract/random.js';
import { mongodbFor } from '../../services/mongodb.js';
import { redisFor } from '../../services/redis.js';
import { withoutEngine } from '../analytics/analytics-server.js';
import { createLedger, createLoad, type LoadTarget } from '../kill-load.js';
import { checkAll, settled } from './installation-checks.js';
import { startInstallation, until, wait, type Installation, type Place } from './installation.js';

const KILLS = 24;
const WORKERS = 20;
/** Milliseconds after which a process that stands still has been taken for dead by the others. */
const STALL = 20_000;
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
  t.teardown(() => {
    killed = KILLS;
    load.stop();
  });
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
  await Promise.all(installation.places.map(async (place, index) => {
    await wait(random.below(2000));
    if (index === 0) await place.stall(STALL);
    await live(place);
  }));
  load.stop();
  await running;
  t.same(load.failures, [], 'nothing was refused');
  const loaded = performance.now();
  await settled(installation, ledger);
  await checkAll(t, installation, target, ledger);
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
