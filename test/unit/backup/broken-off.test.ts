import { createReadStream } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { createBackupService, type BackupDeps } from '../../../src/backup/service.js';

t.test('a backup that its reader breaks off leaves nothing open', async (t) => {
  const folder = t.testdir({ large: Buffer.alloc(8 << 20) });
  const opened: ReadStream[] = [];
  const none = async function* () { /* nothing is there */ };
  const service = createBackupService({
    store: { engine: 'test', version: 1, dump: none },
    statements: { count: async () => 0, settled: async () => undefined },
    attachments: {
      list: async function* () { yield { sha2: 'a'.repeat(64) }; },
      open: async () => {
        const stream = createReadStream(join(folder, 'large'));
        opened.push(stream);
        return { length: 8 << 20, stream };
      },
    },
    content: { list: none, length: async () => undefined },
    listTenants: async () => ['default'],
  } as unknown as BackupDeps);
  const archive = service.archive(await service.manifest());
  archive.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    let bytes = 0;
    archive.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > 1 << 20) archive.destroy();
    }).on('close', resolve);
  });
  for (let left = 100; left > 0 && !opened[0]!.closed; left--) await pause(20);
  t.equal(opened.length, 1);
  t.ok(opened[0]!.closed);
});
