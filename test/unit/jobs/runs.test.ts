import t from 'tap';
import { createInProcessJobs } from '../../../src/jobs/in-process-jobs.js';
import { redisOptions } from '../../../src/jobs/redis-options.js';

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const log = { warn: () => undefined };

t.test('a wake-up during a run leads to one more run, however many there are', async (t) => {
  const jobs = createInProcessJobs({ log });
  t.teardown(() => jobs.close());
  let runs = 0;
  let atOnce = 0;
  let most = 0;
  jobs.define({
    name: 'work', subjects: async () => [], run: async () => {
      runs++;
      most = Math.max(most, ++atOnce);
      await wait(50);
      atOnce--;
      return 'done';
    },
  });
  jobs.wake('work', 'a');
  await wait(10);
  t.equal(runs, 0, 'not before the start');
  jobs.start();
  jobs.wake('work', 'a');
  await wait(10);
  for (let times = 0; times < 100; times++) jobs.wake('work', 'a');
  await wait(200);
  t.equal(runs, 2);
  t.equal(most, 1);
  jobs.wake('no such work', 'a');
});

t.test('subjects are looked at without a wake-up, and a failure is tried again', async (t) => {
  const jobs = createInProcessJobs({ log });
  t.teardown(() => jobs.close());
  const seen: string[] = [];
  jobs.define({
    name: 'work', interval: 40, subjects: async () => ['a', 'b'], run: async (subject) => {
      seen.push(subject);
      if (seen.length < 3) throw new Error('not yet');
      return 'done';
    },
  });
  jobs.start();
  await wait(250);
  t.ok(seen.filter((subject) => subject === 'a').length > 2);
  t.ok(seen.filter((subject) => subject === 'b').length > 2);
});

t.test('subjects with much to do take turns', async (t) => {
  const jobs = createInProcessJobs({ log });
  t.teardown(() => jobs.close());
  const turns: string[] = [];
  jobs.define({
    name: 'work', concurrency: 2, subjects: async () => ['a', 'b', 'c', 'd'], run: async (subject) => {
      turns.push(subject);
      await wait(5);
      return 'more';
    },
  });
  jobs.start();
  await wait(300);
  const counts = ['a', 'b', 'c', 'd'].map((subject) => turns.filter((turn) => turn === subject).length);
  t.ok(Math.min(...counts) > 3 && Math.max(...counts) - Math.min(...counts) <= 1, counts.join(' '));
});

t.test('the end waits for the runs under way, which are told of it', async (t) => {
  const jobs = createInProcessJobs({ log });
  let ended = false;
  jobs.define({
    name: 'work', subjects: async () => ['a'], run: async (_subject, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await wait(20);
      ended = true;
      return 'more';
    },
  });
  jobs.define({ name: 'left out', subjects: async () => ['a'], run: async () => {
    t.fail('it was not to be run');
    return 'done';
  } });
  jobs.start(['work']);
  jobs.wake('left out', 'a');
  await wait(20);
  await jobs.close();
  t.ok(ended);
  t.same(jobs.state(), { transport: 'process', status: 'ok' });
});

t.test('addresses of Redis', async (t) => {
  t.same(redisOptions('redis://localhost'), { host: 'localhost', port: 6379 });
  t.same(redisOptions('redis://:p%40ss@10.0.0.1:7000/3'), { host: '10.0.0.1', port: 7000, password: 'p@ss', db: 3 });
  t.same(redisOptions('rediss://user:secret@[::1]:6380'), { host: '::1', port: 6380, username: 'user', password: 'secret', tls: { servername: '::1' } });
  for (const wrong of ['http://user:secret@host', 'redis://user:secret@host/path', 'secret']) {
    t.throws(() => redisOptions(wrong), /QUIPU_REDIS_URL/);
    try {
      redisOptions(wrong);
    } catch (error) {
      t.notMatch((error as Error).message, /secret/);
    }
  }
});
