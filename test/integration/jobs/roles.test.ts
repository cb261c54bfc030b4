import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { mongodbFor } from '../../services/mongodb.js';
import { redisFor } from '../../services/redis.js';
import { runCommand } from '../command.js';
import { listen } from '../live-listener.js';
import { startProcess, type ServerProcess } from '../server-process.js';
import type { Key } from '../server.js';

t.setTimeout(240_000);

const mongodb = await mongodbFor(t);
const redis = await redisFor(t);
const skip = mongodb && redis ? false : 'a service is missing';
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const statement = (number: number, actor = 'ann') => ({ id: uuid(number), actor: { mbox: `mailto:${actor}@example.org` }, verb: { id: 'https://example.org/did' }, object: { id: `https://example.org/${number}` } });

/** Processes of one installation. */
async function installation(t: Test, env: Record<string, string> = {}) {
  const database = mongodb!.freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'quipu-roles-'));
  const processes: ServerProcess[] = [];
  t.teardown(async () => {
    await Promise.all(processes.map((one) => one.stop()));
    await mongodb!.drop(database);
    await rm(folder, { recursive: true, force: true });
  });
  const settings = { QUIPU_MONGODB_URL: `${mongodb!.url}${database}`, QUIPU_LOG_LEVEL: 'warn', ...env };
  let count = 0;
  return {
    settings, folder,
    start: async (role: string): Promise<ServerProcess> => {
      const dataDir = join(folder, String(++count));
      await mkdir(dataDir);
      const started = await startProcess(dataDir, { ...settings, QUIPU_ROLE: role });
      processes.push(started);
      return started;
    },
  };
}

async function until(holds: () => Promise<boolean>, what: string, milliseconds = 30_000): Promise<number> {
  const start = Date.now();
  while (!(await holds())) {
    if (Date.now() - start > milliseconds) throw new Error(`Within ${milliseconds} ms it did not come about that ${what}`);
    await wait(50);
  }
  return Date.now() - start;
}

t.test('what each role answers', { skip }, async (t) => {
  const { start } = await installation(t, { QUIPU_REDIS_URL: redis!.url });
  const [api, worker] = [await start('api'), await start('worker')];
  for (const path of ['/health/live', '/health/ready', '/metrics', '/v1/consumers', '/v1/analytics/status']) {
    t.equal((await worker.request(path)).status, 200, `worker: ${path}`);
    t.equal((await api.request(path)).status, 200, `api: ${path}`);
  }
  for (const path of ['/xapi/about', '/xapi/statements', '/v1/keys', '/v1/statements/live', '/clickhouse', '/console/analytics']) t.equal((await worker.request(path)).status, 404, `worker: ${path}`);
  t.match((await worker.request('/health/ready')).json(), { components: { jobs: { status: 'ok' }, analytics: { status: 'off' } } });
  t.match(await (await worker.request('/v1/consumers/analytics/pause', { method: 'POST' })).json(), { name: 'analytics' });
  t.equal((await api.request('statements', { method: 'POST', body: statement(1) })).status, 200);
  t.notMatch(api.log() + worker.log(), new RegExp(new URL(redis!.url).host), 'no address in the log');
});

t.test('a live tail on one process shows what others take in, in order', { skip }, async (t) => {
  const { start } = await installation(t);
  const [one, two] = [await start('api'), await start('api')];
  await one.request('statements', { method: 'POST', body: statement(1) });
  const live = listen(two, two.key);
  await live.opened();
  await until(async () => live.status === 200, 'it listens');
  await wait(500);
  const posts: Promise<unknown>[] = [];
  for (let number = 2; number < 62; number++) {
    posts.push((number % 2 ? one : two).request('statements', { method: 'POST', body: statement(number) }));
    if (number % 10 === 0) await Promise.all(posts);
  }
  await Promise.all(posts);
  await live.until(() => live.statements().length >= 60);
  const ids = live.events.map(({ id }) => id);
  t.same(ids, [...ids].sort((a, b) => a - b), 'in feed order');
  t.equal(new Set(live.statements().map(({ id }) => id)).size, 60, 'each once, and not what was there before');
  t.notOk(live.statements().some(({ id }) => id === uuid(1)));
  const before = Date.now();
  await one.request('statements', { method: 'POST', body: statement(99) });
  await live.until(() => live.statements().length === 61);
  t.ok(Date.now() - before < 3000, `another's statement after ${Date.now() - before} ms`);
  live.close();
});

t.test('a key that one process revokes is refused by all within seconds, and a new one is taken', { skip }, async (t) => {
  const { start } = await installation(t);
  const [one, two] = [await start('api'), await start('api')];
  const key = (await one.request('/v1/keys', { method: 'POST', body: { name: 'A key', scopes: ['all'] } })).json<Key>();
  const status = async (process: ServerProcess): Promise<number> => (await process.request('statements', { key, query: { limit: '1' } })).status;
  await until(async () => await status(two) === 200, 'it is taken');
  t.equal(await status(one), 200);
  t.equal((await one.request(`/v1/keys/${key.id}/revoke`, { method: 'POST' })).status, 200);
  t.equal(await status(one), 401, 'at once where it was revoked');
  const after = await until(async () => await status(two) === 401, 'it is refused');
  t.ok(after < 4000, `after ${after} ms elsewhere`);
});

t.test('an erasure that one process is asked for is carried out by one that works, and by another when that one is killed', { skip }, async (t) => {
  const { start } = await installation(t, { QUIPU_REDIS_URL: redis!.url });
  const [api, first] = [await start('api'), await start('worker')];
  for (let batch = 0; batch < 6; batch++) await api.request('statements', { method: 'POST', body: Array.from({ length: 50 }, (_, index) => statement(batch * 50 + index + 1, 'bob')) });
  const asked = await api.request('/v1/erasures', { method: 'POST', body: { agent: { mbox: 'mailto:bob@example.org' } } });
  t.ok([200, 202].includes(asked.status));
  const receipt = async () => (await api.request(asked.headers.location!)).json<{ status: string; counts: { erased: number } }>();
  await until(async () => (await receipt()).counts.erased > 0, 'it has begun');
  await first.kill();
  await start('worker');
  await until(async () => (await receipt()).status === 'complete', 'it is complete', 60_000);
  t.equal((await receipt()).counts.erased, 300);
  t.same((await api.request('statements', { query: { limit: '1' } })).json(), { statements: [], more: '' });
});

t.test('what makes no sense stops the start with a sentence', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-roles-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [words, env] of [[['--role', 'api'], {}], [['--role', 'worker'], {}], [[], { QUIPU_ROLE: 'api' }]] as [string[], Record<string, string>][]) {
    const { status, stderr } = await runCommand(folder, ['serve', ...words], { env: { QUIPU_ANALYTICS: 'off', ...env } });
    t.equal(status, 1);
    t.match(stderr, /takes QUIPU_MONGODB_URL: the embedded store is opened by one process/);
  }
  t.match(await runCommand(folder, ['serve', '--role', 'nothing']), { status: 1, stderr: /Allowed choices are all, api, worker/ });
  const secret = createHash('sha256').update('a secret').digest('hex');
  const { status, stderr } = await runCommand(folder, ['serve'], { env: { QUIPU_ANALYTICS: 'off', QUIPU_REDIS_URL: `redis://user:${secret}@host/no-number` } });
  t.equal(status, 1);
  t.match(stderr, /QUIPU_REDIS_URL/);
  t.notMatch(stderr, secret);
});

t.test('two processes on one data folder: the second is refused, and the first goes on', { skip }, async (t) => {
  const { start, settings, folder } = await installation(t);
  const first = await start('all');
  const { status, stderr } = await runCommand(join(folder, '1'), ['serve'], { env: { ...settings, QUIPU_ANALYTICS: 'off' } });
  t.equal(status, 1);
  t.match(stderr, /Another Quipu runs on the data folder/);
  t.equal((await runCommand(join(folder, '1'), ['keys', 'list'], { env: settings })).status, 0, 'its socket is still there');
  t.equal((await first.request('/health/live')).status, 200);
});
