import { ClassicLevel } from 'classic-level';
import t from 'tap';
import { levelOptions, type Level } from '../../../src/storage/leveldb/level.js';
import { createPointReads } from '../../../src/storage/leveldb/point-reads.js';

const key = Buffer.from('key');
const missing = Buffer.from('missing');

t.test('reads that wait for the disk go to other threads, and come back when they do not', async (t) => {
  const level: Level = new ClassicLevel<Buffer, Buffer>(t.testdir(), levelOptions);
  await level.open();
  t.teardown(() => level.close());
  await level.put(key, Buffer.from('value'));
  let time = 0;
  let diskTakes = 0;
  const asked = { here: 0, elsewhere: 0 };
  const read = createPointReads({
    getSync: (at: Buffer) => {
      asked.here++;
      time += diskTakes;
      return level.getSync(at);
    },
    get: (at: Buffer) => {
      asked.elsewhere++;
      return level.get(at);
    },
  } as Pick<Level, 'get' | 'getSync'>, () => time);

  t.equal((await read(key))?.toString(), 'value');
  t.equal(await read(missing), undefined);
  diskTakes = 3;
  await read(key);
  diskTakes = 0;
  await read(key);
  t.same(asked, { here: 4, elsewhere: 0 }, 'a single slow one changes nothing');

  diskTakes = 3;
  await read(key);
  await read(key);
  const both = await Promise.all([read(key), read(missing)]);
  t.same([both[0]?.toString(), both[1]], ['value', undefined]);
  t.same(asked, { here: 6, elsewhere: 2 });

  diskTakes = 0;
  time += 60;
  t.equal((await read(key))?.toString(), 'value');
  t.same(asked, { here: 7, elsewhere: 2 });
});

t.test('a read while the store is closed is answered as one of a store that does not answer', async (t) => {
  const level: Level = new ClassicLevel<Buffer, Buffer>(t.testdir(), levelOptions);
  await level.open();
  await level.close();
  await t.rejects(createPointReads(level)(key), { code: 'store-unavailable' });
});
