import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { deflateRawSync, crc32 } from 'node:zlib';
import Fastify from 'fastify';
import t from 'tap';
import { jsonApiPlugin } from '../../../../src/admin/json-api.js';
import { packagesPlugin } from '../../../../src/cmi5/packages/plugin.js';
import { createCourseService } from '../../../../src/cmi5/packages/service.js';
import { setErrorHandler } from '../../../../src/server/error-handler.js';
import { openLevelStorage } from '../../../../src/storage/leveldb/open.js';
import { courseXml, goodPackage, makeZip } from './make-zip.js';

const MB = 1 << 20;
const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
const storage = await openLevelStorage({ directory: folder });
const courses = createCourseService({ records: storage.records, content: storage.content, homePage: 'https://lms.example.org', maxPackageBytes: 300 * MB, sharedStore: false, hasRegistrations: async () => false });
const app = Fastify({ bodyLimit: MB });
setErrorHandler(app);
await app.register(async (scope) => {
  scope.decorateRequest('credential');
  scope.addHook('onRequest', async (request) => {
    request.credential = { tenant: 'main', id: 'a-key', scopes: new Set(['cmi5']), authority: { objectType: 'Agent', mbox: 'mailto:a@example.org' } };
  });
  await scope.register(jsonApiPlugin);
  await scope.register(packagesPlugin, { courses, tenantOf: async (request) => request.query.tenant ?? 'main' });
}, { prefix: '/v1' });
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as AddressInfo;
const url = `http://127.0.0.1:${port}/v1`;
t.teardown(async () => {
  await app.close();
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}
interface Problem {
  error: string;
  message: string;
  faults?: { rule: string; section: string; message: string; hint: string; requirement?: string; line?: number }[];
}
interface Outcome {
  course: string;
  version: string;
  created: boolean;
}

async function send<T = Outcome & Problem>(method: string, path: string, body?: Buffer | FormData | string, type?: string): Promise<Answer<T>> {
  const response = await fetch(url + path, { method, ...(body !== undefined && { body: body as string }), ...(type !== undefined && { headers: { 'Content-Type': type } }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? undefined : JSON.parse(text)) as T };
}

const files = async (): Promise<number> => (await readdir(join(folder, 'content'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

t.test('import, show, list, change, export, delete', async (t) => {
  const bytes = goodPackage([{ id: 'https://example.org/au/1' }, { id: 'https://example.org/au/2', block: 'https://example.org/block' }]);
  const imported = await send('POST', '/cmi5/packages?mode=compat', bytes, 'application/zip');
  t.equal(imported.status, 201, JSON.stringify(imported.body));
  const { course, version } = imported.body;
  t.equal(imported.headers.get('location'), `/v1/courses/${course}`);
  t.match(imported.body, { number: 1, created: true, diff: { added: ['https://example.org/au/1', 'https://example.org/au/2'], removed: [], changed: [], kept: [] } });
  t.match(await send('POST', '/cmi5/packages', bytes, 'application/x-zip-compressed'), { status: 200, body: { course, version, created: false } });

  const shown = await send<Record<string, unknown>>('GET', `/courses/${course}`);
  t.match(shown.body, {
    id: course, publisherId: 'https://example.org/course', title: [{ lang: 'en', text: 'A course' }], mode: 'compat', version, versionCount: 1,
    units: [{ index: 0, publisherId: 'https://example.org/au/1', url: 'index.html', moveOn: 'NotApplicable', node: /^https:/ }, { index: 1 }], blocks: [{ publisherId: 'https://example.org/block' }],
    structure: { children: [{ kind: 'au' }, { kind: 'block', children: [{ kind: 'au' }] }] }, shown: { id: version }, versions: [{ id: version, number: 1, by: 'a-key', length: bytes.length, kind: 'zip' }],
  });
  t.match((await send<object>('GET', '/courses')).body, { courses: [{ id: course }] });
  t.match((await send<object>('GET', `/courses?after=${course}`)).body, { courses: [] });
  t.match((await send<object>('GET', '/courses?tenant=other')).body, { courses: [] });
  t.match(await send('PATCH', `/courses/${course}`, '{"mode":"strict"}', 'application/json'), { status: 200, body: { mode: 'strict' } });
  t.match(await send('PATCH', `/courses/${course}`, '{"mode":"lax"}', 'application/json'), { status: 400, body: { error: 'invalid-request' } });

  const exported = await fetch(`${url}/courses/${course}/package`);
  t.equal(exported.headers.get('content-type'), 'application/zip');
  t.equal(exported.headers.get('content-disposition'), 'attachment; filename="A-course-v1.zip"');
  t.ok(Buffer.from(await exported.arrayBuffer()).equals(bytes));

  for (const path of ['', '/package']) t.match(await send('GET', `/courses/${randomUUID()}${path}`), { status: 404, body: { error: 'not-found' } });
  for (const path of ['', '/package']) t.match(await send('GET', `/courses/${course}${path}?version=${randomUUID()}`), { status: 404, body: { error: 'not-found' } });
  t.match(await send('PATCH', `/courses/${randomUUID()}`, '{"mode":"strict"}', 'application/json'), { status: 404 });
  t.equal((await send('DELETE', `/courses/${course}`)).status, 204);
  t.equal((await send('DELETE', `/courses/${course}`)).status, 404);
  t.equal(await files(), 0);
});

t.test('a form with one file', async (t) => {
  const form = (...parts: [string, Buffer | string][]): FormData => {
    const made = new FormData();
    for (const [name, part] of parts) {
      if (typeof part === 'string') made.append(name, part);
      else made.append(name, new Blob([part], { type: 'application/zip' }), 'course.zip');
    }
    return made;
  };
  const bytes = goodPackage([{ id: 'https://example.org/au/form' }], [{ name: 'film', data: randomBytes(3 * MB), method: 0 }]);
  const imported = await send('POST', '/cmi5/packages', form(['comment', 'before'], ['file', bytes], ['comment', 'after']));
  t.equal(imported.status, 201, JSON.stringify(imported.body));
  t.match(await send('POST', '/cmi5/packages', form(['a', goodPackage()], ['b', goodPackage()])), { status: 400, body: { error: 'malformed-multipart' } });
  t.match(await send('POST', '/cmi5/packages', form(['a', goodPackage()], ['b', bytes])), { status: 400, body: { error: 'malformed-multipart' } });
  t.match(await send('POST', '/cmi5/packages', form(['a', 'no file'])), { status: 400, body: { error: 'malformed-multipart' } });
  const cut = await send('POST', '/cmi5/packages', '--b\r\nContent-Disposition: form-data; name="a"; filename="a.zip"\r\n\r\nPK', 'multipart/form-data; boundary=b');
  t.ok(cut.status >= 400 && cut.status < 500, JSON.stringify(cut.body));
  t.match(await send('POST', '/cmi5/packages', 'x', 'multipart/form-data'), { status: /4../ });
  await send('DELETE', `/courses/${imported.body.course}`);
  t.equal(await files(), 0);
});

t.test('what is refused says everything that is wrong', async (t) => {
  const { status, body } = await send('POST', '/cmi5/packages', makeZip({ entries: [{ name: 'cmi5.xml', data: courseXml([{ id: 'no iri', url: 'missing.html' }]) }, { name: '../a', data: 'x' }] }), 'application/zip');
  t.equal(status, 400);
  t.equal(body.error, 'invalid-package');
  t.match(body.message, /^The package can't be imported: .*It has \d+ faults; `faults` lists them\.$/);
  t.ok(body.faults!.length >= 3);
  for (const fault of body.faults!) t.match(fault, { rule: /^[a-z0-9-]+$/, section: /^cmi5 \d/, message: /./, hint: /./ });
  t.ok(body.faults!.some(({ line }) => line !== undefined));

  t.match(await send('POST', '/cmi5/packages', '{}', 'application/json'), { status: 415, body: { error: 'unsupported-media-type' } });
  t.match(await send('POST', '/cmi5/packages', 'nothing of the sort', 'application/zip'), { status: 400, body: { error: 'invalid-package', faults: [{ requirement: '14.0.0.0-1' }] } });
  t.equal((await send('POST', '/cmi5/packages')).status, 400, 'no body');
  const declared = httpRequest(`${url}/cmi5/packages`, { method: 'POST', headers: { 'Content-Type': 'application/zip', 'Content-Length': 302 * MB } });
  declared.flushHeaders();
  const [answer] = await once(declared, 'response') as [IncomingMessage];
  t.equal(answer.statusCode, 413, 'before it is sent');
  t.match(JSON.parse((await buffer(answer)).toString()), { error: 'too-large', message: /QUIPU_MAX_PACKAGE_BYTES/ });
  declared.destroy();
  t.match(await send('POST', '/cmi5/packages?mode=lax', goodPackage(), 'application/zip'), { status: 400, body: { error: 'invalid-parameter' } });
  t.match(await send('POST', `/cmi5/packages?course=${randomUUID()}`, goodPackage(), 'application/zip'), { status: 404 });
  t.equal(await files(), 0);

  const film = goodPackage([{ id: 'https://example.org/au/1' }], [{ name: 'film', data: randomBytes(20 * MB), method: 0 }]);
  const form = new FormData();
  form.append('file', new Blob([film]), 'course.zip');
  t.match(await send('POST', `/cmi5/packages?course=${randomUUID()}`, film, 'application/zip'), { status: 404 }, 'a long one is not waited for');
  t.match(await send('POST', `/cmi5/packages?course=${randomUUID()}`, form), { status: 404 });
  const two = new FormData();
  two.append('a', new Blob([goodPackage()]), 'a.zip');
  two.append('b', new Blob([film]), 'b.zip');
  t.match(await send('POST', '/cmi5/packages', two), { status: 400, body: { error: 'malformed-multipart' } });
  t.match(await send('POST', '/cmi5/packages', goodPackage(), 'application/zip'), { status: 201 }, 'the connection is of use afterwards');
  for (const { id } of await courses.list('main')) await courses.delete('main', id, false);
});

t.test('a client that goes away leaves nothing', async (t) => {
  for (const type of ['application/zip', 'multipart/form-data; boundary=b']) {
    const request = httpRequest(`${url}/cmi5/packages`, { method: 'POST', headers: { 'Content-Type': type, 'Content-Length': 10 * MB } });
    request.on('error', () => undefined);
    if (type.startsWith('multipart')) request.write('--b\r\nContent-Disposition: form-data; name="a"; filename="a.zip"\r\n\r\n');
    request.write(goodPackage());
    request.write(randomBytes(2 * MB));
    for (let attempt = 0; attempt < 200 && await files() === 0; attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
    t.equal(await files(), 1, 'it was on its way');
    request.destroy();
    for (let attempt = 0; attempt < 200 && await files() > 0; attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
    t.equal(await files(), 0, type);
  }
  t.same(await courses.list('main'), []);
});

/** A package of this many MB, made while it is read: a stored film, and a deflated file that comes to as much. */
function* largePackage(megabytes: number): Generator<Buffer> {
  const piece = randomBytes(MB);
  let sum = 0;
  for (let at = 0; at < megabytes; at++) sum = crc32(piece, sum);
  const small = makeZip({ entries: [{ name: 'cmi5.xml', data: courseXml([{ id: 'https://example.org/au/large' }], { id: 'https://example.org/large' }) }, { name: 'index.html', data: 'x' }] });
  const directoryAt = small.indexOf(Buffer.from('PK\x01\x02'));
  const end = small.indexOf(Buffer.from('PK\x05\x06'));
  const zeros = Buffer.alloc(megabytes * MB / 4);
  const packed = deflateRawSync(zeros);
  const film = makeZip({ entries: [{ name: 'film.mp4', data: '', method: 0, crc: sum, length: megabytes * MB, packedLength: megabytes * MB, headerAt: directoryAt }] });
  const filmEntry = film.indexOf(Buffer.from('PK\x01\x02'));
  const filmEnd = film.indexOf(Buffer.from('PK\x05\x06'));
  const wave = makeZip({ entries: [{ name: 'silence.wav', data: zeros, packed, headerAt: directoryAt + filmEntry + megabytes * MB }] });
  const waveEntry = wave.indexOf(Buffer.from('PK\x01\x02'));
  const waveEnd = wave.indexOf(Buffer.from('PK\x05\x06'));
  yield small.subarray(0, directoryAt);
  yield film.subarray(0, filmEntry);
  for (let at = 0; at < megabytes; at++) yield piece;
  yield wave.subarray(0, waveEntry);
  const directory = Buffer.concat([small.subarray(directoryAt, end), film.subarray(filmEntry, filmEnd), wave.subarray(waveEntry, waveEnd)]);
  yield directory;
  const tail = Buffer.from(small.subarray(end));
  tail.writeUInt16LE(4, 8);
  tail.writeUInt16LE(4, 10);
  tail.writeUInt32LE(directory.length, 12);
  tail.writeUInt32LE(directoryAt + filmEntry + megabytes * MB + waveEntry, 16);
  yield tail;
}

t.test('a package of 200 MB takes no more memory than a small one, and a larger one than allowed is refused', { timeout: 120_000 }, async (t) => {
  let most = 0;
  const start = process.memoryUsage();
  const watch = setInterval(() => { most = Math.max(most, process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed); }, 5);
  const began = performance.now();
  const outcome = await courses.import('main', { source: Readable.from(largePackage(200), { objectMode: false }), contentType: 'application/zip', by: 'a-key' });
  clearInterval(watch);
  t.ok(performance.now() - began < 30_000, `${Math.round(performance.now() - began)} ms`);
  const grown = (most - start.arrayBuffers - start.heapUsed) / MB;
  t.ok(grown < 150, `${Math.round(grown)} MB more, 51 of them the test's own`);
  t.ok(process.memoryUsage().rss / MB < start.rss / MB + 250, 'nor of the process');
  t.equal((await courses.findFile('main', outcome.version, 'silence.wav'))!.length, 50 * MB);
  t.equal((await courses.findFile('main', outcome.version, 'film.mp4'))!.length, 200 * MB);
  await courses.delete('main', outcome.course, false);

  const response = await fetch(`${url}/cmi5/packages`, { method: 'POST', body: Readable.toWeb(Readable.from(largePackage(301))) as ReadableStream, duplex: 'half', headers: { 'Content-Type': 'application/zip' } } as RequestInit).then(async (answer) => ({ status: answer.status, text: await answer.text() }), () => undefined);
  // Who is still sending may not come to read it.
  if (response) t.match(response, { status: 413, text: /QUIPU_MAX_PACKAGE_BYTES/ });
  for (let attempt = 0; attempt < 200 && await files() > 0; attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
  t.equal(await files(), 0);
});
