import t from 'tap';
import { createAttempts } from '../../../src/auth/attempts.js';
import { basicHeader } from '../../../src/auth/basic.js';
import { createKeyService, type KeyRecord } from '../../../src/auth/key-service.js';
import { createSecretHasher } from '../../../src/auth/secret-hash.js';
import { countingHasher, homePage, openKeys } from './open-keys.js';

const here = '192.0.2.1';

t.test('a key is made, found by its user name and nothing of its secret is kept', async (t) => {
  const { keys, storage } = await openKeys(t);
  const { id, secret, authority } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['statements/write'] });
  t.match(secret, /^[0-9a-f]{48}$/);
  t.same(authority, { objectType: 'Agent', name: 'LMS', account: { homePage, name: id } });
  const credential = await keys.verify(id, secret, here);
  t.match(credential, { tenant: 'one', id, authority });
  t.same([...credential!.scopes], ['statements/write']);
  t.equal(await keys.verify(id, `${secret}x`, here), undefined);
  t.equal(await keys.verify(id, '', here), undefined);
  t.equal(await keys.verify('nobody', secret, here), undefined);
  t.equal(await keys.get('two', id), undefined, 'another tenant does not see it');
  t.notOk('secret' in (await keys.list('one'))[0]!);
  for await (const chunk of storage.backup.dump()) t.notOk(chunk.toString('latin1').includes(secret), 'the secret is not on the disk');
});

t.test('a pair is hashed once, also by many requests at the same time', async (t) => {
  const { keys, hasher } = await openKeys(t);
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
  const header = basicHeader(id, secret);
  t.equal(keys.verifyCached(header), undefined);
  const credentials = await Promise.all(Array.from({ length: 50 }, () => keys.verifyHeader(header, here)));
  t.equal(hasher.runs, 1);
  t.ok(credentials.every((credential) => credential?.id === id));
  t.equal(keys.verifyCached(header)?.id, id);
  t.equal(keys.verifyCached(`${header} `), undefined);
  const start = process.hrtime.bigint();
  for (let round = 0; round < 10_000; round++) keys.verifyCached(header);
  t.ok(Number(process.hrtime.bigint() - start) / 10_000 < 50_000, 'a cached verification takes microseconds');
});

t.test('rotation, revocation and a change of scopes have effect at once', async (t) => {
  const { keys } = await openKeys(t);
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
  const header = basicHeader(id, secret);
  await keys.verifyHeader(header, here);

  await keys.change('one', id, { scopes: ['state'] });
  t.equal(keys.verifyCached(header), undefined);
  t.same([...(await keys.verifyHeader(header, here))!.scopes], ['state']);

  const rotated = await keys.rotate('one', id);
  t.equal(keys.verifyCached(header), undefined);
  t.equal(await keys.verifyHeader(header, here), undefined, 'the old secret is dead');
  t.equal((await keys.verify(id, rotated!.secret, here))?.id, id);

  await keys.revoke('one', id);
  t.equal(keys.verifyCached(basicHeader(id, rotated!.secret)), undefined);
  t.equal(await keys.verify(id, rotated!.secret, here), undefined);
  t.equal(await keys.rotate('one', id), undefined, 'a revoked key gets no new secret');
  t.ok((await keys.get('one', id))!.revokedAt);
  t.equal(await keys.change('two', id, { name: 'x' }), undefined, 'another tenant can not touch it');
});

t.test('a verification that runs while its key is revoked or rotated does not bring it back', async (t) => {
  const { storage } = await openKeys(t);
  const hasher = createSecretHasher();
  let open = (): void => undefined;
  const gate = { closed: Promise.resolve() };
  const keys = createKeyService({
    records: storage.records, attempts: createAttempts(), homePage,
    hasher: { hash: hasher.hash, matches: async (...args) => gate.closed.then(() => hasher.matches(...args)) },
  });
  for (const change of ['revoke', 'rotate'] as const) {
    const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
    gate.closed = new Promise((resolve) => { open = resolve; });
    const verification = keys.verify(id, secret, here);
    await keys[change]('one', id);
    open();
    t.equal(await verification, undefined, change);
    t.equal(keys.verifyCached(basicHeader(id, secret)), undefined, change);
  }
});

t.test('a wrong pair that is repeated costs one hash and counts as one guess', async (t) => {
  const { keys, hasher } = await openKeys(t, createAttempts({ free: 3 }));
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
  for (let round = 0; round < 100; round++) t.equal(await keys.verify(id, 'old secret', here), undefined);
  t.equal(hasher.runs, 1);
  t.ok(await keys.verify(id, secret, here), 'others behind the same address are not held up');
});

t.test('different guesses are held up, the owner elsewhere is not', async (t) => {
  const { keys, hasher } = await openKeys(t, createAttempts({ free: 3 }));
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
  const guesses = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => keys.verify(id, `guess ${index}`, here)));
  t.ok(hasher.runs <= 5, `${hasher.runs} guesses were looked at`);
  const refused = guesses.filter((guess) => guess.status === 'rejected');
  t.equal(refused.length, 40 - hasher.runs);
  t.match(refused[0], { reason: { code: 'too-many-requests', details: { retryAfter: Number } } });
  await t.rejects(keys.verify(id, secret, here), { code: 'too-many-requests' }, 'the guesser is held up even with the right one');
  t.equal((await keys.verify(id, secret, '198.51.100.7'))?.id, id, 'from another address it goes in');
  t.equal((await keys.verify(id, secret, here))?.id, id, 'and once verified from everywhere');
});

t.test('a wrong pair is forgotten when a key of that name and secret is made', async (t) => {
  const { keys } = await openKeys(t);
  t.equal(await keys.verify('lms', 'chosen secret', here), undefined);
  await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'], id: 'lms', secret: 'chosen secret' });
  t.ok(await keys.verify('lms', 'chosen secret', here));
});

t.test('the first credential is made once and follows its settings', async (t) => {
  const { keys, storage } = await openKeys(t);
  const first = { tenant: 'default', name: 'First', scopes: ['all', 'admin'] as const, id: 'first', secret: 'pässwörd:with colon' };
  await keys.ensure(first);
  t.equal((await keys.verify('first', first.secret, here))?.tenant, 'default');
  const created = (await keys.get('default', 'first'))!;
  t.same(await keys.ensure(first), created, 'nothing changes');

  await keys.ensure({ ...first, secret: 'another secret' });
  t.equal(await keys.verify('first', first.secret, here), undefined);
  t.ok(await keys.verify('first', 'another secret', here));
  await keys.revoke('default', 'first');
  await keys.ensure({ ...first, secret: 'another secret' });

  const later = createKeyService({ records: storage.records, attempts: createAttempts(), homePage });
  t.same([...(await later.verify('first', 'another secret', here))!.scopes], ['all', 'admin'], 'and after a restart');
});

t.test('a start with the first credential as it was writes nothing, and its first request costs no second hash', async (t) => {
  const { keys: former, storage } = await openKeys(t);
  const first = { tenant: 'default', name: 'First', scopes: ['all', 'admin'] as const, id: 'first', secret: 'chosen secret' };
  await former.ensure(first);
  const records = storage.records.collection<KeyRecord>({ name: 'keys', indexes: ['tenant'], unique: [] });
  const before = await records.get('', 'first');

  const hasher = countingHasher();
  const keys = createKeyService({ records: storage.records, attempts: createAttempts(), homePage, hasher });
  await keys.ensure(first);
  t.strictSame(await records.get('', 'first'), before, 'the record is untouched');
  t.match(keys.verifyCached(basicHeader('first', first.secret)), { tenant: 'default', id: 'first', authority: before!.value.authority });
  t.same([...(await keys.verify('first', first.secret, here))!.scopes], first.scopes);
  t.equal(hasher.runs, 1);
  t.equal(keys.verifyCached(basicHeader('first', 'another secret')), undefined);

  await keys.ensure({ ...first, secret: 'another secret' });
  t.equal((await records.get('', 'first'))!.version, before!.version + 1);
  t.equal(keys.verifyCached(basicHeader('first', first.secret)), undefined, 'a changed secret has effect at once');
  t.equal(await keys.verify('first', first.secret, here), undefined);
  t.ok(await keys.verify('first', 'another secret', here));
  await keys.revoke('default', 'first');
  t.equal(keys.verifyCached(basicHeader('first', 'another secret')), undefined);
});

t.test('what a start has verified is not remembered when its key is revoked meanwhile', async (t) => {
  const { storage } = await openKeys(t);
  const hasher = createSecretHasher();
  let revoke = async (): Promise<void> => undefined;
  const keys = createKeyService({
    records: storage.records, attempts: createAttempts(), homePage,
    hasher: {
      hash: hasher.hash,
      matches: async (...args) => {
        const matches = await hasher.matches(...args);
        await revoke();
        return matches;
      },
    },
  });
  const first = { tenant: 'default', name: 'First', scopes: ['all'] as const, id: 'first', secret: 'chosen secret' };
  await keys.ensure(first);
  revoke = async () => void await keys.revoke('default', 'first');
  await keys.ensure(first);
  revoke = async () => undefined;
  t.equal(keys.verifyCached(basicHeader('first', first.secret)), undefined);
  t.equal(await keys.verify('first', first.secret, here), undefined);
});

t.test('many who send one credential from as many addresses wait for one hash', async (t) => {
  const { keys, hasher } = await openKeys(t);
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
  const from = (sent: string) => Promise.all(Array.from({ length: 500 }, (_, index) => keys.verify(id, sent, `10.0.${index >> 8}.${index & 255}`)));
  t.ok((await from(secret)).every((credential) => credential?.id === id));
  t.equal(hasher.runs, 1);
  t.ok((await from('wrong')).every((credential) => credential === undefined), 'nor does a wrong one cost more');
  t.equal(hasher.runs, 2);
});

t.test('an address that has to wait holds up no other with the same credential', async (t) => {
  const { keys, hasher } = await openKeys(t, createAttempts({ free: 1 }));
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'] });
  t.equal(await keys.verify(id, 'a guess', here), undefined);
  const others = Array.from({ length: 50 }, (_, index) => `198.51.100.${index}`);
  const [guesser, same, ...rest] = await Promise.allSettled([here, here, ...others].map((address) => keys.verify(id, secret, address)));
  t.match(guesser, { status: 'rejected', reason: { code: 'too-many-requests' } });
  t.match(same, { status: 'rejected', reason: { code: 'too-many-requests' } });
  t.ok(rest.every((outcome) => outcome.status === 'fulfilled' && outcome.value?.id === id));
  t.equal(hasher.runs, 2, 'the guess, and one for all others');
});

t.test('a user name is one key in all tenants', async (t) => {
  const { keys } = await openKeys(t);
  await keys.create({ tenant: 'one', name: 'LMS', scopes: ['all'], id: 'lms' });
  await t.rejects(keys.create({ tenant: 'two', name: 'LMS', scopes: ['all'], id: 'lms' }), { code: 'record-conflict' });
  for (const id of ['', 'a:b', 'a\nb', 'x'.repeat(129)]) {
    await t.rejects(keys.create({ tenant: 'two', name: 'LMS', scopes: ['all'], id }), { code: 'invalid-request' }, JSON.stringify(id));
  }
});

t.test('a guard sees the key as it is and can forbid the change', async (t) => {
  const { keys } = await openKeys(t);
  const { id, secret } = await keys.create({ tenant: 'one', name: 'LMS', scopes: ['admin'] });
  const guard = ({ scopes }: { scopes: readonly string[] }) => {
    if (scopes.includes('admin')) throw new Error('no');
  };
  await t.rejects(keys.rotate('one', id, guard), { message: 'no' });
  await t.rejects(keys.revoke('one', id, guard), { message: 'no' });
  await t.rejects(keys.change('one', id, { scopes: ['all'] }, guard), { message: 'no' });
  t.ok(await keys.verify(id, secret, here));
});

t.test('malformed Basic credentials say why', async (t) => {
  const { keys } = await openKeys(t);
  const encode = (bytes: string | Buffer) => `Basic ${Buffer.from(bytes).toString('base64')}`;
  const cases = ['Basic ', 'Basic ???', 'Basic a b', encode('no colon'), encode(Buffer.from([0xff, 0x3a, 0x61])), 'Basic Og=='];
  for (const header of cases) {
    await t.rejects(keys.verifyHeader(header, here), { code: 'unauthorized', details: { headers: { 'WWW-Authenticate': 'Basic realm="Quipu", charset="UTF-8"' } } }, header);
  }
  t.equal(await keys.verifyHeader(encode(`${'k'.repeat(5000)}:s`), here), undefined);
});
