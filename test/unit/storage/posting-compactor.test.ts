import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import { levelOptions, NOTHING, type Level } from '../../../src/storage/leveldb/level.js';
import { createPostingCompactor } from '../../../src/storage/leveldb/posting-compactor.js';
import { postingKey, postingPrefix } from '../../../src/storage/leveldb/posting-entry.js';

const entries = 10_000;
const list = (name: string): Buffer => postingPrefix('one', Buffer.from(`V${name}........`.slice(0, 9)));

/** A store on disk with a list of so many entries, all but the first of which were deleted then. */
async function storeOf(t: Test, prefix: Buffer): Promise<Level> {
  const level: Level = new ClassicLevel<Buffer, Buffer>(t.testdir(), levelOptions);
  await level.open();
  t.teardown(() => level.close());
  const keys = Array.from({ length: entries }, (_, position) => postingKey(prefix, position));
  await level.batch(keys.map((key) => ({ type: 'put', key, value: NOTHING })));
  await level.compactRange(Buffer.from('o'), Buffer.from('p'));
  await level.batch(keys.slice(1).map((key) => ({ type: 'del', key })));
  return level;
}

const bytesOf = (level: Level, prefix: Buffer): Promise<number> => level.approximateSize(postingKey(prefix, 0), postingKey(prefix, entries));

t.test('a list is compacted when its deleted entries were passed over often', async (t) => {
  const prefix = list('a');
  const level = await storeOf(t, prefix);
  const compactor = createPostingCompactor(level, () => true);
  compactor.deleted(prefix, 1, entries - 1, entries - 1);
  const before = await bytesOf(level, prefix);

  compactor.passed(prefix, 0, entries);
  await compactor.finish();
  t.equal(await bytesOf(level, prefix), before, 'not when it was read once');
  for (let time = 0; time < 100; time++) compactor.passed(list('b'), 0, entries);
  await compactor.finish();
  t.equal(await bytesOf(level, prefix), before, 'nor when another was');
  for (let time = 0; time < 1000; time++) compactor.passed(prefix, entries, 2 * entries);
  await compactor.finish();
  t.equal(await bytesOf(level, prefix), before, 'nor for what was read beside that');
  for (let time = 0; time < 100; time++) compactor.passed(prefix, 0, entries / 100);
  await compactor.finish();
  t.equal(await bytesOf(level, prefix), before, 'a hundredth of the list passes over a hundredth');

  compactor.passed(prefix, 0, entries);
  compactor.passed(prefix, 0, entries);
  await compactor.finish();
  t.ok(await bytesOf(level, prefix) < before / 10, 'what was deleted is gone from the files');
  t.equal((await level.keys({ gte: postingKey(prefix, 0), lt: postingKey(prefix, entries) }).all()).length, 1, 'what was not deleted is there');
  await compactor.close();
});

t.test('of more lists than are remembered, those that were told of longest ago are forgotten', async (t) => {
  const prefix = list('a');
  const level = await storeOf(t, prefix);
  const compactor = createPostingCompactor(level, () => true);
  const others = (): void => { for (let number = 0; number < 1500; number++) compactor.deleted(list(String(number)), 1, 10, 10); };
  const before = await bytesOf(level, prefix);
  others();
  compactor.deleted(prefix, 1, entries - 1, entries - 1);
  for (let time = 0; time < 3; time++) compactor.passed(prefix, 0, entries);
  others();
  compactor.passed(prefix, 0, entries);
  await compactor.finish();
  t.equal(await bytesOf(level, prefix), before, 'it was forgotten');
  compactor.deleted(prefix, 1, entries - 1, entries - 1);
  for (let time = 0; time < 4; time++) compactor.passed(prefix, 0, entries);
  await compactor.finish();
  t.ok(await bytesOf(level, prefix) < before / 10, 'and is remembered though others were before');
  await compactor.close();
});

t.test('nothing is compacted at a bad moment', async (t) => {
  const prefix = list('a');
  const level = await storeOf(t, prefix);
  let good = false;
  const compactor = createPostingCompactor(level, () => good);
  compactor.deleted(prefix, 1, entries - 1, entries - 1);
  const before = await bytesOf(level, prefix);
  for (let time = 0; time < 10; time++) compactor.passed(prefix, 0, entries);
  await compactor.finish();
  t.equal(await bytesOf(level, prefix), before);

  good = true;
  compactor.passed(prefix, 0, entries);
  await compactor.finish();
  t.ok(await bytesOf(level, prefix) < before / 10, 'later, when it is read again');
  await compactor.close();
});
