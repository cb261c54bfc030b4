import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { ContentStore } from '../../src/cmi5/content-store.js';
import { attachmentAdapters, contract, openFor } from './adapters.js';

const streamOf = (...chunks: Buffer[]): Readable => Readable.from(chunks, { objectMode: false });

async function keep(store: ContentStore, tenant: string, bytes: Buffer, id: string = randomUUID()): Promise<string> {
  await (await store.stage(tenant, id, streamOf(bytes), bytes.length)).commit();
  return id;
}

const read = async (store: ContentStore, tenant: string, id: string, start: number, end: number): Promise<Buffer> => buffer(await store.open(tenant, id, start, end));

async function listed(store: ContentStore, tenant: string): Promise<string[]> {
  const all: string[] = [];
  for await (const id of store.list(tenant)) all.push(id);
  return all;
}

/** Waits for what the store does on its own, such as clearing up. */
async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

contract(async (t, adapter) => {
  const storage = await openFor(t, adapter);
  const store = storage.current.content;
  let tenants = 0;
  const test = (name: string, body: (t: Test, tenant: string) => Promise<void>) => t.test(name, (t) => body(t, `tenant-${++tenants}`));

  await test('bytes come back as they came, and are found from commit on', async (t, tenant) => {
    for (const bytes of [Buffer.from('x'), randomBytes(3_000_000)]) {
      const id = randomUUID();
      t.equal(await store.length(tenant, id), undefined);
      const staged = await store.stage(tenant, id, streamOf(bytes.subarray(0, 100), bytes.subarray(100)), bytes.length);
      t.strictSame([staged.length, staged.sha256], [bytes.length, createHash('sha256').update(bytes).digest('hex')]);
      t.equal(await store.length(tenant, id), undefined, 'nothing is found before commit');
      await t.rejects(store.open(tenant, id, 0, 1), { code: 'not-found' });
      t.strictSame((await listed(store, tenant)).includes(id), false);
      t.ok((await staged.read(0, bytes.length)).equals(bytes), 'but it can be read by who staged it');
      await staged.commit();
      t.equal(await store.length(tenant, id), bytes.length);
      t.ok((await read(store, tenant, id, 0, bytes.length)).equals(bytes));
      t.ok((await staged.read(0, bytes.length)).equals(bytes), 'afterwards too');
    }
    const empty = await keep(store, tenant, Buffer.alloc(0));
    t.equal(await store.length(tenant, empty), 0);
    t.equal((await read(store, tenant, empty, 0, 10)).length, 0);
  });

  await test('parts of the bytes', async (t, tenant) => {
    const bytes = randomBytes(2_500_000);
    const id = randomUUID();
    const staged = await store.stage(tenant, id, streamOf(bytes), bytes.length);
    const parts = [[0, 1], [0, 0], [5, 5], [1, 1_048_576], [1_048_575, 1_048_577], [1_048_576, 2_097_152], [2_499_999, 2_500_000], [2_499_000, 3_000_000], [2_500_000, 2_500_000], [9_000_000, 9_000_001]] as const;
    for (const [start, end] of parts) t.ok((await staged.read(start, end)).equals(bytes.subarray(start, end)), `staged ${start} to ${end}`);
    await staged.commit();
    for (const [start, end] of parts) t.ok((await read(store, tenant, id, start, end)).equals(bytes.subarray(start, end)), `${start} to ${end}`);
  });

  await test('more bytes than allowed are refused', async (t, tenant) => {
    await t.rejects(store.stage(tenant, randomUUID(), streamOf(randomBytes(100_001)), 100_000), { code: 'too-large' });
    const endless = Readable.from((function* () { for (;;) yield randomBytes(65536); })(), { objectMode: false });
    await t.rejects(store.stage(tenant, randomUUID(), endless, 3_000_000), { code: 'too-large' }, 'an endless stream ends');
    t.strictSame(await listed(store, tenant), []);
  });

  await test('a stream that breaks off leaves nothing', async (t, tenant) => {
    const broken = Readable.from((function* () { yield randomBytes(1_500_000); throw new Error('the client went away'); })(), { objectMode: false });
    await t.rejects(store.stage(tenant, randomUUID(), broken, 10_000_000), { message: 'the client went away' });
    const cut = new PassThrough();
    const staging = store.stage(tenant, randomUUID(), cut, 10_000_000);
    cut.write(randomBytes(1000));
    setTimeout(() => cut.destroy(), 20);
    await t.rejects(staging, 'also one that is ended without a word');
    await t.rejects(store.stage(tenant, randomUUID(), cut, 10_000_000), 'or before anybody listened');
    for (let attempt = 0; attempt < 20; attempt++) {
      const failing = new Readable({ read() { this.destroy(new Error('at once')); } });
      await t.rejects(store.stage(tenant, randomUUID(), failing, 100), { message: 'at once' });
    }
    if (storage.current.directory !== undefined) t.strictSame(await readdir(join(storage.current.directory, 'content', 'incoming')), []);
    t.strictSame(await listed(store, tenant), []);
  });

  await test('discard throws staged bytes away, and does nothing after commit', async (t, tenant) => {
    const [gone, kept] = [randomUUID(), randomUUID()];
    const discarded = await store.stage(tenant, gone, streamOf(randomBytes(100)), 100);
    await discarded.discard();
    await discarded.discard();
    t.equal(await store.length(tenant, gone), undefined);
    const committed = await store.stage(tenant, kept, streamOf(randomBytes(100)), 100);
    await committed.commit();
    await committed.discard();
    t.equal(await store.length(tenant, kept), 100);
    t.strictSame(await listed(store, tenant), [kept]);
  });

  await test('delete removes a package, again and again', async (t, tenant) => {
    const bytes = randomBytes(1_200_000);
    const ids = [await keep(store, tenant, bytes), await keep(store, tenant, bytes)].sort();
    t.strictSame(await listed(store, tenant), ids, 'listed in order');
    await store.delete(tenant, ids[0]!);
    await store.delete(tenant, ids[0]!);
    await store.delete(tenant, randomUUID());
    await store.delete(tenant, '../../etc/passwd');
    t.equal(await store.length(tenant, ids[0]!), undefined);
    await t.rejects(store.open(tenant, ids[0]!, 0, 1), { code: 'not-found' });
    t.ok((await read(store, tenant, ids[1]!, 0, bytes.length)).equals(bytes), 'the same bytes under another id stay');
  });

  await test('only a UUID is an id', async (t, tenant) => {
    for (const id of ['', 'x', '../x', '..', randomUUID().toUpperCase(), `${randomUUID()}/..`, `${randomUUID()}\0`]) {
      await t.rejects(store.stage(tenant, id, streamOf(Buffer.from('x')), 10), { code: 'not-found' }, JSON.stringify(id));
      await t.rejects(store.open(tenant, id, 0, 1), { code: 'not-found' });
      t.equal(await store.length(tenant, id), undefined);
    }
  });

  await test('tenants share nothing', async (t, tenant) => {
    const bytes = randomBytes(100);
    const [one, other] = [`${tenant}-a`, `${tenant}-b`];
    const id = await keep(store, one, bytes);
    t.equal(await store.length(other, id), undefined);
    await t.rejects(store.open(other, id, 0, 1), { code: 'not-found' });
    await keep(store, other, randomBytes(50), id);
    await store.delete(other, id);
    t.ok((await read(store, one, id, 0, 100)).equals(bytes));
    t.strictSame([await listed(store, other), await listed(store, tenant), await listed(store, one)], [[], [], [id]]);
  });

  await test('a reader may leave before the end', async (t, tenant) => {
    const bytes = randomBytes(6_000_000);
    const id = await keep(store, tenant, bytes);
    const stream = await store.open(tenant, id, 0, bytes.length);
    let seen = 0;
    for await (const chunk of stream) {
      seen += (chunk as Buffer).length;
      if (seen > 100_000) break;
    }
    t.ok(seen < bytes.length);
  });

  await t.test('reopening keeps what was committed and nothing else', async (t) => {
    const own = await openFor(t, adapter);
    const id = await keep(own.current.content, 'main', randomBytes(100));
    const left = randomUUID();
    await own.current.content.stage('main', left, streamOf(randomBytes(100)), 100);
    await own.reopen();
    t.strictSame(await listed(own.current.content, 'main'), [id]);
    t.ok(await until(async () => await own.current.content.length('main', left) === undefined));
    await keep(own.current.content, 'main', randomBytes(10), left);
    t.equal(await own.current.content.length('main', left), 10, 'what was left does not stand in the way');
    if (own.current.directory !== undefined) {
      const files = await readdir(own.current.directory, { recursive: true, withFileTypes: true });
      t.equal(files.filter((entry) => entry.isFile() && entry.parentPath.includes('content')).length, 2, 'a crash leaves no litter');
    }
  });
}, attachmentAdapters);
