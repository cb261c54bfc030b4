import t from 'tap';
import { openResourceApp } from '../documents/resource-app.js';

const agent = '{"account":{"homePage":"https://example.org","name":"ann"}}';
const activityId = 'https://example.org/activities/1';
const json = { 'content-type': 'application/json' };
const profiles: { path: string; owner: Record<string, string>; stranger: Record<string, string> }[] = [
  { path: '/agents/profile', owner: { agent }, stranger: { agent: '{"account":{"homePage":"https://example.org","name":"bob"}}' } },
  { path: '/activities/profile', owner: { activityId }, stranger: { activityId: `${activityId}/` } },
];

for (const { path, owner, stranger } of profiles) {
  t.test(`${path}: store, get, list, delete (xAPI 1.0.3 Part Three 2.6, 2.7)`, async (t) => {
    const { send, clock } = await openResourceApp(t);
    clock.now = Date.UTC(2026, 0, 31, 12);
    for (const profileId of ['b', 'a']) {
      t.equal((await send({ path, method: 'PUT', query: { ...owner, profileId }, headers: { ...json, 'if-none-match': '*' }, body: `{"id":"${profileId}"}` })).statusCode, 204);
    }
    clock.now += 1000;
    t.equal((await send({ path, method: 'POST', query: { ...owner, profileId: 'c' }, headers: json, body: '{}' })).statusCode, 204);
    await send({ path, method: 'POST', query: { ...stranger, profileId: 'd' }, headers: json, body: '{}' });
    t.strictSame((await send({ path, method: 'GET', query: { ...owner, profileId: 'b' } })).json(), { id: 'b' });
    const list = await send({ path, method: 'GET', query: owner });
    t.strictSame(list.json(), ['a', 'b', 'c']);
    t.equal(list.headers['last-modified'], 'Sat, 31 Jan 2026 12:00:01 GMT');
    t.match(list.headers.etag, /^"[0-9a-f]{40}"$/);
    t.strictSame((await send({ path, method: 'GET', query: { ...owner, since: '2026-01-31T12:00:00Z' } })).json(), ['c'], 'exclusive');
    t.strictSame((await send({ path, method: 'GET', query: stranger })).json(), ['d']);
    t.equal((await send({ path, method: 'DELETE', query: { ...owner, profileId: 'a' } })).statusCode, 204);
    t.equal((await send({ path, method: 'GET', query: { ...owner, profileId: 'a' } })).statusCode, 404);
    t.strictSame((await send({ path, method: 'GET', query: owner })).json(), ['b', 'c']);
  });

  t.test(`${path}: parameters that are refused`, async (t) => {
    const { send } = await openResourceApp(t);
    const [ownerName] = Object.keys(owner) as [string];
    for (const version of ['1.0.3', '2.0.0'] as const) {
      for (const method of ['PUT', 'POST', 'DELETE', 'GET'] as const) {
        const cases: [string, Record<string, string>][] = [
          [ownerName, { profileId: 'a' }],
          [ownerName, { [ownerName]: 'true', profileId: 'a' }],
          [ownerName, { [ownerName]: '', profileId: 'a' }],
          ['profileId', { ...owner, profileId: '' }],
          ['foo', { ...owner, profileId: 'a', foo: '1' }],
          ['ProfileId', { ...owner, ProfileId: 'a' }],
          ['since', { ...owner, profileId: 'a', since: 'true' }],
        ];
        if (method !== 'GET') cases.push(['registration', { ...owner, profileId: 'a', registration: '11111111-aaaa-4aaa-8aaa-111111111111' }], ['profileId', owner], ['since', { ...owner, profileId: 'a', since: '2026-01-31T12:00:00Z' }]);
        for (const [parameter, query] of cases) {
          const body = method === 'PUT' || method === 'POST' ? { body: '{}' } : {};
          const answer = await send({ path, method, query, version, headers: { ...json, ...(method === 'PUT' ? { 'if-none-match': '*' } : {}) }, ...body });
          t.equal(answer.statusCode, 400, `${version} ${method} ${JSON.stringify(query)}`);
          t.match(answer.json(), { code: 'invalid-parameter', parameter });
        }
      }
    }
    t.strictSame((await send({ path, method: 'GET', query: owner })).json(), []);
  });

  t.test(`${path}: a GET as iSpring's content sends it`, async (t) => {
    const { send } = await openResourceApp(t);
    await send({ path, method: 'POST', query: { ...owner, profileId: 'a' }, headers: json, body: '{}' });
    const query = { activityId, agent, profileId: 'a', registration: '11111111-aaaa-4aaa-8aaa-111111111111' };
    t.equal((await send({ path, method: 'GET', query })).statusCode, 200);
  });
}

t.test('agents/profile takes no Group in 1.0.3, an Identified Group in 2.0', async (t) => {
  const { send } = await openResourceApp(t);
  const query = { agent: '{"objectType":"Group","mbox":"mailto:team@example.org"}', profileId: 'a' };
  t.match((await send({ path: '/agents/profile', method: 'GET', query })).json(), { code: 'invalid-parameter', rule: 'parameter-agent-not-group' });
  t.equal((await send({ path: '/agents/profile', method: 'PUT', query, version: '2.0.0', body: 'x' })).statusCode, 204);
  t.equal((await send({ path: '/agents/profile', method: 'GET', query: { ...query, agent: '{"mbox":"mailto:team@example.org"}' } })).body, 'x');
});
