import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { AttachmentStore } from '../../src/statements/attachment-store.js';
import { attachmentAdapters, contract, openFor } from './adapters.js';

const digest = (bytes: Buffer, algorithm = 'sha256') => createHash(algorithm).update(bytes).digest('hex');
const streamOf = (...chunks: Buffer[]) => Readable.from(chunks, { objectMode: false });

async function read(store: AttachmentStore, tenant: string, sha2: string): Promise<Buffer | undefined> {
  const found = await store.open(tenant, sha2);
  if (!found) return undefined;
  const bytes = await buffer(found.stream);
  return bytes.length === found.length ? bytes : Buffer.from('another length than was said');
}

/** A small one, and one that is large for every adapter. */
const sizes = [100, 200_000];
const unnamed = async (): Promise<boolean> => false;
const named = async (): Promise<boolean> => true;

/** Stages, commits and releases. */
async function keep(store: AttachmentStore, tenant: string, bytes: Buffer, algorithm?: string): Promise<string> {
  const staged = await store.stage(tenant, digest(bytes, algorithm), streamOf(bytes), bytes.length);
  await staged.commit();
  staged.release();
  return staged.sha2;
}

async function listed(store: AttachmentStore, tenant: string): Promise<{ sha2: string; length: number }[]> {
  const all = [];
  for await (const entry of store.list(tenant)) all.push(entry);
  return all.sort((one, other) => (one.sha2 < other.sha2 ? -1 : 1));
}

contract(async (t, adapter) => {
  const storage = await openFor(t, adapter);
  const store = storage.current.attachments;
  let tenants = 0;
  const test = (name: string, body: (t: Test, tenant: string) => Promise<void>) => t.test(name, (t) => body(t, `tenant-${++tenants}`));

  await test('bytes come back as they came, under each SHA-2', async (t, tenant) => {
    const samples = [Buffer.alloc(0), Buffer.from('x'), randomBytes(64 << 10), randomBytes((64 << 10) + 1), randomBytes(300_000)];
    for (const bytes of samples) {
      for (const algorithm of ['sha224', 'sha256', 'sha384', 'sha512']) {
        const sha2 = digest(bytes, algorithm);
        t.equal(await store.open(tenant, sha2), undefined);
        const staged = await store.stage(tenant, sha2, streamOf(bytes.subarray(0, 100), bytes.subarray(100)), bytes.length);
        t.strictSame([staged.sha2, staged.length], [sha2, bytes.length]);
        t.equal(await store.open(tenant, sha2), undefined, 'nothing is found before commit');
        await staged.commit();
        t.ok((await read(store, tenant, sha2))?.equals(bytes));
        staged.release();
        t.ok((await read(store, tenant, sha2))?.equals(bytes));
      }
    }
    t.equal((await listed(store, tenant)).length, 20);
  });

  await test('bytes that are all there are taken as such', async (t, tenant) => {
    for (const size of [0, ...sizes]) {
      const bytes = randomBytes(size);
      const staged = await store.stage(tenant, digest(bytes), bytes, size);
      t.strictSame([staged.sha2, staged.length], [digest(bytes), size]);
      await staged.commit();
      staged.release();
      t.ok((await read(store, tenant, digest(bytes)))?.equals(bytes));
    }
    const other = randomBytes(101);
    await t.rejects(store.stage(tenant, digest(other), other, 100), { code: 'too-large' });
    await t.rejects(store.stage(tenant, digest(Buffer.from('other')), other, 1000), { code: 'invalid-attachment' });
    await t.rejects(store.stage(tenant, 'none', other, 1000), { code: 'invalid-attachment' });
    t.equal((await listed(store, tenant)).length, sizes.length + 1);
  });

  await test('another hash than declared is refused and leaves nothing', async (t, tenant) => {
    const bytes = Buffer.from('essay');
    for (const sha2 of [digest(Buffer.from('other')), digest(bytes, 'sha384').slice(0, 64), digest(bytes, 'sha1'), '', 'xyz', '../../../../etc/passwd', digest(bytes).toUpperCase()]) {
      await t.rejects(store.stage(tenant, sha2, streamOf(bytes), 1000), { code: 'invalid-attachment' }, sha2);
      t.equal(await store.open(tenant, sha2), undefined);
    }
    t.strictSame(await listed(store, tenant), []);
  });

  await test('more bytes than allowed are refused', async (t, tenant) => {
    const bytes = randomBytes(100_001);
    await t.rejects(store.stage(tenant, digest(bytes), streamOf(bytes), 100_000), { code: 'too-large' });
    await t.rejects(store.stage(tenant, digest(bytes), Readable.from((function* () { for (;;) yield randomBytes(65536); })(), { objectMode: false }), 1_000_000), { code: 'too-large' }, 'an endless stream ends');
    t.strictSame(await listed(store, tenant), []);
    t.equal(await keep(store, tenant, bytes), digest(bytes));
  });

  await test('a stream that breaks off leaves nothing', async (t, tenant) => {
    const bytes = randomBytes(1000);
    const broken = Readable.from((function* () { yield bytes.subarray(0, 500); throw new Error('the client went away'); })(), { objectMode: false });
    await t.rejects(store.stage(tenant, digest(bytes), broken, 10_000), { message: 'the client went away' });
    t.strictSame(await listed(store, tenant), []);
    t.equal(await store.open(tenant, digest(bytes)), undefined);
  });

  for (const size of sizes) await test(`discard throws staged bytes away, and does nothing after commit: ${size} bytes`, async (t, tenant) => {
    const [one, two] = [randomBytes(size), randomBytes(size)];
    const discarded = await store.stage(tenant, digest(one), streamOf(one), size);
    await discarded.discard();
    t.equal(await store.open(tenant, digest(one)), undefined);
    const committed = await store.stage(tenant, digest(two), streamOf(two), size);
    await committed.commit();
    await committed.discard();
    t.ok((await read(store, tenant, digest(two)))?.equals(two));
    committed.release();
  });

  for (const size of sizes) await test(`the same bytes are kept once: ${size} bytes`, async (t, tenant) => {
    const bytes = randomBytes(size);
    await Promise.all(Array.from({ length: 5 }, () => keep(store, tenant, bytes)));
    await keep(store, tenant, bytes);
    t.strictSame(await listed(store, tenant), [{ sha2: digest(bytes), length: size }]);
    t.ok((await read(store, tenant, digest(bytes)))?.equals(bytes));
  });

  for (const size of sizes) await test(`delete removes bytes, but not those between commit and release: ${size} bytes`, async (t, tenant) => {
    const bytes = randomBytes(size);
    const sha2 = digest(bytes);
    const [one, two] = await Promise.all([store.stage(tenant, sha2, streamOf(bytes), size), store.stage(tenant, sha2, streamOf(bytes), size)]);
    await one.commit();
    await two.commit();
    await store.delete(tenant, sha2, unnamed);
    t.ok((await read(store, tenant, sha2))?.equals(bytes), 'two uploads');
    one.release();
    one.release();
    await store.delete(tenant, sha2, unnamed);
    t.ok((await read(store, tenant, sha2))?.equals(bytes), 'one upload still');
    two.release();
    await store.delete(tenant, sha2, unnamed);
    t.equal(await store.open(tenant, sha2), undefined);
    await store.delete(tenant, sha2, unnamed);
    await store.delete(tenant, 'no hash at all', unnamed);
  });

  for (const size of sizes) await test(`bytes of a refused statement are taken back, unless another statement or upload has them: ${size} bytes`, async (t, tenant) => {
    const bytes = randomBytes(size);
    const sha2 = digest(bytes);
    const stage = async () => {
      const staged = await store.stage(tenant, sha2, streamOf(bytes), size);
      await staged.commit();
      return staged;
    };
    await (await stage()).retract(named);
    t.ok(await store.has(tenant, sha2), 'a statement names them');
    await store.delete(tenant, sha2, named);
    t.ok(await store.has(tenant, sha2), 'nor are they deleted');
    const [first, second] = [await stage(), await stage()];
    await first.retract(unnamed);
    t.ok(await store.has(tenant, sha2), 'another upload is under way');
    await second.retract(unnamed);
    t.notOk(await store.has(tenant, sha2), 'the last one takes them back');
    second.release();
    await keep(store, tenant, bytes);
    let looks = 0;
    await store.delete(tenant, sha2, async () => {
      if (looks++ === 0) await keep(store, tenant, bytes);
      return looks > 1;
    });
    t.equal(looks, 2, 'an upload that came to its end meanwhile is looked for again');
    t.ok(await store.has(tenant, sha2));
  });

  await test('tenants share nothing', async (t, tenant) => {
    const bytes = randomBytes(100);
    const [one, other] = [`${tenant}-a`, `${tenant}-b`];
    await keep(store, one, bytes);
    t.equal(await store.open(other, digest(bytes)), undefined);
    await keep(store, other, bytes);
    await store.delete(one, digest(bytes), unnamed);
    t.ok((await read(store, other, digest(bytes)))?.equals(bytes));
    t.strictSame(await listed(store, one), []);
    t.strictSame(await listed(store, tenant), []);
  });

  await t.test('reopening keeps what was committed and nothing else', async (t) => {
    const own = await openFor(t, adapter);
    const kept = sizes.map((size) => randomBytes(size));
    for (const bytes of kept) await keep(own.current.attachments, 'main', bytes);
    for (const size of sizes) {
      const staged = randomBytes(size);
      await own.current.attachments.stage('main', digest(staged), streamOf(staged), size);
    }
    await own.reopen();
    for (const bytes of kept) t.ok((await read(own.current.attachments, 'main', digest(bytes)))?.equals(bytes));
    t.strictSame(await listed(own.current.attachments, 'main'), kept.map((bytes) => ({ sha2: digest(bytes), length: bytes.length })).sort((one, other) => (one.sha2 < other.sha2 ? -1 : 1)));
    if (own.current.directory !== undefined) {
      const files = await readdir(own.current.directory, { recursive: true, withFileTypes: true });
      t.equal(files.filter((entry) => entry.isFile() && entry.parentPath.includes('attachments')).length, 1, 'a crash leaves no litter');
    }
  });
}, attachmentAdapters);
