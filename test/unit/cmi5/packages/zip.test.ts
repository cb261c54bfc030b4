import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { readPackage } from '../../../../src/cmi5/packages/read-package.js';
import type { PackageFault } from '../../../../src/cmi5/course/fault.js';
import { courseXml, goodPackage, makeZip, type MadeEntry, type MadeZip } from './make-zip.js';

const MB = 1 << 20;
const sourceOf = (bytes: Buffer) => ({ length: bytes.length, read: async (start: number, end: number) => bytes.subarray(start, Math.min(end, bytes.length)) });
const xml: MadeEntry = { name: 'cmi5.xml', data: courseXml([{ id: 'https://example.org/au/1' }]) };
const page: MadeEntry = { name: 'index.html', data: '<p>' };

async function faultsOf(bytes: Buffer, maxUnpacked = 4096 * MB): Promise<PackageFault[]> {
  const reading = await readPackage(sourceOf(bytes), maxUnpacked);
  return 'faults' in reading ? reading.faults : [];
}
const rulesOf = async (bytes: Buffer, maxUnpacked?: number): Promise<string[]> => (await faultsOf(bytes, maxUnpacked)).map(({ rule }) => rule);
const zipOf = (more: readonly MadeEntry[], options: Partial<MadeZip> = {}): Buffer => makeZip({ entries: [xml, page, ...more], ...options });

t.test('a package without faults is read, however it was made', async (t) => {
  const good: [string, Buffer][] = [
    ['deflated', goodPackage()],
    ['stored', makeZip({ entries: [{ ...xml, method: 0 }, { ...page, method: 0 }] })],
    ['zip64', makeZip({ entries: [{ ...xml, zip64: true }, { ...page, zip64: true }], zip64: true })],
    ['with folders', zipOf([{ name: 'media/', mode: 0o040755 }, { name: 'media/a.txt', data: 'a' }])],
    ['made on DOS, where attributes mean something else', zipOf([{ name: 'a.txt', data: 'a', system: 0, mode: 0o120777 }])],
    ['with a comment', zipOf([], { comment: 'Made by hand' })],
    ['an empty file and an empty deflated one', zipOf([{ name: 'empty', method: 0 }, { name: 'packed', data: '' }])],
    ['names from Windows', zipOf([{ name: 'media\\film.mp4', data: 'film' }])],
    ['names that begin with ./', makeZip({ entries: [{ ...xml, name: './cmi5.xml' }, { ...page, name: './index.html' }] })],
    ['names that differ in case alone', zipOf([{ name: 'A.txt', data: '1' }, { name: 'a.txt', data: '2' }])],
    ['what macOS adds', zipOf([{ name: '__MACOSX/._index.html', data: 'x' }])],
    ['a file that shrinks a thousandfold', zipOf([{ name: 'silence.wav', data: Buffer.alloc(20 * MB) }])],
  ];
  for (const [name, bytes] of good) t.match(await readPackage(sourceOf(bytes), 4096 * MB), { kind: 'zip', structure: { publisherId: 'https://example.org/course' } }, name);
  t.match(await readPackage(sourceOf(Buffer.from(courseXml([{ id: 'https://example.org/au/1', url: 'https://example.org/au' }]))), 1), { kind: 'xml' });
});

t.test('names in the encodings that tools write', async (t) => {
  const german = (url: string): MadeEntry => ({ name: 'cmi5.xml', data: courseXml([{ id: 'https://example.org/au/1', url }]) });
  const of = (entry: MadeEntry, url = 'gr%C3%BCn.html'): Promise<string[]> => rulesOf(makeZip({ entries: [german(url), { data: 'x', ...entry }] }));
  t.same(await of({ name: 'grün.html' }), [], 'UTF-8, and said so');
  t.same(await of({ name: Buffer.from('grün.html'), flags: 0 }), [], 'UTF-8, and not said so');
  t.same(await of({ name: Buffer.from('gr\x81n.html', 'latin1'), flags: 0 }), [], 'code page 437');
  t.same(await of({ name: 'gru\u0308n.html' }), [], 'decomposed, as macOS has it');
  t.same(await of({ name: 'grün.html' }, 'gru%CC%88n.html'), [], 'or the other way round');
  t.same(await of({ name: Buffer.from('gr\x81n.html', 'latin1'), flags: 0x800 }), ['zip-entry-name', ...await of({ name: 'other.html' })], 'said to be UTF-8 and not');
});

t.test('what no zip may have', async (t) => {
  const bad: [string, string[], Buffer][] = [
    ['a way out', ['zip-entry-name'], zipOf([{ name: '../../etc/passwd', data: 'x' }])],
    ['a way out in the middle', ['zip-entry-name'], zipOf([{ name: 'a/../../b', data: 'x' }])],
    ['a way out for Windows', ['zip-entry-name'], zipOf([{ name: '..\\..\\b', data: 'x' }])],
    ['an absolute path', ['zip-entry-name'], zipOf([{ name: '/etc/passwd', data: 'x' }])],
    ['a drive', ['zip-entry-name'], zipOf([{ name: 'C:\\windows\\system.ini', data: 'x' }])],
    ['a share', ['zip-entry-name'], zipOf([{ name: '\\\\host\\share', data: 'x' }])],
    ['a NUL', ['zip-entry-name'], zipOf([{ name: 'a.html\0.png', data: 'x' }])],
    ['a line end', ['zip-entry-name'], zipOf([{ name: 'a\r\nSet-Cookie: x', data: 'x' }])],
    ['no name', ['zip-entry-name'], zipOf([{ name: '', data: 'x' }])],
    ['dots', ['zip-entry-name'], zipOf([{ name: 'a/./b', data: 'x' }])],
    ['an empty part', ['zip-entry-name'], zipOf([{ name: 'a//b', data: 'x' }])],
    ['a name without end', ['zip-entry-name'], zipOf([{ name: 'a'.repeat(2000), data: 'x' }])],
    ['a folder as a way out', ['zip-entry-name'], zipOf([{ name: '../' }])],
    ['two of them, both told', ['zip-entry-name', 'zip-entry-name'], zipOf([{ name: '../a', data: 'x' }, { name: '../b', data: 'x' }])],
    ['a symbolic link', ['zip-symlink'], zipOf([{ name: 'link', data: '/etc/passwd', mode: 0o120777 }])],
    ['a device', ['zip-special-file'], zipOf([{ name: 'tty', data: '', mode: 0o020666 }])],
    ['a password', ['zip-encrypted'], zipOf([{ name: 'secret', data: 'x', flags: 1 }])],
    ['another compression', ['zip-method'], zipOf([{ name: 'a.lzma', data: 'x', method: 14, packed: Buffer.from('x') }])],
    ['the same name twice', ['zip-duplicate'], zipOf([{ name: 'index.html', data: 'another' }])],
    ['the same name twice, once for Windows', ['zip-duplicate'], zipOf([{ name: 'a/b', data: '1' }, { name: 'a\\b', data: '2' }])],
    ['stored, and of another length than said', ['zip-entry-size'], zipOf([{ name: 'a', data: 'abc', method: 0, length: 5 }])],
    ['more bytes than said', ['zip-damaged'], zipOf([{ name: 'a', data: 'abcdefgh', length: 3 }])],
    ['fewer bytes than said', ['zip-damaged'], zipOf([{ name: 'a', data: 'abcdefgh', length: 30 }])],
    ['many more bytes than said', ['zip-damaged'], zipOf([{ name: 'a', data: Buffer.alloc(10 * MB), length: 3 }])],
    ['many fewer bytes than said', ['zip-damaged'], zipOf([{ name: 'a', data: randomBytes(300_000), length: 400_000 }])],
    ['another checksum', ['zip-damaged'], zipOf([{ name: 'a', data: 'abc', crc: 1 }])],
    ['another checksum of a large one', ['zip-damaged'], zipOf([{ name: 'a', data: randomBytes(300_000), crc: 1 }])],
    ['no deflate at all', ['zip-damaged'], zipOf([{ name: 'a', data: 'abc', packed: Buffer.from([0xff, 0xff, 0xff]) }])],
    ['bytes after the end of a file', ['zip-damaged'], zipOf([{ name: 'a', data: 'abc', packed: Buffer.concat([deflateRawSync('abc'), Buffer.from('more')]) }])],
    ['bytes after the end of a large file', ['zip-damaged'], (() => {
      const data = randomBytes(2 * MB);
      return zipOf([{ name: 'a', data, packed: Buffer.concat([deflateRawSync(data), randomBytes(3 * MB)]) }]);
    })()],
    ['another name in its own header', ['zip-damaged'], zipOf([{ name: 'a', data: 'abc', localName: 'b' }])],
    ['no header where it is said to be', ['zip-overlap'], zipOf([{ name: 'a', data: 'abc', headerAt: 7 }])],
    ['a header beyond the end', ['zip-entry-bounds'], zipOf([{ name: 'a', data: 'abc', headerAt: 1_000_000 }])],
    ['more packed bytes than there are', ['zip-entry-bounds'], zipOf([{ name: 'a', data: 'abc', packedLength: 1_000_000 }])],
  ];
  for (const [name, rules, bytes] of bad) t.same(await rulesOf(bytes), rules, name);
  for (const { message, hint, section } of (await Promise.all(bad.map(([, , bytes]) => faultsOf(bytes)))).flat()) {
    t.match(message, /^[A-Z].*\.$/);
    t.match(hint, /^[A-Z].*\.$/);
    t.match(section, /^cmi5 14/);
    t.notMatch(message, /[\u0000-\u001f]/);
    t.ok(message.length < 500);
  }
});

t.test('bombs', async (t) => {
  const kernel = deflateRawSync(Buffer.alloc(300 * MB));
  const dense = { data: Buffer.alloc(0), method: 8, packed: kernel, length: 300 * MB } as const;
  t.same(await rulesOf(zipOf([{ name: 'zeros', ...dense }])), ['zip-ratio'], 'a file of nothing');
  t.same(await rulesOf(zipOf([{ name: 'zeros', ...dense }]), 100 * MB), ['zip-unpacked-size']);
  t.same(await rulesOf(zipOf([{ name: 'a', ...dense, length: 2 ** 52, zip64: true }])), ['zip-unpacked-size'], 'more than there are numbers for');

  const shared = makeZip({ entries: [xml, page, { name: 'a', data: randomBytes(1000) }] });
  const at = shared.indexOf(Buffer.from('PK\x03\x04'), shared.indexOf('index.html')) as number;
  t.same([...new Set(await rulesOf(zipOf([{ name: 'a', data: 'abc' }, { name: 'b', data: 'abc', headerAt: at, nothing: true }])))], ['zip-overlap'], 'two names for the same bytes');

  // Each file's bytes are the header and the bytes of the next one as well.
  const quoted: MadeEntry[] = Array.from({ length: 20 }, (_, index) => ({ name: `file-${index}`, data: 'x', method: 8, packedLength: 2000 }));
  t.ok((await rulesOf(zipOf(quoted))).every((rule) => rule === 'zip-overlap' || rule === 'zip-entry-bounds'));

  // The directory does not tell it, but the header of its own is longer.
  const hidden = zipOf([{ name: 'a', data: 'abc', localExtra: Buffer.alloc(40) }, { name: 'b', data: 'abc' }]);
  t.same(await rulesOf(hidden), [], 'room for it');
  const short = Buffer.from(hidden);
  short.writeUInt16LE(200, short.indexOf(Buffer.from('PK\x03\x04'), short.indexOf('index.html')) + 28);
  t.same(await rulesOf(short), ['zip-overlap']);
});

t.test('too many entries are refused before they are read', async (t) => {
  const bytes = makeZip({ entries: [xml, page], zip64: true, count: 100_001 });
  t.same(await rulesOf(bytes), ['zip-entries']);
  t.same(await rulesOf(makeZip({ entries: [xml, page], count: 3 })), ['zip-format'], 'fewer than said');
  const many = makeZip({ entries: [xml, page, ...Array.from({ length: 20_000 }, (_, index) => ({ name: `f/${index}`, data: 'x', method: 0 }))] });
  const start = performance.now();
  t.same(await rulesOf(many), []);
  t.ok(performance.now() - start < 5000);
});

t.test('no cmi5.xml, and where it may be', async (t) => {
  const missing = async (entries: MadeEntry[]): Promise<string> => {
    const faults = await faultsOf(makeZip({ entries }));
    t.same(faults.map(({ rule, requirement }) => [rule, requirement]), [['cmi5-xml-missing', '14.1.0.0-2']]);
    return faults[0]!.hint;
  };
  t.match(await missing([{ ...xml, name: 'my course/cmi5.xml' }, { ...xml, name: '__MACOSX/cmi5.xml' }]), /in the folder "my course"/);
  t.match(await missing([{ ...xml, name: 'CMI5.XML' }]), /called "CMI5.XML"/);
  t.match(await missing([{ name: 'imsmanifest.xml', data: '<manifest/>' }]), /SCORM/);
  t.match(await missing([{ name: 'tincan.xml', data: '<tincan/>' }]), /without cmi5/);
  t.match(await missing([{ name: 'course.zip', data: 'PK' }]), /holds another one/);
  t.match(await missing([{ name: 'index.html', data: 'x' }]), /Put the course structure/);
  t.match(await missing([]), /Put the course structure/);
  t.match(await missing([{ name: 'cmi5.xml/' }]), /Put the course structure/);
});

t.test('faults of the zip and of cmi5.xml are told together', async (t) => {
  const rules = await rulesOf(makeZip({ entries: [{ name: 'cmi5.xml', data: courseXml([{ id: 'no iri', url: 'missing.html' }]) }, { name: '../a', data: 'x' }, { name: 'b', data: 'x', mode: 0o120777 }] }));
  t.ok(rules.includes('zip-entry-name') && rules.includes('zip-symlink'));
  t.ok(rules.length >= 4, rules.join());
});

t.test('what is no package', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('x'), randomBytes(1000), Buffer.from('%PDF-1.4'), Buffer.from('{}'), Buffer.alloc(17 * MB, ' '), Buffer.from('PK\x03\x04'), Buffer.from('PK')]) {
    const faults = await faultsOf(bytes);
    t.ok(faults.length > 0, `${bytes.length} bytes`);
    t.ok(faults.every(({ hint }) => hint.length > 10));
  }
  t.same(await rulesOf(Buffer.concat([goodPackage(), randomBytes(70_000)])), ['zip-format'], 'a zip with something behind it');
});

/** Random numbers that are the same in each run (xorshift). */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

t.test('mutated zips give faults, or are read, and nothing else', { timeout: 120_000 }, async (t) => {
  const originals = [
    goodPackage([{ id: 'https://example.org/au/1' }], [{ name: 'media/film.mp4', data: randomBytes(5000), method: 0 }, { name: 'grün.txt', data: 'x'.repeat(3000) }]),
    makeZip({ entries: [{ ...xml, zip64: true }, { ...page, zip64: true }, { name: 'a', data: randomBytes(200_000) }], zip64: true, comment: 'PK\x05\x06' }),
  ];
  let read = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = randomOf(seed);
    const bytes = Buffer.from(originals[seed % originals.length]!);
    let mutated: Buffer = bytes;
    const kind = random(6);
    if (kind === 0) mutated = bytes.subarray(0, random(bytes.length));
    else if (kind === 1) mutated = Buffer.concat([bytes.subarray(random(200)), bytes.subarray(0, random(200))]);
    else if (kind === 2) {
      const at = random(bytes.length);
      mutated = Buffer.concat([bytes.subarray(0, at), randomBytes(random(50)), bytes.subarray(at + random(50))]);
    } else {
      // Most of it in the directory and in headers, where it matters.
      const directory = bytes.lastIndexOf(Buffer.from('PK\x01\x02'));
      for (let times = 1 + random(8); times > 0; times--) {
        const at = kind === 3 ? random(bytes.length) : directory - random(200) + random(bytes.length - directory + 200);
        bytes[Math.max(0, Math.min(bytes.length - 1, at))] = [0, 0xff, 0x7f, 0x80, random(256)][random(5)]!;
      }
    }
    const reading = await readPackage(sourceOf(mutated), 64 * MB);
    if ('faults' in reading) t.ok(reading.faults.length > 0 && reading.faults.every(({ message }) => message.length > 0), { diagnostic: false });
    else read++;
  }
  t.ok(read < 200, `${read} of them are still packages`);
});
