import jsonwebtoken from 'jsonwebtoken';
import t from 'tap';
import { scopes, type Scope } from '../../../src/auth/credential.js';
import { startServer, type Key, type RequestOptions } from '../server.js';
import { ann, attachmentOf, attachmentPart, bob, course, list, listIds, multipart, post, read, sample } from './samples.js';

const versions = ['1.0.3', '2.0.0'];
const state = { activityId: course.id, agent: ann, stateId: 's' };
const agentProfile = { agent: ann, profileId: 'p' };
const activityProfile = { activityId: course.id, profileId: 'p' };

/** Every request there is, and the scopes of which any one allows it. */
const requests: [string, string, () => RequestOptions, Scope[]][] = [
  ['store statements', 'statements', () => ({ method: 'POST', body: sample() }), ['all', 'statements/write']],
  ['store a statement', 'statements', () => { const body = sample(); return { method: 'PUT', query: { statementId: body.id }, body }; }, ['all', 'statements/write']],
  ['store an attachment', 'statements', () => multipart(sample({ attachments: [attachmentOf(Buffer.from('x'))] }), [attachmentPart(Buffer.from('x'))]), ['all', 'statements/write']],
  ['read statements', 'statements', () => ({ query: { limit: 1 } }), ['all', 'all/read', 'statements/read', 'statements/read/mine']],
  ['read headers of statements', 'statements', () => ({ method: 'HEAD', query: { limit: 1 } }), ['all', 'all/read', 'statements/read', 'statements/read/mine']],
  ...([['activities/state', state, 'state'], ['agents/profile', agentProfile, 'profile'], ['activities/profile', activityProfile, 'profile']] as const).flatMap(
    ([path, query, scope]): [string, string, () => RequestOptions, Scope[]][] => [
      [`put ${path}`, path, () => ({ method: 'PUT', query, body: '{"a":1}', headers: { 'Content-Type': 'application/json', 'If-Match': '*' } }), ['all', scope]],
      [`post ${path}`, path, () => ({ method: 'POST', query, body: '{"a":1}', headers: { 'Content-Type': 'application/json' } }), ['all', scope]],
      [`get ${path}`, path, () => ({ query }), ['all', 'all/read', scope]],
      [`head ${path}`, path, () => ({ method: 'HEAD', query }), ['all', 'all/read', scope]],
      [`list ${path}`, path, () => ({ query: { ...query, stateId: undefined, profileId: undefined } }), ['all', 'all/read', scope]],
      [`delete ${path}`, path, () => ({ method: 'DELETE', query: { ...query, ...('stateId' in query ? { stateId: 'none' } : { profileId: 'none' }) } }), ['all', scope]],
    ]),
  ['delete all state', 'activities/state', () => ({ method: 'DELETE', query: { ...state, activityId: 'https://example.org/none', stateId: undefined } }), ['all', 'state']],
  ['read an activity', 'activities', () => ({ query: { activityId: course.id } }), ['all', 'all/read', 'statements/read']],
  ['read a person', 'agents', () => ({ query: { agent: ann } }), ['all', 'all/read', 'statements/read']],
];

t.test('every scope allows its requests and no other; nobody is allowed none', async (t) => {
  const server = await startServer(t);
  for (const [path, query] of [['activities/state', state], ['agents/profile', agentProfile], ['activities/profile', activityProfile]] as const) {
    t.equal((await server.request(path, { method: 'PUT', query, body: '{}', headers: { 'Content-Type': 'application/json', 'If-None-Match': '*' } })).status, 204);
  }
  const keys = new Map<Scope, Key>();
  for (const scope of scopes) keys.set(scope, await server.makeKey([scope]));
  for (const [name, path, request, allowed] of requests) {
    for (const scope of scopes) {
      const answer = await server.request(path, { ...request(), key: keys.get(scope)! });
      if (allowed.includes(scope)) t.ok(answer.status === 200 || answer.status === 204, `${scope} may ${name}: ${answer.status} ${answer.text}`);
      else t.equal(answer.status, 403, `${scope} may not ${name}`);
      if (answer.status === 403 && answer.text) t.match(answer.json(), { error: 'forbidden', expected: new RegExp(allowed.join('|')) });
    }
  }
  for (const version of versions) {
    for (const [name, path, request] of requests) {
      const wrong: [string, Key | null, string?][] = [
        ['no credential', null], ['an unknown key', { id: 'nobody', secret: 'secret' }], ['another secret', { id: server.one.id, secret: 'wrong' }], ['a scheme nobody knows', null, 'Digest x'], ['no base64', null, 'Basic ~'],
      ];
      for (const [who, key, authorization] of wrong.slice(0, name === 'store statements' ? undefined : 1)) {
        const { headers, ...rest } = request();
        const answer = await server.request(path, { ...rest, version, key, headers: { ...headers, ...(authorization && { Authorization: authorization }) } });
        t.equal(answer.status, 401, `${version} ${name} with ${who}`);
        t.match(answer.headers['www-authenticate'], /^Basic/);
        if (rest.method !== 'HEAD') t.match(answer.json(), { error: 'unauthorized' });
      }
    }
  }
  t.equal((await list(server, { limit: 500 })).statements.length, 2 * 3, 'the refused ones stored nothing');
});

t.test('statements/read/mine reads what the same authority wrote, and nothing else', async (t) => {
  const server = await startServer(t);
  const mine = await server.makeKey(['statements/write', 'statements/read/mine']);
  const [own, foreign] = [sample(), sample({ actor: bob })];
  const reference = sample({ object: { objectType: 'StatementRef', id: foreign.id } });
  await post(server, foreign);
  await post(server, [own, reference], { key: mine });
  t.same(await listIds(server, {}, { key: mine }), [reference.id, own.id]);
  t.same(await listIds(server, { agent: bob }, { key: mine }), [reference.id]);
  t.same(await listIds(server, { agent: bob, related_agents: true }, { key: mine }), [reference.id]);
  t.equal((await server.request('statements', { key: mine, query: { statementId: own.id } })).status, 200);
  t.equal((await server.request('statements', { key: mine, query: { statementId: foreign.id } })).status, 404, 'as if it were not there');
  t.same(await listIds(server), [reference.id, own.id, foreign.id], 'whoever reads all sees all');
  const first = await list(server, { limit: 1 });
  const more = (await server.request(first.more, { key: mine })).json<{ statements: { id: string }[] }>();
  t.same(more.statements.map(({ id }) => id), [own.id], 'the more of another one shows no more');
});

t.test('a reference of another authority shows nothing to statements/read/mine', async (t) => {
  const server = await startServer(t);
  const mine = await server.makeKey(['statements/write', 'statements/read/mine']);
  const own = sample();
  await post(server, own, { key: mine });
  const foreign = sample({ actor: bob, object: { objectType: 'StatementRef', id: own.id } });
  await post(server, foreign);
  t.same(await listIds(server, {}, { key: mine }), [own.id]);
});

t.test('scopes add up', async (t) => {
  const server = await startServer(t);
  const key = await server.makeKey(['statements/write', 'state']);
  t.equal((await server.request('statements', { key, method: 'POST', body: sample() })).status, 200);
  t.equal((await server.request('activities/state', { key, method: 'PUT', query: state, body: 'x', headers: { 'Content-Type': 'text/plain' } })).status, 204);
  t.equal((await server.request('statements', { key })).status, 403);
  t.equal((await server.request('agents/profile', { key, query: agentProfile })).status, 403);
});

t.test('all administers nothing under /v1', async (t) => {
  const server = await startServer(t);
  for (const path of ['/v1/keys', '/v1/tenants', '/v1/backup', '/v1/tenants/default']) t.equal((await server.request(path, { key: server.one })).status, 403, path);
});

t.test('a Bearer token is a way in, with its scopes, tenant and authority', async (t) => {
  const secret = 'a shared secret of thirty-two bytes or more';
  const server = await startServer(t, { QUIPU_JWT_SECRET: secret });
  const token = (claims: object, key = secret): RequestOptions => ({ key: null, headers: { Authorization: `Bearer ${jsonwebtoken.sign({ sub: 'content', tenant: 'two', ...claims }, key, { expiresIn: 60 })}` } });
  const statement = sample();
  t.equal((await server.request('statements', { method: 'POST', body: statement, ...token({ scope: 'statements/write' }) })).status, 200);
  t.equal((await server.request('statements', token({ scope: 'statements/write' }))).status, 403);
  t.same(await listIds(server, {}, { key: server.two }), [statement.id]);
  t.same(await listIds(server), []);
  t.match((await read(server, statement.id, { key: server.two })).authority, { account: { name: /content/ } });
  t.equal((await server.request('statements', token({ scope: 'all' }, `${secret} of somebody else`))).status, 401);
  t.equal((await server.request('statements', { key: null, headers: { Authorization: 'Bearer x' } })).status, 401);
});

t.test('about is open to everybody', async (t) => {
  const server = await startServer(t);
  t.equal((await server.request('about', { key: null, version: null })).status, 200);
});
