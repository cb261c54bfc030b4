import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGzip, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { multipart } from './kill-load.js';
import { openRaw } from './raw-connection.js';
import type { Answer, Key } from './server.js';
import { startProcess, type ServerProcess } from './server-process.js';

t.setTimeout(180_000);

const MIB = 1024 * 1024;
const json = { 'Content-Type': 'application/json' };
const mixed = { 'Content-Type': 'multipart/mixed; boundary=load' };
const statement = (parts: object = {}): { id: string } => ({
  id: randomUUID(), actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/thing' }, ...parts,
} as { id: string });
const padded = (bytes: number): object => statement({ result: { response: 'x'.repeat(bytes) } });
const nested = (depth: number): object => statement({ context: { extensions: { 'https://example.org/deep': JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown } } });

async function start(t: Test, env: Record<string, string>): Promise<ServerProcess & { dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-limits-'));
  const server = await startProcess(dataDir, env);
  t.teardown(async () => {
    await server.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  return Object.assign(server, { dataDir });
}

/** An answer in the form of every refusal, with this code. */
function refused(t: Test, answer: Answer, status: number, code: string, what: string): void {
  t.equal(answer.status, status, `${what}: ${answer.text.slice(0, 200)}`);
  const body = answer.json<{ error: string; message: string; requestId: string }>();
  t.equal(body.error, code, `${what} is named ${code}`);
  t.ok(body.message.length > 10 && body.requestId.length > 3, `${what}: with a sentence and the request's id`);
}

function withAttachments(sizes: number[]): Buffer {
  const parts = new Map(sizes.map((size, at) => {
    const bytes = Buffer.alloc(size, `${at}-`);
    return [createHash('sha256').update(bytes).digest('hex'), bytes] as const;
  }));
  const attachments = [...parts].map(([sha2, { length }]) => ({ usageType: 'https://example.org/file', display: { en: 'file' }, contentType: 'text/plain', length, sha2 }));
  return multipart(statement({ attachments }), parts);
}

t.test('sizes', async (t) => {
  const server = await start(t, {
    QUIPU_MAX_BODY_BYTES: '200000', QUIPU_MAX_BATCH: '50', QUIPU_MAX_ATTACHMENT_BYTES: '100000', QUIPU_MAX_ATTACHMENTS: '5',
    QUIPU_MAX_DOCUMENT_BYTES: '50000', QUIPU_MAX_DEPTH: '20', QUIPU_MAX_HEADER_BYTES: '16384', QUIPU_MAX_PAGE: '20', QUIPU_MAX_PAGE_BYTES: '65536',
  });
  const post = (body: unknown, headers = {}): Promise<Answer> => server.request('statements', { method: 'POST', body, headers });
  const state = (method: string, body: string): Promise<Answer> => server.request('activities/state', {
    method, body, headers: json, version: '1.0.3', query: { activityId: 'https://example.org/a', agent: { mbox: 'mailto:ann@example.org' }, stateId: 's' },
  });

  t.equal((await post(padded(190_000))).status, 200, 'a body below the limit is taken');
  refused(t, await post(padded(200_001)), 413, 'too-large', 'a larger body');
  refused(t, await post(gzipSync(JSON.stringify(padded(200_001))), { ...json, 'Content-Encoding': 'gzip' }), 413, 'too-large', 'a body larger when decompressed');
  t.equal((await post(Array.from({ length: 50 }, () => statement()))).status, 200, 'a batch of the most statements is taken');
  refused(t, await post(Array.from({ length: 51 }, () => statement())), 413, 'too-large', 'one statement more');
  t.equal((await post(withAttachments([100_000]), mixed)).status, 200, 'an attachment of the most bytes is taken');
  refused(t, await post(withAttachments([100_001]), mixed), 413, 'too-large', 'a larger attachment');
  t.equal((await post(withAttachments([1, 2, 3, 4, 5]), mixed)).status, 200, 'the most attachments are taken');
  refused(t, await post(withAttachments([1, 2, 3, 4, 5, 6]), mixed), 413, 'too-large', 'one attachment more');
  refused(t, await post(multipart(padded(200_001), new Map()), mixed), 413, 'too-large', 'statements beyond the body limit in a multipart body');
  t.same(await readdir(join(server.dataDir, 'attachments', 'incoming')), [], 'what was refused leaves no file');
  t.equal((await state('PUT', JSON.stringify('d'.repeat(49_000)))).status, 204, 'a document below the limit is taken');
  refused(t, await state('PUT', 'd'.repeat(50_001)), 413, 'too-large', 'a larger document');
  t.equal((await state('PUT', JSON.stringify({ a: 'd'.repeat(30_000) }))).status, 204);
  refused(t, await state('POST', JSON.stringify({ b: 'd'.repeat(30_000) })), 413, 'too-large', 'a merge that grows beyond the limit');
  t.equal((await post(nested(17))).status, 200, 'JSON of the deepest nesting is taken');
  refused(t, await post(nested(18)), 400, 'nesting-too-deep', 'deeper JSON');
  refused(t, await post('['.repeat(150_000), json), 400, 'nesting-too-deep', 'JSON of nothing but brackets');

  const header = await server.request('about', { headers: { 'X-Long': 'h'.repeat(17_000) } });
  t.equal(header.status, 431, 'headers beyond the limit');
  t.equal(header.json<{ error: string }>().error, 'headers-too-large');
  const line = await server.request(`statements?agent=${'a'.repeat(17_000)}`);
  t.equal(line.status, 431, 'a request line beyond the limit');

  const page = (await server.request('statements')).json<{ statements: object[]; more: string }>();
  t.equal(page.statements.length, 20, 'a page has the most statements when none are asked for');
  t.equal((await server.request('statements', { query: { limit: 1000 } })).json<{ statements: object[] }>().statements.length, 20, 'and not more when more are asked for');
  for (let at = 0; at < 8; at++) await post(padded(20_000));
  const bytes = await server.request('statements', { query: { limit: 8 } });
  t.ok(bytes.bytes.length <= 65_536, 'a page stops before its bytes');
  t.not(bytes.json<{ more: string }>().more, '', 'and the rest follows by more');
  await post(padded(150_000));
  t.equal((await server.request('statements', { query: { limit: 5 } })).json<{ statements: object[] }>().statements.length, 1, 'one statement larger than a page is a page');
});

t.test('a client that sends all of a body that is too large before it reads gets the answer', async (t) => {
  const server = await start(t, {});
  const connection = await openRaw(server.url);
  const length = 40 * MIB;
  connection.write(`POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\nContent-Length: ${length}\r\n\r\n`);
  // The answer has long left when the last of these is written.
  for (let sent = 0; sent < length; sent += MIB) {
    connection.write(Buffer.alloc(MIB, 0x20));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { text } = await connection.untilClosed(5000);
  t.match(text, /^HTTP\/1\.1 413 [^]*"error":"too-large"/);
});

t.test('what is no HTTP is told so', async (t) => {
  const server = await start(t, {});
  for (const [request, fault] of [['GET /xapi/about HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', /Content-Length/], ['GET /xapi/about HTTP/1.1\r\nHost : x\r\n\r\n', /header/], ['HELLO /xapi/about HTTP/1.1\r\nHost: x\r\n\r\n', /method/]] as const) {
    const connection = await openRaw(server.url);
    connection.write(request);
    const { text } = await connection.untilClosed(5000);
    t.match(text, /^HTTP\/1\.1 400 /);
    t.match(JSON.parse(text.split('\r\n\r\n')[1]!), { error: 'invalid-request', message: fault, section: 'RFC 9112' });
  }
});

t.test('a zip bomb is refused quickly', async (t) => {
  const server = await start(t, {});
  const bomb = await new Promise<Buffer>((resolve) => {
    const zip = createGzip({ level: 9 });
    const chunks: Buffer[] = [];
    zip.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
    const zeros = Buffer.alloc(MIB);
    let left = 1024;
    const more = (): void => {
      while (left-- > 0) if (!zip.write(zeros)) return void zip.once('drain', more);
      zip.end();
    };
    more();
  });
  const before = await server.memory();
  for (const [path, headers] of [['statements', json], ['statements', mixed], ['activities/state?activityId=https://example.org/a&stateId=s&agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.c%22%7D', json]] as const) {
    const began = Date.now();
    const answer = await server.request(path, { method: 'POST', version: '1.0.3', body: bomb, headers: { ...headers, 'Content-Encoding': 'gzip' } });
    t.ok(answer.status === 413 || (headers === mixed && answer.status === 400), `a gigabyte of zeros: ${answer.status}`);
    t.ok(Date.now() - began < 5000, 'within seconds');
  }
  t.ok(await server.memory() - before < 300 * MIB, 'and memory does not grow by it');
});

t.test('the budget of memory', async (t) => {
  const server = await start(t, { QUIPU_MAX_MEMORY_BYTES: String(4 * MIB), QUIPU_MAX_BODY_BYTES: String(MIB) });
  await server.request('/v1/tenants', { method: 'POST', body: { id: 'other', name: 'Other' } });
  const other = (await server.request('/v1/keys', { method: 'POST', query: { tenant: 'other' }, body: { name: 'Other', scopes: ['all'] } })).json<Key>();
  const head = `POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n[`;
  const slow = await Promise.all([1, 2, 3].map(() => openRaw(server.url)));
  for (const connection of slow) connection.write(head);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const answer = await server.request('statements', { method: 'POST', body: statement() });
  refused(t, answer, 503, 'overloaded', 'a body beyond the budget');
  t.match(answer.headers['retry-after'], /^\d+$/, 'with Retry-After');
  t.equal((await server.request('statements')).status, 200, 'requests without a body are answered');
  for (const bytes of [10, 700_000]) t.equal((await server.request('statements', { method: 'POST', body: padded(bytes), key: other })).status, 200, `another tenant finds room for ${bytes} bytes`);
  for (const connection of slow) connection.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal((await server.request('statements', { method: 'POST', body: statement() })).status, 200, 'when the bodies are gone there is room again');

  for (let at = 0; at < 30; at++) {
    const form = new URLSearchParams({ 'X-Experience-API-Version': '1.0.3', Authorization: server.authorization, 'Content-Type': 'application/json', content: JSON.stringify(padded(300_000)) });
    const alternate = await server.request('statements?method=POST', { method: 'POST', version: null, key: null, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: String(form) });
    t.equal(alternate.status, 200, `requests in the alternate syntax give back what they took (${at}: ${alternate.text.slice(0, 80)})`);
  }
});

t.test('whoever shows no credential keeps nobody out', async (t) => {
  const server = await start(t, { QUIPU_MAX_MEMORY_BYTES: String(4 * MIB), QUIPU_MAX_BODY_BYTES: String(MIB) });
  const strangers = await Promise.all(Array.from({ length: 8 }, () => openRaw(server.url)));
  for (const stranger of strangers) stranger.write(`POST /xapi/statements?method=POST HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${MIB}\r\n\r\ncontent=`);
  const form = () => server.request('statements?method=POST', { method: 'POST', version: null, key: null, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: `content=${'x'.repeat(900_000)}` });
  while ((await form()).status !== 503) await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal((await server.request('statements', { method: 'POST', body: statement() })).status, 200, 'forms that do not arrive leave room for others');
  for (const stranger of strangers) stranger.close();
});

t.test('compressed bodies that stand still count as large as they are', async (t) => {
  const server = await start(t, { QUIPU_MAX_MEMORY_BYTES: String(64 * MIB), QUIPU_MAX_BODY_BYTES: String(32 * MIB) });
  const whole = gzipSync(Buffer.alloc(31 * MIB, ' '));
  const head = `POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${whole.length}\r\n\r\n`;
  const before = await server.memory();
  const slow = await Promise.all(Array.from({ length: 20 }, () => openRaw(server.url)));
  for (const connection of slow) {
    connection.write(head);
    connection.write(whole.subarray(0, -20));
  }
  await new Promise((resolve) => setTimeout(resolve, 2000));
  t.ok(await server.memory() - before < 300 * MIB, `memory stays bounded: ${Math.round((await server.memory() - before) / MIB)} MiB`);
  for (const connection of slow) connection.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal((await server.request('statements', { method: 'POST', body: statement() })).status, 200);
});

t.test('answers that nobody reads', async (t) => {
  const server = await start(t, { QUIPU_MAX_MEMORY_BYTES: String(64 * MIB) });
  for (let at = 0; at < 9; at++) t.equal((await server.request('statements', { method: 'POST', body: padded(MIB) })).status, 200);
  const before = await server.memory();
  const ask = `GET /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\n\r\n`;
  const readers = await Promise.all(Array.from({ length: 40 }, () => openRaw(server.url)));
  for (const reader of readers) {
    reader.socket.pause();
    reader.write(ask.repeat(8));
  }
  const live = await Promise.all(Array.from({ length: 20 }, () => openRaw(server.url)));
  for (const reader of live) {
    reader.socket.pause();
    reader.write(`GET /v1/statements/live HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nLast-Event-ID: 0\r\n\r\n`);
  }
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const grown = await server.memory() - before;
  t.ok(grown < 400 * MIB, `memory stays bounded: ${Math.round(grown / MIB)} MiB`);
  const began = Date.now();
  t.equal((await server.request('statements', { method: 'POST', body: statement() })).status, 200, 'others are served');
  t.ok(Date.now() - began < 2000, 'without delay');
  for (const reader of [...readers, ...live]) reader.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal((await server.request('statements')).status, 200, 'and big answers are given again');
});

t.test('answers with attachments that nobody reads count as well', async (t) => {
  const server = await start(t, { QUIPU_MAX_MEMORY_BYTES: String(14 * MIB) });
  for (let at = 0; at < 9; at++) t.equal((await server.request('statements', { method: 'POST', body: padded(MIB) })).status, 200);
  const readers = await Promise.all([1, 2].map(() => openRaw(server.url)));
  for (const reader of readers) {
    reader.socket.pause();
    reader.write(`GET /xapi/statements?attachments=true HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\n\r\n`);
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  refused(t, await server.request('statements'), 503, 'overloaded', 'an answer beyond the budget');
  for (const reader of readers) reader.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal((await server.request('statements', { query: { attachments: true } })).status, 200, 'when the readers are gone there is room again');
});

t.test('slow senders', async (t) => {
  const server = await start(t, { QUIPU_REQUEST_TIMEOUT: '2' });
  await server.request('statements', { method: 'POST', body: statement() });
  const before = await server.memory();
  const headers = await Promise.all(Array.from({ length: 200 }, () => openRaw(server.url)));
  for (const connection of headers) connection.write('POST /xapi/statements HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  const bodies = await Promise.all(Array.from({ length: 50 }, () => openRaw(server.url)));
  for (const connection of bodies) {
    connection.write(`POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n[`);
  }
  const trickle = setInterval(() => { for (const connection of [...headers, ...bodies]) connection.write(' '); }, 300);
  const began = Date.now();
  t.equal((await server.request('statements', { method: 'POST', body: statement() })).status, 200, 'others are served');
  t.ok(Date.now() - began < 1900, 'without delay');
  const ends = await Promise.all([...headers, ...bodies].map((connection) => connection.untilClosed(15_000)));
  clearInterval(trickle);
  t.equal(ends.filter(({ closed }) => !closed).length, 0, 'a request that does not arrive within QUIPU_REQUEST_TIMEOUT is cut off');
  t.match(ends[0]!.text, /^HTTP\/1\.1 408 /, 'with 408');
  t.ok(await server.memory() - before < 150 * MIB, 'memory stays bounded');
});

t.test('an upload that is broken off leaves no file', async (t) => {
  const server = await start(t, {});
  const body = withAttachments([200_000, 2 * MIB]);
  const head = `POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: multipart/mixed; boundary=load\r\nContent-Length: ${body.length}\r\n\r\n`;
  const incoming = join(server.dataDir, 'attachments', 'incoming');
  for (const part of [0.1, 0.5, 0.99]) {
    const connection = await openRaw(server.url);
    connection.write(head);
    connection.write(body.subarray(0, Math.floor(body.length * part)));
    for (let waited = 0; waited < 2000 && (await readdir(incoming)).length === 0; waited += 20) await new Promise((resolve) => setTimeout(resolve, 20));
    connection.close();
    for (let waited = 0; waited < 3000 && (await readdir(incoming)).length > 0; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    t.same(await readdir(incoming), [], `broken off at ${part}`);
  }
  const lying = await server.request('statements', { method: 'POST', body: body.subarray(0, -20), headers: mixed });
  refused(t, lying, 400, 'malformed-multipart', 'a body that ends before its closing boundary');
  // All of it arrives at once, so that the end comes before anybody reads the attachment.
  const small = withAttachments([3000, 3000]);
  const cut = await server.request('statements', { method: 'POST', body: small.subarray(0, -2000), headers: mixed });
  refused(t, cut, 400, 'malformed-multipart', 'a small body that ends within an attachment');
  const unnamed = Buffer.from(small.toString('latin1').replace(/Hash: [0-9a-f]+/, 'Hash: none'), 'latin1');
  refused(t, await server.request('statements', { method: 'POST', body: unnamed, headers: mixed }), 400, 'invalid-attachment', 'an attachment with a hash that is none, before another one');
  t.same(await readdir(incoming), []);
  t.equal((await server.request('statements', { method: 'POST', body, headers: mixed })).status, 200, 'the whole of it is taken');
  t.same(await readdir(incoming), []);
});

t.test('SIGTERM', async (t) => {
  const server = await start(t, {});
  const body = JSON.stringify(statement());
  const inFlight = await openRaw(server.url);
  inFlight.write(`POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 20)}`);
  const live = await openRaw(server.url);
  live.write(`GET /v1/statements/live HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\n\r\n`);
  await live.until((text) => text.includes('retry:'), 3000);
  const ended = server.stop();
  t.ok((await live.untilClosed(5000)).closed, 'open streams end');
  let refusal: NodeJS.ErrnoException | undefined;
  for (let waited = 0; waited < 2000 && refusal?.code !== 'ECONNREFUSED'; waited += 50) {
    await openRaw(server.url).then((connection) => connection.close(), (error: NodeJS.ErrnoException) => { refusal = error; });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(refusal?.code, 'ECONNREFUSED', 'new connections are refused');
  inFlight.write(body.slice(20));
  const { text, closed } = await inFlight.untilClosed(5000);
  t.match(text, /^HTTP\/1\.1 200 /, 'a request in flight is finished');
  t.ok(closed, 'and its connection closed');
  t.equal(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5000, 'too late').unref())]), 0, 'it exits with 0');
});

t.test('SIGTERM with clients that stand still', async (t) => {
  const server = await start(t, {});
  const slow = await openRaw(server.url);
  slow.write('POST /xapi/statements HTTP/1.1\r\nHost: x\r\n');
  const body = await openRaw(server.url);
  body.write(`POST /xapi/statements HTTP/1.1\r\nHost: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.equal(await Promise.race([server.stop(), new Promise((resolve) => setTimeout(resolve, 25_000, 'too late').unref())]), 0, 'nobody keeps it from ending');
});
