import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32, inflateRawSync } from 'node:zlib';
import t from 'tap';
import type { ContentStore } from '../../../../src/cmi5/content-store.js';
import { createPackageFiles } from '../../../../src/cmi5/packages/package-files.js';
import { createContentStore } from '../../../../src/storage/leveldb/content-store.js';
import { courseXml, goodPackage, makeZip } from './make-zip.js';

const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const content = createContentStore(folder);

async function keep(bytes: Buffer): Promise<string> {
  const id = randomUUID();
  await (await content.stage('one', id, Readable.from([bytes], { objectMode: false }), bytes.length)).commit();
  return id;
}

const text = Buffer.from('All work and no play. '.repeat(100_000));
const film = randomBytes(1_500_000);
const id = await keep(goodPackage([{ id: 'https://example.org/au/1' }], [{ name: 'text.txt', data: text }, { name: 'film.mp4', data: film, method: 0 }, { name: 'empty.txt', method: 0 }, { name: 'packed-empty.txt', data: '' }, { name: 'media/' }, { name: 'grün.txt', data: 'x' }]));
const files = createPackageFiles({ content });

t.test('files come back, whole and in parts', async (t) => {
  for (const [path, bytes, deflated] of [['text.txt', text, true], ['film.mp4', film, false], ['empty.txt', Buffer.alloc(0), false], ['packed-empty.txt', Buffer.alloc(0), true]] as const) {
    const file = (await files.find('one', id, path))!;
    t.equal(file.length, bytes.length);
    t.equal(file.crc32, crc32(bytes));
    t.equal(file.deflatedLength !== undefined, deflated);
    t.ok((await buffer(await file.open())).equals(bytes), path);
    if (deflated) {
      const raw = await buffer(await file.openDeflated());
      t.equal(raw.length, file.deflatedLength);
      t.ok(inflateRawSync(raw).equals(bytes));
    }
    for (const [start, end] of [[0, 1], [0, 0], [5, 5], [1000, 700_000], [bytes.length - 1, bytes.length], [bytes.length, bytes.length], [bytes.length - 5, bytes.length + 100], [bytes.length + 5, bytes.length + 10]] as const) {
      t.ok((await buffer(await file.open({ start, end }))).equals(bytes.subarray(Math.max(0, start), Math.max(0, end))), `${path} from ${start} to ${end}`);
    }
  }
  t.ok(await files.find('one', id, 'gru\u0308n.txt'), 'whatever form the letters have');
});

t.test('what is not there', async (t) => {
  for (const path of ['', 'nothing', 'media', 'media/', 'TEXT.TXT', '/text.txt', '../text.txt', '__proto__', 'constructor']) t.equal(await files.find('one', id, path), undefined, path);
  await t.rejects(files.find('one', randomUUID(), 'index.html'), { code: 'not-found' });
  await t.rejects(files.find('two', id, 'index.html'), { code: 'not-found' }, 'another tenant');
  t.equal(await files.find('one', await keep(Buffer.from(courseXml([{ id: 'https://example.org/au/1' }]))), 'cmi5.xml'), undefined, 'a package that is no zip has no files');
});

t.test('a file that lies never gives more than it says, and its stream fails', async (t) => {
  const lying = await keep(makeZip({ entries: [{ name: 'more', data: text, length: 1000 }, { name: 'fewer', data: 'abc', length: 1000 }, { name: 'broken', data: 'abc', packed: randomBytes(500) }, { name: 'moved', data: 'abc', localName: 'other' }] }));
  for (const path of ['more', 'fewer', 'broken', 'moved']) {
    const file = (await files.find('one', lying, path))!;
    let seen = 0;
    await t.rejects(async () => {
      for await (const piece of await file.open()) seen += (piece as Buffer).length;
    }, path);
    t.ok(seen <= 1000);
  }
});

t.test('a reader that leaves ends what it reads from', async (t) => {
  let open = 0;
  const counted: ContentStore = {
    ...content,
    open: async (...args) => {
      const stream = await content.open(...args);
      open++;
      stream.once('close', () => open--);
      return stream;
    },
  };
  const watched = createPackageFiles({ content: counted });
  for (const path of ['text.txt', 'film.mp4']) {
    const file = (await watched.find('one', id, path))!;
    for await (const _ of await file.open()) break;
    (await file.open({ start: 5, end: 1_000_000 })).destroy();
    for await (const _ of await file.open({ start: 0, end: 10 })) continue;
  }
  for (let attempt = 0; attempt < 100 && open > 0; attempt++) await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(open, 0);
});

t.test('directories are read once, and those asked for last remembered', async (t) => {
  const reads = new Map<string, number>();
  const counted: ContentStore = {
    ...content,
    length: (tenant, packageId) => {
      reads.set(packageId, (reads.get(packageId) ?? 0) + 1);
      return content.length(tenant, packageId);
    },
  };
  const [a, b, c] = [await keep(goodPackage()), await keep(goodPackage()), await keep(goodPackage())];
  const small = createPackageFiles({ content: counted, remembered: 6 });
  await Promise.all([1, 2, 3].map(() => small.find('one', a, 'index.html')));
  t.equal(reads.get(a), 1, 'by several at once');
  await small.find('one', b, 'index.html');
  await small.find('one', a, 'index.html');
  await small.find('one', c, 'index.html');
  await small.find('one', a, 'index.html');
  await small.find('one', c, 'index.html');
  t.same([a, b, c].map((one) => reads.get(one)), [1, 1, 1]);
  await small.find('one', b, 'index.html');
  t.equal(reads.get(b), 2, 'the one that was not asked for has gone');
  const gone = randomUUID();
  await t.rejects(small.find('one', gone, 'index.html'));
  await t.rejects(small.find('one', gone, 'index.html'));
  t.equal(reads.get(gone), 2, 'a failure is not remembered');
});
