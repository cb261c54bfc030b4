import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { announcing } from '../../../src/feed/announce.js';
import { createCheckpoints } from '../../../src/feed/checkpoints.js';
import { createBullJobs } from '../../../src/jobs/bull-jobs.js';
import { createLeaseBook } from '../../../src/jobs/leases.js';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { sample } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { redisFor } from '../../services/redis.js';
import type { WorkerOrders } from './worker.js';

t.setTimeout(280_000);

const tenants = ['one', 'two'];
const lifetime = 2000;
const program = fileURLToPath(new URL('./worker.js', import.meta.url));
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const mongodb = await mongodbFor(t);
const redis = await redisFor(t);

/** A process that takes statements in, and workers beside it. */
async function open(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-workers-'));
  const database = mongodb!.freshDatabase();
  const record = join(folder, 'record');
  const storage = await openMongoStorage({ url: mongodb!.url, database });
  const log = { info: () => undefined, warn: () => undefined };
  const jobs = createBullJobs({ url: redis!.url, log });
  const store = announcing(storage.statements, (tenant) => jobs.wake('recorder', tenant));
  const checkpoints = createCheckpoints({ records: storage.records, leases: createLeaseBook({ records: storage.records, shared: true, lifetime }) });
  const workers: ChildProcess[] = [];
  let stored = 0;
  /** Highest checkpoint seen of each tenant. */
  const seen = new Map<string, number>();

  const watching = setInterval(() => {
    for (const tenant of tenants) {
      checkpoints.read(tenant, 'recorder').then(({ position }) => {
        if (position < (seen.get(tenant) ?? 0)) t.fail(`the checkpoint of ${tenant} went from ${seen.get(tenant)} back to ${position}`);
        seen.set(tenant, position);
      }, () => undefined);
    }
  }, 100);

  t.teardown(async () => {
    clearInterval(watching);
    for (const worker of workers) worker.kill('SIGKILL');
    await jobs.close();
    await storage.close();
    await mongodb!.drop(database);
    await rm(folder, { recursive: true, force: true });
  });

  const lines = async (): Promise<{ pid: number; tenant: string; position: number }[]> => {
    const text = await readFile(record, 'utf8').catch(() => '');
    return text.split('\n').slice(0, -1).map((line) => {
      const [pid, tenant, position] = line.split(' ');
      return { pid: Number(pid), tenant: tenant!, position: Number(position) };
    });
  };

  return {
    lines,
    /** Stores `count` statements in each tenant, in small batches. */
    store: async (count: number): Promise<void> => {
      for (let first = stored; first < stored + count; first += 5) {
        for (const tenant of tenants) await store.append(tenant, Array.from({ length: 5 }, (_, index) => sample(first + index)));
      }
      stored += count;
    },
    startWorker: (pace: number): ChildProcess => {
      const orders: WorkerOrders = { mongodbUrl: mongodb!.url, database, redisUrl: redis!.url, tenants, record, pace, lifetime };
      const worker = spawn(process.execPath, [program, JSON.stringify(orders)], { stdio: ['ignore', 'ignore', 'inherit'] });
      workers.push(worker);
      return worker;
    },
    /** Waits until every entry was handled, and checks their order. @returns lines beyond the first of each entry */
    settled: async (): Promise<number> => {
      const complete = async (): Promise<boolean> => {
        const states = await Promise.all(tenants.map((tenant) => checkpoints.read(tenant, 'recorder').catch(() => undefined)));
        return states.every((state) => state && state.position === stored);
      };
      for (const start = Date.now(); !(await complete());) {
        if (Date.now() - start > 90_000) throw new Error(`The consumer did not get to the end: ${JSON.stringify([...seen])} of ${stored}, ${(await lines()).length} lines`);
        await wait(100);
      }
      const all = await lines();
      for (const tenant of tenants) {
        const positions = all.filter((line) => line.tenant === tenant).map(({ position }) => position);
        const first = positions.filter((position, index) => positions.indexOf(position) === index);
        t.same(first, Array.from({ length: stored }, (_, index) => index + 1), `${tenant}: each at least once, in order`);
      }
      return all.length - stored * tenants.length;
    },
    /** The process that has written the last line of a tenant. */
    busy: async (tenant: string): Promise<number | undefined> => (await lines()).filter((line) => line.tenant === tenant).at(-1)?.pid,
    until: async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
      for (const start = Date.now(); !(await holds());) {
        if (Date.now() - start > 60_000) throw new Error(`It did not come about that ${what}`);
        await wait(20);
      }
    },
  };
}

const skip = mongodb && redis ? false : 'a service is missing';

t.test('of two workers one is killed while it drains: the other goes on, nothing is left out, in order', { skip }, async (t) => {
  const { startWorker, store, lines, settled, busy, until } = await open(t);
  const workers = [startWorker(5), startWorker(5)];
  await store(60);
  for (let round = 0; round < 4; round++) {
    await store(20);
    let index = -1;
    await until(async () => {
      const pid = await busy('one');
      return (index = workers.findIndex((worker) => worker.pid === pid)) >= 0;
    }, 'work is under way');
    workers[index]!.kill('SIGKILL');
    workers[index] = startWorker(5);
  }
  const repeated = await settled();
  t.ok(repeated <= 4 * 2 * 10, `${repeated} repeated: a batch of each tenant for each kill at the most`);
  t.ok(new Set((await lines()).map(({ pid }) => pid)).size > 1, 'several had a part in it');
});

t.test('a worker that stood still for longer than its lease and its lock: what it then says is not booked', { skip }, async (t) => {
  const { startWorker, store, lines, settled, busy, until } = await open(t);
  const first = startWorker(20);
  await store(40);
  await until(async () => (await lines()).length > 15, 'work is under way');
  first.kill('SIGSTOP');
  const second = startWorker(5);
  await until(async () => await busy('one') === second.pid && await busy('two') === second.pid, 'the other has taken over');
  await store(20);
  await wait(16_000);
  first.kill('SIGCONT');
  await store(20);
  const repeated = await settled();
  t.ok(repeated <= 2 * 2 * 10, `${repeated} repeated`);
});

t.test('Redis is away under load: statements are taken in, the consumer goes on, and Redis stays small', { skip }, async (t) => {
  const { startWorker, store, lines, settled, until } = await open(t);
  startWorker(2);
  startWorker(2);
  await store(40);
  await until(async () => (await lines()).length > 20, 'work is under way');
  await redis!.process.kill();
  const before = Date.now();
  await store(40);
  t.ok(Date.now() - before < 20_000, 'it takes in as ever');
  const then = (await lines()).length;
  await until(async () => (await lines()).length > then, 'the consumer goes on without Redis');
  await redis!.start();
  await store(40);
  t.equal(await settled(), 0, 'nothing came twice');
});
