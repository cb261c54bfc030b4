import { randomBytes } from 'node:crypto';
import t from 'tap';
import { startServer, type Answer, type RequestOptions, type TestServer } from '../server.js';
import { ann, attachmentOf, attachmentPart, course, did, listIds, multipart, partsOf, post, sample, sha2, voiding, type Part, type Sample } from './samples.js';

const versions = ['1.0.3', '2.0.0'];
const boundary = 'a-boundary';

/** Bytes that a careless reader or writer of multipart would mangle. */
const hard: [string, Buffer][] = [
  ['text', Buffer.from('plain text')],
  ['nothing', Buffer.alloc(0)],
  ['a line end', Buffer.from('\r\n')],
  ['line ends around', Buffer.from('\r\n\r\nx\r\n\r\n')],
  ['a line feed at the end', Buffer.from('x\n')],
  ['dashes', Buffer.from('--')],
  ['the boundary without its dashes', Buffer.from(`\r\n${boundary}\r\n`)],
  ['the boundary within a line', Buffer.from(`x --${boundary} x`)],
  ['the beginning of the boundary', Buffer.from(`\r\n--${boundary.slice(0, -1)}\r\n--${boundary.slice(0, 3)}`)],
  ['another boundary', Buffer.from('\r\n--other\r\nContent-Type: text/plain\r\n\r\nx\r\n--other--\r\n')],
  ['every byte', Buffer.from(Array.from({ length: 512 }, (_, at) => at & 255))],
  ['zeros', Buffer.alloc(100)],
  ['no UTF-8', Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80])],
  ['gzip magic', Buffer.from([0x1f, 0x8b, 8, 0, 0])],
];

function get(server: TestServer, query: Record<string, unknown>, options: RequestOptions = {}): Promise<Answer> {
  return server.request('statements', { ...options, query: { attachments: true, ...query } });
}

t.test('bytes come back as they came, whatever they are', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const sent: Sample[] = [];
    for (const [name, bytes] of hard) {
      const statement = sample({ attachments: [attachmentOf(bytes, { contentType: 'image/x-test' })] });
      t.equal((await server.request('statements', { ...multipart(statement, [attachmentPart(bytes)], boundary), version })).status, 200, name);
      const [first, part, ...more] = partsOf(await get(server, { statementId: statement.id }, { version }));
      t.match(first!.headers, { 'content-type': /^application\/json/ });
      t.match(JSON.parse(first!.bytes.toString()), statement);
      t.same(part!.bytes, bytes, `${version} ${name}`);
      t.same(part!.headers, { 'content-type': 'image/x-test', 'content-transfer-encoding': 'binary', 'x-experience-api-hash': sha2(bytes) });
      t.same(more, []);
      sent.push(statement);
    }
    const parts = partsOf(await get(server, { ascending: true }, { version })).slice(1);
    t.same(parts.map(({ bytes }) => sha2(bytes)).sort(), hard.map(([, bytes]) => sha2(bytes)).sort(), 'a list gives all of them, each once');
    t.same((await listIds(server)).slice(0, sent.length), sent.map(({ id }) => id).reverse());
  }
  await server.restart();
  t.equal(partsOf(await get(server, {})).length, hard.length + 1, 'after a restart');
});

t.test('five megabytes, in pieces of any size', async (t) => {
  const server = await startServer(t);
  const bytes = randomBytes(5 << 20);
  bytes.write(`\r\n--${boundary}x\r\n`, 1 << 20);
  const statement = sample({ attachments: [attachmentOf(bytes)] });
  t.equal((await server.request('statements', multipart(statement, [attachmentPart(bytes)], `${boundary}-of-our-own`))).status, 200);
  const parts = partsOf(await get(server, { statementId: statement.id }));
  t.ok(parts[1]!.bytes.equals(bytes));
});

t.test('several parts, statements that share one, and hashes of each kind', async (t) => {
  const server = await startServer(t);
  const [one, two] = [Buffer.from('one'), Buffer.from('two')];
  const statements = [
    sample({ attachments: [attachmentOf(one), attachmentOf(two, { sha2: sha2(two, 'sha512') })] }),
    sample({ attachments: [attachmentOf(one, { display: { en: 'Again' } })] }),
    sample(),
    sample({ object: { objectType: 'SubStatement', actor: ann, verb: did, object: course, attachments: [attachmentOf(two, { sha2: sha2(two, 'sha384') })] } }),
  ];
  const parts = [attachmentPart(one), attachmentPart(two, { 'X-Experience-API-Hash': sha2(two, 'sha512') }), attachmentPart(two, { 'X-Experience-API-Hash': sha2(two, 'sha384') })];
  t.equal((await server.request('statements', multipart(statements, parts))).status, 200);
  const all = partsOf(await get(server, {}));
  t.same(all.slice(1).map(({ bytes }) => bytes.toString()).sort(), ['one', 'two', 'two'], 'what two statements share comes once');
  const hashesOf = async (id: string): Promise<string[]> => partsOf(await get(server, { statementId: id })).slice(1).map(({ headers }) => headers['x-experience-api-hash']!);
  t.same(await hashesOf(statements[0]!.id), [sha2(one), sha2(two, 'sha512')]);
  t.same(await hashesOf(statements[1]!.id), [sha2(one)]);
  t.same(await hashesOf(statements[2]!.id), [], 'a statement without any is multipart with one part');
  t.same(await hashesOf(statements[3]!.id), [sha2(two, 'sha384')], 'of a SubStatement');
  const upper = sample({ attachments: [attachmentOf(one, { sha2: sha2(one).toUpperCase() })] });
  t.equal((await server.request('statements', multipart(upper, [attachmentPart(one)]))).status, 200, 'hex in upper case');
  t.same(await hashesOf(upper.id), [sha2(one)]);
  const twice = sample({ attachments: [attachmentOf(one), attachmentOf(one)] });
  t.equal((await server.request('statements', multipart(twice, [attachmentPart(one), attachmentPart(one)]))).status, 200, 'the same part twice');
});

t.test('PUT takes multipart too; without attachments=true there are none', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    const bytes = Buffer.from(`bytes of ${version}`);
    const statement = sample({ attachments: [attachmentOf(bytes)] });
    t.equal((await server.request('statements', { ...multipart(statement, [attachmentPart(bytes)]), version, method: 'PUT', query: { statementId: statement.id } })).status, 204);
    for (const query of [{ statementId: statement.id }, { statementId: statement.id, attachments: false }, {}, { attachments: false }]) {
      const answer = await server.request('statements', { version, query });
      t.match(answer.headers['content-type'], /^application\/json/);
      t.notOk(answer.text.includes('bytes of'));
      t.ok(answer.text.includes(sha2(bytes)), 'the header stays');
    }
  }
});

t.test('application/json: no attachments, or all with a fileUrl', async (t) => {
  const server = await startServer(t);
  const bytes = Buffer.from('elsewhere');
  const fileUrl = 'https://example.org/file';
  for (const version of versions) {
    t.equal((await server.request('statements', { method: 'POST', version, body: [sample(), sample({ attachments: [attachmentOf(bytes, { fileUrl })] })] })).status, 200);
    const answer = await server.request('statements', { method: 'POST', version, body: sample({ attachments: [attachmentOf(bytes)] }) });
    t.equal(answer.status, 400);
    t.match(answer.json(), { error: 'invalid-attachment' });
    t.equal((await server.request('statements', { method: 'POST', version, body: sample({ attachments: [attachmentOf(bytes, { fileUrl }), attachmentOf(Buffer.from('x'))] }) })).status, 400, 'one without');
    t.equal((await server.request('statements', { ...multipart(sample(), []), version })).status, 200, 'multipart without attachments');
    t.equal((await server.request('statements', { ...multipart(sample({ attachments: [attachmentOf(bytes, { fileUrl })] }), []), version })).status, 200, 'multipart with a fileUrl');
  }
});

const bytes = Buffer.from('some bytes');
const withOne = (): Sample => sample({ attachments: [attachmentOf(bytes)] });
const raw = (text: string, type = `multipart/mixed; boundary=${boundary}`): RequestOptions => ({ method: 'POST', headers: { 'Content-Type': type }, body: Buffer.from(text) });
const firstPart = (statement: Sample): string => `--${boundary}\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(statement)}`;

/** Multipart requests that break a rule of Part Three 1.5.2. */
const refused: [string, () => RequestOptions][] = [
  ['a hash in the part that is not that of its bytes', () => multipart(withOne(), [attachmentPart(Buffer.from('other'), { 'X-Experience-API-Hash': sha2(bytes) })])],
  ['a part that no statement names', () => multipart(sample(), [attachmentPart(bytes)])],
  ['an attachment whose part is missing', () => multipart(withOne(), [])],
  ['an attachment whose part has another hash', () => multipart(withOne(), [attachmentPart(Buffer.from('other'))])],
  ['a part without a hash', () => multipart(withOne(), [attachmentPart(bytes, { 'X-Experience-API-Hash': undefined })])],
  ['a hash that is none', () => multipart(withOne(), [attachmentPart(bytes, { 'X-Experience-API-Hash': 'x' })])],
  ['a part of base64', () => multipart(withOne(), [attachmentPart(bytes, { 'Content-Transfer-Encoding': 'base64' })])],
  ['a first part that is no JSON', () => raw(`--${boundary}\r\nContent-Type: application/json\r\n\r\n{"actor"\r\n--${boundary}--\r\n`)],
  ['a first part of another type', () => raw(`--${boundary}\r\nContent-Type: text/plain\r\n\r\n${JSON.stringify(sample())}\r\n--${boundary}--\r\n`)],
  ['a first part of no type', () => raw(`--${boundary}\r\n\r\n${JSON.stringify(sample())}\r\n--${boundary}--\r\n`)],
  ['the attachment first', () => {
    const { body } = multipart(withOne(), [attachmentPart(bytes)], boundary);
    const [, json, attachment] = body.toString().split(`--${boundary}`);
    return raw(`--${boundary}${attachment}--${boundary}${json}--${boundary}--\r\n`);
  }],
  ['no boundary in the header', () => raw(`${firstPart(sample())}\r\n--${boundary}--\r\n`, 'multipart/mixed')],
  ['another boundary in the header', () => raw(`${firstPart(sample())}\r\n--${boundary}--\r\n`, 'multipart/mixed; boundary=other')],
  ['no closing boundary', () => raw(firstPart(sample()))],
  ['nothing', () => raw('')],
  ['no parts', () => raw(`--${boundary}--\r\n`)],
  ['JSON that calls itself multipart', () => raw(JSON.stringify(sample()))],
];

t.test('multipart requests that are refused, and store nothing', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    for (const [name, request] of refused) {
      const answer = await server.request('statements', { ...request(), version });
      t.equal(answer.status, 400, `${version} ${name}: ${answer.text}`);
      t.match(answer.json(), { error: /malformed-multipart|invalid-attachment|malformed-json|invalid-header/, message: /\w/ }, name);
    }
  }
  t.same(await listIds(server), []);
});

t.test('a boundary in quotes, a preamble, and headers in any case', async (t) => {
  const server = await startServer(t);
  const quoted = multipart(withOne(), [attachmentPart(bytes)], "it's a (boundary)");
  t.equal((await server.request('statements', { ...quoted, headers: { 'Content-Type': 'Multipart/Mixed; charset=utf-8; Boundary="it\'s a (boundary)"' } })).status, 200);
  const plain = multipart(withOne(), [attachmentPart(bytes)], boundary);
  t.equal((await server.request('statements', { ...plain, body: Buffer.concat([Buffer.from('To be passed over.\r\n'), plain.body, Buffer.from('And this.')]) })).status, 200, 'preamble and epilogue');
  const lower: Part = { headers: { 'content-type': 'text/plain', 'content-transfer-encoding': 'BINARY', 'x-experience-api-hash': sha2(bytes) }, bytes };
  t.equal((await server.request('statements', multipart(withOne(), [lower]))).status, 200);
});

t.test('a declared length that is wrong is taken; the hash decides', async (t) => {
  const server = await startServer(t);
  const statement = sample({ attachments: [attachmentOf(bytes, { length: 1 })] });
  t.equal((await server.request('statements', multipart(statement, [attachmentPart(bytes)]))).status, 200);
  t.same(partsOf(await get(server, { statementId: statement.id }))[1]!.bytes, bytes);
});

t.test('a batch refused for one statement keeps none of its bytes', async (t) => {
  const server = await startServer(t);
  const secret = Buffer.from('never to be seen');
  await server.request('statements', multipart([sample({ attachments: [attachmentOf(secret)] }), sample({ actor: {} })], [attachmentPart(secret)]));
  const borrowed = sample({ attachments: [attachmentOf(secret, { fileUrl: 'https://example.org/x' })] });
  await post(server, borrowed);
  t.equal(partsOf(await get(server, { statementId: borrowed.id })).length, 1);
});

t.test('a statement whose key attachments is written with escapes gives its bytes back', async (t) => {
  const server = await startServer(t);
  const statement = sample({ attachments: [attachmentOf(bytes)] });
  const escaped = multipart(statement, [attachmentPart(bytes)]);
  const body = Buffer.from(escaped.body.toString('latin1').replace('"attachments"', String.raw`"\u0061ttachment\u0073"`), 'latin1');
  t.equal((await server.request('statements', { ...escaped, body })).status, 200);
  t.same(partsOf(await get(server, { statementId: statement.id })).length, 2);
});

t.test('a content type from a statement breaks out of no header', async (t) => {
  const server = await startServer(t);
  const odd = sample({ attachments: [attachmentOf(bytes, { contentType: 'text/plain; name="é"' })] });
  const answer = await server.request('statements', multipart(odd, [attachmentPart(bytes)]));
  if (answer.status === 200) t.match(partsOf(await get(server, { statementId: odd.id }))[1]!.headers, { 'content-type': /^[\x20-\x7e]+$/ });
  const breaking = sample({ attachments: [attachmentOf(bytes, { contentType: 'text/plain\r\nX-Evil: 1' })] });
  t.equal((await server.request('statements', multipart(breaking, [attachmentPart(bytes)]))).status, 400);
});

t.test('sizes: too large is 413 and leaves the server well', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_ATTACHMENT_BYTES: '2048', QUIPU_MAX_BODY_BYTES: '8192', QUIPU_MAX_ATTACHMENTS: '3' });
  const large = Buffer.alloc(2049, 7);
  const fits = Buffer.alloc(2048, 7);
  t.equal((await server.request('statements', multipart(sample({ attachments: [attachmentOf(large)] }), [attachmentPart(large)]))).status, 413);
  t.equal((await server.request('statements', multipart(sample({ attachments: [attachmentOf(fits)] }), [attachmentPart(fits)]))).status, 200);
  t.equal((await server.request('statements', multipart(sample({ result: { response: 'x'.repeat(8192) } }), []))).status, 413);
  t.equal((await server.request('statements', { method: 'POST', body: sample({ result: { response: 'x'.repeat(8192) } }) })).status, 413);
  const four = Array.from({ length: 4 }, (_, at) => Buffer.from(String(at)));
  t.equal((await server.request('statements', multipart(sample({ attachments: four.map((one) => attachmentOf(one)) }), four.map((one) => attachmentPart(one))))).status, 413);
  t.equal((await listIds(server)).length, 1);
});

t.test('attachments of voided statements stay out of lists', async (t) => {
  const server = await startServer(t);
  const target = withOne();
  await server.request('statements', multipart(target, [attachmentPart(bytes)]));
  await post(server, voiding(target));
  t.equal(partsOf(await get(server, {})).length, 1);
  t.equal(partsOf(await get(server, { voidedStatementId: target.id })).length, 2);
});
