import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { sample } from '../../contract/statement-samples.js';

t.test('stored and Consistent-Through never go backwards, also when the clock does', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-clock-'));
  const realNow = Date.now;
  let storage = await openLevelStorage({ directory });
  t.teardown(async () => {
    Date.now = realNow;
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  });
  const start = realNow();
  const stored = async (): Promise<number[]> => (await storage.statements.find('one', { filters: [], ascending: true, limit: 100 })).statements.map((statement) => statement.stored);

  await storage.statements.append('one', [sample(1)]);
  Date.now = () => start - 3_600_000;
  const consistent = await storage.statements.consistentThrough('one');
  t.ok(consistent <= Date.now(), 'Consistent-Through is not in the future of the clock as it is');
  await storage.statements.append('one', [sample(2)]);
  const before = await stored();
  t.ok(before[1]! >= before[0]!, 'within a process');

  await storage.close();
  storage = await openLevelStorage({ directory });
  await storage.statements.append('one', [sample(3)]);
  const after = await stored();
  t.equal(after.length, 3);
  t.ok(after[2]! >= after[1]!, 'and across a restart');

  Date.now = () => start + 10_000;
  const promised = await storage.statements.consistentThrough('one');
  Date.now = () => start + 5_000;
  await storage.statements.append('one', [sample(4)]);
  t.ok((await stored())[3]! > promised, 'nothing is stored at or before a Consistent-Through that was given');
  t.ok(await storage.statements.consistentThrough('one') <= start + 5_000);
  t.same((await storage.statements.find('one', { filters: [], ascending: true, limit: 10, since: after[2]! })).statements.length, 1, 'since finds what was stored after it');
});
