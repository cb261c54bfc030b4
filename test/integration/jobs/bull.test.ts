import { createRequire } from 'node:module';
import t, { type Test } from 'tap';
import { createBullJobs } from '../../../src/jobs/bull-jobs.js';
import type { Jobs } from '../../../src/jobs/jobs.js';
import { redisOptions } from '../../../src/jobs/redis-options.js';
import { redisFor, type RedisService } from '../../services/redis.js';

t.setTimeout(120_000);

interface RedisClient {
  call(...words: (string | number)[]): Promise<unknown>;
  disconnect(): void;
  on(event: 'error', listener: () => void): void;
}
const Redis = createRequire(createRequire(import.meta.url).resolve('bull'))('ioredis') as new (options: object) => RedisClient;

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(holds: () => boolean | Promise<boolean>, what: string, milliseconds = 20_000): Promise<void> {
  for (const start = Date.now(); !(await holds());) {
    if (Date.now() - start > milliseconds) throw new Error(`Within ${milliseconds} ms it did not come about that ${what}.`);
    await wait(10);
  }
}

/** The jobs of one process; a worker when it gets something to do. */
function open(t: Test, { url }: Pick<RedisService, 'url'>, work?: { run(subject: string): Promise<void>; subjects?: string[]; interval?: number }): Jobs & { log: string[] } {
  const log: string[] = [];
  const note = (details: object, message: string): void => void log.push(`${message} ${JSON.stringify(details)}`);
  const jobs = createBullJobs({ url, log: { info: note, warn: note }, pace: 100 });
  t.teardown(() => jobs.close());
  if (work) {
    jobs.define({
      name: 'work', interval: work.interval ?? 600_000, subjects: async () => work.subjects ?? [], run: async (subject) => {
        await work.run(subject);
        return 'done';
      },
    });
    jobs.start();
  }
  return { ...jobs, log };
}

/** Every key of a Redis with what it holds. */
async function contents(client: RedisClient): Promise<string> {
  const keys = (await client.call('KEYS', '*') as string[]).sort();
  const parts: string[] = [];
  for (const key of keys) {
    const read = { string: ['GET', key], hash: ['HGETALL', key], list: ['LRANGE', key, 0, -1], set: ['SMEMBERS', key], zset: ['ZRANGE', key, 0, -1] }[await client.call('TYPE', key) as string];
    parts.push(`${key} ${JSON.stringify(read && await client.call(...read))}`);
  }
  return parts.join('\n');
}

function clientOf(t: Test, { url }: RedisService): RedisClient {
  const client = new Redis({ ...redisOptions(url), maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  t.teardown(() => client.disconnect());
  return client;
}

t.test('a process that takes requests wakes one of those that work', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  const seen: string[] = [];
  const one = open(t, redis, { run: async (subject) => void seen.push(`one ${subject}`) });
  const two = open(t, redis, { run: async (subject) => void seen.push(`two ${subject}`) });
  const api = open(t, redis);
  await until(() => [one, two, api].every((jobs) => jobs.state().status === 'ok'), 'all are connected');
  t.same(api.state(), { transport: 'redis', status: 'ok' });
  const before = Date.now();
  api.wake('work', 'a');
  await until(() => seen.length > 0, 'it was run');
  t.ok(Date.now() - before < 2000, `after ${Date.now() - before} ms`);
  for (const subject of ['b', 'c', 'd']) api.wake('work', subject);
  await until(() => ['a', 'b', 'c', 'd'].every((subject) => seen.some((text) => text.endsWith(subject))), 'each was run');
});

t.test('however often it is woken, Redis holds a subject once, and nothing when all is done', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  const client = clientOf(t, redis);
  const api = open(t, redis);
  await until(() => api.state().status === 'ok', 'it is connected');
  for (let round = 0; round < 30; round++) {
    for (let times = 0; times < 100; times++) for (const subject of ['a', 'b', 'c']) api.wake('work', subject);
    await wait(20);
  }
  await wait(200);
  t.equal(await client.call('LLEN', '{quipu}:jobs:wait'), 3, 'three wait for a worker');
  const waiting = await contents(client);
  t.match(waiting, /\{\\"name\\":\\"work\\",\\"subject\\":\\"a\\"\}/);
  let runs = 0;
  const worker = open(t, redis, { run: async () => {
    runs++;
    await wait(5);
  } });
  await until(async () => await client.call('EXISTS', '{quipu}:jobs:wait') === 0 && await client.call('EXISTS', '{quipu}:jobs:active') === 0, 'all is done');
  t.equal(runs, 3);
  for (let round = 0; round < 50; round++) {
    for (const subject of ['a', 'b', 'c']) api.wake('work', subject);
    await wait(20);
  }
  await wait(500);
  t.ok(runs > 6, 'it is woken again');
  const after = await contents(client);
  t.ok(after.length < 400, after);
  t.notMatch(after, /subject/);
  await worker.close();
});

t.test('what is woken while it runs is run once more', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  const ends: number[] = [];
  const worker = open(t, redis, { run: async () => {
    await wait(300);
    ends.push(Date.now());
  } });
  const api = open(t, redis);
  await until(() => worker.state().status === 'ok' && api.state().status === 'ok', 'both are connected');
  api.wake('work', 'a');
  await wait(150);
  const woken = Date.now();
  for (let times = 0; times < 20; times++) {
    api.wake('work', 'a');
    await wait(20);
  }
  await until(() => ends.some((end) => end - 300 >= woken), 'a run began after that');
});

t.test('while Redis is away nothing waits for it, each process runs its own jobs, and afterwards all is as before', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  const seen: string[] = [];
  const worker = open(t, redis, { interval: 300, subjects: ['swept'], run: async (subject) => void seen.push(subject) });
  const api = open(t, redis);
  await until(() => worker.state().status === 'ok' && api.state().status === 'ok', 'both are connected');
  for (const stop of ['kill', 'pause'] as const) {
    if (stop === 'kill') await redis.process.kill();
    else redis.process.pause();
    const before = Date.now();
    for (let times = 0; times < 10_000; times++) api.wake('work', `subject ${times % 10}`);
    t.ok(Date.now() - before < 1000, 'waking costs nothing');
    if (stop === 'kill') {
      await until(() => worker.state().status === 'failed', 'it is noticed');
      worker.wake('work', `own, ${stop}`);
      await until(() => seen.includes(`own, ${stop}`), 'a process wakes itself');
    }
    const swept = seen.filter((subject) => subject === 'swept').length;
    await until(() => seen.filter((subject) => subject === 'swept').length > swept + 2, 'the slow timer goes on');
    if (stop === 'kill') await redis.start();
    else redis.process.resume();
    await until(() => worker.state().status === 'ok' && api.state().status === 'ok', 'both are connected again');
    await wait(1500);
    api.wake('work', `after, ${stop}`);
    await until(() => seen.includes(`after, ${stop}`), `Redis wakes again after ${stop}`);
  }
  t.match(worker.log.join('\n'), /Redis/);
});

t.test('a start while Redis is away, with a password that is told nowhere', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  await redis.process.kill();
  const seen: string[] = [];
  const url = redis.url.replace('redis://', 'redis://someone:top-secret@');
  const worker = open(t, { url }, { interval: 200, subjects: ['swept'], run: async (subject) => void seen.push(subject) });
  worker.wake('work', 'own');
  await until(() => seen.includes('swept') && seen.includes('own'), 'it works');
  t.equal(worker.state().status, 'failed');
  t.notMatch(worker.log.join('\n'), /top-secret/);
  const before = Date.now();
  await worker.close();
  t.ok(Date.now() - before < 5000, 'it can be closed');
});

t.test('a password that Redis does not take: each process wakes itself, and says why it does', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  const client = clientOf(t, redis);
  await client.call('CONFIG', 'SET', 'requirepass', 'another');
  const seen: string[] = [];
  const url = redis.url.replace('redis://', 'redis://:top-secret@');
  const worker = open(t, { url }, { run: async (subject) => void seen.push(subject) });
  for (let times = 0; times < 10; times++) {
    worker.wake('work', 'own');
    await wait(120);
  }
  t.ok(seen.length > 3);
  t.equal(worker.state().status, 'failed');
  t.match(worker.log.join('\n'), /WRONGPASS|NOAUTH/);
  t.notMatch(worker.log.join('\n'), /top-secret/);
  t.ok(worker.log.length < 3, 'and says so once');

  await client.call('CONFIG', 'SET', 'requirepass', 'top-secret');
  const api = open(t, { url });
  await until(() => worker.state().status === 'ok' && api.state().status === 'ok', 'the password is right at last');
  await until(async () => {
    api.wake('work', 'other');
    await wait(200);
    return seen.includes('other');
  }, 'wake-ups are taken');
});

t.test('wake-ups that a process took with it when it died are given to another', async (t) => {
  const redis = await redisFor(t);
  if (!redis) return;
  const client = clientOf(t, redis);
  const api = open(t, redis);
  await until(() => api.state().status === 'ok', 'it is connected');
  api.wake('work', 'a');
  await until(async () => await client.call('LLEN', '{quipu}:jobs:wait') === 1, 'it waits');
  // As a worker that took it and was killed leaves it.
  await client.call('RPOPLPUSH', '{quipu}:jobs:wait', '{quipu}:jobs:active');
  const seen: string[] = [];
  open(t, redis, { run: async (subject) => void seen.push(subject) });
  await until(() => seen.includes('a'), 'another takes it', 40_000);
});
