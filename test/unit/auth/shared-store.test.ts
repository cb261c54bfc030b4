import { createHmac } from 'node:crypto';
import t, { type Test } from 'tap';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import { createAttempts } from '../../../src/auth/attempts.js';
import { basicHeader } from '../../../src/auth/basic.js';
import { createKeyService, type KeyService } from '../../../src/auth/key-service.js';
import { createTokenVerifier } from '../../../src/auth/tokens.js';
import { countingHasher, homePage, openTestStorage } from './open-keys.js';

const trust = 800;
const address = '203.0.113.9';
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The key services of two processes on one store. */
async function open(t: Test) {
  const { records } = await openTestStorage(t);
  const hasher = countingHasher();
  const here = createKeyService({ records, attempts: createAttempts(), homePage, trust });
  const there = createKeyService({ records, attempts: createAttempts({ free: 3 }), homePage, trust, hasher });
  const verify = (header: string) => there.verifyCached(header) ?? there.verifyHeader(header, address);
  return { records, here, there, hasher, verify };
}

const made = (keys: KeyService, id?: string, secret?: string) => keys.create({ tenant: 'one', name: 'A key', scopes: ['all'], id, secret });

t.test('a key revoked, rotated or changed by one process is so for another within the time of trust', async (t) => {
  const { here, there, hasher, verify } = await open(t);
  const changes: [string, (id: string) => Promise<unknown>, unknown][] = [
    ['revoked', (id) => here.revoke('one', id), undefined],
    ['rotated', (id) => here.rotate('one', id), undefined],
    ['of fewer scopes', (id) => here.change('one', id, { scopes: ['state'] }), { scopes: new Set(['state']) }],
  ];
  for (const [name, change, after] of changes) {
    const { id, secret } = await made(here);
    const header = basicHeader(id, secret);
    t.match(await verify(header), { id });
    await change(id);
    t.match(there.verifyCached(header), { id }, 'it is believed for a while');
    await wait(trust + 10);
    t.equal(there.verifyCached(header), undefined);
    const credential = await verify(header);
    if (after === undefined) t.equal(credential, undefined, name);
    else t.match(credential, after, name);
  }
  t.ok(hasher.runs > 0);
});

t.test('a key that is as it was costs no second hash', async (t) => {
  const { here, hasher, verify } = await open(t);
  const { id, secret } = await made(here);
  const header = basicHeader(id, secret);
  await verify(header);
  const { runs } = hasher;
  for (let round = 0; round < 3; round++) {
    await wait(trust + 10);
    const many = await Promise.all(Array.from({ length: 20 }, () => verify(header)));
    t.ok(many.every((credential) => credential?.id === id));
  }
  t.equal(hasher.runs, runs);
});

t.test('a key made by one process is refused by another for the time of trust at the most', async (t) => {
  const { here, verify } = await open(t);
  const header = basicHeader('new-key', 'a chosen secret');
  t.equal(await verify(header), undefined);
  await made(here, 'new-key', 'a chosen secret');
  await wait(trust + 10);
  t.match(await verify(header), { id: 'new-key' });
});

t.test('a wrong pair that is repeated for long stays one guess and one hash', async (t) => {
  const { here, hasher, verify } = await open(t);
  const { id } = await made(here);
  const header = basicHeader(id, 'wrong');
  await verify(header);
  const { runs } = hasher;
  for (let round = 0; round < 5; round++) {
    await wait(trust + 10);
    t.equal(await verify(header), undefined, 'not too-many-requests');
  }
  t.equal(hasher.runs, runs);
});

t.test('while the store does not answer, nobody is let in on old knowledge, nor refused as unknown', async (t) => {
  const { records } = await openTestStorage(t);
  let away = false;
  const there = createKeyService({
    attempts: createAttempts(), homePage, trust, records: {
      collection: (spec) => {
        const real = records.collection(spec);
        return { ...real, get: (...args) => (away ? Promise.reject(new Error('the store is away')) : real.get(...args)) };
      },
    },
  });
  const { id, secret } = await made(there);
  const header = basicHeader(id, secret);
  t.match(await there.verifyHeader(header, address), { id });
  away = true;
  await wait(trust + 10);
  t.equal(there.verifyCached(header), undefined);
  await t.rejects(there.verifyHeader(header, address), /away/);
  away = false;
  t.match(await there.verifyHeader(header, address), { id });
});

t.test('tenants: what is removed is gone for another process, tokens for it too', async (t) => {
  const { records } = await openTestStorage(t);
  const tenants = createTenantService({ records, trust });
  const secret = 'a shared secret of more than 32 bytes';
  const tokens = createTokenVerifier({ jwtSecret: secret, homePage, tenantExists: (id) => tenants.exists(id), trust });
  await tenants.ensure('one', 'One');
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ tenant: 'one', sub: 'somebody', exp: Math.floor(Date.now() / 1000) + 60 })}`;
  const header = `Bearer ${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
  t.match(await tokens.verifyHeader(header), { tenant: 'one' });
  await records.collection({ name: 'tenants', indexes: [], unique: [] }).delete('', 'one');
  t.equal(await tenants.exists('one'), true, 'believed for a while');
  t.match(tokens.verifyCached(header), { tenant: 'one' });
  await wait(trust + 10);
  t.equal(await tenants.exists('one'), false);
  t.equal(tokens.verifyCached(header), undefined);
  await t.rejects(tokens.verifyHeader(header), { code: 'unauthorized' });
});

t.test('two processes that start at the same moment make one tenant and one first key', async (t) => {
  const { records } = await openTestStorage(t);
  const made = await Promise.all([1, 2, 3].map(async () => {
    await createTenantService({ records, trust }).ensure('default', 'Default tenant');
    return createKeyService({ records, attempts: createAttempts(), homePage, trust }).ensure({ tenant: 'default', name: 'First key', scopes: ['all'], id: 'first', secret: 'first secret' });
  }));
  t.same(made.map(({ id }) => id), ['first', 'first', 'first']);
});
