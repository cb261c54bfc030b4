import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import t from 'tap';
import { createTokenVerifier, type TokenOptions } from '../../../src/auth/tokens.js';

const homePage = 'https://lrs.example.org';
const jwtSecret = 'a shared secret of 32 bytes at least';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const pem = (key: typeof rsa.publicKey) => key.export({ type: 'spki', format: 'pem' }) as string;
const claims = { tenant: 'one', sub: 'ann', scope: 'statements/write state', iss: 'https://id.example.org' };
const verifier = (options: Partial<TokenOptions>) => createTokenVerifier({ homePage, tenantExists: async (tenant) => tenant === 'one', ...options });
const bearer = (payload: object, key: jwt.Secret | jwt.PrivateKey = jwtSecret, options: jwt.SignOptions = {}) => `Bearer ${jwt.sign(payload, key, { expiresIn: 60, ...options })}`;

t.test('a token gives tenant, scopes and authority', async (t) => {
  const tokens = verifier({ jwtSecret });
  const header = bearer(claims);
  t.equal(tokens.verifyCached(header), undefined);
  const credential = await tokens.verifyHeader(header);
  t.match(credential, { tenant: 'one', id: 'https://id.example.org#ann', authority: { objectType: 'Agent', account: { homePage: claims.iss, name: 'ann' } } });
  t.same([...credential.scopes].sort(), ['state', 'statements/write']);
  t.equal(tokens.verifyCached(header), credential);
});

t.test('algorithms are those of the configured keys', async (t) => {
  const secret = verifier({ jwtSecret });
  for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) t.ok(await secret.verifyHeader(bearer(claims, jwtSecret, { algorithm })), algorithm);
  const publicRsa = verifier({ jwtPublicKey: pem(rsa.publicKey) });
  for (const algorithm of ['RS256', 'RS384', 'RS512'] as const) t.ok(await publicRsa.verifyHeader(bearer(claims, rsa.privateKey, { algorithm })), algorithm);
  const publicEc = verifier({ jwtPublicKey: pem(ec.publicKey).replaceAll('\n', '\\n') });
  t.ok(await publicEc.verifyHeader(bearer(claims, ec.privateKey, { algorithm: 'ES384' })));

  const confused = pem(rsa.publicKey);
  await t.rejects(publicRsa.verifyHeader(bearer(claims, confused, { algorithm: 'HS256' })), { code: 'unauthorized' }, 'the public key is no shared secret');
  const both = verifier({ jwtSecret, jwtPublicKey: confused });
  await t.rejects(both.verifyHeader(bearer(claims, confused, { algorithm: 'HS256' })), { code: 'unauthorized' });
  t.ok(await both.verifyHeader(bearer(claims, rsa.privateKey, { algorithm: 'RS256' })));
  t.ok(await both.verifyHeader(bearer(claims)));
  await t.rejects(publicRsa.verifyHeader(bearer(claims, rsa.privateKey, { algorithm: 'PS256' })), { code: 'unauthorized' });
  await t.rejects(secret.verifyHeader(bearer(claims, jwtSecret, { header: { alg: 'HS256', crit: ['x'], x: 1 } as jwt.JwtHeader })), { code: 'unauthorized', message: /extensions/ }, 'RFC 7515 4.1.11');
  const none = `Bearer ${jwt.sign({ ...claims, exp: Date.now() }, '', { algorithm: 'none' })}`;
  for (const tokens of [secret, publicRsa, publicEc, both]) await t.rejects(tokens.verifyHeader(none), { code: 'unauthorized' });
});

t.test('tokens that are not good enough are refused with a reason', async (t) => {
  const tokens = verifier({ jwtSecret, jwtIssuer: claims.iss, jwtAudience: 'quipu' });
  const good = { ...claims, aud: 'quipu' };
  t.ok(await tokens.verifyHeader(bearer(good)));
  const cases: [string, string, RegExp][] = [
    ['expired', bearer(good, jwtSecret, { expiresIn: -1 }), /expired/],
    ['not yet', bearer(good, jwtSecret, { notBefore: 60 }), /not active/],
    ['without exp', `Bearer ${jwt.sign(good, jwtSecret)}`, /expires/],
    ['another secret', bearer(good, 'another shared secret of 32 bytes and more'), /signature/],
    ['another issuer', bearer({ ...good, iss: 'https://evil.example.org' }), /issuer/],
    ['another audience', bearer({ ...good, aud: 'other' }), /audience/],
    ['no tenant', bearer({ ...good, tenant: undefined }), /tenant/],
    ['an unknown tenant', bearer({ ...good, tenant: 'two' }), /tenant/],
    ['a tenant that is no text', bearer({ ...good, tenant: ['one'] }), /tenant/],
    ['nobody', bearer({ ...good, sub: undefined }), /sub|whose/],
    ['no token', 'Bearer ', /JWT/],
    ['garbage', 'Bearer abc', /JWT/],
    ['a broken payload', `Bearer ${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.bm8.bm8`, /JWT|valid/],
    ['a payload of text', `Bearer ${jwt.sign('text', jwtSecret)}`, /not valid|claims/],
  ];
  for (const [name, header, message] of cases) await t.rejects(tokens.verifyHeader(header), { code: 'unauthorized', message }, name);
  await t.rejects(verifier({}).verifyHeader(bearer(good)), { code: 'unauthorized', message: /not set up/ });
});

t.test('scopes: a list or a text, unknown ones passed over, admin only when the server says so', async (t) => {
  const scopesOf = async (scope: unknown, options: Partial<TokenOptions> = {}) => [...(await verifier({ jwtSecret, ...options }).verifyHeader(bearer({ ...claims, scope }))).scopes].sort();
  t.same(await scopesOf('all openid'), ['all']);
  t.same(await scopesOf(['all/read', 7, 'define']), ['all/read', 'define']);
  t.same(await scopesOf('admin monitor'), ['monitor']);
  t.same(await scopesOf('admin monitor', { jwtAllowAdmin: true }), ['admin', 'monitor']);
  t.same(await scopesOf(''), []);
  t.same(await scopesOf({ all: true }), []);
  t.same(await scopesOf(undefined), ['statements/read/mine', 'statements/write'], 'xAPI 1.0.3 Part Three 4.2');
});

t.test('authority: the claim when it is an Agent, else the account', async (t) => {
  const authorityOf = async (more: object) => (await verifier({ jwtSecret }).verifyHeader(bearer({ ...claims, ...more }))).authority;
  t.same(await authorityOf({ authority: { mbox: 'mailto:ann@example.org' } }), { mbox: 'mailto:ann@example.org' });
  const account = { objectType: 'Agent', account: { homePage: claims.iss, name: 'ann' } };
  for (const authority of ['ann', { mbox: 'ann' }, { objectType: 'Group', mbox: 'mailto:g@example.org' }, null, {}]) t.same(await authorityOf({ authority }), account);
  t.same(await authorityOf({ iss: 'not an IRI' }), { objectType: 'Agent', account: { homePage, name: 'ann' } });
});

t.test('a cached token is forgotten when it expires', async (t) => {
  const tokens = verifier({ jwtSecret });
  const header = bearer(claims, jwtSecret, { expiresIn: 1 });
  await tokens.verifyHeader(header);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  t.equal(tokens.verifyCached(header), undefined);
  await t.rejects(tokens.verifyHeader(header), { code: 'unauthorized' });
});

t.test('keys that can not be used stop the start', async (t) => {
  t.throws(() => verifier({ jwtSecret: 'short' }), /QUIPU_JWT_SECRET/);
  t.throws(() => verifier({ jwtPublicKey: 'nonsense' }), /QUIPU_JWT_PUBLIC_KEY/);
  t.throws(() => verifier({ jwtPublicKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }), /private/);
  t.throws(() => verifier({ jwtPublicKey: pem(generateKeyPairSync('ed25519').publicKey) }), /QUIPU_JWT_PUBLIC_KEY/);
});
