import { mkdtempSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import jwt from 'jsonwebtoken';
import t from 'tap';
import { basicHeader } from '../../../src/auth/basic.js';
import type { Scope } from '../../../src/auth/credential.js';
import type { KeyService } from '../../../src/auth/key-service.js';
import { authPlugin } from '../../../src/auth/plugin.js';
import { createTokenVerifier } from '../../../src/auth/tokens.js';
import { setErrorHandler } from '../../../src/server/error-handler.js';
import { homePage, openKeys, type Test } from './open-keys.js';

const jwtSecret = 'a shared secret of 32 bytes at least';

async function openApp(test: Test): Promise<{ app: FastifyInstance; keys: KeyService; trustedSockets: WeakSet<object> }> {
  const { keys } = await openKeys(test);
  const app = Fastify();
  const trustedSockets = new WeakSet();
  const tenantExists = async (tenant: string) => ['default', 'one'].includes(tenant);
  setErrorHandler(app);
  app.get('/outside', async () => 'outside');
  await app.register(async (scope) => {
    await scope.register(authPlugin, { keys, tokens: createTokenVerifier({ jwtSecret, homePage, tenantExists }), tenantExists, homePage, trustedSockets });
    scope.get('/write', { config: { permission: 'statements:write' } }, async ({ credential }) => ({ ...credential, scopes: [...credential.scopes] }));
    scope.get('/admin', { config: { scope: ['admin', 'tenant-admin'] } }, async ({ credential }) => credential.tenant);
    scope.get('/open', { config: { open: true } }, async () => 'open');
    scope.options('/write', async () => 'options');
  }, { prefix: '/in' });
  test.teardown(() => app.close());
  return { app, keys, trustedSockets };
}

async function headerOf(keys: KeyService, ...scopes: Scope[]): Promise<string> {
  const { id, secret } = await keys.create({ tenant: 'one', name: 'Schlüssel', scopes });
  return basicHeader(id, secret);
}

t.test('without a valid credential the answer is 401 with a challenge', async (t) => {
  const { app, keys } = await openApp(t);
  const good = await headerOf(keys, 'all');
  for (const authorization of [undefined, '', 'Basic', 'Basic Og==', 'Basic !', 'Digest a', 'Bearer', 'Bearer x.y.z', basicHeader('nobody', 'x'), `${good}x`, good.replace('Basic', 'Bearer')]) {
    for (const method of ['GET', 'HEAD'] as const) {
      const answer = await app.inject({ method, url: '/in/write', headers: authorization === undefined ? {} : { authorization } });
      t.equal(answer.statusCode, 401, String(authorization));
      t.equal(answer.headers['www-authenticate'], 'Basic realm="Quipu", charset="UTF-8"');
      if (method === 'GET') t.equal(answer.json().error, 'unauthorized');
    }
  }
  t.equal((await app.inject({ url: '/in/write', headers: { authorization: good } })).statusCode, 200);
  t.equal((await app.inject({ url: '/in/write', headers: { authorization: good } })).statusCode, 200, 'from the cache');
  t.equal((await app.inject({ url: '/in/write', headers: { authorization: good.replace('Basic', 'bAsIc') } })).statusCode, 200, 'schemes have no case');
});

t.test('the credential reaches the handler; UTF-8 in key and secret', async (t) => {
  const { app, keys } = await openApp(t);
  await keys.create({ tenant: 'one', name: 'Żółw', scopes: ['statements/write'], id: 'żółw', secret: 'pässwörd ☃: mit' });
  const answer = await app.inject({ url: '/in/write', headers: { authorization: basicHeader('żółw', 'pässwörd ☃: mit') } });
  t.match(answer.json(), { tenant: 'one', id: 'żółw', scopes: ['statements/write'], authority: { account: { homePage, name: 'żółw' } } });
});

t.test('a lacking scope is 403 and named', async (t) => {
  const { app, keys } = await openApp(t);
  const reader = { authorization: await headerOf(keys, 'all/read', 'state') };
  const answer = await app.inject({ url: '/in/write', headers: reader });
  t.equal(answer.statusCode, 403);
  t.match(answer.json(), { error: 'forbidden', expected: 'all or statements/write' });
  t.equal((await app.inject({ url: '/in/write', headers: reader })).statusCode, 403, 'from the cache');

  const everything = { authorization: await headerOf(keys, 'all') };
  t.equal((await app.inject({ url: '/in/admin', headers: everything })).statusCode, 403, 'all is nothing under /v1');
  t.equal((await app.inject({ url: '/in/admin', headers: { authorization: await headerOf(keys, 'tenant-admin') } })).statusCode, 200);
  t.equal((await app.inject({ url: '/in/write', headers: { authorization: await headerOf(keys, 'admin', 'tenant-admin') } })).statusCode, 403);
});

t.test('open routes, OPTIONS and other scopes ask for nothing', async (t) => {
  const { app } = await openApp(t);
  t.equal((await app.inject('/in/open')).body, 'open');
  t.equal((await app.inject({ url: '/in/open', headers: { authorization: 'nonsense' } })).statusCode, 200);
  t.equal((await app.inject({ method: 'OPTIONS', url: '/in/write' })).statusCode, 200);
  t.equal((await app.inject('/outside')).body, 'outside');
});

t.test('a route that says nothing of its permission stops the start', async (t) => {
  const { keys } = await openKeys(t);
  const app = Fastify();
  const tenantExists = async () => true;
  await app.register(authPlugin, { keys, tokens: createTokenVerifier({ homePage, tenantExists }), tenantExists, homePage, trustedSockets: new WeakSet() });
  t.throws(() => app.get('/forgotten', async () => 'secret'), /\/forgotten/);
});

t.test('Bearer tokens', async (t) => {
  const { app } = await openApp(t);
  const token = (claims: object) => ({ authorization: `Bearer ${jwt.sign({ tenant: 'one', sub: 'ann', ...claims }, jwtSecret, { expiresIn: 60 })}` });
  const good = token({ scope: 'all' });
  t.equal((await app.inject({ url: '/in/write', headers: good })).statusCode, 200);
  t.equal((await app.inject({ url: '/in/write', headers: good })).json().tenant, 'one', 'from the cache');
  t.equal((await app.inject({ url: '/in/write', headers: token({ scope: 'state' }) })).statusCode, 403);
  t.equal((await app.inject({ url: '/in/write', headers: token({ scope: 'all', tenant: 'none' }) })).statusCode, 401);
});

t.test('guessing ends in 429 with Retry-After', async (t) => {
  const { app, keys } = await openApp(t);
  const header = await headerOf(keys, 'all');
  const key = Buffer.from(header.slice(6), 'base64').toString().split(':')[0]!;
  let answer = await app.inject({ url: '/in/write', headers: { authorization: header } });
  for (let guess = 0; guess < 15; guess++) answer = await app.inject({ url: '/in/write', headers: { authorization: basicHeader(key, `guess ${guess}`) } });
  t.equal(answer.statusCode, 429);
  t.ok(Number(answer.headers['retry-after']) >= 1);
  t.equal((await app.inject({ url: '/in/write', headers: { authorization: header } })).statusCode, 200, 'who is known goes on');
});

t.test('the private socket is trusted and names its tenant', async (t) => {
  const { app, trustedSockets } = await openApp(t);
  app.server.on('connection', (socket) => trustedSockets.add(socket));
  const socketPath = join(mkdtempSync(join(tmpdir(), 'quipu-')), 's');
  await app.listen({ path: socketPath });
  const ask = (path: string, headers: Record<string, string> = {}) => new Promise<{ status: number; body: string }>((resolve, reject) => {
    httpRequest({ socketPath, path, headers, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    }).on('error', reject).end();
  });
  t.same(await ask('/in/admin'), { status: 200, body: 'default' });
  t.same(await ask('/in/admin', { 'x-quipu-tenant': 'one' }), { status: 200, body: 'one' });
  t.equal((await ask('/in/write', { 'x-quipu-tenant': 'one' })).status, 200);
  t.equal((await ask('/in/write', { 'x-quipu-tenant': 'none' })).status, 400);
  t.equal((await ask('/in/admin', { authorization: 'nonsense' })).status, 200);
  t.equal((await app.inject({ url: '/in/admin', headers: { 'x-quipu-tenant': 'one' } })).statusCode, 401, 'the header alone opens nothing');
});
