import t from 'tap';
import { basicHeader } from '../../../src/auth/basic.js';
import { incoming, statement } from '../../contract/statement-samples.js';
import { openAdminApp } from './admin-app.js';
import { ann, append, attach, bob, tenant } from './person-data.js';

t.test('tenants are made once, shown and counted', async (t) => {
  const { call, login, storage } = await openAdminApp(t);
  const admin = await login('default', 'admin');
  const made = await call(admin, 'POST', '/v1/tenants', { id: 'school-7', name: 'School 7' });
  t.match(made, { status: 201, body: { id: 'school-7', name: 'School 7', createdAt: String }, headers: { location: '/v1/tenants/school-7' } });
  t.match(await call(admin, 'POST', '/v1/tenants', { id: 'school-7', name: 'again' }), { status: 409, body: { error: 'record-conflict' } });
  t.match(await call(admin, 'GET', '/v1/tenants/school-7'), { status: 200, body: { name: 'School 7' } });
  t.match(await call(admin, 'GET', '/v1/tenants/nowhere'), { status: 404, body: { error: 'not-found' } });
  t.match((await call(admin, 'GET', '/v1/tenants')).body, { tenants: [{ id: 'default' }, { id: 'one' }, { id: 'school-7' }, { id: 'two' }] });
  t.match((await call(admin, 'GET', '/v1/tenants?limit=2&after=default')).body, { tenants: [{ id: 'one' }, { id: 'school-7' }] });

  t.match((await call(admin, 'GET', '/v1/tenants/one/statistics')).body, { statements: 0, newestStored: undefined, attachments: { count: 0, bytes: 0 } });
  await append(storage, incoming(statement(1, { attachments: [await attach(storage, 'bytes')] })), incoming(statement(2)));
  t.match((await call(admin, 'GET', '/v1/tenants/one/statistics')).body, { statements: 2, newestStored: /Z$/, consistentThrough: /Z$/, attachments: { count: 1, bytes: 5 } });
});

t.test('bodies and queries are judged as they are', async (t) => {
  const { call, login } = await openAdminApp(t);
  const admin = await login('default', 'admin');
  const bodies: [unknown, string][] = [
    [{ id: 'UPPER', name: 'x' }, 'invalid-request'], [{ id: 'a'.repeat(41), name: 'x' }, 'invalid-request'], [{ id: '../x', name: 'x' }, 'invalid-request'],
    [{ id: 7, name: 'x' }, 'invalid-request'], [{ id: 'x' }, 'invalid-request'], [{ id: 'x', name: 'x', more: 1 }, 'invalid-request'], [[], 'invalid-request'],
    ['{"id":"x","name":"x","__proto__":{}}', 'invalid-request'], ['{"id":', 'malformed-json'], ['', 'invalid-request'], ['{"id":"x","id":"y","name":"x"}', 'duplicate-key'],
    [`${'['.repeat(10_000)}`, 'nesting-too-deep'],
  ];
  for (const [body, error] of bodies) t.match(await call(admin, 'POST', '/v1/tenants', body), { status: 400, body: { error } }, JSON.stringify(body).slice(0, 60));
  t.match(await call(admin, 'POST', '/v1/tenants', { id: 'x', name: '' }), { status: 400, body: { pointer: '/name' } });
  for (const query of ['limit=0', 'limit=x', 'limit=1001', 'unknown=1']) t.match(await call(admin, 'GET', `/v1/tenants?${query}`), { status: 400, body: { error: 'invalid-parameter' } }, query);
  t.equal((await call(admin, 'GET', '/v1/nothing')).status, 404);
});

t.test('the life of a key', async (t) => {
  const { call, login } = await openAdminApp(t);
  const manager = await login('one', 'tenant-admin');
  const made = await call(manager, 'POST', '/v1/keys', { name: 'LMS', scopes: ['statements/write', 'tenant-admin'] });
  t.match(made, { status: 201, body: { id: String, secret: String, tenant: 'one', authority: { account: { homePage: 'https://lrs.example.org' } } }, headers: { 'cache-control': 'no-store' } });
  const { id, secret } = made.body as { id: string; secret: string };
  const url = `/v1/keys/${id}`;
  t.equal((await call(basicHeader(id, secret), 'GET', '/v1/keys')).status, 200, 'it works');
  const shown = await call(manager, 'GET', url);
  t.notOk('secret' in shown.body || 'secretHash' in shown.body || 'salt' in shown.body);
  t.equal(((await call(manager, 'GET', '/v1/keys')).body['keys'] as unknown[]).length, 2);

  t.match(await call(manager, 'PATCH', url, { name: 'New', authority: { mbox: 'mailto:lms@example.org' } }), { status: 200, body: { name: 'New', authority: { mbox: 'mailto:lms@example.org' } } });
  t.match(await call(manager, 'PATCH', url, { authority: { mbox: 'nonsense' } }), { status: 400, body: { error: 'invalid-request', pointer: /^\/authority/ } });
  t.match(await call(manager, 'PATCH', url, { authority: { objectType: 'Group', mbox: 'mailto:g@example.org' } }), { status: 400 });
  t.match(await call(manager, 'PATCH', url, {}), { status: 400 });
  t.match(await call(manager, 'PATCH', url, { scopes: ['nonsense'] }), { status: 400 });

  const rotated = await call(manager, 'POST', `${url}/rotate`);
  t.equal((await call(basicHeader(id, secret), 'GET', '/v1/keys')).status, 401);
  const header = basicHeader(id, rotated.body['secret'] as string);
  t.equal((await call(header, 'GET', '/v1/keys')).status, 200);
  t.equal((await call(manager, 'PATCH', url, { scopes: ['all'] })).status, 200);
  t.equal((await call(header, 'GET', '/v1/keys')).status, 403, 'fewer scopes at once');
  t.match(await call(manager, 'POST', `${url}/revoke`), { status: 200, body: { revokedAt: String } });
  t.equal((await call(header, 'GET', '/v1/keys')).status, 401);
  t.equal((await call(manager, 'POST', `${url}/rotate`)).status, 404);
});

t.test('nobody rises above themselves', async (t) => {
  const { call, login, keys } = await openAdminApp(t);
  const manager = await login('one', 'tenant-admin');
  const admin = await login('default', 'admin');
  const boss = await keys.create({ tenant: 'one', name: 'Boss', scopes: ['all', 'admin'] });
  const foreign = await keys.create({ tenant: 'two', name: 'Foreign', scopes: ['all'] });

  for (const scope of ['admin', 'monitor']) {
    t.match(await call(manager, 'POST', '/v1/keys', { name: 'x', scopes: ['all', scope] }), { status: 403, body: { error: 'forbidden' } }, scope);
  }
  t.equal((await call(manager, 'POST', '/v1/keys', { name: 'x', scopes: ['all', 'define', 'analytics', 'cmi5', 'tenant-admin'] })).status, 201);
  for (const [method, path, body] of [['PATCH', '', { scopes: ['all'] }], ['PATCH', '', { name: 'x' }], ['POST', '/rotate'], ['POST', '/revoke']] as const) {
    t.equal((await call(manager, method, `/v1/keys/${boss.id}${path}`, body)).status, 403, `an admin's key: ${method} ${path}`);
    t.equal((await call(manager, method, `/v1/keys/${foreign.id}${path}`, body)).status, 404, `a foreign key: ${method} ${path}`);
    t.equal((await call(manager, method, `/v1/keys/${foreign.id}${path}?tenant=two`, body)).status, 403);
  }
  t.ok(await keys.verify(boss.id, boss.secret, '192.0.2.1'));
  t.ok(await keys.verify(foreign.id, foreign.secret, '192.0.2.1'));
  t.equal((await call(manager, 'POST', '/v1/keys', { name: 'x', scopes: ['all'], id: 'chosen' })).status, 403);
  t.equal((await call(manager, 'POST', '/v1/keys', { name: 'x', scopes: ['all'], secret: 'chosen secret' })).status, 403);
  t.equal((await call(admin, 'POST', '/v1/keys?tenant=two', { name: 'x', scopes: ['all', 'monitor'], id: 'chosen', secret: 'chosen secret' })).status, 201);
  t.ok(await keys.verify('chosen', 'chosen secret', '192.0.2.1'));

  for (const path of ['/v1/tenants', '/v1/tenants/two', '/v1/tenants/two/statistics', '/v1/tenants/nowhere', '/v1/keys?tenant=two', '/v1/keys?tenant=nowhere', '/v1/erasures/x?tenant=two']) {
    t.equal((await call(manager, 'GET', path)).status, 403, path);
  }
  t.equal((await call(manager, 'POST', '/v1/tenants', { id: 'x', name: 'x' })).status, 403);
  t.equal((await call(manager, 'GET', '/v1/tenants/one')).status, 200);
  t.equal((await call(admin, 'GET', '/v1/keys?tenant=nowhere')).status, 404);
  t.equal((await call(admin, 'POST', `/v1/keys/${foreign.id}/revoke?tenant=two`)).status, 200);
});

t.test('every route refuses who has no business there', async (t) => {
  const { call, login } = await openAdminApp(t);
  const everything = await login('one', 'all', 'analytics', 'cmi5', 'monitor');
  const routes = [
    ['GET', '/v1/tenants'], ['POST', '/v1/tenants'], ['GET', '/v1/tenants/one'], ['GET', '/v1/tenants/one/statistics'], ['GET', '/v1/keys'], ['POST', '/v1/keys'],
    ['GET', '/v1/keys/x'], ['PATCH', '/v1/keys/x'], ['POST', '/v1/keys/x/rotate'], ['POST', '/v1/keys/x/revoke'], ['POST', '/v1/erasures'], ['GET', '/v1/erasures/x'],
    ['GET', '/v1/erasures/x/pages/1'], ['POST', '/v1/exports'],
  ] as const;
  for (const [method, url] of routes) {
    t.equal((await call(everything, method, url)).status, 403, `${method} ${url}`);
    t.equal((await call('', method, url)).status, 401, `${method} ${url}`);
  }
});

t.test('erasure and export over HTTP', async (t) => {
  const { call, login, storage } = await openAdminApp(t);
  const manager = await login(tenant, 'tenant-admin');
  await append(storage, incoming(statement(1, { actor: ann })), incoming(statement(2, { actor: bob })));
  const exported = await call(manager, 'POST', '/v1/exports', { agent: ann });
  t.match(exported, { status: 200, headers: { 'content-type': 'application/x-ndjson' } });
  t.match((exported.body['text'] as string).trimEnd().split('\n').map((line) => (JSON.parse(line) as { kind: string }).kind), ['statement', 'end']);

  const made = await call(manager, 'POST', '/v1/erasures', { agent: ann });
  t.match(made, { status: 200, body: { status: 'complete', counts: { erased: 1 } }, headers: { location: /^\/v1\/erasures\// } });
  const url = made.headers['location'] as string;
  t.same((await call(manager, 'GET', url)).body, made.body);
  t.match(await call(manager, 'GET', `${url}/pages/1`), { status: 200, body: { erased: [String], redacted: [], attachments: [] } });
  t.equal((await call(manager, 'GET', `${url}/pages/2`)).status, 404);
  t.equal((await call(manager, 'GET', `${url}/pages/x`)).status, 400);
  t.equal((await call(await login('two', 'tenant-admin'), 'GET', url)).status, 404);

  for (const agent of [{}, { mbox: 'x' }, { objectType: 'Group', member: [ann] }, { objectType: 'Group', mbox: 'mailto:g@example.org' }, 'ann', null, { ...ann, account: { homePage: 'https://a.example', name: 'x' } }]) {
    for (const path of ['/v1/erasures', '/v1/exports']) {
      t.match(await call(manager, 'POST', path, { agent }), { status: 400, body: { error: 'invalid-request', pointer: /^\/agent/ } }, JSON.stringify(agent));
    }
  }
});
