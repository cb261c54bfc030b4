import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createRandom, type Random } from '../contract/random.js';
import { readFixtures } from './fixtures.js';
import { multipart } from './kill-load.js';
import { mutateBytes, mutateJson, oddText, oddValue } from './mutation.js';
import { openRaw } from './raw-connection.js';
import type { Answer, RequestOptions } from './server.js';
import { startProcess, type ServerProcess } from './server-process.js';

t.setTimeout(600_000);

const rounds = Number(process.env.QUIPU_FUZZ_ROUNDS ?? 2500);
const seed = Number(process.env.QUIPU_FUZZ_SEED ?? 20_260_101);
const MIB = 1024 * 1024;
/** Milliseconds after which an answer is a fault: whatever it was, it was small. */
const SLOW = 4000;

type Request = [path: string, options: RequestOptions];

const parameters = ['statementId', 'voidedStatementId', 'agent', 'verb', 'activity', 'registration', 'related_activities', 'related_agents', 'since', 'until', 'limit',
  'format', 'attachments', 'ascending', 'cursor', 'activityId', 'stateId', 'profileId', 'method', '__proto__', 'constructor', 'toString'];
const resources = ['statements', 'activities/state', 'activities/profile', 'agents/profile', 'activities', 'agents', 'about', '/v1/tenants', '/v1/keys', '/v1/keys/%00', '/v1/erasures',
  '/v1/tenants/default/statistics', '/health/ready', '/metrics', '/docs/json', '/xapi//statements/statements/', '/xapistatements', '/../../etc/passwd', '/%'];
const methods = ['GET', 'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'];

t.test(`no input is answered with a fault of the server (QUIPU_FUZZ_SEED=${seed} QUIPU_FUZZ_ROUNDS=${rounds})`, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-fuzz-'));
  const server = await startProcess(dataDir, { QUIPU_MAX_BODY_BYTES: String(4 * MIB), QUIPU_REQUEST_TIMEOUT: '5' });
  t.teardown(async () => {
    await server.kill();
    await rm(dataDir, { recursive: true, force: true });
  });
  const random = createRandom(seed);
  const samples = (await readFixtures()).flatMap(({ statements }) => statements);
  const kinds = createKinds(random, samples);
  const statuses = new Map<string, number>();
  const faults: string[] = [];

  const started = await server.memory();
  for (let round = 0; round < rounds && faults.length < 20; round += 8) {
    const requests = Array.from({ length: 8 }, () => random.pick(kinds)());
    await Promise.all(requests.map(async ([path, options]) => {
      const began = Date.now();
      const answer = await server.request(path, options).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
      const status = typeof answer === 'string' ? answer : String(answer.status);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const fault = typeof answer === 'string' ? brokenConnection(answer) : judge(answer, options);
      if (Date.now() - began > SLOW) faults.push(`answered after ${Date.now() - began} ms: ${status} ${options.method} ${path} ${JSON.stringify(options).slice(0, 400)}`);
      if (fault) faults.push(`${fault}: ${options.method} ${path} ${JSON.stringify(options).slice(0, 400)}`);
    }));
  }
  t.comment(JSON.stringify(Object.fromEntries([...statuses].sort())));
  t.same(faults, [], 'no 5xx, and every refusal in the form of all refusals');

  await garbage(t, server, random);
  const answer = await server.request('statements', { method: 'POST', body: { ...samples[0], id: randomUUID() } });
  t.equal(answer.status, 200, 'it still takes statements');
  t.equal((await server.request('statements', { query: { limit: 1 } })).status, 200, 'and gives them');
  t.same(await readdir(join(dataDir, 'attachments', 'incoming')), [], 'no upload is left half-received');
  const grown = await server.memory() - started;
  t.ok(grown < 400 * MIB, `memory stays bounded: ${Math.round(grown / MIB)} MiB more`);
  t.equal(server.log(), '', 'no fault is in the log');
  t.equal(await server.stop(), 0);
});

function judge(answer: Answer, { method, query }: RequestOptions): string | undefined {
  if (answer.status >= 500) return `${answer.status} ${answer.text.slice(0, 200)}`;
  if (answer.status < 400 || method === 'HEAD' || query?.method === 'HEAD') return undefined;
  try {
    const { error, message, requestId } = answer.json<Record<string, unknown>>();
    return [error, message, requestId].every((part) => typeof part === 'string' && part.length > 3) ? undefined : `a refusal without error, message and requestId: ${answer.text.slice(0, 200)}`;
  } catch {
    return `a refusal that is no JSON: ${answer.status} ${answer.text.slice(0, 200)}`;
  }
}

/** What Node's client refuses to send is no fault of the server, nor that it hangs up on who goes on sending what was refused. */
function brokenConnection(code: string): string | undefined {
  return ['ERR_INVALID_CHAR', 'ERR_UNESCAPED_CHARACTERS', 'ERR_INVALID_HTTP_TOKEN', 'ECONNRESET', 'EPIPE'].includes(code) ? undefined : `the connection broke: ${code}`;
}

/** Each makes one request. */
function createKinds(random: Random, samples: object[]): (() => Request)[] {
  const versions = ['1.0.3', '2.0.0', '1.0.3', '2.0.0', '1.0', '0.9', '', '2.0.0.0', '9'.repeat(2000), null];
  const version = () => (random.chance(0.9) ? random.pick(['1.0.3', '2.0.0']) : random.pick(versions));
  const statement = (): unknown => mutateJson(random, { ...random.pick(samples), id: randomUUID() }, random.below(3));
  const batch = (): unknown => Array.from({ length: random.below(6) }, statement);
  const json = { 'Content-Type': 'application/json' };
  const agent = (): unknown => mutateJson(random, { objectType: 'Agent', account: { homePage: 'https://example.org', name: 'ann' } }, random.below(2));
  // A query string has no lone surrogates; the bytes they would be are among the raw requests.
  const text = (): string => oddText(random).replace(/[\ud800-\udfff]/u, '\ufffd');
  const query = (): Record<string, unknown> => Object.fromEntries(random.several(random.below(5), parameters.length).map((at) =>
    [parameters[at]!, parameters[at] === 'agent' && random.chance(0.7) ? JSON.stringify(agent()) : random.pick([text(), randomUUID(), 'true', '1', '2026-01-01T00:00:00Z', 'https://example.org/a', 'ids', 'canonical', 'zz-zz'])]));
  const target = (): Record<string, unknown> => ({ activityId: 'https://example.org/a', stateId: random.chance(0.8) ? 's' : text(), profileId: undefined, agent: JSON.stringify(agent()), ...(random.chance(0.2) && query()) });
  const etags = (): Record<string, string> => (random.chance(0.3) ? { [random.pick(['If-Match', 'If-None-Match'])]: random.pick(['*', '""', '"abc"', 'abc', 'W/"x"', '"a", "b"', ',', '"'.repeat(3000)]) } : {});

  const post = (): Request => ['statements', { method: 'POST', version: version(), body: JSON.stringify(random.chance(0.6) ? statement() : batch()), headers: json }];
  const put = (): Request => ['statements', { method: 'PUT', version: version(), query: { statementId: random.chance(0.8) ? randomUUID() : text() }, body: JSON.stringify(statement()), headers: json }];
  const bytes = (): Request => ['statements', { method: 'POST', version: version(), body: mutateBytes(random, Buffer.from(JSON.stringify(batch())), 1 + random.below(4)), headers: json }];
  const deep = (): Request => {
    const depth = random.pick([10, 70, 5000, 200_000]);
    return ['statements', { method: 'POST', body: random.pick(['['.repeat(depth), '{"a":'.repeat(depth), `${'['.repeat(depth)}${']'.repeat(depth)}`]), headers: json }];
  };
  const document = (): Request => ['activities/state', {
    method: random.pick(['PUT', 'POST', 'DELETE', 'GET', 'HEAD']), version: version(), query: target(),
    ...(random.chance(0.8) && { body: random.chance(0.5) ? JSON.stringify(mutateJson(random, { a: 1, b: { c: [1, 2] } }, random.below(3))) : mutateBytes(random, Buffer.from('{"a":1}'), random.below(3)) }),
    headers: { ...etags(), 'Content-Type': random.pick(['application/json', 'text/plain', 'application/json; charset=latin1', 'x', '']) },
  }];
  const profile = (): Request => [random.pick(['activities/profile', 'agents/profile']), {
    method: random.pick(['PUT', 'POST', 'DELETE', 'GET']), version: version(), query: { profileId: text(), activityId: 'https://example.org/a', ...(random.chance(0.5) && { activityId: undefined, agent: JSON.stringify(agent()) }) },
    body: JSON.stringify(oddValue(random) ?? null), headers: { ...etags(), ...json },
  }];
  const get = (): Request => ['statements', { method: random.pick(['GET', 'HEAD']), version: version(), query: query(), headers: random.chance(0.3) ? { 'Accept-Language': oddText(random).replace(/[^\x20-\x7e]/g, '?'), 'Accept-Encoding': random.pick(['gzip', 'br', '*;q=0', 'gzip;q=x']) } : {} }];
  const anywhere = (): Request => [random.pick(resources), { method: random.pick(methods), version: version(), query: query(), ...(random.chance(0.3) && { body: JSON.stringify(oddValue(random) ?? null), headers: json }) }];
  const header = (): Request => [random.pick(resources), {
    method: random.pick(['GET', 'POST']), headers: {
      [random.pick(['Authorization', 'X-Experience-API-Version', 'Content-Type', 'Content-Encoding', 'Accept', 'If-Match', 'Origin', 'X-Forwarded-For', 'X-Forwarded-Prefix', 'X-Quipu-Tenant', 'Last-Event-ID', 'Range', 'Expect'])]:
        random.pick(['', ' ', 'Basic', 'Basic ====', `Basic ${'A'.repeat(5000)}`, 'Bearer a.b.c', 'Bearer', 'Digest x', 'gzip, gzip', 'deflate', 'br', 'application/json', 'multipart/mixed', 'multipart/mixed; boundary=', '100-continue', 'x'.repeat(3000), '\u00e9\u00ff', '-1', '__proto__']),
    }, ...(random.chance(0.5) && { body: JSON.stringify(statement()) }),
  }];
  const many = (): Request => ['statements', { headers: Object.fromEntries(Array.from({ length: 100 + random.below(1500) }, (_, at) => [`X-${at}`, 'v'])) }];
  const mixed = (): Request => {
    const contents = Buffer.from(oddText(random));
    const sha2 = createHash('sha256').update(contents).digest('hex');
    const attachment = { usageType: 'https://example.org/u', display: { en: 'f' }, contentType: 'text/plain', length: contents.length, sha2 };
    const named = random.chance(0.8) ? sha2 : oddText(random).replace(/[\r\n]/g, '');
    let body = multipart(random.chance(0.8) ? { ...random.pick(samples), id: randomUUID(), attachments: [attachment] } : batch(), new Map([[named, contents], ...(random.chance(0.2) ? [['0'.repeat(64), contents] as const] : [])]));
    if (random.chance(0.3)) body = body.subarray(0, random.below(body.length));
    if (random.chance(0.3)) body = Buffer.from(body.toString('latin1').replaceAll('--load', random.pick(['--load--load', '--load\r\n--load', '--loa', '\r\n\r\n--load', '--load \t'])), 'latin1');
    if (random.chance(0.2)) body = Buffer.from(body.toString('latin1').replace('X-Experience-API-Hash', random.pick(['x-experience-api-hash', 'X-Other', `${'Y: z\r\n'.repeat(200)}X-Experience-API-Hash`, '\0', ' X'])), 'latin1');
    if (random.chance(0.2)) body = multipart({}, new Map([[sha2, body]]));
    if (random.chance(0.3)) body = mutateBytes(random, body, 1 + random.below(4));
    return ['statements', { method: 'POST', version: version(), body, headers: { 'Content-Type': random.pick(['multipart/mixed; boundary=load', 'multipart/mixed; boundary="load"', 'multipart/mixed; boundary=loa', 'multipart/mixed;boundary=load;boundary=x', 'multipart/form-data; boundary=load', 'MULTIPART/MIXED; charset=x; boundary=load']) } }];
  };
  const alternate = (): Request => {
    const form = new URLSearchParams({ content: JSON.stringify(statement()), 'X-Experience-API-Version': '1.0.3', 'Content-Type': 'application/json', ...Object.fromEntries(Object.entries(query()).map(([name, value]) => [name, String(value)])) });
    if (random.chance(0.2)) form.append(oddText(random), oddText(random));
    return [random.pick(resources), { method: 'POST', version: null, query: { method: random.pick(['PUT', 'POST', 'GET', 'DELETE', 'HEAD', 'PATCH', 'put', '', text()]) }, body: random.chance(0.8) ? String(form) : mutateBytes(random, Buffer.from(String(form)), 3), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }];
  };
  const zipped = (): Request => {
    const whole = gzipSync(random.chance(0.05) ? Buffer.alloc(20 * MIB) : JSON.stringify(batch()));
    const body = random.pick([whole, mutateBytes(random, whole, 1 + random.below(3)), whole.subarray(0, random.below(whole.length)), Buffer.concat([whole, whole]), Buffer.from('no gzip'), gzipSync(whole)]);
    return ['statements', { method: 'POST', version: version(), body, headers: { ...json, 'Content-Encoding': random.pick(['gzip', 'gzip', 'gzip', 'deflate', 'x-gzip', 'GZIP', 'br']) } }];
  };
  return [post, post, post, put, bytes, bytes, deep, document, document, profile, get, get, anywhere, header, many, mixed, mixed, mixed, alternate, alternate, zipped];
}

/** What is no HTTP: the server answers 4xx or hangs up. */
async function garbage(t: Test, server: ServerProcess, random: Random): Promise<void> {
  const head = `Host: x\r\nAuthorization: ${server.authorization}\r\nX-Experience-API-Version: 2.0.0\r\n`;
  const inputs: (string | Buffer)[] = [
    '\0'.repeat(1000), '\r\n'.repeat(100) + 'x', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET  HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00',
    `GET http://other/xapi/about HTTP/1.1\r\n${head}\r\n`, 'GET * HTTP/1.1\r\nHost: x\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /xapi/about HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    `POST /xapi/statements HTTP/1.1\r\n${head}Content-Length: -1\r\n\r\n`, `POST /xapi/statements HTTP/1.1\r\n${head}Content-Length: 99999999999999999999\r\n\r\n`,
    `POST /xapi/statements HTTP/1.1\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, `POST /xapi/statements HTTP/1.1\r\n${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n`,
    `POST /xapi/statements HTTP/1.1\r\n${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${'1;x=y\r\n[\r\n'.repeat(500)}0\r\n\r\n`, `GET /xapi/statements HTTP/1.1\r\n${head}${head}\r\n`, `GET /${'a'.repeat(200_000)} HTTP/1.1\r\n\r\n`,
  ];
  for (let at = 0; at < 60; at++) inputs.push(mutateBytes(random, Buffer.from(`POST /xapi/statements?limit=1 HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]`), 1 + random.below(6)));
  const faults: string[] = [];
  for (let at = 0; at < inputs.length; at += 10) {
    await Promise.all(inputs.slice(at, at + 10).map(async (input) => {
      const connection = await openRaw(server.url);
      connection.write(input);
      const text = await connection.until((answer) => answer.includes('\r\n\r\n'), 500);
      if (/^HTTP\/1\.1 5/.test(text)) faults.push(`${text.slice(0, 300)} to ${JSON.stringify(input.toString('latin1').slice(0, 200))}`);
      const body = /^HTTP\/1\.1 4[\s\S]*?\r\n\r\n([\s\S]+)$/.exec(text)?.[1];
      if (body !== undefined && !/"error":.*"message":.*"requestId":/.test(body)) faults.push(`a refusal without error, message and requestId: ${text.slice(0, 300)}`);
      connection.close();
    }));
  }
  t.same(faults, [], 'garbage on the socket is refused');
}
