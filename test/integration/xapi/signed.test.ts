import { generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { startServer, type Answer, type TestServer } from '../server.js';
import { attachmentOf, attachmentPart, listIds, multipart, partsOf, sample, type Sample } from './samples.js';

const usageType = 'http://adlnet.gov/expapi/attachments/signature';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A JWS in compact serialization, without a certificate. */
function jws(payload: unknown, alg = 'RS256', hash = 'sha256'): Buffer {
  const input = `${encode({ alg })}.${encode(payload)}`;
  return Buffer.from(`${input}.${sign(hash, Buffer.from(input), privateKey).toString('base64url')}`);
}

function storeSigned(server: TestServer, statement: Sample, signature: Buffer, change: Record<string, unknown> = {}, version = '2.0.0'): Promise<Answer> {
  const signed = { ...statement, attachments: [attachmentOf(signature, { usageType, contentType: 'application/octet-stream', ...change })] };
  return server.request('statements', { ...multipart(signed, [attachmentPart(signature)]), version });
}

t.test('signed statements are stored with their signature, byte for byte', async (t) => {
  const server = await startServer(t);
  for (const version of ['1.0.3', '2.0.0']) {
    for (const [alg, hash] of [['RS256', 'sha256'], ['RS384', 'sha384'], ['RS512', 'sha512']] as const) {
      const statement = sample();
      const signature = jws(statement, alg, hash);
      t.equal((await storeSigned(server, statement, signature, {}, version)).status, 200, `${version} ${alg}`);
      t.same(partsOf(await server.request('statements', { query: { statementId: statement.id, attachments: true } }))[1]!.bytes, signature);
    }
  }
});

t.test('signatures that do not hold are 400 and store nothing', async (t) => {
  const server = await startServer(t);
  const statement = sample();
  const good = jws(statement);
  const cases: [string, Buffer, Record<string, unknown>?][] = [
    ['no JWS', Buffer.from('not a signature')],
    ['two parts', Buffer.from(good.toString().split('.').slice(0, 2).join('.'))],
    ['a payload that is no JSON', Buffer.from(`${encode({ alg: 'RS256' })}.${Buffer.from('x').toString('base64url')}.x`)],
    ['another statement', jws(sample())],
    ['a statement with another result', jws({ ...statement, result: { success: true } })],
    ['HS256', jws(statement, 'HS256')],
    ['none', jws(statement, 'none')],
    ['PS256', jws(statement, 'PS256')],
    ['another content type', good, { contentType: 'text/plain' }],
    ['a certificate that is none', Buffer.from(`${encode({ alg: 'RS256', x5c: ['AAAA'] })}.${encode(statement)}.AAAA`)],
  ];
  for (const version of ['1.0.3', '2.0.0']) {
    for (const [name, signature, change] of cases) {
      const answer = await storeSigned(server, statement, signature, change, version);
      t.equal(answer.status, 400, `${version} ${name}`);
      t.match(answer.json(), { error: 'invalid-signature', message: /\w/ }, name);
    }
  }
  t.same(await listIds(server), []);
});

t.test('a signature that is only at a fileUrl is not looked at', async (t) => {
  const server = await startServer(t);
  const statement = sample({ attachments: [attachmentOf(Buffer.from('x'), { usageType, fileUrl: 'https://example.org/signature' })] });
  t.equal((await server.request('statements', { method: 'POST', body: statement })).status, 200);
});
