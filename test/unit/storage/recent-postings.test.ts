import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import { createCommitQueue } from '../../../src/storage/leveldb/commit-queue.js';
import { metaKey } from '../../../src/storage/leveldb/keys.js';
import { levelOptions, readHead, type Level } from '../../../src/storage/leveldb/level.js';
import { openLevelStorage, type LevelStorage } from '../../../src/storage/leveldb/open.js';
import { decodeEntry, LONGEST_ENTRY, postingPrefix } from '../../../src/storage/leveldb/posting-entry.js';
import { createRecentPostings, MOST_POSTINGS, type RecentPostings } from '../../../src/storage/leveldb/recent-postings.js';
import { writeRecord } from '../../../src/storage/leveldb/record.js';
import { agent, agentKey, found, referring, sample, verb, verbKey } from '../../contract/statement-samples.js';

async function openLevel(directory: string): Promise<Level> {
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await level.open();
  return level;
}

/** Posting entries that are in the files of a closed store. */
async function entriesIn(directory: string): Promise<number> {
  const level = await openLevel(join(directory, 'store'));
  let entries = 0;
  for await (const key of level.keys()) if (key.toString('latin1').includes('\0p')) entries++;
  await level.close();
  return entries;
}

async function append(storage: LevelStorage, from: number, to: number, tenant = 'one'): Promise<void> {
  for (let number = from; number <= to; number++) await storage.statements.append(tenant, [sample(number, { actor: agent(number % 2 ? 'ann' : 'bob'), verb: verb(`v${number % 3}`) })]);
}

const odd = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((number) => number % 2 === 1);

t.test('statements one by one add few entries to lists, and are found whether or not those are written', async (t) => {
  const directory = t.testdir();
  let storage = await openLevelStorage({ directory, postingsAfter: 100 });
  for (let end = 1; end <= 250; end += 7) {
    await append(storage, end, Math.min(end + 6, 250));
    t.strictSame(await found(storage.statements, 'one', [agentKey('A', 'ann')]), odd(1, Math.min(end + 6, 250)));
  }
  await append(storage, 1, 3, 'two');
  await storage.close();
  // Two agents, each as actor and as related, three verbs, an activity in its two ways and an authority: twice.
  t.ok(await entriesIn(directory) < 40, `${await entriesIn(directory)} entries`);
  storage = await openLevelStorage({ directory, postingsAfter: 100 });
  t.strictSame(await found(storage.statements, 'one', [agentKey('A', 'ann')]), odd(1, 250), 'also when the store is opened again');
  t.strictSame(await found(storage.statements, 'two', [agentKey('A', 'ann')]), [1, 3]);
  t.strictSame(await found(storage.statements, 'one', [agentKey('A', 'bob')], [verbKey('v0')]), Array.from({ length: 41 }, (_, index) => 6 * (index + 1)));
  await append(storage, 251, 260);
  t.strictSame(await found(storage.statements, 'one', [agentKey('A', 'ann')]), odd(1, 260));
  await storage.close();
});

t.test('a statement that inherited keys while its lists were in memory is found once', async (t) => {
  const directory = t.testdir();
  for (const postingsAfter of [1, 3, 100]) {
    let storage = await openLevelStorage({ directory: `${directory}/${postingsAfter}`, postingsAfter });
    const find = () => found(storage.statements, 'one', [verbKey('target')]);
    await storage.statements.append('one', [referring(1, 9), sample(2), referring(3, 1)]);
    await storage.statements.append('one', [sample(9, { verb: verb('target') })]);
    t.strictSame(await find(), [1, 3, 9]);
    await storage.close();
    storage = await openLevelStorage({ directory: `${directory}/${postingsAfter}`, postingsAfter });
    t.strictSame(await find(), [1, 3, 9], 'read again, their records have what they inherited');
    await append(storage, 20, 25);
    t.strictSame(await find(), [1, 3, 9], 'and when it is written');
    await storage.close();
  }
});

t.test('a store of the format before, each of whose commits wrote its lists, goes on', async (t) => {
  const directory = t.testdir();
  let storage = await openLevelStorage({ directory, postingsAfter: 1 });
  await append(storage, 1, 50);
  // What is to be erased is written before, and so all is.
  await storage.statements.erase('one', { erase: [], redact: [] });
  await storage.close();
  const level = await openLevel(join(directory, 'store'));
  await level.put(metaKey('format'), Buffer.from('2'));
  await level.del(metaKey('postings'));
  await level.close();
  const before = await entriesIn(directory);

  storage = await openLevelStorage({ directory });
  t.strictSame(await found(storage.statements, 'one', [agentKey('A', 'ann')]), odd(1, 50));
  t.ok(storage.statements.reads.entries >= 25, 'from the lists that it had');
  await append(storage, 51, 60);
  await storage.statements.erase('one', { erase: [], redact: [] });
  t.strictSame(await found(storage.statements, 'one', [agentKey('A', 'ann')]), odd(1, 60));
  await storage.close();
  t.ok(await entriesIn(directory) < before + 12, 'nothing is written twice');
});

/** Lists of a tenant that are in LevelDB, by key. */
async function listsIn(level: Level, tenant: string): Promise<Map<string, number[]>> {
  const lists = new Map<string, number[]>();
  for await (const [key, value] of level.iterator({ gte: Buffer.from(`${tenant}\0p`), lt: Buffer.from(`${tenant}\0q`) })) {
    const name = key.toString('latin1', tenant.length + 2, tenant.length + 11);
    lists.set(name, [...lists.get(name) ?? [], ...decodeEntry(key, value)]);
  }
  return lists;
}

/** A store of the least that postings take. @param change makes others of them */
async function openQueue(t: Test, change = (recent: RecentPostings): RecentPostings => recent): Promise<{ level: Level; recent: ReturnType<typeof createRecentPostings>; queue: ReturnType<typeof createCommitQueue> }> {
  const level = await openLevel(t.testdir());
  const recent = change(createRecentPostings(level, 4));
  const queue = createCommitQueue({
    level, postings: recent, ids: { add: () => undefined }, get: (key) => level.getSync(key), head: () => readHead(level), hasRoom: () => true, canReopen: async () => true, onState: () => undefined,
    reopen: async () => {
      await level.open();
      await recent.load();
    },
  });
  t.teardown(async () => {
    await queue.close();
    await level.close();
  });
  return { level, recent, queue };
}

const keyA = Buffer.from('Vsamehead\x01\x02'.slice(0, 7) + '\x01\x02', 'latin1');
const keyB = Buffer.from('Vsamehead\x01\x02'.slice(0, 7) + '\x01\x03', 'latin1');

/** Writes a statement with some keys, as a commit of its own. */
async function post(queue: ReturnType<typeof createCommitQueue>, keys: Buffer, then: () => void = () => undefined): Promise<void> {
  await queue.commit((commit) => {
    const position = commit.takePosition();
    const key = Buffer.from('one\0s\0\0\0\0\0\0', 'latin1');
    key.writeUIntBE(position, key.length - 6, 6);
    commit.put(key, writeRecord(0, 1, Buffer.alloc(16), keys, Buffer.from('{}')));
    commit.post('one', keys, position);
    then();
  });
}

t.test('keys that differ in their last bytes alone have lists of their own', async (t) => {
  const { level, recent, queue } = await openQueue(t);
  await post(queue, Buffer.concat([keyA, keyB]));
  await post(queue, keyB);
  t.strictSame([keyA, keyB].map((key) => recent.of('one').positions(key)), [[1], [1, 2]]);
  const before = recent.of('one');
  await post(queue, keyA);
  await post(queue, keyA);
  await post(queue, keyB);
  t.strictSame(await listsIn(level, 'one'), new Map([[keyA.toString('latin1'), [1, 3, 4]], [keyB.toString('latin1'), [1, 2]]]), 'four statements are written with the fifth');
  t.strictSame([recent.of('one').written, recent.of('one').positions(keyA), recent.of('one').positions(keyB)], [4, [], [5]]);
  t.strictSame([before.written, before.positions(keyA), before.positions(keyB)], [0, [1, 3, 4], [1, 2]], 'who has read before goes on with what was there');
  t.strictSame(recent.of('other').positions(keyA), []);
  t.ok(level.getSync(Buffer.concat([postingPrefix('one', keyB), Buffer.from([0, 0, 0, 0, 0, 1])])), 'where readers look for it');
});

t.test('after a write that failed the lists are those of the log, whichever of its commits are there', async (t) => {
  const { level, recent, queue } = await openQueue(t);
  for (let round = 0; round < 8; round++) {
    await post(queue, keyA);
    await t.rejects(post(queue, keyB, () => void level.close()), { code: 'store-unavailable' });
    while (!queue.available()) await new Promise((resolve) => setTimeout(resolve, 20));
    const inLog: Record<string, number[]> = { [keyA.toString('latin1')]: [], [keyB.toString('latin1')]: [] };
    for await (const [key, record] of level.iterator({ gte: Buffer.from('one\0s'), lt: Buffer.from('one\0t') })) inLog[record.toString('latin1', 27, 36)]!.push(key.readUIntBE(key.length - 6, 6));
    const lists = await listsIn(level, 'one');
    for (const key of [keyA, keyB]) {
      const name = key.toString('latin1');
      t.strictSame([...lists.get(name) ?? [], ...recent.of('one').positions(key)], inLog[name]);
    }
  }
});

t.test('a failure behind a write does not have its positions taken again', async (t) => {
  let fails = true;
  const { level, recent, queue } = await openQueue(t, (made) => ({
    ...made,
    add: (...given) => {
      if (fails) throw new RangeError('Map maximum size exceeded');
      made.add(...given);
    },
  }));
  const reason = t.rejects(post(queue, keyA), { code: 'store-unavailable' });
  await reason;
  await level.close();
  fails = false;
  while (!queue.available()) await new Promise((resolve) => setTimeout(resolve, 20));
  await post(queue, keyB);
  t.strictSame([keyA, keyB].map((key) => recent.of('one').positions(key)), [[1], [2]]);
});

/** As many keys, all different. */
function manyKeys(count: number, first = 0): Buffer {
  const keys = Buffer.alloc(count * 9, 'V');
  for (let number = 0; number < count; number++) keys.writeUInt32BE(first + number, number * 9 + 1);
  return keys;
}

t.test('statements with very many keys take no more memory than others', async (t) => {
  const { level, recent, queue } = await openQueue(t);
  const half = MOST_POSTINGS / 2;
  const where = (number: number): [written: number, recent: readonly number[]] => [recent.of('one').written, recent.of('one').positions(manyKeys(1, number))];
  await post(queue, manyKeys(half));
  await post(queue, manyKeys(half));
  t.strictSame(where(7), [0, [1, 2]]);
  await post(queue, manyKeys(9));
  t.strictSame(where(7), [2, [3]], 'what would be too much is written before');
  await post(queue, manyKeys(MOST_POSTINGS + 1));
  t.strictSame(where(7), [4, []], 'and what is too much by itself at once');
  const lists = await listsIn(level, 'one');
  t.equal(lists.size, MOST_POSTINGS + 1);
  t.strictSame([7, 9, half, MOST_POSTINGS].map((number) => lists.get(manyKeys(1, number).toString('latin1'))), [[1, 2, 3, 4], [1, 2, 4], [4], [4]]);
});

t.test('a long list is written in several entries', async (t) => {
  const level = await openLevel(t.testdir());
  const recent = createRecentPostings(level);
  const many = LONGEST_ENTRY + 500;
  for (let position = 1; position <= many; position++) recent.add('one', keyA, position);
  const sizes: number[] = [];
  recent.entries((key, value) => sizes.push(decodeEntry(key, value).length));
  t.strictSame(sizes, [LONGEST_ENTRY, 500]);
  await level.close();
});
