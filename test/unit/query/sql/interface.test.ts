import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createClient } from '@clickhouse/client';
import jwt from 'jsonwebtoken';
import t from 'tap';
import { packBlocks, unpackBlocks } from '../../../../src/query/sql/native-blocks.js';
import { secret } from './bi-engine.js';
import { jwtSecret, startBiServer } from './bi-server.js';

const server = await startBiServer(t, { executionTime: 2, memory: 300 * 1024 ** 2, resultRows: 10_000, concurrent: 3, queryBytes: 64 * 1024 });
const options = { timeout: 120_000, skip: server === undefined && 'the package chdb is not installed' } as const;

t.test('@clickhouse/client over HTTP', options, async (t) => {
  const { url, users } = server!;
  const { id, secret: password } = users.acme!;
  for (const compression of [{ response: false }, { response: true, request: true }]) {
    const client = createClient({ url, username: id, password, database: 'quipu_acme', compression });
    t.match(await client.ping(), { success: true });
    const found = await client.query({
      query: 'SELECT verb, count() AS c, {note:String} AS note FROM statements WHERE score_scaled >= {least:Float64} GROUP BY verb ORDER BY verb', format: 'JSONEachRow',
      query_params: { note: 'it\'s\na\ttab \\', least: 0 }, clickhouse_settings: { output_format_json_quote_64bit_integers: 0, max_execution_time: 1 },
    });
    t.strictSame(await found.json(), [{ verb: 'answered', c: 26, note: 'it\'s\na\ttab \\' }, { verb: 'completed', c: 14, note: 'it\'s\na\ttab \\' }]);
    const many = await client.query({ query: 'SELECT number FROM numbers(5000)', format: 'JSONEachRow' });
    t.equal((await many.json()).length, 5000);
    await t.rejects(client.query({ query: 'SELECT * FROM quipu.statement_log' }), { code: '497', type: 'ACCESS_DENIED' });
    await t.rejects(client.insert({ table: 'statements', values: [{ a: 1 }], format: 'JSONEachRow' }), { code: '164' });
    await t.rejects(client.command({ query: 'DROP TABLE statements' }), { code: '164', type: 'READONLY' });
    await client.close();
  }
  const stranger = createClient({ url, username: id, password: 'wrong' });
  await t.rejects(stranger.query({ query: 'SELECT 1' }), { code: '516', type: 'AUTHENTICATION_FAILED' });
  await stranger.close();
});

t.test('every way to say who asks', options, async (t) => {
  const { url, users, keys } = server!;
  const { id, secret: password } = users.acme!;
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, { headers });
    return [response.status, Number(response.headers.get('x-clickhouse-exception-code') ?? 0), await response.text()] as const;
  };
  const query = encodeURIComponent('SELECT DISTINCT tenant FROM statements');
  t.strictSame(await ask(`/?query=${query}`, { Authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}` }), [200, 0, 'acme\n']);
  t.strictSame(await ask(`/?query=${query}`, { 'X-ClickHouse-User': id, 'X-ClickHouse-Key': password }), [200, 0, 'acme\n']);
  t.strictSame(await ask(`/?query=${query}&user=${id}&password=${password}`), [200, 0, 'acme\n']);
  const token = (scope: string): string => jwt.sign({ sub: 'ann', tenant: 'acme', scope }, jwtSecret, { expiresIn: 60 });
  t.strictSame(await ask(`/?query=${query}`, { Authorization: `Bearer ${token('analytics')}` }), [200, 0, 'acme\n']);
  t.strictSame((await ask(`/?query=${query}`, { Authorization: `Bearer ${token('all')}` })).slice(0, 2), [403, 497], 'another scope');
  t.strictSame((await ask(`/?query=${query}`, { Authorization: 'Bearer nonsense' })).slice(0, 2), [403, 516]);
  t.strictSame((await ask(`/?query=${query}`)).slice(0, 2), [401, 194]);
  t.strictSame((await ask(`/?query=${query}&user=${id}&password=wrong`)).slice(0, 2), [403, 516]);
  const writer = await keys.create({ tenant: 'acme', name: 'LMS', scopes: ['all'] });
  t.strictSame((await ask(`/?query=${query}&user=${writer.id}&password=${writer.secret}`)).slice(0, 2), [403, 497]);
  t.strictSame(await ask('/ping'), [200, 0, 'Ok.\n'], 'a ping asks for nobody');
  t.strictSame(await ask('/'), [200, 0, 'Ok.\n']);
  t.strictSame((await ask('/play')).slice(0, 1), [404]);
  for (const [target, status] of [['//', 404], ['http://[/', 400], ['http://quipu.example/', 404]] as const) {
    const found = await new Promise<number | undefined>((resolve, reject) => {
      request(url, { path: target }, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end();
    });
    t.equal(found, status, target);
  }
});

t.test('a tenant sees its own alone', options, async (t) => {
  const { ask } = server!;
  const views = { acme: 'statements\nverbs\n', 'b-c': `statements\n${secret}_view\n` };
  for (const as of ['acme', 'b-c'] as const) {
    const database = `quipu_${as.replace('-', '_')}`;
    const lines = async (query: string): Promise<string> => (await ask(query, {}, { as })).text;
    t.equal(await lines('SELECT count(), uniqExact(tenant), any(tenant) FROM statements'), `40\t1\t${as}\n`);
    t.equal(await lines('SHOW DATABASES'), `${database}\n`);
    t.equal(await lines('SHOW TABLES'), views[as]);
    t.equal(await lines('SELECT name FROM system.tables ORDER BY name'), views[as]);
    t.equal(await lines('SELECT DISTINCT database FROM system.columns'), `${database}\n`);
    t.equal(await lines('SELECT currentDatabase()'), `${database}\n`);
    t.equal(await lines('SELECT DISTINCT actor_name FROM statements'), as === 'acme' ? 'plain\n' : `${secret}\n`);
  }
});

t.test('query, body, formats and parameters', options, async (t) => {
  const { ask, url, users } = server!;
  t.equal((await ask('+ 1 AS x', { query: 'SELECT 1' })).text, '2\n', 'query of the URL, then the body');
  t.equal((await ask('SELECT 1 AS a', { default_format: 'JSONCompactEachRow' })).text, '[1]\n');
  const csv = await ask('SELECT 1 AS a FORMAT CSVWithNames', { default_format: 'JSON' });
  t.equal(csv.text, '"a"\n1\n');
  t.equal(csv.headers.get('x-clickhouse-format'), 'CSVWithNames');
  t.equal(csv.headers.get('access-control-allow-origin'), null);
  t.equal((await ask('SELECT {a:UInt8} + {b:Array(UInt8)}[1]', { param_a: '1', param_b: '[2]' })).text, '3\n');
  t.equal((await ask('SELECT {a:UInt8}')).code, 456);
  t.equal((await ask('SELECT 1', { query_id: 'mine' })).headers.get('x-clickhouse-query-id'), 'mine');
  t.match((await ask('SELECT 1', { send_progress_in_http_headers: '1', wait_end_of_query: '1' })).headers.get('x-clickhouse-summary'), /read_rows/);
  t.equal((await ask('SELECT count() FROM statements', { database: 'default' })).text, '40\n', 'what tools call the default database');
  t.equal((await ask('SELECT 1', { database: 'quipu_b_c' })).code, 81);
  const zipped = await ask('', {}, { body: gzipSync('SELECT 7'), headers: { 'Content-Encoding': 'gzip' } });
  t.equal(zipped.text, '7\n');
  t.equal((await ask('', {}, { body: Buffer.from('nonsense'), headers: { 'Content-Encoding': 'gzip' } })).status, 400);
  t.equal((await ask('', {}, { body: Buffer.from([0x53, 0xff, 0xfe]) })).code, 62, 'not UTF-8');
  t.equal((await ask('', { decompress: '1' }, { body: packBlocks(Buffer.from('SELECT 8')) })).text, '8\n');
  t.equal((await ask('', { decompress: '1' }, { body: Buffer.from('SELECT 8 in no block at all, but long enough') })).code, 271);
  const { id, secret: password } = users.acme!;
  const plain = await fetch(`${url}/?query=SELECT+number+FROM+numbers(5000)&compress=1&user=${id}&password=${password}`);
  const unpacked = unpackBlocks(Buffer.from(await plain.arrayBuffer()), 1e6).toString().trim().split('\n');
  t.equal(unpacked.length, 5000);
  t.equal(unpacked[4999], '4999');
  const gzip = await fetch(`${url}/?query=SELECT+1&user=${id}&password=${password}`, { headers: { 'Accept-Encoding': 'gzip' } });
  t.equal(gzip.headers.get('content-encoding'), 'gzip');
  t.equal(await gzip.text(), '1\n');
  const form = new FormData();
  form.set('param_a', '5');
  t.equal((await ask('', { query: 'SELECT {a:UInt8}' }, { body: form })).text, '5\n', 'parameters in a form');
});

t.test('sessions keep settings', options, async (t) => {
  const { ask } = server!;
  const inSession = { session_id: 'one' };
  t.equal((await ask('SELECT 1', { session_id: 'none', session_check: '1' })).code, 372);
  t.equal((await ask('SET join_use_nulls = 1, max_threads = 1', inSession)).status, 200);
  t.equal((await ask('USE quipu_acme', inSession)).status, 200);
  const query = 'SELECT b.x FROM (SELECT 1 AS k) AS a LEFT JOIN (SELECT 2 AS k, 3 AS x) AS b USING k';
  t.equal((await ask(query, inSession)).text, '\\N\n');
  t.equal((await ask(query, inSession, { as: 'b-c' })).text, '0\n', 'a session is its key\'s alone');
  t.equal((await ask(query)).text, '0\n');
});

t.test('runaway queries are bounded', options, async (t) => {
  const { ask } = server!;
  const started = Date.now();
  const late = await ask('SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))', { max_execution_time: '0' });
  t.strictSame([late.code, late.status], [159, 408]);
  t.ok(Date.now() - started < 15_000);
  t.equal((await ask('SELECT (SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number)))')).code, 159, 'also while it is judged');
  t.equal((await ask('SELECT groupArray(number) FROM numbers(1000000000)')).code, 241);
  t.equal((await ask('SELECT number FROM numbers(20000)', { wait_end_of_query: '1' })).code, 396);
  t.equal((await ask('SELECT number FROM numbers(20000)', { wait_end_of_query: '1', max_result_rows: '0' })).code, 396, '0 lifts nothing');
  t.equal((await ask('SELECT number FROM numbers(2000)', { wait_end_of_query: '1', max_result_rows: '100' })).code, 396, 'but a query may ask for less');
  t.equal((await ask(`SELECT '${'x'.repeat(70_000)}'`)).code, 62, 'length');
  t.equal((await ask(`SELECT '${'x'.repeat(10_000_000)}'`)).code, 223, 'a body far longer');
  t.ok([306, 167, 62].includes((await ask(`SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`)).code), 'nesting');
  t.ok([306, 167, 62, 168].includes((await ask(`SELECT ${'['.repeat(20_000)}`)).code));
  t.ok([306, 167, 62, 162, 168].includes((await ask(`${'SELECT * FROM ('.repeat(100)}SELECT 1${')'.repeat(100)}`)).code), 'subqueries');
  t.ok([306, 167, 168].includes((await ask(`SELECT ${'1+'.repeat(30_000)}1`)).code), 'elements');
  t.ok([306, 159, 241, 396, 636].includes((await ask('WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT count() FROM r')).code), 'recursion');
  const slow = 'SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))';
  const together = await Promise.all([slow, slow, slow, slow, slow].map((query) => ask(query)));
  t.equal(together.filter(({ code }) => code === 202).length, 2, 'queries at once');
  t.equal((await ask('SELECT 1')).text, '1\n', 'and the engine is well');
});

t.test('a client that goes ends its query', options, async (t) => {
  const { ask, engine } = server!;
  const gone = new AbortController();
  const asked = ask('SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))', {}, { signal: gone.signal });
  setTimeout(() => gone.abort(), 300);
  await t.rejects(asked);
  await new Promise((resolve) => setTimeout(resolve, 700));
  const running = await engine.client.query({ query: 'SELECT count() AS c FROM system.processes WHERE query LIKE \'%sipHash64%\' AND query NOT LIKE \'%processes%\'', format: 'JSONEachRow' });
  t.strictSame(await running.json(), [{ c: 0 }]);
});
