import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { openRaw } from '../raw-connection.js';
import { authorization, startServer, type TestServer } from '../server.js';
import { ann, attachmentOf, attachmentPart, course, multipart, sample } from './samples.js';

const head = (server: TestServer, line: string, ...headers: string[]): string =>
  `${line} HTTP/1.1\r\n${[...headers, `Authorization: ${authorization(server.one)}`, 'X-Experience-API-Version: 1.0.3'].join('\r\n')}\r\n\r\n`;

t.test('a multipart body with a fault before further attachments is refused, and nothing of it stays', async (t) => {
  const server = await startServer(t);
  const content = 'x'.repeat(300_000);
  const sha2 = createHash('sha256').update(content).digest('hex');
  const statements = ['Content-Type: application/json', '', JSON.stringify(sample())];
  const attachment = ['Content-Type: text/plain', 'Content-Transfer-Encoding: binary', `X-Experience-API-Hash: ${sha2}`, '', content];
  const bodies = {
    'another first part': [['Content-Type: text/plain', '', '{}'], attachment, attachment],
    'an attachment first': [attachment, statements, attachment],
    'no hash': [statements, ['Content-Type: text/plain', 'Content-Transfer-Encoding: binary', '', 'x'], attachment],
    'no encoding': [statements, ['Content-Type: text/plain', `X-Experience-API-Hash: ${sha2}`, '', 'x'], attachment],
    'no headers': [['', '{}'], attachment, attachment],
  };
  for (const [name, parts] of Object.entries(bodies)) {
    const body = [...parts.flatMap((part) => ['--b', ...part]), '--b--', ''].join('\r\n');
    const answer = await server.request('statements', { method: 'POST', headers: { 'Content-Type': 'multipart/mixed; boundary=b' }, body });
    t.equal(answer.status, 400, name);
    t.equal(answer.json<{ error: string }>().error, 'malformed-multipart', name);
  }
  t.same(readdirSync(join(server.dataDir, 'attachments'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()), []);
});

t.test('a multipart request whose end does not come is not stored', async (t) => {
  const server = await startServer(t);
  const statement = sample({ attachments: [attachmentOf(Buffer.from('a'.repeat(300_000)))] });
  const { body, headers } = multipart(statement, [attachmentPart(Buffer.from('a'.repeat(300_000)))]);
  const bytes = Buffer.from(body as Buffer);
  const raw = await openRaw(server.url);
  raw.write(head(server, 'POST /xapi/statements', 'Host: x', `Content-Type: ${headers!['Content-Type']!}`, `Content-Length: ${bytes.length + 10}`));
  raw.write(bytes);
  await wait(300);
  raw.socket.end();
  await raw.untilClosed(2000);
  t.equal((await server.request('statements', { query: { statementId: statement.id } })).status, 404);
  raw.close();
});

t.test('answers that wait behind another one hold nothing when the connection has gone', { skip: process.platform !== 'linux' && '/proc is needed' }, async (t) => {
  const server = await startServer(t);
  const content = randomBytes(200_000);
  const statement = sample({ attachments: [attachmentOf(content)] });
  t.equal((await server.request('statements', multipart(statement, [attachmentPart(content)]))).status, 200);
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  const raw = await openRaw(server.url);
  raw.socket.pause();
  raw.write(head(server, `GET /xapi/statements?attachments=true&statementId=${statement.id}`, 'Host: x').repeat(60));
  for (let looks = 0; open() < before + 30 && looks < 50; looks++) await wait(100);
  t.ok(open() >= before + 30, 'they are being made');
  raw.socket.resetAndDestroy();
  for (let looks = 0; open() > before && looks < 50; looks++) await wait(100);
  t.ok(open() <= before, `${open()} open files, ${before} before`);
});

async function document(t: Test, server: TestServer, content: Buffer, type: string): Promise<void> {
  const query = { activityId: course.id, agent: ann, stateId: `${type} ${content.subarray(0, 4).toString('hex')} ${content.length}` };
  t.equal((await server.request('activities/state', { method: 'PUT', query, body: content, headers: { 'Content-Type': type } })).status, 204);
  const plain = await server.request('activities/state', { query });
  t.same(plain.bytes, content, query.stateId);
  const asked = await server.request('activities/state', { query, headers: { 'Accept-Encoding': 'gzip' } });
  t.same(asked.headers['content-encoding'] === 'gzip' ? gunzipSync(asked.bytes) : asked.bytes, content, `${query.stateId}, gzip`);
  t.equal(asked.headers.etag, asked.headers['content-encoding'] === 'gzip' ? plain.headers.etag!.replace(/"$/, '-gzip"') : plain.headers.etag);
}

t.test('documents come back as they were stored, whatever they begin with', async (t) => {
  const server = await startServer(t);
  const contents = [...['x = y;', '80', '8n', 'H,', 'hb', 'hC', '(r', 'XG', '{"a":'].map((start) => Buffer.from(start.padEnd(3000, 'abc '))), gzipSync(randomBytes(3000)), deflateSync(randomBytes(3000))];
  for (const content of contents) for (const type of ['text/plain', 'application/json', 'application/octet-stream', 'text/csv']) await document(t, server, content, type);
});

t.test('the alternate syntax names a representation once', async (t) => {
  const server = await startServer(t);
  const form = { activityId: course.id, agent: JSON.stringify(ann), stateId: 's' };
  const alternate = (method: string, more: Record<string, string> = {}, headers = {}) => server.request(`activities/state?method=${method}`, {
    method: 'POST', version: '1.0.3', body: new URLSearchParams({ ...form, ...more }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Accept-Encoding': 'gzip', ...headers },
  });
  const content = 'abc '.repeat(1000);
  const put = await alternate('PUT', { content, 'Content-Type': 'text/plain' });
  t.equal(put.status, 204);
  t.equal(put.headers['content-encoding'], undefined);
  const got = await alternate('GET');
  t.equal(gunzipSync(got.bytes).toString(), content);
  t.match(got.headers.etag, /^"[0-9a-f]{40}-gzip"$/);
  t.equal((await alternate('GET', { 'If-None-Match': got.headers.etag! })).status, 304);
  t.equal((await alternate('PUT', { content, 'Content-Type': 'text/plain', 'If-Match': got.headers.etag! })).status, 204);
  const asked = await alternate('HEAD');
  t.equal(asked.status, 200);
  t.equal(asked.bytes.length, 0);
});

t.test('escapes in a form are UTF-8', async (t) => {
  const server = await startServer(t);
  for (const value of ['%FF%FEabc', '%', '%zz', '%C3%28', '%ED%A0%80']) {
    const answer = await server.request('activities/state?method=PUT', {
      method: 'POST', version: '1.0.3', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `activityId=${encodeURIComponent(course.id)}&agent=${encodeURIComponent(JSON.stringify(ann))}&stateId=s&content=${value}`,
    });
    t.equal(answer.status, 400, value);
    t.match(answer.json(), { error: 'invalid-parameter', parameter: 'content', rule: 'parameter-encoding' });
  }
});

t.test('a 304 to a HEAD says nothing of a length', async (t) => {
  const server = await startServer(t);
  const answer = await server.request('about', { method: 'HEAD' });
  t.equal(answer.status, 200);
  const query = { agent: ann };
  const found = await server.request('agents', { method: 'HEAD', query, headers: { 'If-None-Match': '*' } });
  t.equal(found.status, 304);
  t.equal(found.headers['content-length'], undefined);
});

t.test('one Host, and one that names a host', async (t) => {
  const server = await startServer(t);
  const ask = async (...hosts: string[]): Promise<string> => {
    const raw = await openRaw(server.url);
    raw.write(head(server, 'GET /xapi/about', ...hosts.map((host) => `Host: ${host}`), 'Connection: close'));
    const { text } = await raw.untilClosed(2000);
    raw.close();
    return text.slice(9, 12);
  };
  for (const host of ['x', 'lrs.example.org:8080', '127.0.0.1', '[::1]:80', '', 'a_b']) t.equal(await ask(host), '200', host);
  for (const host of ['a b', 'a/b', 'u@h', 'x:y', '[::1']) t.equal(await ask(host), '400', host);
  t.equal(await ask('x', 'x'), '400');
});

t.test('a target in absolute form is the same place', async (t) => {
  const server = await startServer(t);
  for (const times of [1, 2, 3]) t.equal((await server.request('statements', { method: 'POST', body: [sample({ result: { response: String(times) } })] })).status, 200);
  const raw = await openRaw(server.url);
  raw.write(head(server, 'GET http://x/data/xAPI//statements/?limit=1', 'Host: x', 'Connection: close'));
  const { text } = await raw.untilClosed(2000);
  raw.close();
  t.match(text, /^HTTP\/1\.1 200 /);
  t.match(text, /"more":"\/data\/xAPI/);
  t.match(text, /X-Experience-API-Consistent-Through/i);
});

t.test('what is no resource is told with the headers of every answer, whatever its name is made of', async (t) => {
  const server = await startServer(t);
  for (const [line, status] of [['GET /xapi/stat%ZZ', 404], ['GET /data/xAPI/%ff', 404], ['POST /xapi/?method=GET', 404], ['OPTIONS /xapi/%ff', 204]] as const) {
    const raw = await openRaw(server.url);
    raw.write(head(server, line, 'Host: x', 'Origin: https://course.example.org', 'Connection: close'));
    const { text } = await raw.untilClosed(2000);
    raw.close();
    t.match(text, new RegExp(`^HTTP/1.1 ${status} `), line);
    t.match(text, /X-Experience-API-Version: \d/i, line);
    t.match(text, /Access-Control-Allow-Origin/i, line);
    t.notMatch(text, 'alternate-request-syntax', line);
  }
});
