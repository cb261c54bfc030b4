import t from 'tap';
import { authorization, startServer, type Answer, type RequestOptions, type TestServer } from '../server.js';
import { ann, bob, course, listIds, post, sample, type Sample } from './samples.js';

/** A request in the alternate syntax; nothing is in its headers but what `options` says. */
function alternate(server: TestServer, path: string, method: string, form: Record<string, string>, options: RequestOptions = {}): Promise<Answer> {
  return server.request(`${path}?method=${method}`, {
    method: 'POST', version: null, key: null, body: new URLSearchParams(form).toString(), ...options, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...options.headers },
  });
}

function credentials(server: TestServer, version = '1.0.3'): Record<string, string> {
  return { 'Authorization': authorization(server.one), 'X-Experience-API-Version': version };
}

t.test('every method of statements', async (t) => {
  const server = await startServer(t);
  const [put, posted] = [sample({ result: { response: 'é & = + % \u{1f600} \u2028' } }), sample({ actor: bob })];
  const body = JSON.stringify(put);
  t.equal((await alternate(server, 'statements', 'PUT', { ...credentials(server), 'statementId': put.id, 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)), 'content': body })).status, 204);
  t.same((await alternate(server, 'statements', 'POST', { ...credentials(server), 'Content-Type': 'application/json', 'content': JSON.stringify([posted]) })).json(), [posted.id]);
  const one = await alternate(server, 'statements', 'GET', { ...credentials(server), statementId: put.id });
  t.match(one.json(), put, 'UTF-8 comes through');
  t.match(one.headers, { 'x-experience-api-version': '1.0.3', 'x-experience-api-consistent-through': /^\d/, 'last-modified': /GMT$/ });
  const found = (await alternate(server, 'statements', 'GET', { ...credentials(server), agent: JSON.stringify(bob), limit: '1' })).json<{ statements: Sample[] }>();
  t.same(found.statements.map(({ id }) => id), [posted.id], 'parameters of the query are in the form');
  const head = await alternate(server, 'statements', 'HEAD', credentials(server));
  t.equal(head.status, 200);
  t.equal(head.bytes.length, 0, 'HEAD ends without a body');
  t.same(await listIds(server), [posted.id, put.id]);
});

t.test('documents, with preconditions in the form', async (t) => {
  const server = await startServer(t);
  const profile = { ...credentials(server), agent: JSON.stringify(ann), profileId: 'p' };
  const put = await alternate(server, 'agents/profile', 'PUT', { ...profile, 'If-None-Match': '*', 'Content-Type': 'text/plain', 'content': 'one' });
  t.equal(put.status, 204);
  t.equal((await alternate(server, 'agents/profile', 'PUT', { ...profile, 'If-None-Match': '*', 'Content-Type': 'text/plain', 'content': 'two' })).status, 412);
  const got = await alternate(server, 'agents/profile', 'GET', profile);
  t.equal(got.text, 'one');
  t.match(got.headers, { 'content-type': 'text/plain', 'etag': /^"[0-9a-f]{40}"$/ });
  t.equal((await alternate(server, 'agents/profile', 'PUT', { ...profile, 'If-Match': got.headers.etag!, 'Content-Type': 'application/json', 'content': '{"a":1}' })).status, 204);
  t.equal((await alternate(server, 'agents/profile', 'POST', { ...profile, 'Content-Type': 'application/json', 'content': '{"b":2}' })).status, 204);
  t.same((await alternate(server, 'agents/profile', 'GET', profile)).json(), { a: 1, b: 2 });
  t.equal((await alternate(server, 'agents/profile', 'DELETE', profile)).status, 204);
  t.equal((await alternate(server, 'agents/profile', 'GET', profile)).status, 404);
  for (const [path, form] of [['activities', { activityId: course.id }], ['agents', { agent: JSON.stringify(ann) }], ['about', {}], ['activities/state', { activityId: course.id, agent: JSON.stringify(ann) }]] as const) {
    t.equal((await alternate(server, path, 'GET', { ...credentials(server), ...form })).status, 200, path);
  }
});

t.test('headers may stay headers, and their names are compared without regard to case', async (t) => {
  const server = await startServer(t);
  t.equal((await alternate(server, 'statements', 'GET', {}, { version: '1.0.3', key: server.one })).status, 200);
  t.equal((await alternate(server, 'statements', 'GET', { 'authorization': authorization(server.one), 'x-experience-api-version': '1.0.3' })).status, 200);
  t.equal((await alternate(server, 'statements', 'GET', credentials(server), { headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' } })).status, 200);
});

t.test('what breaks the syntax is 400, and the usual rules hold inside', async (t) => {
  const server = await startServer(t);
  const content = JSON.stringify(sample());
  const form = { ...credentials(server), 'Content-Type': 'application/json' };
  const cases: [string, () => Promise<Answer>, number][] = [
    ['another parameter in the query string', () => server.request('statements?method=GET&limit=1', { method: 'POST', version: null, key: null, body: new URLSearchParams(credentials(server)).toString() }), 400],
    ['an unknown method', () => alternate(server, 'statements', 'TRACE', form), 400],
    ['a method in lower case', () => alternate(server, 'statements', 'get', form), 400],
    ['two methods', () => alternate(server, 'statements', 'GET&method=PUT', form), 400],
    ['a PUT without content', () => alternate(server, 'statements', 'PUT', { ...form, statementId: sample().id }), 400],
    ['an unknown parameter', () => alternate(server, 'statements', 'GET', { ...form, foo: '1' }), 400],
    ['content that is no statement', () => alternate(server, 'statements', 'POST', { ...form, content: '{}' }), 400],
    ['no version', () => alternate(server, 'statements', 'GET', { Authorization: authorization(server.one) }), 400],
    ['no credential', () => alternate(server, 'statements', 'GET', { 'X-Experience-API-Version': '1.0.3' }), 401],
    ['a wrong credential', () => alternate(server, 'statements', 'GET', { ...form, Authorization: 'Basic eDp5' }), 401],
    ['a method that is not known there', () => alternate(server, 'statements', 'DELETE', form), 405],
    ['no resource', () => alternate(server, 'nothing', 'GET', form), 404],
    ['attachments, which need bytes', () => alternate(server, 'statements', 'POST', { ...form, 'Content-Type': 'multipart/mixed; boundary=x', content }), 400],
    ['out of the xAPI resources', () => alternate(server, '/v1/keys', 'GET', { ...form, Authorization: authorization(server.admin) }), 401],
  ];
  for (const [name, request, status] of cases) {
    const answer = await request();
    t.equal(answer.status, status, `${name}: ${answer.text}`);
  }
  t.same(await listIds(server), []);
});

t.test('2.0 has no alternate syntax', async (t) => {
  const server = await startServer(t);
  for (const path of ['statements', 'activities/state', 'agents/profile', 'activities/profile', 'activities', 'agents']) {
    t.equal((await alternate(server, path, 'GET', credentials(server, '2.0.0'))).status, 400, path);
    t.equal((await alternate(server, path, 'GET', {}, { version: '2.0.0', key: server.one })).status, 400, path);
  }
});

t.test('a POST without method is a POST', async (t) => {
  const server = await startServer(t);
  const statement = sample();
  await post(server, statement, { version: '1.0.3' });
  t.same(await listIds(server), [statement.id]);
});
