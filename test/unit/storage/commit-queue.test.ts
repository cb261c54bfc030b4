import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import t from 'tap';
import { createCommitQueue } from '../../../src/storage/leveldb/commit-queue.js';
import { levelOptions, readHead, type Level } from '../../../src/storage/leveldb/level.js';
import { createRecentPostings } from '../../../src/storage/leveldb/recent-postings.js';

t.test('a queue that closes while the database is opened again leaves it to its owner, and opens nothing afterwards', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await level.open();
  let begun = (): void => undefined;
  const reopening = new Promise<void>((resolve) => { begun = resolve; });
  const queue = createCommitQueue({
    level, postings: createRecentPostings(level), ids: { add: () => undefined }, get: (key) => level.getSync(key), head: () => readHead(level), hasRoom: () => true, canReopen: async () => true, onState: () => undefined,
    reopen: async () => {
      begun();
      await delay(200);
      await level.open();
    },
  });
  t.teardown(async () => {
    await level.close();
    await rm(directory, { recursive: true, force: true });
  });
  await t.rejects(queue.commit((commit) => {
    commit.put(Buffer.from('key'), Buffer.from('value'));
    void level.close();
  }), { code: 'store-unavailable' }, 'the write fails, because the database closes under it');
  await reopening;
  await queue.close();
  await level.close();
  await delay(400);
  t.equal(level.status, 'closed');
});

t.test('a commit takes memory and disk for the last value of a key, however often its tasks change it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await level.open();
  t.teardown(async () => {
    await level.close();
    await rm(directory, { recursive: true, force: true });
  });
  const queue = createCommitQueue({
    level, postings: createRecentPostings(level), ids: { add: () => undefined }, get: (key) => level.getSync(key), head: () => readHead(level), hasRoom: () => true, canReopen: async () => true, onState: () => undefined, reopen: async () => undefined,
  });
  const [key, gone] = [Buffer.from('key'), Buffer.from('gone')];
  await queue.commit((commit) => {
    for (let change = 0; change < 500; change++) commit.put(key, Buffer.alloc(10_000, change % 200));
    commit.put(gone, key);
    commit.delete(gone);
    t.equal(commit.get(gone), undefined, 'its own deletions are seen');
    t.equal(commit.get(key)?.[0], 499 % 200, 'and its own values');
  });
  t.equal(level.getSync(key)?.[0], 499 % 200);
  t.equal(level.getSync(gone), undefined);
  let logged = 0;
  for (const name of await readdir(directory)) if (name.endsWith('.log')) logged += (await stat(join(directory, name))).size;
  t.ok(logged < 50_000, `${logged} bytes in the log`);
});

t.test('after a write that failed, nothing is promised to be whole beyond it until the database was opened again: it may be there then', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await level.open();
  let room = false;
  const queue = createCommitQueue({
    level, postings: createRecentPostings(level), ids: { add: () => undefined }, get: (key) => level.getSync(key), head: () => readHead(level), hasRoom: () => true, canReopen: async () => room, onState: () => undefined, reopen: () => level.open(),
  });
  t.teardown(async () => {
    await queue.close();
    await level.close();
    await rm(directory, { recursive: true, force: true });
  });
  let stored = 0;
  await t.rejects(queue.commit((commit) => {
    ({ stored } = commit);
    commit.put(Buffer.from('key'), Buffer.from('value'));
    void level.close();
  }), { code: 'store-unavailable' });
  await delay(50);
  t.ok(queue.settledThrough() < stored);
  room = true;
  while (!queue.available()) await delay(20);
  t.ok(queue.settledThrough() >= stored);
});
