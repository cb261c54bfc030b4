import t from 'tap';
import { openResourceApp, type ResourceApp, type ResourceRequest } from '../documents/resource-app.js';

const path = '/activities/state';
const activityId = 'https://example.org/activities/1';
const agent = '{"mbox":"mailto:ann@example.org"}';
const one = '11111111-aaaa-4aaa-8aaa-111111111111';
const two = '22222222-bbbb-4bbb-8bbb-222222222222';
const json = { 'content-type': 'application/json' };

function client({ send }: ResourceApp) {
  const request = (method: ResourceRequest['method'], query: Record<string, string>, more: Partial<ResourceRequest> = {}) =>
    send({ path, method, query: { activityId, agent, ...query }, ...more });
  return {
    request,
    put: async (query: Record<string, string>, body = '{}') => (await request('PUT', query, { body, headers: json })).statusCode,
    list: async (query: Record<string, string> = {}) => (await request('GET', query)).json() as string[],
    status: async (query: Record<string, string>) => (await request('GET', query)).statusCode,
    remove: async (query: Record<string, string>) => (await request('DELETE', query)).statusCode,
  };
}

t.test('a document belongs to activity, agent, registration and stateId (xAPI 1.0.3 Part Three 2.3)', async (t) => {
  const { put, request, status } = client(await openResourceApp(t));
  const contexts: Record<string, string>[] = [
    {}, { registration: one }, { registration: two }, { agent: '{"mbox":"mailto:bob@example.org"}' }, { activityId: `${activityId}/` }, { stateId: 'other' },
    { agent: '{"account":{"homePage":"https://example.org","name":"ann"}}' }, { agent: '{"openid":"https://example.org/ann"}' },
    { agent: '{"mbox_sha1sum":"ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}' },
  ];
  for (const [index, context] of contexts.entries()) t.equal(await put({ stateId: 'bookmark', ...context }, String(index)), 204);
  for (const [index, context] of contexts.entries()) t.equal((await request('GET', { stateId: 'bookmark', ...context })).body, String(index), JSON.stringify(context));

  t.equal((await request('GET', { stateId: 'bookmark', agent: '{"objectType":"Agent","name":"Somebody","mbox":"mailto:ann@example.org"}' })).body, '0', 'agents are compared by their identifier alone');
  t.equal((await request('GET', { stateId: 'bookmark', registration: one.toUpperCase() })).body, '1', 'UUIDs are compared without regard to case');
  t.equal((await request('DELETE', { stateId: 'bookmark' })).statusCode, 204);
  t.equal(await status({ stateId: 'bookmark' }), 404);
  t.equal(await status({ stateId: 'bookmark', registration: one }), 200, 'without registration only the document of none is meant');
  t.equal((await request('DELETE', { stateId: 'bookmark' })).statusCode, 204, 'a deletion may be repeated');
});

t.test('lists: Activity + Agent [+ registration if specified]', async (t) => {
  const { put, list, request } = client(await openResourceApp(t));
  t.strictSame(await list(), [], 'nothing is an empty list');
  for (const stateId of ['b', 'a']) await put({ stateId });
  for (const [stateId, registration] of [['a', one], ['c', one], ['d', two]] as const) await put({ stateId, registration });
  await put({ stateId: 'x', activityId: `${activityId}0` });
  await put({ stateId: 'y', agent: '{"mbox":"mailto:bob@example.org"}' });
  t.strictSame(await list(), ['a', 'b', 'c', 'd'], 'of every registration and of none, each id once');
  t.strictSame(await list({ registration: one }), ['a', 'c']);
  t.strictSame(await list({ registration: two.toUpperCase() }), ['d']);
  t.strictSame(await list({ registration: '33333333-cccc-4ccc-8ccc-333333333333' }), []);

  const answer = await request('GET', {});
  t.equal(answer.headers['content-type'], 'application/json');
  t.match(answer.headers.etag, /^"[0-9a-f]{40}"$/);
  t.ok(answer.headers['last-modified']);
  t.equal((await request('GET', {}, { headers: { 'if-none-match': String(answer.headers.etag) } })).statusCode, 304);
  t.equal((await request('GET', { registration: '33333333-cccc-4ccc-8ccc-333333333333' })).headers['last-modified'], undefined);
  const head = await request('HEAD', {});
  t.strictSame([head.statusCode, head.body, head.headers['content-length']], [200, '', String(answer.body.length)]);
});

t.test('since: stored or updated later, exclusive', async (t) => {
  const app = await openResourceApp(t);
  const { put, list, request, status } = client(app);
  const noon = Date.UTC(2026, 0, 31, 12);
  for (const [stateId, at] of [['early', -1], ['noon', 0], ['late', 1], ['updated', -5000]] as const) {
    app.clock.now = noon + at;
    await put({ stateId });
  }
  app.clock.now = noon + 60_000;
  await put({ stateId: 'updated' });
  t.strictSame(await list(), ['early', 'late', 'noon', 'updated']);
  for (const since of ['2026-01-31T12:00:00.000Z', '2026-01-31T12:00:00Z', '2026-01-31T14:00:00+02:00', '2026-01-31T10:30:00-01:30', '2026-01-31T14:00:00+0200', '2026-01-31T14:00:00+02']) {
    t.strictSame(await list({ since }), ['late', 'updated'], since);
    t.strictSame(await list({ since: since.replace('+', ' ') }), ['late', 'updated'], `${since} whose + became a space`);
  }
  t.strictSame(await list({ since: '2026-01-31T11:59:59.999Z' }), ['late', 'noon', 'updated']);
  t.strictSame(await list({ since: '2030-01-01T00:00:00Z' }), []);
  t.equal((await request('GET', {})).headers['last-modified'], 'Sat, 31 Jan 2026 12:01:00 GMT', 'of the document modified last');
  t.equal(await status({ stateId: 'early', since: '2030-01-01T00:00:00Z' }), 200, 'beside stateId it means nothing');
  for (const since of ['true', 'not a timestamp', '2026-01-31', '', '2026-13-01T00:00:00Z', '2026-01-31T12:00:00-00:00', `${'2'.repeat(5000)} 02:00`, 'Sat, 31 Jan 2026 12:00:00 GMT']) {
    const answer = await request('GET', { since });
    t.equal(answer.statusCode, 400, since.slice(0, 30));
    t.match(answer.json(), { code: 'invalid-parameter', parameter: 'since' });
  }
});

t.test('DELETE without stateId: Activity + Agent [+ registration if specified]', async (t) => {
  const { put, list, status, remove, request } = client(await openResourceApp(t));
  const fill = async () => {
    await put({ stateId: 'a' });
    await put({ stateId: 'b', registration: one });
    await put({ stateId: 'c', registration: two });
  };
  await fill();
  await put({ stateId: 'x', activityId: `${activityId}0` });
  await put({ stateId: 'y', agent: '{"mbox":"mailto:bob@example.org"}' });
  t.equal(await remove({ registration: one }), 204);
  t.strictSame(await list(), ['a', 'c']);
  t.equal((await request('DELETE', { since: '2026-01-01T00:00:00Z' })).json().parameter, 'since', 'since limits no deletion, so it is refused');
  t.strictSame(await list(), ['a', 'c']);
  t.equal(await remove({}), 204);
  t.strictSame(await list(), []);
  t.equal(await remove({}), 204, 'a deletion may be repeated');
  t.equal(await status({ stateId: 'x', activityId: `${activityId}0` }), 200);
  t.equal(await status({ stateId: 'y', agent: '{"mbox":"mailto:bob@example.org"}' }), 200);

  await fill();
  const etag = String((await request('GET', {})).headers.etag);
  t.equal((await request('DELETE', {}, { headers: { 'if-match': '"other"' } })).statusCode, 412);
  t.strictSame(await list(), ['a', 'b', 'c']);
  t.equal((await request('DELETE', {}, { headers: { 'if-match': etag } })).statusCode, 204, 'If-Match takes the ETag of the list');
  t.strictSame(await list(), []);
});

t.test('parameters that are refused', async (t) => {
  const { send } = await openResourceApp(t);
  const good = { activityId, agent, stateId: 'a' };
  const omit = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
  const deep = `{"mbox":"mailto:a@example.org","name":${'['.repeat(3000)}${']'.repeat(3000)}}`;
  const cases: [parameter: string, query: Record<string, string>, methods?: readonly ResourceRequest['method'][]][] = [
    ['activityId', omit('activityId')],
    ['agent', omit('agent')],
    ['stateId', omit('stateId'), ['PUT', 'POST']],
    ['stateId', { ...good, stateId: '' }],
    ['activityId', { ...good, activityId: '' }],
    ['activityId', { ...good, activityId: 'true' }],
    ['activityId', { ...good, activityId: 'no scheme' }],
    ['registration', { ...good, registration: 'true' }],
    ['registration', { ...good, registration: '' }],
    ['registration', { ...good, registration: `{${one}}` }],
    ['agent', { ...good, agent: 'true' }],
    ['agent', { ...good, agent: 'not json' }],
    ['agent', { ...good, agent: '{"mbox":"mailto:ann@example.org"' }],
    ['agent', { ...good, agent: '[]' }],
    ['agent', { ...good, agent: 'null' }],
    ['agent', { ...good, agent: '{}' }],
    ['agent', { ...good, agent: '{"name":"Ann"}' }],
    ['agent', { ...good, agent: '{"mbox":"ann@example.org"}' }],
    ['agent', { ...good, agent: '{"mbox":"mailto:ann@example.org","openid":"https://example.org/ann"}' }],
    ['agent', { ...good, agent: '{"mbox":"mailto:ann@example.org","mbox":"mailto:bob@example.org"}' }],
    ['agent', { ...good, agent: '{"objectType":"Group","member":[{"mbox":"mailto:ann@example.org"}]}' }],
    ['agent', { ...good, agent: '{"__proto__":{"mbox":"mailto:ann@example.org"}}' }],
    ['agent', { ...good, agent: deep }],
    ['stateID', { ...good, stateID: 'a' }],
    ['profileId', { ...good, profileId: 'a' }],
    ['__proto__', { ...good, ['__proto__']: 'a' }],
    ['foo', { ...good, foo: 'bar' }],
  ];
  for (const version of ['1.0.3', '2.0.0'] as const) {
    for (const [parameter, query, methods = ['GET', 'PUT', 'POST', 'DELETE'] as const] of cases) {
      for (const method of methods) {
        const answer = await send({ path, method, query, version, headers: json, ...(method === 'PUT' || method === 'POST' ? { body: '{}' } : {}) });
        t.equal(answer.statusCode, 400, `${version} ${method} ${JSON.stringify(query).slice(0, 150)}`);
        t.match(answer.json(), { code: 'invalid-parameter', parameter, section: /./, expected: /./, rule: /./ });
      }
    }
  }
  t.strictSame((await send({ path, method: 'GET', query: omit('stateId') })).json(), [], 'nothing was stored');
});

t.test('a parameter given twice is refused', async (t) => {
  const { app } = await openResourceApp(t);
  for (const name of ['activityId', 'agent', 'stateId', 'registration']) {
    const query = new URLSearchParams({ activityId, agent, stateId: 'a', registration: one });
    query.append(name, query.get(name) ?? '');
    const answer = await app.inject({ method: 'GET', url: `${path}?${query.toString()}` });
    t.strictSame([answer.statusCode, answer.json().parameter, answer.json().rule], [400, name, 'parameter-once']);
  }
});

t.test('damaged percent-encoding gives no 5xx', async (t) => {
  const { app } = await openResourceApp(t);
  for (const tail of ['stateId=%', 'stateId=%zz', 'stateId=%ff%fe', 'stateId=%ed%a0%80', '%', '&&&', '=', '%00=1', 'stateId=a%00b']) {
    const answer = await app.inject({ method: 'GET', url: `${path}?activityId=${encodeURIComponent(activityId)}&agent=${encodeURIComponent(agent)}&${tail}` });
    t.ok(answer.statusCode < 500, `${tail}: ${answer.statusCode}`);
  }
});

t.test('what clients add against caches is passed over', async (t) => {
  const { put, status } = client(await openResourceApp(t));
  await put({ stateId: 'a' });
  t.equal(await status({ stateId: 'a', cachebuster: '1700000000000' }), 200, '@xapi/xapi');
  t.equal(await status({ stateId: 'a', _: '1700000000000' }), 200, 'jQuery');
});

t.test('a Group is refused in 1.0.3; an Identified Group is taken in 2.0', async (t) => {
  const { send } = await openResourceApp(t);
  const query = { activityId, agent: '{"objectType":"Group","mbox":"mailto:team@example.org"}', stateId: 'a' };
  t.match((await send({ path, query, method: 'PUT', body: 'x' })).json(), { code: 'invalid-parameter', parameter: 'agent' });
  t.equal((await send({ path, query, method: 'PUT', body: 'x', version: '2.0.0' })).statusCode, 204);
  t.equal((await send({ path, query: { ...query, agent: '{"mbox":"mailto:team@example.org"}' }, method: 'GET' })).body, 'x', 'by its identifier within an Agent');
});
