import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import { restoreBackup } from '../../../src/backup/restore.js';
import { createBackupService } from '../../../src/backup/service.js';
import { openRestoreTarget } from '../../../src/storage/leveldb/restore-target.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';

t.test('attachments of every hash that the standard knows come back, empty ones too', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const source = await openLevelStorage({ directory: join(folder, 'source') });
  const tenants = createTenantService({ records: source.records });
  await tenants.create('one', 'One');
  const hashes: string[] = [];
  for (const algorithm of ['sha224', 'sha256', 'sha384', 'sha512']) {
    for (const content of ['some bytes', '']) {
      const sha2 = createHash(algorithm).update(content).digest('hex');
      const staged = await source.attachments.stage('one', sha2, Readable.from(content === '' ? [] : [Buffer.from(content)], { objectMode: false }), 1000);
      await staged.commit();
      staged.release();
      hashes.push(sha2);
    }
  }
  const service = createBackupService({ store: source.backup, statements: source.statements, attachments: source.attachments, tenants });
  const report = await restoreBackup(() => openRestoreTarget(join(folder, 'target')), service.archive(await service.manifest()));
  await source.close();
  t.equal(report.attachments, hashes.length);
  const target = await openLevelStorage({ directory: join(folder, 'target') });
  const found: string[] = [];
  for await (const { sha2 } of target.attachments.list('one')) found.push(sha2);
  await target.close();
  t.same(found.sort(), hashes.sort());
});
