import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import type { XapiVersion } from '../../../src/xapi/types.js';
import { limits, openResourceApp, type ResourceRequest } from './resource-app.js';

const agent = '{"mbox":"mailto:ann@example.org"}';
const activityId = 'https://example.org/activities/é';
const resources = [
  { name: 'state', path: '/activities/state', query: (id: string): Record<string, string> => ({ activityId, agent, stateId: id }) },
  { name: 'agent profile', path: '/agents/profile', query: (id: string): Record<string, string> => ({ agent, profileId: id }) },
  { name: 'activity profile', path: '/activities/profile', query: (id: string): Record<string, string> => ({ activityId, profileId: id }) },
];
const versions: XapiVersion[] = ['1.0.3', '2.0.0'];
const sha1 = (content: string | Buffer) => createHash('sha1').update(content).digest('hex');
const json = { 'content-type': 'application/json' };

const stored = '{"a":1}';
const current = sha1(stored);
const other = '1111111111111111111111111111111111111111';

/** Outcome for a document that is absent, then for one that is present. */
type Outcome = [absent: number, present: number];
const table: { method: 'PUT' | 'POST' | 'DELETE'; headers: Record<string, string>; outcome: Outcome }[] = [];
const conditions: { headers: Record<string, string>; outcome: Outcome }[] = [
  { headers: { 'if-match': `"${current}"` }, outcome: [412, 204] },
  { headers: { 'if-match': `W/"${current}"` }, outcome: [412, 204] },
  { headers: { 'if-match': `"${current}-gzip"` }, outcome: [412, 204] },
  { headers: { 'if-match': `"${current.toUpperCase()}"` }, outcome: [412, 204] },
  { headers: { 'if-match': current }, outcome: [412, 204] },
  { headers: { 'if-match': `"${other}", "${current}"` }, outcome: [412, 204] },
  { headers: { 'if-match': `"${other}"` }, outcome: [412, 412] },
  { headers: { 'if-match': '"1234"' }, outcome: [412, 412] },
  { headers: { 'if-match': '*' }, outcome: [412, 204] },
  { headers: { 'if-none-match': '*' }, outcome: [204, 412] },
  { headers: { 'if-none-match': `"${current}"` }, outcome: [204, 412] },
  { headers: { 'if-none-match': `"${other}", W/"${current}"` }, outcome: [204, 412] },
  { headers: { 'if-none-match': `"${other}"` }, outcome: [204, 204] },
  { headers: { 'if-match': '"unclosed' }, outcome: [400, 400] },
  { headers: { 'if-none-match': 'nothing' }, outcome: [400, 400] },
];
for (const method of ['PUT', 'POST', 'DELETE'] as const) {
  for (const { headers, outcome } of conditions) table.push({ method, headers, outcome });
}
table.push({ method: 'PUT', headers: { 'if-match': `"${current}"`, 'if-none-match': `"${other}"` }, outcome: [400, 400] });
table.push({ method: 'DELETE', headers: { 'if-match': '*', 'if-none-match': '*' }, outcome: [400, 400] });
table.push({ method: 'POST', headers: { 'if-match': `"${current}"`, 'if-none-match': `"${other}"` }, outcome: [412, 204] });
table.push({ method: 'POST', headers: {}, outcome: [204, 204] });
table.push({ method: 'DELETE', headers: {}, outcome: [204, 204] });

/** PUT without a precondition is all that the versions and resources differ in. */
const unconditionalPut: Record<XapiVersion, Record<string, Outcome>> = {
  '1.0.3': { state: [204, 204], 'agent profile': [400, 409], 'activity profile': [400, 409] },
  '2.0.0': { state: [204, 409], 'agent profile': [204, 409], 'activity profile': [204, 409] },
};

t.test('preconditions (xAPI 1.0.3 Part Three 3.1, IEEE 9274.1.1 4.1.4)', async (t) => {
  const { send } = await openResourceApp(t);
  let count = 0;
  for (const version of versions) {
    for (const { name, path, query } of resources) {
      const rows = [...table, { method: 'PUT' as const, headers: {}, outcome: unconditionalPut[version][name] as Outcome }];
      for (const { method, headers, outcome } of rows) {
        for (const present of [false, true]) {
          const id = `document ${count += 1}`;
          const base = { path, query: query(id), version };
          if (present) t.equal((await send({ ...base, method: 'POST', headers: json, body: stored })).statusCode, 204);
          const title = `${version}, ${name}, ${present ? 'present' : 'absent'}: ${method} ${JSON.stringify(headers)}`;
          const body = method === 'DELETE' ? {} : { body: '{"b":2}' };
          const answer = await send({ ...base, method, headers: { ...json, ...headers }, ...body });
          const expected = outcome[present ? 1 : 0];
          t.equal(answer.statusCode, expected, title);
          const after = await send({ ...base, method: 'GET' });
          if (expected === 204) {
            t.equal(answer.body, '', `${title}: no body`);
            const content = { PUT: '{"b":2}', POST: present ? '{"a":1,"b":2}' : '{"b":2}', DELETE: undefined }[method];
            if (content === undefined) t.equal(after.statusCode, 404, `${title}: gone`);
            else t.equal(after.body, content, `${title}: written`);
          } else {
            t.ok(answer.json().message.length > 20, `${title}: explained`);
            t.equal(after.body === stored, present, `${title}: nothing changed`);
            t.equal(after.statusCode, present ? 200 : 404, `${title}: nothing changed`);
          }
          if (expected === 409) {
            t.match(answer.json().message, /current state of the resource.*If-Match.*current ETag/);
            t.match(answer.json().message, current, 'the current ETag is named');
          }
        }
      }
    }
  }
});

t.test('GET and HEAD: ETag, Last-Modified, length, conditions', async (t) => {
  const { send } = await openResourceApp(t);
  for (const { path, query } of resources) {
    const base = { path, query: query('one') };
    const before = Math.floor(Date.now() / 1000) * 1000;
    await send({ ...base, method: 'PUT', headers: { ...json, 'if-none-match': '*' }, body: stored });
    const got = await send({ ...base, method: 'GET' });
    t.equal(got.headers.etag, `"${current}"`);
    t.ok(Date.parse(String(got.headers['last-modified'])) >= before);
    t.equal(got.headers['cache-control'], 'no-cache', 'no browser goes on with an old one');
    t.equal(got.headers['x-content-type-options'], 'nosniff');
    t.equal(got.headers['content-security-policy'], 'sandbox');

    const head = await send({ ...base, method: 'HEAD' });
    t.equal(head.statusCode, 200);
    t.equal(head.body, '');
    for (const name of ['etag', 'last-modified', 'content-type', 'content-length']) t.equal(String(head.headers[name]), String(got.headers[name]), name);

    for (const [headers, status] of [
      [{ 'if-none-match': `"${current}"` }, 304], [{ 'if-none-match': `W/"${current}-gzip"` }, 304], [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': `"${other}"` }, 200], [{ 'if-match': `"${current}"` }, 200], [{ 'if-match': '*' }, 200], [{ 'if-match': `"${other}"` }, 412],
      [{ 'if-match': 'bad' }, 400],
    ] as const) {
      const answer = await send({ ...base, method: 'GET', headers });
      t.equal(answer.statusCode, status, JSON.stringify(headers));
      if (status === 304) t.strictSame([answer.body, answer.headers.etag], ['', `"${current}"`]);
    }
    t.equal((await send({ ...base, query: query('none'), method: 'GET', headers: { 'if-none-match': '*' } })).statusCode, 404);
    t.equal((await send({ ...base, query: query('none'), method: 'HEAD' })).statusCode, 404);
  }
});

t.test('content comes back byte for byte, whatever its type', async (t) => {
  const { send } = await openResourceApp(t);
  const types = [
    'application/json', 'application/json; charset=utf-8', 'application/json;charset=ISO-8859-1', 'text/plain', 'text/html; charset=utf-16', 'image/png',
    'application/x-www-form-urlencoded', 'multipart/mixed; boundary=abc', 'multipart/form-data', 'Text/HTML', 'x/y; a="b\\"c"', 'application/octet-stream',
  ];
  const bodies = [Buffer.alloc(0), Buffer.from('{"a":1'), Buffer.from('é\u{1f600}'), randomBytes(1000), Buffer.from([0, 255, 254])];
  for (const type of types) {
    for (const body of bodies) {
      const base = { path: '/activities/state', query: resources[0]!.query('bytes') };
      t.equal((await send({ ...base, method: 'PUT', headers: { 'content-type': type }, body })).statusCode, 204, type);
      const got = await send({ ...base, method: 'GET' });
      t.equal(got.statusCode, 200);
      t.equal(got.headers['content-type'], type);
      t.ok(got.rawPayload.equals(body), type);
      t.equal(got.headers['content-length'], String(body.length));
      t.equal(got.headers.etag, `"${sha1(body)}"`);
    }
  }
  const none = { path: '/activities/state', query: resources[0]!.query('untyped') };
  t.equal((await send({ ...none, method: 'PUT' })).statusCode, 204, 'neither type nor body');
  t.equal((await send({ ...none, method: 'GET' })).headers['content-type'], 'application/octet-stream');
});

t.test('content types that no answer could carry are refused', async (t) => {
  const { send } = await openResourceApp(t);
  for (const { path, query } of resources) {
    for (const type of ['text/plain; a=\u00e9', 'text/plain; a=\u{1f600}', 'text/plain; a=\u0001', 'text/plain; a=b\r\nX-Injected: 1', 'text/\u0000', 'no type', '/', ';']) {
      const answer = await send({ path, query: query('typed'), method: 'PUT', headers: { 'content-type': type, 'if-none-match': '*' }, body: 'x' });
      t.ok(answer.statusCode === 400 || answer.statusCode === 415, `${JSON.stringify(type)}: ${answer.statusCode}`);
    }
    t.equal((await send({ path, query: query('typed'), method: 'GET' })).statusCode, 404);
  }
});

t.test('POST merges JSON objects and refuses all else, changing nothing (xAPI 1.0.3 Part Three 2.2)', async (t) => {
  const { send } = await openResourceApp(t);
  for (const version of versions) {
    for (const { path, query } of resources) {
      const base = { path, query: query(`merge ${version}`), version };
      const get = async () => (await send({ ...base, method: 'GET' })).body;
      const post = async (body: string | Buffer, type = 'application/json') =>
        (await send({ ...base, method: 'POST', headers: { 'content-type': type }, body })).statusCode;

      t.equal(await post('{"a":'), 400, 'malformed, nothing there yet');
      t.equal(await post('[]'), 400, 'JSON, no object, nothing there yet');
      t.equal((await send({ ...base, method: 'GET' })).statusCode, 404);
      t.equal(await post('{"car":{"make":"Ford","year":1.50},"n":12345678901234567890}'), 204);
      t.equal(await post('{"car":{"make":"Dodge"},"__proto__":{"x":1}}', 'Application/JSON; charset=utf-8'), 204);
      const merged = '{"car":{"make":"Dodge"},"n":12345678901234567890,"__proto__":{"x":1}}';
      t.equal(await get(), merged);
      t.equal((await send({ ...base, method: 'GET' })).headers['content-type'], 'Application/JSON; charset=utf-8', 'the type is that of the last request');
      for (const [body, type] of [
        ['abc', 'text/plain'], ['{"a":1}', 'application/octet-stream'], ['{"a":1}', 'not/json'], ['a=1', 'application/x-www-form-urlencoded'],
        ['{"a":1}{', 'application/json'], ['[1]', 'application/json'], ['"a"', 'application/json'], ['null', 'application/json'], ['', 'application/json'],
        ['{"a":1,"a":2}', 'application/json'], [Buffer.from([0x22, 0xff, 0x22]), 'application/json'], [`{"a":${'['.repeat(50)}${']'.repeat(50)}}`, 'application/json'],
      ] as const) {
        t.equal(await post(body, type), 400, `${type}: ${body.toString()}`);
        t.equal(await get(), merged, 'nothing changed');
      }
    }
  }
  for (const [content, type] of [['/ asdf / undefined', 'application/octet-stream'], ['{"a":1}', 'text/plain'], ['{"a":', 'application/json'], ['[]', 'application/json']] as const) {
    const base = { path: '/activities/state', query: resources[0]!.query(`existing ${type} ${content}`) };
    t.equal((await send({ ...base, method: 'PUT', headers: { 'content-type': type }, body: content })).statusCode, 204);
    const answer = await send({ ...base, method: 'POST', headers: json, body: '{"b":2}' });
    t.equal(answer.statusCode, 400, 'what is stored can not be merged');
    t.match(answer.json(), { code: 'invalid-document', section: /2\.2/ });
    t.equal((await send({ ...base, method: 'GET' })).body, content);
  }
  const fresh = { path: '/activities/state', query: resources[0]!.query('posted bytes') };
  t.equal((await send({ ...fresh, method: 'POST', headers: { 'content-type': 'image/png' }, body: 'png' })).statusCode, 204, 'a POST where nothing is acts as a PUT');
  t.equal((await send({ ...fresh, method: 'GET' })).headers['content-type'], 'image/png');
});

t.test('merges at the same time lose nothing', async (t) => {
  const { send } = await openResourceApp(t);
  const base = { path: '/agents/profile', query: { agent, profileId: 'contended' } };
  const answers = await Promise.all(Array.from({ length: 300 }, (_, index) =>
    send({ ...base, method: 'POST', headers: json, body: JSON.stringify({ [`k${index}`]: index }) })));
  t.strictSame([...new Set(answers.map(({ statusCode }) => statusCode))], [204]);
  t.equal(Object.keys((await send({ ...base, method: 'GET' })).json()).length, 300);
});

t.test('of writers with one If-Match, one wins', async (t) => {
  const { send } = await openResourceApp(t);
  for (const method of ['PUT', 'POST'] as const) {
    const base: Pick<ResourceRequest, 'path' | 'query'> = { path: '/agents/profile', query: { agent, profileId: `raced ${method}` } };
    await send({ ...base, method: 'POST', headers: json, body: stored });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) =>
      send({ ...base, method, headers: { ...json, 'if-match': `"${current}"` }, body: JSON.stringify({ winner: index }) })));
    t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [204, ...Array(9).fill(412)]);
  }
});

t.test('PUT of the same content is fine', async (t) => {
  const { send } = await openResourceApp(t);
  const base = { path: '/agents/profile', query: { agent, profileId: 'same' } };
  await send({ ...base, method: 'PUT', headers: { ...json, 'if-none-match': '*' }, body: stored });
  t.equal((await send({ ...base, method: 'PUT', headers: { ...json, 'if-match': `"${current}"` }, body: stored })).statusCode, 204);
  t.equal((await send({ ...base, method: 'GET' })).headers.etag, `"${current}"`);
});

t.test('large documents', async (t) => {
  const { send } = await openResourceApp(t);
  const base = { path: '/activities/state', query: resources[0]!.query('large') };
  const large = randomBytes(limits.maxDocumentBytes);
  t.equal((await send({ ...base, method: 'PUT', headers: { 'content-type': 'image/png' }, body: large })).statusCode, 204);
  t.ok((await send({ ...base, method: 'GET' })).rawPayload.equals(large));
  t.equal((await send({ ...base, method: 'PUT', headers: { 'content-type': 'image/png' }, body: Buffer.concat([large, large]) })).statusCode, 413);
  t.ok((await send({ ...base, method: 'GET' })).rawPayload.equals(large), 'nothing changed');

  const merged = { ...base, query: resources[0]!.query('grown') };
  const half = 'x'.repeat(limits.maxDocumentBytes / 2);
  t.equal((await send({ ...merged, method: 'POST', headers: json, body: JSON.stringify({ a: half }) })).statusCode, 204);
  const answer = await send({ ...merged, method: 'POST', headers: json, body: JSON.stringify({ b: half }) });
  t.equal(answer.statusCode, 413, 'merges grow no document past the limit');
  t.equal(answer.json().code, 'too-large');
});

t.test('ids of every kind are told apart and come back in lists', async (t) => {
  const { send } = await openResourceApp(t);
  const ids = ['a', 'A', 'a ', 'a b', 'a+b', 'a%20b', 'a/b', '../a', 'a\u0000b', 'a\u0000', 'é', 'e\u0301', '\u{1f600}', '日本', '__proto__', 'constructor', '[]', '{"a":1}', '*', '\n', '0', 'x'.repeat(5000)];
  for (const { name, path, query } of resources) {
    for (const [index, id] of ids.entries()) {
      t.equal((await send({ path, query: query(id), method: 'POST', headers: json, body: `{"i":${index}}` })).statusCode, 204);
    }
    for (const [index, id] of ids.entries()) {
      t.strictSame((await send({ path, query: query(id), method: 'GET' })).json(), { i: index }, `${name}: ${JSON.stringify(id.slice(0, 20))}`);
    }
    const { stateId, profileId, ...scope } = query('');
    t.strictSame(new Set((await send({ path, query: scope, method: 'GET' })).json()), new Set(ids));
  }
});

t.test('tenants and resources share nothing', async (t) => {
  const { send } = await openResourceApp(t);
  for (const { path, query } of resources) {
    await send({ path, query: query('one'), tenant: 'a', method: 'POST', headers: json, body: `{"path":"${path}"}` });
  }
  for (const { path, query } of resources) {
    const { stateId, profileId, ...scope } = query('');
    t.strictSame((await send({ path, query: query('one'), method: 'GET' })).json(), { path });
    t.strictSame((await send({ path, query: scope, method: 'GET' })).json(), ['one']);
    t.equal((await send({ path, query: query('one'), tenant: 'b', method: 'GET' })).statusCode, 404);
    t.strictSame((await send({ path, query: scope, tenant: 'b', method: 'GET' })).json(), []);
    t.equal((await send({ path, query: query('one'), tenant: 'b', method: 'DELETE' })).statusCode, 204);
    t.strictSame((await send({ path, query: query('one'), method: 'GET' })).json(), { path });
  }
});

t.test('a Content-Type on GET and DELETE without a body does no harm', async (t) => {
  const { send } = await openResourceApp(t);
  const base = { path: '/activities/state', query: resources[0]!.query('typed') };
  await send({ ...base, method: 'POST', headers: json, body: stored });
  t.equal((await send({ ...base, method: 'GET', headers: json })).statusCode, 200);
  t.equal((await send({ ...base, method: 'DELETE', headers: json })).statusCode, 204);
  t.equal((await send({ ...base, method: 'DELETE', headers: json, body: '{"ignored":true}' })).statusCode, 204);
});
