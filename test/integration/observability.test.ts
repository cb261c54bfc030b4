import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { attributesOf, startCollector } from './collector.js';
import { openRaw } from './raw-connection.js';
import { startProcess, type ServerProcess } from './server-process.js';

t.setTimeout(120_000);

const ann = { mbox: 'mailto:ann.secretive@example.org', name: 'Ann Secretive' };
const statement = { actor: ann, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/activity' } };
const personal = /secretive|example\.org/i;

async function start(t: Test, env: Record<string, string>): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-observed-'));
  const server = await startProcess(folder, env);
  t.teardown(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return server;
}

/** What clients ask that would be a pity to find in a log: addresses that name a person, secrets, statements at fault. */
async function askAll(server: ServerProcess, headers: Record<string, string> = {}): Promise<void> {
  const asked: [string, Parameters<ServerProcess['request']>[1]][] = [
    ['statements', { method: 'POST', body: statement }],
    ['statements', { query: { agent: ann } }],
    ['statements', { query: { agent: ann, nonsense: ann.mbox } }],
    ['statements', { method: 'POST', body: { ...statement, verb: ann } }],
    ['statements', { method: 'POST', body: `[{"actor":${JSON.stringify(ann)},` , headers: { 'Content-Type': 'application/json' } }],
    ['agents', { query: { agent: ann } }],
    ['agents/profile', { method: 'PUT', query: { agent: ann, profileId: ann.mbox }, body: { of: ann.name } }],
    [`nowhere/${ann.mbox}`, {}],
    ['/v1/exports', { method: 'POST', body: { agent: ann } }],
    ['/v1/erasures', { method: 'POST', body: { agent: { ...ann, more: ann.name } } }],
    ['/%zz', {}],
    ['statements', { key: { id: 'nobody', secret: 'wrong-secret-of-ann' }, query: { agent: ann } }],
    [`statements?method=GET`, { method: 'POST', version: '1.0.3', body: `agent=${encodeURIComponent(JSON.stringify(ann))}`, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }],
  ];
  for (const [path, options] of asked) await server.request(path, { ...options, headers: { ...headers, ...options?.headers } });
}

t.test('at the level info no line names a person or a secret; at debug each request has a line, and none a secret', async (t) => {
  for (const level of ['info', 'debug']) {
    const server = await start(t, { QUIPU_LOG_LEVEL: level });
    await askAll(server);
    await server.request(`/xapi/${'%00'.repeat(5)}?agent=${encodeURIComponent(JSON.stringify(ann))}`);
    const log = server.log();
    for (const secret of [server.key.secret, server.authorization.slice(6), 'wrong-secret-of-ann', Buffer.from('nobody:wrong-secret-of-ann').toString('base64')]) t.notOk(log.includes(secret), `${level}: no secret`);
    if (level === 'info') {
      t.notMatch(log, personal);
      t.notMatch(log, /request answered/, 'requests that the server did not fail have no line');
    } else {
      const lines = log.split('\n').filter((line) => line.includes('request answered')).map((line) => JSON.parse(line) as Record<string, unknown>);
      t.ok(lines.length >= 13, `${lines.length} lines`);
      for (const line of lines) {
        t.match(line, { requestId: /^\S+$/, method: /^[A-Z]+$/, route: String, status: Number, milliseconds: Number });
        t.notMatch(JSON.stringify(line), personal, 'the route and not the address');
      }
    }
  }
});

t.test('an answer names its request by the id that came with it, when that is sane, and the log does too', async (t) => {
  const server = await start(t, { QUIPU_LOG_LEVEL: 'debug' });
  const idOf = async (given: string | undefined): Promise<string> => (await server.request('statements', { query: { nonsense: '1' }, headers: { 'X-Request-Id': given } })).headers['x-request-id'] as string;
  t.equal(await idOf('edge-1:2.3_A'), 'edge-1:2.3_A');
  t.match(server.log(), /"requestId":"edge-1:2\.3_A"/);
  const refused = await server.request('statements', { query: { nonsense: '1' }, headers: { 'X-Request-Id': 'the-same' } });
  t.equal(refused.json<{ requestId: string }>().requestId, 'the-same', 'the body says it as well');
  for (const insane of ['', 'a b', 'ann@example.org', '"', '-x', 'x'.repeat(129), '<script>']) {
    const id = await idOf(insane);
    t.match(id, /^[0-9a-f]{8}-[0-9a-z]+$/, JSON.stringify(insane));
  }
  const inner = await server.request('statements?method=GET', { method: 'POST', version: '1.0.3', body: 'limit=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Request-Id': 'outer-id' } });
  t.equal(inner.headers['x-request-id'], 'outer-id', 'in the alternate syntax too');
  for (const path of ['/health/live', '/nowhere', '/%zz']) t.equal((await server.request(path, { headers: { 'X-Request-Id': 'any' } })).headers['x-request-id'], 'any', path);
  const raw = await openRaw(server.url);
  raw.write('NONSENSE\r\n\r\n');
  t.match((await raw.untilClosed(5000)).text, /^HTTP\/1\.1 400 [^]*"requestId":"[0-9a-f]{8}-/, 'what is no request gets one as well');
});

t.test('traces: the request, what it asks of the store, in the trace that the client named, and nothing of a person', async (t) => {
  const collector = await startCollector(t);
  const server = await start(t, { QUIPU_OTEL_URL: `${collector.url}/`, OTEL_BSP_SCHEDULE_DELAY: '100', QUIPU_LOG_LEVEL: 'debug' });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const traced = (span: string) => ({ traceparent: `00-${traceId}-${span}-01` });
  await askAll(server);
  t.equal((await server.request('statements', { method: 'POST', body: [statement, statement], headers: traced('b7ad6b7169203331') })).status, 200);
  t.equal((await server.request('statements', { query: { agent: ann }, headers: traced('b7ad6b7169203332') })).status, 200);
  t.equal((await server.request('activities/state', { method: 'PUT', query: { agent: ann, activityId: 'https://example.org/activity', stateId: 'bookmark' }, body: { page: 1 }, headers: traced('b7ad6b7169203333') })).status, 204);

  for (const [method, route, parent, call] of [
    ['POST', '/xapi/statements', 'b7ad6b7169203331', 'statements.append'], ['GET', '/xapi/statements', 'b7ad6b7169203332', 'statements.find'], ['PUT', '/xapi/activities/state', 'b7ad6b7169203333', 'documents.put'],
  ]) {
    const request = await collector.span((span) => span.parentSpanId === parent);
    t.match(request, { traceId, name: `${method} ${route}`, kind: 2 });
    t.match(attributesOf(request), { 'http.request.method': method!, 'http.route': route!, 'http.response.status_code': method === 'PUT' ? 204 : 200, 'quipu.tenant': 'default' });
    const id = attributesOf(request)['quipu.request_id'] as string;
    t.ok(server.log().split('\n').some((line) => line.includes(`"${id}"`) && line.includes(traceId)), 'the line of the log names the trace');
    const part = await collector.span((span) => span.parentSpanId === request.spanId && span.name === call);
    t.equal(part.traceId, traceId, `${call} is part of it`);
  }
  const own = await collector.span(({ name, parentSpanId }) => name === 'GET /xapi/statements' && !parentSpanId);
  t.not(own.traceId, traceId, 'without a header it is a trace of its own');
  const outer = await collector.span(({ name, spanId }) => name.startsWith('POST ') && collector.spans().some((span) => span.parentSpanId === spanId && span.name === 'GET /xapi/statements'));
  t.ok(outer, 'a request in the alternate syntax holds the one that it stands for');
  t.match(collector.text(), /"service\.name".{1,40}"quipu"/);
  t.notMatch(collector.text().replaceAll('agents/profile', ''), personal, 'nothing of a person');
  for (const secret of [server.key.secret, server.authorization.slice(6)]) t.notOk(collector.text().includes(secret), 'no secret');
});

t.test('a collector that is away does no harm, and the log says so once', async (t) => {
  const server = await start(t, { QUIPU_OTEL_URL: 'http://127.0.0.1:9', OTEL_BSP_SCHEDULE_DELAY: '50', QUIPU_LOG_LEVEL: 'warn' });
  const told = (): number => server.log().split('\n').filter((line) => line.includes('Traces are not sent')).length;
  // A sending that fails is tried again for five seconds.
  for (const begun = Date.now(); told() === 0 && Date.now() - begun < 30_000;) {
    t.equal((await server.request('statements', { method: 'POST', body: statement })).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const begun = Date.now();
  t.equal(await server.stop(), 0);
  t.ok(Date.now() - begun < 8000, 'nor does the end wait for it');
  t.equal(told(), 1, server.log());
});
