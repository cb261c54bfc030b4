import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import { openIdFilter, type IdFilter } from '../../../src/storage/leveldb/id-filter.js';
import { idKey, isIdKey, metaKey, numberedKey, tableKey, tableOf, type Table } from '../../../src/storage/leveldb/keys.js';
import { levelOptions, type Level } from '../../../src/storage/leveldb/level.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { agent, sample } from '../../contract/statement-samples.js';

async function openLevel(t: Test, directory = t.testdir()): Promise<Level> {
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await level.open();
  t.teardown(() => level.close());
  return level;
}

const ids = (tenant: string, count: number): Buffer[] => Array.from({ length: count }, () => idKey(tenant, randomUUID()));

async function write(level: Level, keys: readonly Buffer[]): Promise<void> {
  await level.batch(keys.map((key) => ({ type: 'put', key, value: Buffer.from([1]) })));
}

const open = (level: Level, firstIds?: number): Promise<IdFilter> => openIdFilter(level, { directory: level.location, hasRoom: () => true, firstIds });

/** How many of some keys the filter takes to be there. */
const taken = (filter: { mayHave(key: Buffer): boolean }, keys: readonly Buffer[]): number => keys.filter((key) => filter.mayHave(key)).length;

t.test('what the index has is never denied, and almost all else is, once all is known', async (t) => {
  const level = await openLevel(t);
  const tenants = ['', 'a', 'a-b', 'b', ...Array.from({ length: 300 }, (_, number) => `t${number}`), 'z'];
  const there = tenants.flatMap((tenant) => ids(tenant, tenant === 'b' ? 9000 : 3));
  await write(level, [...there, ...tenants.flatMap((tenant) => [numberedKey(tenant, 's', 1), tableKey(tenant, 'p', Buffer.from('Vhashhash......')), tableKey(tenant, 'j')]), metaKey('head')]);
  const filter = await open(level);
  const others = ids('b', 20_000);
  const later = ids('b', 500);
  for (const key of later) filter.add(key);
  t.equal(taken(filter, others), others.length, 'while it is read');
  await filter.filled();
  t.equal(taken(filter, there), there.length);
  t.equal(taken(filter, later), later.length, 'what was written meanwhile');
  t.ok(taken(filter, others) < 100, `${taken(filter, others)} of ${others.length}`);
  await filter.close();
});

t.test('it grows with what there is', async (t) => {
  const level = await openLevel(t);
  const filter = await open(level, 64);
  await filter.filled();
  const there = ids('one', 50_000);
  for (const key of there) filter.add(key);
  for (const key of there.slice(0, 1000)) filter.add(key);
  t.equal(taken(filter, there), there.length);
  const others = ids('one', 20_000);
  t.ok(taken(filter, others) < 400, `${taken(filter, others)} of ${others.length}`);
  await filter.close();
});

t.test('a database that is closed while it is read leaves all to be asked for, until it was opened again', async (t) => {
  const level = await openLevel(t);
  const there = ids('one', 12_000);
  await write(level, there);
  const filter = await open(level);
  await level.close();
  await filter.filled();
  const others = ids('one', 1000);
  t.equal(taken(filter, others), others.length);
  await level.open();
  filter.fill();
  // Called twice, it reads all once more.
  filter.fill();
  await filter.filled();
  t.equal(taken(filter, there), there.length);
  t.ok(taken(filter, others) < 20);
  await filter.close();
});

t.test('what was known when the database was closed is known at once when it is opened again, and then never again', async (t) => {
  const directory = t.testdir();
  const [there, others] = [ids('one', 9000), ids('one', 9000)];
  const files = async (): Promise<string[]> => (await readdir(directory)).filter((name) => name.startsWith('ids'));
  /** Opens the database, and says how many of the others the filter takes to be there before it reads anything. */
  const known = async (change: (level: Level) => Promise<unknown> = async () => undefined): Promise<{ level: Level; filter: IdFilter; taken: number }> => {
    const level = await openLevel(t, directory);
    await change(level);
    const filter = await open(level, 64);
    return { level, filter, taken: taken(filter, others) };
  };
  const close = async ({ level, filter }: { level: Level; filter: IdFilter }): Promise<void> => {
    await filter.filled();
    t.equal(taken(filter, there), there.length);
    t.ok(taken(filter, others) < 200);
    await filter.close();
    await level.close();
  };

  const first = await known((level) => write(level, there.slice(0, 5000)));
  t.equal(first.taken, others.length);
  for (const key of there.slice(5000)) first.filter.add(key);
  await write(first.level, there.slice(5000));
  await close(first);
  t.strictSame(await files(), ['ids.filter']);
  const second = await known();
  t.ok(second.taken < 200, 'kept');
  t.strictSame(await files(), [], 'and taken');
  await close(second);

  // The process ends without closing: nothing is kept.
  const third = await known();
  t.ok(third.taken < 200);
  await third.level.close();
  const fourth = await known();
  t.equal(fourth.taken, others.length);
  await close(fourth);

  // A file that the database has not the digest of: of another state of it, or damaged.
  const path = join(directory, 'ids.filter');
  const old = await readFile(path);
  const fifth = await known();
  await close(fifth);
  await writeFile(path, old.fill(0, 100, 110));
  const sixth = await known();
  t.equal(sixth.taken, others.length);
  await close(sixth);
  await rm(path);
  const seventh = await known();
  t.equal(seventh.taken, others.length, 'no file');
  await close(seventh);
});

t.test('it is asked for the keys of ids alone', (t) => {
  const tables: Table[] = ['s', 'i', 'p', 'r', 'j', 'a', 'b', 'g', 'd', 'f', 'h', 'c', 'x', 'u', 'n', 'm', 't'];
  for (const tenant of ['', 'one', 'i', 'ïï']) {
    for (const table of tables) {
      const key = tableKey(tenant, table, Buffer.from('\0i0123456789abcdef'));
      t.equal(isIdKey(key), tableOf(key) === 'i', `${JSON.stringify(tenant)} ${table}`);
    }
  }
  t.end();
});

t.test('a statement that is sent again is known, at once and later, before and after a restart', async (t) => {
  const directory = t.testdir();
  const batch = () => [sample(1), sample(2)];
  for (const wait of [0, 0, 100]) {
    const storage = await openLevelStorage({ directory });
    await new Promise((resolve) => setTimeout(resolve, wait));
    const { statements } = storage;
    const expected = wait === 0 && await statements.count('one') === 0 ? 'stored' : 'duplicate';
    t.strictSame(await statements.append('one', batch()), { status: 'stored', outcomes: [expected, expected] });
    t.strictSame(await statements.append('one', batch()), { status: 'stored', outcomes: ['duplicate', 'duplicate'] });
    t.strictSame(await statements.append('one', [sample(3 + wait), sample(2, { actor: agent('bob') })]), { status: 'conflict', index: 1 });
    t.equal(await statements.count('one'), 2);
    await storage.close();
  }
});
