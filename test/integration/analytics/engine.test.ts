import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { createEngineClient, serverAddress } from '../../../src/query/engine/client.js';
import { createSupervisor } from '../../../src/query/engine/supervisor.js';
import { migrate } from '../../../src/query/migrate.js';
import { startEngine, until, withoutEngine } from './analytics-server.js';

t.setTimeout(240_000);

interface Reply { status: number; headers: Record<string, string | string[] | undefined>; text: string }

function ask(socketPath: string, path: string, { method = 'GET', body, headers = {} }: { method?: string; body?: Buffer | string; headers?: Record<string, string> } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const query = (sql: string, more: Record<string, string> = {}): string => `/?${new URLSearchParams({ query: sql, ...more })}`;

t.test("ClickHouse's HTTP interface", { skip: withoutEngine }, async (t) => {
  const { socketPath, supervisor } = await startEngine(t);
  const get = (sql: string, more?: Record<string, string>) => ask(socketPath, query(sql, more));

  t.match(await ask(socketPath, '/ping'), { status: 200, text: 'Ok.\n' });
  t.match(await get('SELECT 1 AS a', { default_format: 'JSONEachRow', query_id: 'mine' }), {
    status: 200, text: '{"a":1}\n', headers: { 'x-clickhouse-query-id': 'mine', 'x-clickhouse-format': 'JSONEachRow', 'x-clickhouse-timezone': 'UTC', 'x-clickhouse-summary': /^\{/ },
  });
  t.match(await ask(socketPath, '/?default_format=CSV', { method: 'POST', body: 'SELECT 1, 2' }), { text: '1,2\n' });
  t.match(await get('SELECT 3 FORMAT CSV', { default_format: 'JSON' }), { text: '3\n', headers: { 'x-clickhouse-format': 'CSV' } });
  t.match(await get('SELECT currentDatabase()', { database: 'system' }), { text: 'system\n' });
  t.match(await get("SELECT {a:String}, {b:Array(UInt8)}", { param_a: "it\\'s \\t", param_b: '[1,2]' }), { text: "it\\'s \\t\t[1,2]\n" });
  const resultRows = async (sql: string): Promise<unknown> => (JSON.parse(String((await get(sql, { wait_end_of_query: '1' })).headers['x-clickhouse-summary'])) as { result_rows: unknown }).result_rows;
  t.equal(await resultRows('SELECT number FROM numbers(5) FORMAT TabSeparated'), '5');
  t.equal(await resultRows("SELECT version() AS v, 'x' AS x FORMAT RowBinaryWithNamesAndTypes"), '1');
  t.equal(await resultRows('SELECT number FROM numbers(0) FORMAT RowBinaryWithNamesAndTypes'), '0');
  t.match(await get("SELECT getSetting('max_threads')", { max_threads: '1' }), { text: '1\n' });
  t.match(await get("SELECT getSetting('max_execution_time')"), { text: '20\n' }, 'the default of the operator');

  t.match(await get('SELECT * FROM nowhere'), { status: 404, headers: { 'x-clickhouse-exception-code': '60' }, text: /^Code: 60\. DB::Exception: .*\(UNKNOWN_TABLE\) \(version / });
  t.match(await get('SELCT 1'), { status: 400, headers: { 'x-clickhouse-exception-code': '62' } });
  t.match(await get('SELECT 1; SELECT 2'), { status: 400, headers: { 'x-clickhouse-exception-code': '62' } });
  t.match(await get('SELECT 1', { no_such_setting: '1' }), { status: 404, headers: { 'x-clickhouse-exception-code': '115' } });
  t.match(await get('SELECT 1', { "max_threads = 1, readonly": '0' }), { headers: { 'x-clickhouse-exception-code': '115' } }, 'a name is no way in');
  t.match(await get('SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))', { max_execution_time: '1' }), { status: 408, headers: { 'x-clickhouse-exception-code': '159' } });
  t.match(await get('SELECT length(groupArray(number)) FROM numbers(1000000000)', { max_memory_usage: '50000000' }), { headers: { 'x-clickhouse-exception-code': '241' } });
  t.match(await get('CREATE TABLE default.g (a UInt8) ENGINE = Memory'), { status: 500, headers: { 'x-clickhouse-exception-code': '164' } }, 'GET changes nothing');

  const post = (sql: string, body?: Buffer | string, headers?: Record<string, string>) => ask(socketPath, query(sql), { method: 'POST', body, headers });
  t.equal((await post('CREATE TABLE default.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a')).status, 200);
  t.match(await post('INSERT INTO default.t FORMAT JSONEachRow', '{"a":1,"b":"x;y"}\n'), { status: 200, headers: { 'x-clickhouse-summary': /"written_rows":"1"/ } });
  t.equal((await post('INSERT INTO default.t FORMAT JSONEachRow', gzipSync('{"a":2,"b":"é"}\n'), { 'content-encoding': 'gzip' })).status, 200);
  t.equal((await post('INSERT INTO default.t (b, a) FORMAT CSV', '"z",3\n')).status, 200);
  t.match(await post('INSERT INTO default.t FORMAT JSONEachRow', '{"a":"no"}\n'), { status: 400, headers: { 'x-clickhouse-exception-code': '27' } });
  t.match(await post('INSERT INTO default.t FORMAT JSONEachRow', Buffer.alloc(9 << 20, 32)), { status: 413 });
  t.match(await get('SELECT b FROM default.t ORDER BY a', { default_format: 'CSV' }), { text: '"x;y"\n"é"\n"z"\n' });

  const client = createEngineClient({ kind: 'socket', socketPath });
  t.teardown(() => client.close());
  let rows = 0;
  const large = await client.query({ query: 'SELECT number FROM numbers(2000000)', format: 'JSONEachRow' });
  for await (const some of large.stream()) rows += some.length;
  t.equal(rows, 2_000_000, 'a large result in pieces');
  const broken = await client.query({ query: 'SELECT throwIf(number = 1500000) FROM numbers(2000000)', format: 'JSONEachRow', clickhouse_settings: { max_block_size: '10000', max_threads: 1 } });
  await t.rejects((async () => {
    for await (const some of broken.stream()) rows += some.length;
  })(), { code: '395' }, 'an error on the way is told');
  t.match(await (await client.query({ query: 'SELECT length({x:String}) AS n', query_params: { x: 'y'.repeat(300_000) }, format: 'JSONEachRow' })).json(), [{ n: '300000' }]);

  const gone = new AbortController();
  const aborted = client.query({ query: 'SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number, 77))', abort_signal: gone.signal });
  setTimeout(() => gone.abort(), 300);
  await t.rejects(aborted);
  await until(async () => (await get("SELECT count() FROM system.processes WHERE query LIKE '%, 77)%' AND query NOT LIKE '%processes%'")).text === '0\n', 'a statement ends with its connection');
  t.match(supervisor.state(), { status: 'running' });
});

t.test('the process: an environment of its own, a socket for its owner alone', { skip: withoutEngine }, async (t) => {
  process.env.QUIPU_SECRET = 'must-not-be-seen';
  const { supervisor, socketPath } = await startEngine(t);
  delete process.env.QUIPU_SECRET;
  t.notMatch(await readFile(`/proc/${supervisor.pid()}/environ`, 'utf8').catch(() => ''), /must-not|QUIPU|HOME/);
  t.equal((await stat(socketPath)).mode & 0o777, 0o600);
  t.equal(getPriority(supervisor.pid()), Math.max(getPriority(), 10), 'it gives way to what answers requests');
});

t.test('started anew after its death, with its data', { skip: withoutEngine }, async (t) => {
  const { supervisor, socketPath } = await startEngine(t);
  await ask(socketPath, query('CREATE TABLE default.t ENGINE = MergeTree ORDER BY number AS SELECT number FROM numbers(1000)'), { method: 'POST' });
  for (let round = 1; round <= 2; round++) {
    process.kill(supervisor.pid()!, 'SIGKILL');
    await until(async () => supervisor.starts() > round && supervisor.state().status === 'running', 'it runs again');
    t.match(await ask(socketPath, query('SELECT count() FROM default.t')), { text: '1000\n' });
  }
});

t.test('ended and started anew when it hangs, and when it takes too much memory', { skip: withoutEngine }, async (t) => {
  const hung = await startEngine(t, { interval: 100, patience: 1000 });
  process.kill(hung.supervisor.pid()!, 'SIGSTOP');
  await until(async () => hung.supervisor.starts() > 1 && hung.supervisor.state().status === 'running', 'it runs again');
  const large = await startEngine(t, { interval: 100, maxResidentBytes: 10 << 20 });
  await until(async () => large.supervisor.starts() > 2, 'it was ended for its memory');
  t.ok(hung.supervisor.starts() > 1);
});

t.test('started when there is a process to be had', { skip: withoutEngine }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quipu-engine-'));
  const reasons: unknown[] = [];
  const supervisor = createSupervisor({
    path: join(folder, 'data'), socketPath: join(folder, 'engine.sock'), memoryBytes: 1 << 30, defaults: {}, maxStatements: 6, maxBodyBytes: 8 << 20, maxResidentBytes: 2 ** 31,
    backOff: 50, log: { info: () => undefined, warn: ({ reason }: { reason?: unknown }) => reasons.push(reason) },
  });
  t.teardown(async () => {
    await supervisor.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const open: number[] = [];
  try {
    for (;;) open.push(openSync('/dev/null', 'r'));
  } catch {
    supervisor.start();
  } finally {
    for (const descriptor of open) closeSync(descriptor);
  }
  t.equal(await supervisor.settled(), false);
  t.match(supervisor.state(), { status: 'failed', reason: /EMFILE/ });
  await until(async () => supervisor.state().status === 'running', 'it runs after all');
  t.equal(reasons.length, 1);
});

t.test('started anew when what it keeps for good leaves statements too little', { skip: withoutEngine }, async (t) => {
  const { supervisor, socketPath } = await startEngine(t, { interval: 100, memoryBytes: 512 << 20 });
  const zones = Intl.supportedValuesOf('timeZone').slice(0, 100);
  t.match(await ask(socketPath, query('SELECT length(groupArray(number)) FROM numbers(5000000)')), { text: '5000000\n' });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.equal(supervisor.starts(), 1, 'not for what a statement took');
  await ask(socketPath, query(`SELECT ${zones.map((zone) => `toHour(now(), '${zone}')`).join()}`));
  await until(async () => supervisor.starts() > 1 && supervisor.state().status === 'running', 'it runs again');
  t.match(await ask(socketPath, query('SELECT length(groupArray(number)) FROM numbers(5000000)')), { text: '5000000\n' });
});

t.test('a query that goes on after its client has gone ends with the process, and nothing else does', { skip: withoutEngine }, async (t) => {
  const { socketPath, supervisor } = await startEngine(t, { endingPatience: 1000 });
  const leave = async (sql: string, after: number): Promise<void> => {
    const sent = request({ socketPath, path: query(sql), agent: false }, (answer) => answer.on('error', () => undefined)).on('error', () => undefined);
    sent.end();
    await new Promise((resolve) => setTimeout(resolve, after));
    sent.destroy();
  };
  await leave('SELECT sum(sipHash64(number)) FROM numbers(1000000000000)', 300);
  await leave('SELECT number, repeat(\'x\', 1000) FROM numbers(1000000000)', 300);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.equal(supervisor.starts(), 1, 'queries that end when they are told to');
  t.match(await ask(socketPath, query('SELECT 1')), { text: '1\n' });
  for (const sql of ['SELECT arrayLevenshteinDistance(range(240000), range(1, 240001))', '(SELECT arrayLevenshteinDistance(range(240000), range(2, 240002)))']) {
    const starts = supervisor.starts();
    await leave(sql, 500);
    await until(async () => supervisor.starts() > starts && supervisor.state().status === 'running', `${sql} does not hold the engine`);
    t.match(await ask(socketPath, query('SELECT 1')), { text: '1\n' });
  }
});

t.test('migrations are recorded and bear being repeated', { skip: withoutEngine }, async (t) => {
  const { socketPath } = await startEngine(t);
  const client = createEngineClient({ kind: 'socket', socketPath });
  t.teardown(() => client.close());
  const first = await migrate(client);
  t.ok(first > 0);
  t.equal(await migrate(client), 0);
  await client.command({ query: 'TRUNCATE TABLE quipu.migrations' });
  t.equal(await migrate(client), first, 'as after a start that was cut short');
  await client.command({ query: "INSERT INTO quipu.migrations VALUES (9999, 'later', now64(3))" });
  await t.rejects(migrate(client), /newer version/);
});

t.test('credentials stand apart from the URL of a server', async (t) => {
  t.same(serverAddress('https://an%40na:se%3Acret@ch.example.org:8443/path'), { kind: 'server', url: 'https://ch.example.org:8443/path', username: 'an@na', password: 'se:cret' });
  t.same(serverAddress('http://ch:8123'), { kind: 'server', url: 'http://ch:8123/' });
});

// The last one: nobody but a privileged user may raise the priority again.
t.test('where all runs with a lower priority, the engine keeps it', { skip: withoutEngine }, async (t) => {
  setPriority(15);
  const { supervisor } = await startEngine(t);
  t.match(supervisor.state(), { status: 'running' });
  t.equal(getPriority(supervisor.pid()), 15);
});
