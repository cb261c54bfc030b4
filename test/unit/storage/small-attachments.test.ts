import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import { restoreBackup } from '../../../src/backup/restore.js';
import { createBackupService } from '../../../src/backup/service.js';
import type { HeldAttachment, StagedAttachment } from '../../../src/statements/attachment-store.js';
import { createAttachmentFiles } from '../../../src/storage/leveldb/attachment-files.js';
import { createAttachmentStore } from '../../../src/storage/leveldb/attachment-store.js';
import { createHolding } from '../../../src/storage/leveldb/held-bytes.js';
import { openLevelStorage, type LevelStorage } from '../../../src/storage/leveldb/open.js';
import { openRestoreTarget } from '../../../src/storage/leveldb/restore-target.js';
import { incoming, statement } from '../../contract/statement-samples.js';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const streamOf = (...chunks: Buffer[]): Readable => Readable.from(chunks, { objectMode: false });
const attachment = (bytes: Buffer) => ({ usageType: 'https://example.org/file', display: { en: 'File' }, contentType: 'text/plain', length: bytes.length, sha2: digest(bytes) });
const naming = (number: number, bytes: Buffer) => incoming(statement(number, { attachments: [attachment(bytes)] }));
const SMALL = 64 << 10;

async function folderFor(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-small-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function open(t: Test, directory: string): Promise<LevelStorage> {
  const storage = await openLevelStorage({ directory });
  t.teardown(() => storage.close());
  return storage;
}

const stage = ({ attachments }: LevelStorage, bytes: Buffer): Promise<StagedAttachment> => attachments.stage('one', digest(bytes), streamOf(bytes), 1 << 20);
const held = async (storage: LevelStorage, bytes: Buffer): Promise<HeldAttachment> => await stage(storage, bytes) as StagedAttachment & HeldAttachment;
const isFile = (directory: string, bytes: Buffer): boolean => existsSync(join(directory, 'attachments', 'by-hash', 'one', digest(bytes).slice(0, 2), digest(bytes)));
/** Whether a statement names them, as the service asks. */
const isNamed = ({ statements }: LevelStorage, bytes: Buffer) => async (): Promise<boolean> =>
  (await statements.find('one', { filters: [[`H${digest(bytes)}`]], ascending: true, limit: 1, includeVoided: true })).statements.length > 0;

async function read({ attachments }: LevelStorage, bytes: Buffer): Promise<Buffer | undefined> {
  const found = await attachments.open('one', digest(bytes));
  return found && buffer(found.stream);
}

async function hashes({ attachments }: LevelStorage): Promise<string[]> {
  const found: string[] = [];
  for await (const { sha2 } of attachments.list('one')) found.push(sha2);
  return found;
}

/** Puts bytes where an older version kept all: into a file. */
async function keepAsFile(directory: string, bytes: Buffer): Promise<void> {
  const staged = await createAttachmentStore(createAttachmentFiles(join(directory, 'attachments'), () => true)).stage('one', digest(bytes), streamOf(bytes), bytes.length);
  await staged.commit();
  staged.release();
}

t.test('what is small is no file, one byte more is', async (t) => {
  const directory = await folderFor(t);
  const storage = await open(t, directory);
  for (const [size, small] of [[0, true], [SMALL, true], [SMALL + 1, false]] as const) {
    const bytes = randomBytes(size);
    const staged = await storage.attachments.stage('one', digest(bytes), streamOf(bytes.subarray(0, 10), bytes.subarray(10)), 1 << 20);
    t.equal(staged.bytes !== undefined, small);
    await staged.commit();
    staged.release();
    t.equal(isFile(directory, bytes), !small, `${size} bytes`);
    t.ok((await read(storage, bytes))?.equals(bytes));
  }
});

t.test('statements and their attachments are stored together or not at all', async (t) => {
  const directory = await folderFor(t);
  let storage = await openLevelStorage({ directory });
  const [first, second] = [randomBytes(100), randomBytes(SMALL)];
  t.match(await storage.statements.append('one', [naming(1, first), naming(2, second)], [await held(storage, first), await held(storage, second), await held(storage, second)]), { status: 'stored' });
  t.ok((await read(storage, second))?.equals(second));
  const refused = randomBytes(100);
  t.same(await storage.statements.append('one', [naming(3, refused), naming(1, refused)], [await held(storage, refused)]), { status: 'conflict', index: 1 });
  t.notOk(await storage.attachments.has('one', digest(refused)), 'of what is refused nothing stays');
  await storage.close();
  storage = await open(t, directory);
  t.same(await hashes(storage), [first, second].map(digest).sort());
  t.ok((await read(storage, first))?.equals(first));
});

t.test('bytes that are a file from before are found, and are one attachment with those in the store', async (t) => {
  const directory = await folderFor(t);
  const [old, both, fresh] = [randomBytes(100), randomBytes(100), randomBytes(100)];
  await keepAsFile(directory, old);
  await keepAsFile(directory, both);
  const storage = await open(t, directory);
  t.ok((await read(storage, old))?.equals(old));
  t.ok(await storage.attachments.has('one', digest(old)));
  await storage.statements.append('one', [naming(1, both), naming(2, fresh)], [await held(storage, both), await held(storage, fresh)]);
  t.same(await hashes(storage), [old, both, fresh].map(digest).sort(), 'in order, each once');
  await storage.attachments.delete('one', digest(both), async () => false);
  t.equal(await read(storage, both), undefined, 'both go');
  t.notOk(isFile(directory, both));
  await storage.attachments.delete('one', digest(old), async () => false);
  t.same(await hashes(storage), [digest(fresh)]);
});

t.test('a removal and an upload of the same bytes at once: what a statement names is there', async (t) => {
  const directory = await folderFor(t);
  const storage = await open(t, directory);
  const bytes = randomBytes(100);
  for (let round = 0; round < 60; round++) {
    if (round % 3 === 0) await keepAsFile(directory, bytes);
    const part = await held(storage, bytes);
    const named = isNamed(storage, bytes);
    const wait = (turns: number): Promise<void> => (turns === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => resolve(wait(turns - 1)))));
    await Promise.all([
      storage.attachments.delete('one', digest(bytes), named),
      wait(round % 6).then(() => storage.statements.append('one', [naming(round, bytes)], [part])),
      wait(round % 4).then(() => storage.attachments.delete('one', digest(bytes), named)),
    ]);
    t.ok((await read(storage, bytes))?.equals(bytes), `round ${round}`);
    await storage.statements.erase('one', { erase: [statement(round).id as string], redact: [] });
    await storage.attachments.delete('one', digest(bytes), named);
    t.notOk(await storage.attachments.has('one', digest(bytes)));
  }
});

t.test('uploads of other bytes do not hold a removal up', async (t) => {
  const storage = await open(t, await folderFor(t));
  const bytes = randomBytes(100);
  await storage.statements.append('one', [naming(1, bytes)], [await held(storage, bytes)]);
  let looks = 0;
  await storage.attachments.delete('one', digest(bytes), async () => {
    const other = randomBytes(100);
    await storage.statements.append('one', [naming(10 + looks, other)], [await held(storage, other)]);
    return looks++ > 5;
  });
  t.equal(looks, 1);
  t.notOk(await storage.attachments.has('one', digest(bytes)));
});

t.test('memory for small ones is bounded; above it they become files', async (t) => {
  const directory = await folderFor(t);
  const storage = await open(t, directory);
  const staged: StagedAttachment[] = [];
  const bytes = randomBytes(SMALL);
  for (let number = 0; number < 1100; number++) {
    bytes.writeUInt32LE(number);
    staged.push(await stage(storage, Buffer.from(bytes)));
  }
  const inMemory = staged.filter((part) => part.bytes !== undefined).length;
  t.ok(inMemory > 900 && inMemory < 1024, `${inMemory} are held`);
  const file = staged.at(-1)!;
  await file.commit();
  file.release();
  t.ok(await storage.attachments.has('one', file.sha2));
  for (const part of staged) await part.discard();
  t.ok((await stage(storage, randomBytes(SMALL))).bytes, 'what is over frees its memory');
  const { hold, holdWhole } = createHolding(10_000);
  const first = (await hold(streamOf(randomBytes(5000)), SMALL))!;
  const second = randomBytes(5000);
  const source = streamOf(second.subarray(0, 2500), second.subarray(2500));
  t.equal(await hold(source, SMALL), undefined);
  t.equal(holdWhole(second, SMALL), undefined);
  t.ok((await buffer(source)).equals(second), 'nothing of it is lost');
  first.free();
  first.free();
  holdWhole(second, SMALL)!.free();
  t.equal(holdWhole(second, 4999), undefined);
  (await hold(streamOf(second), SMALL))!.free();
  await t.rejects(hold(Readable.from((function* () { yield second; throw new Error('gone'); })(), { objectMode: false }), SMALL), { message: 'gone' });
});

t.test('a backup holds each once, also where a file of before has come into the store since', async (t) => {
  const folder = await folderFor(t);
  const directory = join(folder, 'source');
  const [old, fresh, large] = [randomBytes(100), randomBytes(1000), randomBytes(SMALL + 1)];
  await keepAsFile(directory, old);
  const source = await open(t, directory);
  const tenants = createTenantService({ records: source.records });
  await tenants.create('one', 'One');
  const file = await stage(source, large);
  await file.commit();
  await source.statements.append('one', [naming(1, old), naming(2, large), naming(3, fresh)], [await held(source, fresh)]);
  file.release();
  const service = createBackupService({
    ...source, store: { ...source.backup, dump: async function* () {
      yield* source.backup.dump();
      // Its snapshot does not have this, and knows the file alone.
      await source.statements.append('one', [naming(4, old)], [await held(source, old)]);
    } }, listTenants: () => tenants.ids(),
  });
  const report = await restoreBackup(() => openRestoreTarget(join(folder, 'target')), service.archive(await service.manifest()));
  t.equal(report.attachments, 3);
  const target = await open(t, join(folder, 'target'));
  for (const bytes of [old, fresh, large]) t.ok((await read(target, bytes))?.equals(bytes));
  t.same(await hashes(target), [old, fresh, large].map(digest).sort());
});
