import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import t from 'tap';
import { verifySignature } from '../../../src/statements/signature.js';
import { signatureUsageType } from '../../../src/xapi/attachments.js';
import type { Attachment, Statement } from '../../../src/xapi/types.js';

interface Keys {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const keys: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherKeys: Keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** A self-signed certificate of years gone by. */
function certificateOf({ publicKey, privateKey }: Keys): string {
  const algorithm = der(0x30, Buffer.from('06092a864886f70d01010b0500', 'hex'));
  const name = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('Quipu test')))));
  const validity = der(0x30, der(0x17, Buffer.from('130404152830Z')), der(0x17, Buffer.from('140404152830Z')));
  const body = der(0x30, Buffer.from('a003020102020101', 'hex'), algorithm, name, validity, name, publicKey.export({ type: 'spki', format: 'der' }));
  return der(0x30, body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, privateKey))).toString('base64');
}

const certificate = certificateOf(keys);

const statement: Statement = {
  id: '33cff416-e331-4c9d-969e-5373a1756120',
  actor: { mbox: 'mailto:example@example.com', name: 'Example Learner', objectType: 'Agent' },
  verb: { id: 'http://adlnet.gov/expapi/verbs/experienced', display: { 'en-US': 'experienced' } },
  object: { id: 'https://example.com/watch?v=xh4kIiH3Sm8' },
  timestamp: '2013-04-01T12:00:00Z',
};

const base64url = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function jws(payload: unknown, header: object = { alg: 'RS256', x5c: [certificate] }, { privateKey }: Keys = keys, hash = 'sha256'): Buffer {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return Buffer.from(`${input}.${sign(hash, Buffer.from(input), privateKey).toString('base64url')}`);
}

function attach(bytes: Buffer, change: Partial<Attachment> = {}): { signed: Statement; attachment: Attachment } {
  const attachment: Attachment = {
    usageType: signatureUsageType, display: { en: 'Signature' }, contentType: 'application/octet-stream', length: bytes.length,
    sha2: createHash('sha256').update(bytes).digest('hex'), ...change,
  };
  return { signed: { ...statement, attachments: [attachment] }, attachment };
}

function ruleOf(bytes: Buffer, change: Partial<Attachment> = {}, statementChange: Partial<Statement> = {}): string | undefined {
  const { signed, attachment } = attach(bytes, change);
  const error = verifySignature({ ...signed, ...statementChange }, attachment, bytes);
  if (error !== undefined) t.match(error, { code: 'invalid-signature', status: 400, details: { section: /2\.6/, expected: /\w/ } });
  return error?.details.rule;
}

t.test('signatures that hold', async (t) => {
  t.equal(ruleOf(jws(statement)), undefined, 'RS256 with an expired certificate');
  t.equal(ruleOf(jws(statement, { alg: 'RS384', x5c: [certificate] }, keys, 'sha384')), undefined, 'RS384');
  t.equal(ruleOf(jws(statement, { alg: 'RS512', x5c: [certificate, certificateOf(otherKeys)] }, keys, 'sha512')), undefined, 'RS512 and a chain');
  t.equal(ruleOf(jws(statement, { alg: 'RS256' })), undefined, 'without x5c');
  t.equal(ruleOf(jws(statement, { alg: 'RS256' }, otherKeys)), undefined, 'without x5c nothing to verify against');
  t.equal(ruleOf(Buffer.concat([jws(statement), Buffer.from('\r\n')])), undefined, 'a line end after it');
  t.equal(ruleOf(jws(statement), { contentType: 'Application/Octet-Stream; x=y' }), undefined, 'a media type in other words');
  t.equal(ruleOf(jws(JSON.stringify(statement, null, '\t'))), undefined, 'another serialization');
  t.equal(ruleOf(jws({ ...statement, timestamp: '2013-04-01T14:00:00+02:00' })), undefined, 'the same instant');
  t.equal(ruleOf(jws({ ...statement, timestamp: undefined })), undefined, 'one that an LRS on the way has set');
  t.equal(ruleOf(jws({ ...statement, timestamp: '2013-04-01T12:00:01Z' })), 'signature-equivalent');
  t.equal(ruleOf(jws({ ...statement, result: { duration: 'P1DT12H36M0.12S' } }), {}, { result: { duration: 'P1DT12H36M0.1237S' } }), undefined, 'durations to 0.01 s');
});

t.test('other attachments are part of the signed statement', async (t) => {
  const essay: Attachment = { usageType: 'http://example.com/essay', display: { en: 'a' }, contentType: 'text/plain', length: 1, sha2: 'a'.repeat(64) };
  const bytes = jws({ ...statement, attachments: [essay] });
  const { signed, attachment } = attach(bytes);
  t.equal(verifySignature({ ...signed, attachments: [essay, attachment] }, attachment, bytes), undefined);
  t.match(verifySignature(signed, attachment, bytes), { details: { rule: 'signature-equivalent' } });
});

t.test('signatures that do not', async (t) => {
  const tampered = jws(statement).toString().replace(/\.[^.]+\./, `.${base64url({ ...statement, object: { id: 'http://example.com/other' } })}.`);
  const cases: [string, string | undefined, string][] = [
    ['another content type', ruleOf(jws(statement), { contentType: 'text/plain; charset=ascii' }), 'signature-content-type'],
    ['no bytes', ruleOf(Buffer.alloc(0)), 'signature-compact-serialization'],
    ['two parts', ruleOf(Buffer.from('a.b')), 'signature-compact-serialization'],
    ['an unsigned token', ruleOf(Buffer.from(`${base64url({ alg: 'none' })}.${base64url(statement)}.`)), 'signature-compact-serialization'],
    ['JSON serialization', ruleOf(Buffer.from(JSON.stringify({ payload: base64url(statement), signatures: [] }))), 'signature-compact-serialization'],
    ['binary', ruleOf(Buffer.from([0, 255, 254, 46, 46])), 'signature-compact-serialization'],
    ['a header that is no JSON', ruleOf(Buffer.from('aaaa.bbbb.cccc')), 'signature-header'],
    ['a header that is no object', ruleOf(Buffer.from(`${base64url([])}.bbbb.cccc`)), 'signature-header'],
    ['a header with a key twice', ruleOf(Buffer.from(`${base64url('{"alg":"none","alg":"RS256"}')}.bbbb.cccc`)), 'signature-header'],
    ...['HS256', 'none', 'ES256', 'PS256', 'rs256', 1, null, undefined].map((alg): [string, string | undefined, string] => [
      `algorithm ${String(alg)}`, ruleOf(jws(statement, { alg, x5c: [certificate] })), 'signature-algorithm']),
    ['critical extensions', ruleOf(jws(statement, { alg: 'RS256', crit: ['b64'], b64: false })), 'signature-crit'],
    ['a payload that is no JSON', ruleOf(jws(JSON.stringify(statement).replace('"', "'"))), 'signature-payload'],
    ['a payload that is no object', ruleOf(jws([statement])), 'signature-payload'],
    ['a payload that is no statement', ruleOf(jws({ actor: null, verb: 1 })), 'signature-payload'],
    ['a payload nested too deep', ruleOf(jws('['.repeat(100_000))), 'signature-payload'],
    ['another statement', ruleOf(jws({ ...statement, actor: { mbox: 'mailto:other@example.com' } })), 'signature-equivalent'],
    ['another id', ruleOf(jws({ ...statement, id: '33cff416-e331-4c9d-969e-5373a1756121' })), 'signature-equivalent'],
    ['more in the statement than was signed', ruleOf(jws(statement), {}, { result: { success: true } }), 'signature-equivalent'],
    ['another equivalent without x5c', ruleOf(jws({ ...statement, result: { success: true } }, { alg: 'RS256' })), 'signature-equivalent'],
    ['a payload exchanged', ruleOf(Buffer.from(tampered)), 'signature-verifies'],
    ['a signature by another key', ruleOf(jws(statement, { alg: 'RS256', x5c: [certificate] }, otherKeys)), 'signature-verifies'],
    ['a signature with another hash', ruleOf(jws(statement, { alg: 'RS512', x5c: [certificate] })), 'signature-verifies'],
    ['a signature cut off', ruleOf(jws(statement).subarray(0, -20)), 'signature-verifies'],
    ...[[], '', certificate, [1], [''], ['!'], ['AAAA'], [certificate.slice(0, 400)], {}, null].map((x5c): [string, string | undefined, string] => [
      `x5c ${JSON.stringify(x5c).slice(0, 30)}`, ruleOf(jws(statement, { alg: 'RS256', x5c })), 'signature-x5c']),
  ];
  for (const [name, rule, expected] of cases) t.equal(rule, expected, name);
});

t.test('a certificate of another kind of key is refused', async (t) => {
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const bytes = jws(statement, { alg: 'RS256', x5c: [certificateOf(curve)] });
  t.equal(ruleOf(bytes), 'signature-verifies');
});

t.test('a payload with claims of a JWT is no statement', async (t) => {
  t.equal(ruleOf(jws({ ...statement, exp: 1 })), 'signature-payload');
});
