import { ClassicLevel } from 'classic-level';
import t from 'tap';
import type { AttachmentFiles } from '../../../src/storage/leveldb/attachment-files.js';
import { createBackupStore } from '../../../src/storage/leveldb/backup.js';
import { levelOptions, type Level } from '../../../src/storage/leveldb/level.js';

t.test('a backup from which nobody reads holds up those who wait for its end no longer than it may', async (t) => {
  const level: Level = new ClassicLevel<Buffer, Buffer>(t.testdir(), levelOptions);
  await level.open();
  t.teardown(() => level.close());
  for (let n = 0; n < 16; n++) await level.put(Buffer.from([n]), Buffer.alloc(1 << 20, n));
  const backup = createBackupStore(level, {} as AttachmentFiles, 100);

  const whole = backup.dump();
  let bytes = 0;
  for await (const chunk of whole) bytes += chunk.length;
  t.ok(bytes > 16 << 20);
  t.notOk(backup.busy());

  const stalled = backup.dump()[Symbol.asyncIterator]();
  t.ok((await stalled.next()).value);
  t.ok(backup.busy());
  await backup.settled();
  t.notOk(backup.busy());
  await t.rejects(stalled.next(), { message: /Nobody has read/ });
  t.equal((await stalled.next()).done, true);

  const left = backup.dump()[Symbol.asyncIterator]();
  await left.next();
  await left.return!(undefined);
  t.notOk(backup.busy());
});
