import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
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
    for (const content of ['some bytes', '', 'many bytes'.repeat(10_000)]) {
      const sha2 = createHash(algorithm).update(content).digest('hex');
      const staged = await source.attachments.stage('one', sha2, Readable.from(content === '' ? [] : [Buffer.from(content)], { objectMode: false }), 1 << 20);
      await staged.commit();
      staged.release();
      hashes.push(sha2);
    }
  }
  const service = createBackupService({ store: source.backup, statements: source.statements, attachments: source.attachments, content: source.content, listTenants: () => tenants.ids() });
  const report = await restoreBackup(() => openRestoreTarget(join(folder, 'target')), service.archive(await service.manifest()));
  await source.close();
  t.equal(report.attachments, hashes.length);
  const target = await openLevelStorage({ directory: join(folder, 'target') });
  const found: string[] = [];
  for await (const { sha2 } of target.attachments.list('one')) found.push(sha2);
  await target.close();
  t.same(found.sort(), hashes.sort());
});

t.test('packages come back byte for byte, under their ids and tenants', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const source = await openLevelStorage({ directory: join(folder, 'source') });
  const tenants = createTenantService({ records: source.records });
  const packages = new Map<string, Buffer>();
  for (const tenant of ['one', 'two', 'none']) {
    await tenants.create(tenant, tenant);
    for (const bytes of tenant === 'none' ? [] : [randomBytes(300_000), Buffer.alloc(0), randomBytes(1)]) {
      const id = randomUUID();
      await (await source.content.stage(tenant, id, Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false }), bytes.length)).commit();
      packages.set(`${tenant}/${id}`, bytes);
    }
  }
  await source.content.stage('one', randomUUID(), Readable.from([Buffer.from('on its way')], { objectMode: false }), 100);
  const service = createBackupService({ store: source.backup, statements: source.statements, attachments: source.attachments, content: source.content, listTenants: () => tenants.ids() });
  const archive = await buffer(service.archive(await service.manifest()));
  const report = await restoreBackup(() => openRestoreTarget(join(folder, 'target')), Readable.from([archive], { objectMode: false }));
  await source.close();
  t.equal(report.packages, packages.size);
  const target = await openLevelStorage({ directory: join(folder, 'target') });
  t.teardown(() => target.close());
  const found: string[] = [];
  for (const tenant of ['one', 'two', 'none']) for await (const id of target.content.list(tenant)) found.push(`${tenant}/${id}`);
  t.same(found.sort(), [...packages.keys()].sort());
  for (const [name, bytes] of packages) {
    const [tenant, id] = name.split('/') as [string, string];
    t.equal(await target.content.length(tenant, id), bytes.length);
    t.ok((await buffer(await target.content.open(tenant, id, 0, bytes.length))).equals(bytes));
  }
  const damaged = Buffer.from(archive);
  damaged[archive.indexOf([...packages.values()][0]!.subarray(0, 32)) + 1000]! ^= 1;
  await t.rejects(restoreBackup(() => openRestoreTarget(join(folder, 'other')), Readable.from([damaged], { objectMode: false })), { message: /damaged/ });
});
