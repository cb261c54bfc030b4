import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import t from 'tap';
import { levelOptions, type Level } from '../../../src/storage/leveldb/level.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { decodeEntry, encodeFurther, postingKey, postingPrefix } from '../../../src/storage/leveldb/posting-entry.js';
import { agent, agentKey, found, referring, sample, uuid, voiding } from '../../contract/statement-samples.js';

t.test('no value is empty, for each of which classic-level would keep memory for ever', async (t) => {
  const directory = t.testdir();
  const storage = await openLevelStorage({ directory });
  const { statements } = storage;
  for (let number = 1; number <= 40; number++) await statements.append('one', [sample(number, { actor: agent(number % 2 ? 'ann' : 'bob') })]);
  // One that waits for its target, one that voids in advance, and what they inherit when it comes.
  await statements.append('one', [referring(50, 51), voiding(52, 51), referring(53, 50)]);
  await statements.append('one', [sample(51, { actor: agent('eve') })]);
  await statements.append('one', [referring(54, 1), voiding(55, 2)]);
  await statements.erase('one', { erase: [uuid(3), uuid(51)], redact: [] });
  t.ok((await found(statements, 'one', [agentKey('A', 'ann')])).includes(54), 'a key is inherited');
  await storage.close();

  const level: Level = new ClassicLevel<Buffer, Buffer>(join(directory, 'store'), levelOptions);
  const empty: string[] = [];
  let entries = 0;
  for await (const [key, value] of level.iterator()) {
    entries++;
    if (value.length === 0) empty.push(key.toString('latin1'));
  }
  await level.close();
  t.ok(entries > 200);
  t.strictSame(empty, []);
});

t.test('an entry of one position is read as older data have it as well', (t) => {
  const key = postingKey(postingPrefix('one', Buffer.from('Vhashhash')), 7);
  t.strictSame(decodeEntry(key, encodeFurther([7])), [7]);
  t.strictSame(decodeEntry(key, Buffer.alloc(0)), [7]);
  t.strictSame(decodeEntry(key, encodeFurther([7, 8, 8 + 128])), [7, 8, 136]);
  t.end();
});
