import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ClassicLevel } from 'classic-level';
import t from 'tap';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import { restoreBackup } from '../../../src/backup/restore.js';
import { createBackupService } from '../../../src/backup/service.js';
import { tableOf, type Table } from '../../../src/storage/leveldb/keys.js';
import { levelOptions, NOTHING, type Level } from '../../../src/storage/leveldb/level.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { decodeEntry, encodeFurther, postingKey, postingPrefix } from '../../../src/storage/leveldb/posting-entry.js';
import { openRestoreTarget } from '../../../src/storage/leveldb/restore-target.js';
import { agent, agentKey, found, referring, sample, uuid, voiding } from '../../contract/statement-samples.js';

async function openLevel(directory: string): Promise<Level> {
  const level: Level = new ClassicLevel<Buffer, Buffer>(join(directory, 'store'), levelOptions);
  await level.open();
  return level;
}

/** How many values of each table are empty. */
async function emptyValues(directory: string): Promise<Partial<Record<Table, number>>> {
  const level = await openLevel(directory);
  const empty: Partial<Record<Table, number>> = {};
  let entries = 0;
  for await (const [key, value] of level.iterator()) {
    entries++;
    if (value.length === 0) empty[tableOf(key)] = (empty[tableOf(key)] ?? 0) + 1;
  }
  await level.close();
  t.ok(entries > 200);
  return empty;
}

t.test('no value is empty, for each of which classic-level would keep memory for ever', async (t) => {
  const directory = t.testdir();
  const storage = await openLevelStorage({ directory, postingsAfter: 1 });
  const { statements } = storage;
  for (let number = 1; number <= 40; number++) await statements.append('one', [sample(number, { actor: agent(number % 2 ? 'ann' : 'bob') })]);
  // One that waits for its target, one that voids in advance, and what they inherit when it comes.
  await statements.append('one', [referring(50, 51), voiding(52, 51), referring(53, 50)]);
  await statements.append('one', [sample(51, { actor: agent('eve') })]);
  await statements.append('one', [referring(54, 1), voiding(55, 2)]);
  await statements.erase('one', { erase: [uuid(3), uuid(51)], redact: [] });
  t.ok((await found(statements, 'one', [agentKey('A', 'ann')])).includes(54), 'a key is inherited');
  await storage.close();

  t.strictSame(await emptyValues(directory), {});
});

t.test('a restore of older data, whose values may be empty, writes none of them', async (t) => {
  const directory = t.testdir();
  const [old, source, target] = ['old', 'source', 'target'].map((name) => join(directory, name)) as [string, string, string];
  const before = await openLevelStorage({ directory: old, postingsAfter: 1 });
  await createTenantService({ records: before.records }).create('one', 'One');
  for (let number = 1; number <= 20; number++) await before.statements.append('one', [sample(number, { actor: agent('ann') }), referring(100 + number, number)]);
  const sha2 = createHash('sha256').digest('hex');
  const staged = await before.attachments.stage('one', sha2, Readable.from([], { objectMode: false }), 1 << 20);
  await staged.commit();
  staged.release();
  await before.close();
  // As an older Quipu would have written it.
  const level = await openLevel(old);
  for await (const [key, value] of level.iterator()) if (value.equals(NOTHING)) await level.put(key, Buffer.alloc(0));
  await level.close();

  await rename(old, source);
  const storage = await openLevelStorage({ directory: source });
  const service = createBackupService({ store: storage.backup, statements: storage.statements, attachments: storage.attachments, content: storage.content, listTenants: () => createTenantService({ records: storage.records }).ids() });
  await restoreBackup(() => openRestoreTarget(target), service.archive(await service.manifest()));
  const expected = await found(storage.statements, 'one', [agentKey('A', 'ann')]);
  await storage.close();
  t.same(await emptyValues(source), { f: 1, p: 20, r: 20 }, 'the older data');
  t.same(await emptyValues(target), { f: 1 }, 'the bytes of an attachment may be empty');
  const restored = await openLevelStorage({ directory: target });
  t.equal(expected.length, 40);
  t.strictSame(await found(restored.statements, 'one', [agentKey('A', 'ann')]), expected);
  await restored.close();
});

t.test('an entry of one position is read as older data have it as well', (t) => {
  const key = postingKey(postingPrefix('one', Buffer.from('Vhashhash')), 7);
  t.strictSame(decodeEntry(key, encodeFurther([7])), [7]);
  t.strictSame(decodeEntry(key, Buffer.alloc(0)), [7]);
  t.strictSame(decodeEntry(key, encodeFurther([7, 8, 8 + 128])), [7, 8, 136]);
  t.end();
});
