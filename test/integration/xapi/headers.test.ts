import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import t from 'tap';
import { startServer, type RequestOptions, type TestServer } from '../server.js';
import { ann, attachmentOf, attachmentPart, course, multipart, post, read, sample } from './samples.js';

const versions = ['1.0.3', '2.0.0'];
const state = { activityId: course.id, agent: ann, stateId: 's' };
const text = (length: number): string => JSON.stringify({ text: 'abc '.repeat(length) });

/** A document of each resource, an Activity with a definition and a statement with an attachment. */
async function fill(server: TestServer): Promise<[string, Record<string, unknown>][]> {
  const documents: [string, Record<string, unknown>][] = [['activities/state', state], ['agents/profile', { agent: ann, profileId: 'p' }], ['activities/profile', { activityId: course.id, profileId: 'p' }]];
  for (const [path, query] of documents) {
    const answer = await server.request(path, { method: 'PUT', query, body: text(1000), headers: { 'Content-Type': 'application/json', 'If-None-Match': '*' } });
    if (answer.status !== 204) throw new Error(answer.text);
  }
  const statement = sample({ object: { ...course, definition: { name: { en: 'Course' } } }, attachments: [attachmentOf(Buffer.from('x'))] });
  await server.request('statements', multipart(statement, [attachmentPart(Buffer.from('x'))]));
  return [
    ...documents, ...documents.map(([path, query]): [string, Record<string, unknown>] => [path, { ...query, stateId: undefined, profileId: undefined }]),
    ['statements', {}], ['statements', { statementId: statement.id }], ['statements', { attachments: true }], ['statements', { format: 'canonical' }],
    ['activities', { activityId: course.id }], ['agents', { agent: ann }], ['about', {}],
    ['activities/state', { ...state, stateId: 'none' }], ['statements', { foo: 1 }], ['nothing', {}],
  ];
}

t.test('HEAD answers as GET, without a body', async (t) => {
  const server = await startServer(t);
  const reads = await fill(server);
  const settled = (headers: object): object => {
    const rest: Record<string, unknown> = { ...headers };
    for (const name of ['date', 'x-request-id', 'x-experience-api-consistent-through', 'transfer-encoding', 'content-length']) delete rest[name];
    if (String(rest['content-type']).startsWith('multipart/mixed')) rest['content-type'] = 'multipart/mixed';
    return rest;
  };
  for (const version of versions) {
    for (const encoding of [undefined, 'gzip', 'deflate']) {
      for (const [path, query] of reads) {
        const name = `${version} ${path}?${Object.keys(query)} ${encoding}`;
        const [got, head] = [await server.request(path, { version, query, headers: { 'Accept-Encoding': encoding } }), await server.request(path, { method: 'HEAD', version, query, headers: { 'Accept-Encoding': encoding } })];
        t.equal(head.status, got.status, name);
        t.equal(head.bytes.length, 0, name);
        t.same(settled(head.headers), settled(got.headers), name);
        if (head.headers['content-length'] !== undefined && got.status === 200) t.equal(head.headers['content-length'], got.headers['content-length'], `${name}: length`);
      }
    }
  }
  t.equal((await server.request('statements', { method: 'HEAD', key: null })).status, 401);
});

t.test('X-Experience-API-Version is on every answer', async (t) => {
  for (const [version, other] of [['1.0.3', '2.0.0'], ['2.0.0', '1.0.3']] as const) {
    const server = await startServer(t, { QUIPU_DEFAULT_VERSION: version });
    const requests: [string, RequestOptions, string][] = [
      ['statements', { version: null }, version],
      ['statements', { version: '0.9' }, version],
      ['statements', { version: other }, other],
      ['statements', { version, key: null }, version],
      ['statements', { version: other, method: 'POST', body: {} }, other],
      ['statements', { version: other, query: { foo: 1 } }, other],
      ['statements', { version: other, method: 'DELETE' }, other],
      ['activities/state', { version: other, query: state }, other],
      ['agents', { version: other, query: { agent: ann } }, other],
      ['nothing', { version: other }, other],
      ['nothing', { version: null, key: null, method: 'PUT' }, version],
      ['about', { version: null, key: null }, version],
      ['about', { version: other, key: null }, other],
      ['statements', { method: 'OPTIONS', version: null, key: null, headers: { Origin: 'null', 'Access-Control-Request-Method': 'PUT' } }, version],
      ['statements?method=GET', { method: 'POST', version: null, key: null, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'a=1&a=2' }, version],
      ['statements?method=GET', { method: 'POST', version: null, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'X-Experience-API-Version=1.0.3' }, '1.0.3'],
    ];
    for (const [path, options, expected] of requests) {
      const answer = await server.request(path, options);
      t.equal(answer.headers['x-experience-api-version'], expected, `${options.method ?? 'GET'} ${path} ${options.version} at ${version}: ${answer.status}`);
    }
  }
});

t.test('Consistent-Through is on every answer of the Statement Resource: recent, and never in the future', async (t) => {
  const server = await startServer(t);
  const statement = sample();
  const requests: [string, RequestOptions, number][] = [
    ['store', { method: 'POST', body: statement }, 200],
    ['put', { method: 'PUT', query: { statementId: statement.id }, body: statement }, 204],
    ['list', {}, 200],
    ['one', { query: { statementId: statement.id } }, 200],
    ['attachments', { query: { attachments: true } }, 200],
    ['head', { method: 'HEAD' }, 200],
    ['nothing found', { query: { verb: 'urn:x:y' } }, 200],
    ['not there', { query: { statementId: '7f3c1a5e-0d39-4c1e-9d4e-3f5a1b2c4d5e' } }, 404],
    ['bad parameter', { query: { foo: 1 } }, 400],
    ['bad statement', { method: 'POST', body: {} }, 400],
    ['conflict', { method: 'POST', body: { ...statement, result: { success: true } } }, 409],
    ['no credential', { key: null }, 401],
    ['no version', { version: null }, 400],
    ['bad type', { method: 'POST', body: 'x', headers: { 'Content-Type': 'text/plain' } }, 400],
  ];
  for (const version of versions) {
    for (const [name, options, status] of requests) {
      const before = Date.now();
      const answer = await server.request('statements', { version, ...options });
      t.equal(answer.status, status, name);
      const through = String(answer.headers['x-experience-api-consistent-through']);
      t.match(through, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, name);
      t.ok(Date.parse(through) <= Date.now() && Date.parse(through) >= before - 5000, `${name}: ${through}`);
    }
  }
  const { headers } = await server.request('statements');
  const { stored } = await read(server, statement.id);
  t.ok(String(headers['x-experience-api-consistent-through']) >= stored, 'what was answered before is included');
});

t.test('Last-Modified of a statement is its stored', async (t) => {
  const server = await startServer(t);
  const statement = sample();
  await post(server, statement);
  const answer = await server.request('statements', { query: { statementId: statement.id } });
  t.equal(answer.headers['last-modified'], new Date(answer.json<{ stored: string }>().stored).toUTCString());
});

t.test('ETags are the quoted SHA-1 of what is answered, another one when it is compressed', async (t) => {
  const server = await startServer(t);
  const reads = (await fill(server)).filter(([path, query]) => path.includes('/') && query.stateId !== 'none');
  for (const version of versions) {
    for (const [path, query] of [...reads, ['activities', { activityId: course.id }], ['agents', { agent: ann }]] as const) {
      const plain = await server.request(path, { version, query });
      const sha1 = createHash('sha1').update(plain.bytes).digest('hex');
      t.equal(plain.headers.etag, `"${sha1}"`, path);
      if (plain.bytes.length < 1024) continue;
      for (const [encoding, decode] of [['gzip', gunzipSync], ['deflate', inflateSync]] as const) {
        const packed = await server.request(path, { version, query, headers: { 'Accept-Encoding': encoding } });
        t.equal(packed.headers['content-encoding'], encoding);
        t.same(decode(packed.bytes), plain.bytes);
        t.equal(packed.headers.etag, `"${sha1}-${encoding}"`);
        t.match(packed.headers.vary, /accept-encoding/i);
        for (const etag of [plain.headers.etag!, packed.headers.etag!]) {
          const unchanged = await server.request(path, { version, query, headers: { 'If-None-Match': etag } });
          t.equal(unchanged.status, 304, `${path}: not modified`);
          t.equal(unchanged.headers.etag, etag, 'a 304 names what the client has');
          t.equal(unchanged.headers.vary?.toLowerCase(), packed.headers.vary?.toLowerCase());
          t.equal((await server.request(path, { version, method: 'PUT', query, body: plain.bytes, headers: { 'Content-Type': 'application/json', 'If-Match': etag } })).status, 204, `${path}: ${etag} is taken`);
        }
      }
    }
  }
});

t.test('gzip of statements both ways, multipart too', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const statements = Array.from({ length: 20 }, () => sample());
    const packed = gzipSync(JSON.stringify(statements));
    const options = { method: 'POST', version, body: packed, headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' } };
    t.same((await server.request('statements', options)).json(), statements.map(({ id }) => id));
    const answer = await server.request('statements', { version, query: { limit: 20, ascending: true, since: '2020-01-01T00:00:00Z' }, headers: { 'Accept-Encoding': 'gzip' } });
    t.equal(answer.headers['content-encoding'], 'gzip');
    t.equal((JSON.parse(gunzipSync(answer.bytes).toString()) as { statements: unknown[] }).statements.length, 20);
    const bytes = Buffer.from('\r\n--a-boundar?\r\n'.repeat(200));
    const { body, headers } = multipart(sample({ attachments: [attachmentOf(bytes)] }), [attachmentPart(bytes)]);
    t.equal((await server.request('statements', { method: 'POST', version, body: gzipSync(body), headers: { ...headers, 'Content-Encoding': 'gzip' } })).status, 200);
    const parts = await server.request('statements', { version, query: { attachments: true, limit: 1 }, headers: { 'Accept-Encoding': 'gzip' } });
    t.ok(gunzipSync(parts.bytes).includes(bytes));
  }
  for (const coding of ['GZIP', 'x-gzip', ' X-Gzip']) {
    const { status } = await server.request('statements', { method: 'POST', body: gzipSync(JSON.stringify(sample())), headers: { 'Content-Type': 'application/json', 'Content-Encoding': coding } });
    t.equal(status, 200, coding);
  }
  const broken = { method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' } };
  const whole = gzipSync(JSON.stringify(sample()));
  for (const body of [Buffer.from('no gzip'), whole.subarray(0, -9)]) {
    const refused = await server.request('statements', { ...broken, body });
    t.equal(refused.status, 400);
    t.match(refused.json(), { error: 'malformed-encoding', parameter: 'Content-Encoding', rule: 'content-encoding', expected: /compressed/ });
  }
  t.equal((await server.request('statements', { ...broken, body: whole.subarray(0, whole.length - 12) })).status, 400, 'cut off');
  t.equal((await server.request('statements', { ...broken, body: 'x', headers: { ...broken.headers, 'Content-Encoding': 'br9' } })).status, 415);
});

t.test('percent escapes that are none, or no UTF-8, are refused', async (t) => {
  const server = await startServer(t);
  const address = `activities/state?activityId=${encodeURIComponent(course.id)}&agent=${encodeURIComponent(JSON.stringify(ann))}`;
  for (const id of ['%ff', '%', '%zz', '%c3%28', 'a%2']) {
    const refused = await server.request(`${address}&stateId=${id}`, { method: 'PUT', body: 'x' });
    t.equal(refused.status, 400, id);
    t.match(refused.json(), { error: 'invalid-parameter', parameter: 'stateId', rule: 'parameter-encoding', section: /Part Three 1\.4/ });
    t.equal((await server.request(`${address}&stateId=${encodeURIComponent(id)}`)).status, 404, `${id} encoded is another document`);
  }
  t.equal((await server.request('statements?verb=http://a.example/%ff')).status, 400);
  t.equal((await server.request(`${address}&stateId=50%25`, { method: 'PUT', body: 'x' })).status, 204);
});

t.test('what is no resource, and methods that nobody knows, are answered with the headers of xAPI', async (t) => {
  const server = await startServer(t);
  for (const [method, path, status] of [['GET', '/xapi', 404], ['GET', '/xapi/', 404], ['GET', '/data/xAPI/', 404], ['POST', '/xapi/nothing', 404], ['PROPFIND', '/xapi/nothing', 404],
    ['PROPFIND', '/xapi/statements', 405], ['TRACE', '/xapi/statements', 405], ['DELETE', '/xapi/statements', 405], ['PATCH', '/xapi/agents/', 405]] as const) {
    const answer = await server.request(path, { method, key: null, version: null, headers: { Origin: 'https://course.example.org' } });
    t.equal(answer.status, status, `${method} ${path}`);
    t.equal(answer.headers['x-experience-api-version'], '2.0.0');
    t.equal(answer.headers['access-control-allow-origin'], 'https://course.example.org');
    t.equal(answer.headers.allow !== undefined, status === 405);
    t.equal(answer.headers['x-experience-api-consistent-through'] !== undefined, path === '/xapi/statements');
  }
  const refused = await server.request('statements?method=PUT', { method: 'POST', version: '1.0.3', body: 'x=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  t.equal(refused.status, 400, 'of the alternate syntax before it is unwrapped');
  t.equal(refused.headers['x-experience-api-version'], '1.0.3');
  t.ok(refused.headers['x-experience-api-consistent-through']);
});

t.test('a small gzip that grows beyond the limit is 413', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_BODY_BYTES: '65536' });
  const body = gzipSync(JSON.stringify(sample({ result: { response: 'x'.repeat(10_000_000) } })));
  t.equal((await server.request('statements', { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' } })).status, 413);
  t.equal((await server.request('statements')).status, 200);
});

t.test('CORS: any origin, also null, on answers and errors alike', async (t) => {
  const server = await startServer(t);
  const reads = await fill(server);
  for (const origin of ['https://course.example.org', 'http://localhost:3000', 'null']) {
    for (const [path, query] of reads) {
      const answer = await server.request(path, { query, headers: { Origin: origin } });
      t.equal(answer.headers['access-control-allow-origin'], origin, `${path} ${answer.status}`);
      t.match(answer.headers.vary, /origin/i);
      for (const exposed of ['ETag', 'Last-Modified', 'X-Experience-API-Version', 'X-Experience-API-Consistent-Through']) t.match(answer.headers['access-control-expose-headers'], exposed);
      t.notOk(answer.headers['access-control-allow-credentials'], 'no cookies');
    }
    for (const path of ['statements', 'activities/state', 'agents/profile', 'activities/profile', 'activities', 'agents', 'about', '/data/xAPI/statements/']) {
      const asked = 'authorization,content-type,x-experience-api-version,if-match,if-none-match,x-custom';
      const answer = await server.request(path, { method: 'OPTIONS', key: null, version: null, headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': asked } });
      t.ok(answer.status === 204 || answer.status === 200, `preflight of ${path}`);
      t.equal(answer.headers['access-control-allow-origin'], origin);
      for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']) t.match(answer.headers['access-control-allow-methods'], method);
      t.equal(answer.headers['access-control-allow-headers'], asked);
    }
    for (const options of [{ key: null }, { version: null }, { query: { foo: 1 } }]) {
      t.equal((await server.request('statements', { ...options, headers: { Origin: origin } })).headers['access-control-allow-origin'], origin, 'on errors');
    }
    const alternate = await server.request('statements?method=GET', { method: 'POST', key: null, version: null, body: '', headers: { Origin: origin, 'Content-Type': 'application/x-www-form-urlencoded' } });
    t.equal(alternate.headers['access-control-allow-origin'], origin, 'in the alternate syntax');
  }
  t.notOk((await server.request('/v1/keys', { key: server.admin, headers: { Origin: 'https://course.example.org' } })).headers['access-control-allow-origin'], 'not under /v1');
});

t.test('Content-Type on requests without a body does no harm', async (t) => {
  const server = await startServer(t);
  for (const [path, query] of await fill(server)) {
    const [plain, typed] = [await server.request(path, { query }), await server.request(path, { query, headers: { 'Content-Type': 'application/json' } })];
    t.equal(typed.status, plain.status, path);
  }
});
