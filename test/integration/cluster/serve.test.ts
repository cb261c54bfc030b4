import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { mongodbFor } from '../../services/mongodb.js';
import { runCommand } from '../command.js';
import { startServer } from '../server.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
const urlOf = (database: string): string => service!.url.replace(/\/?(\?|$)/, `/${database}$1`);

const ann = { mbox: 'mailto:ann@example.org' };
const bob = { mbox: 'mailto:bob@example.org' };
const statement = (number: number, actor = ann): Record<string, unknown> & { id: string } => ({
  id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`, actor, verb: { id: 'http://adlnet.gov/expapi/verbs/experienced' }, object: { id: `https://example.org/${number}` },
});
const idsOf = (answer: { json<T>(): T }): string[] => answer.json<{ statements: { id: string }[] }>().statements.map(({ id }) => id);

t.test('a server on MongoDB takes in, finds, keeps over a restart', { skip, timeout: 120_000 }, async (t) => {
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  const server = await startServer(t, { QUIPU_MONGODB_URL: urlOf(database) });

  t.equal((await server.request('statements', { method: 'POST', body: [1, 2, 3].map((number) => statement(number)) })).status, 200);
  t.equal((await server.request('statements', { method: 'PUT', query: { statementId: statement(4).id }, body: statement(4, bob) })).status, 204);
  t.equal((await server.request('statements', { method: 'POST', body: statement(1) })).status, 200, 'again');
  t.equal((await server.request('statements', { method: 'POST', body: statement(1, bob) })).status, 409, 'with other content');
  const voiding = { actor: ann, verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: { objectType: 'StatementRef', id: statement(3).id } };
  t.equal((await server.request('statements', { method: 'POST', body: voiding })).status, 200);

  const look = async (): Promise<void> => {
    t.strictSame(idsOf(await server.request('statements', { query: { agent: bob } })), [statement(4).id]);
    t.strictSame(idsOf(await server.request('statements', { query: { activity: 'https://example.org/2' } })), [statement(2).id]);
    t.equal(idsOf(await server.request('statements', { query: { agent: ann, ascending: true } })).length, 3, 'the voided one is left out');
    const page = await server.request('statements', { query: { limit: 2, ascending: true } });
    t.strictSame(idsOf(page), [statement(1).id, statement(2).id]);
    t.equal(idsOf(await server.request(new URL(page.json<{ more: string }>().more, server.url).pathname + new URL(page.json<{ more: string }>().more, server.url).search)).length, 2);
    t.equal((await server.request('statements', { query: { voidedStatementId: statement(3).id } })).status, 200);
    t.strictSame(idsOf(await server.request('statements', { key: server.two })), [], 'another tenant');
  };
  await look();

  const state = { activityId: 'https://example.org/1', agent: ann, stateId: 'bookmark' };
  t.equal((await server.request('activities/state', { method: 'PUT', query: state, body: { page: 1 } })).status, 204);
  t.equal((await server.request('activities/state', { method: 'POST', query: state, body: { done: true } })).status, 204);
  const bytes = Buffer.from('an essay');
  const sha2 = createHash('sha256').update(bytes).digest('hex');
  const withFile = { ...statement(5), attachments: [{ usageType: 'https://example.org/essay', display: { en: 'Essay' }, contentType: 'text/plain', length: bytes.length, sha2 }] };
  const body = `--b\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(withFile)}\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2}\r\n\r\n${bytes.toString()}\r\n--b--\r\n`;
  t.equal((await server.request('statements', { method: 'POST', headers: { 'Content-Type': 'multipart/mixed; boundary=b' }, body })).status, 200);

  await server.restart();
  t.strictSame((await server.request('activities/state', { query: state })).json(), { page: 1, done: true });
  t.match((await server.request('statements', { query: { statementId: statement(5).id, attachments: true } })).text, 'an essay');
  t.equal((await server.request('statements', { method: 'POST', body: { ...statement(5, bob) } })).status, 409);
  t.equal((await server.request('/health/ready')).status, 200);
});

t.test('the store away: 503 with Retry-After, and work goes on by itself when it is back', { skip: skip || (service!.process === undefined && 'a server that runs elsewhere is not stopped'), timeout: 120_000 }, async (t) => {
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  const server = await startServer(t, { QUIPU_MONGODB_URL: urlOf(database) });
  t.equal((await server.request('statements', { method: 'POST', body: statement(1) })).status, 200);
  for (const [end, begin] of [
    [() => service!.process!.kill(), () => service!.start()],
    [async () => service!.process!.pause(), async () => service!.process!.resume()],
  ] as const) {
    await end();
    const start = performance.now();
    const [written, read, state] = await Promise.all([
      server.request('statements', { method: 'POST', body: statement(2) }),
      server.request('statements', { query: { statementId: statement(1).id } }),
      server.request('activities/state', { query: { activityId: 'https://example.org/1', agent: ann } }),
    ]);
    for (const answer of [written, read, state]) {
      t.equal(answer.status, 503, answer.text);
      t.ok(Number(answer.headers['retry-after']) > 0);
    }
    t.ok(performance.now() - start < 40_000, 'within seconds');
    t.equal((await server.request('/health/ready')).status, 503);
    await begin();
    let back = 503;
    for (const since = performance.now(); back !== 200 && performance.now() - since < 30_000; await pause(200)) back = (await server.request('statements', { method: 'POST', body: statement(2) })).status;
    t.equal(back, 200);
  }
  t.equal(idsOf(await server.request('statements')).length, 2);
});

t.test('quipu doctor finds an index that is missing; a restart makes it', { skip, timeout: 120_000 }, async (t) => {
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  const server = await startServer(t, { QUIPU_MONGODB_URL: urlOf(database) });
  const doctor = (): ReturnType<typeof runCommand> => runCommand(server.dataDir, ['doctor'], { env: { QUIPU_MONGODB_URL: urlOf(database) } });
  const healthy = await doctor();
  t.equal(healthy.status, 0, healthy.stdout + healthy.stderr);
  t.match(healthy.stdout, /indexes/);
  const client = new MongoClient(service!.url);
  await client.db(database).collection('documents').dropIndex('t_1_r_1_a_1');
  await client.close();
  const faulty = await doctor();
  t.equal(faulty.status, 1);
  t.match(faulty.stdout, /FAULT\s+indexes.*"a":1.*documents/);
  t.equal((await server.request('/v1/store', { key: server.one })).status, 403);
  await server.restart();
  t.equal((await doctor()).status, 0);
});

t.test('a backup of a server on MongoDB is restored into an empty database', { skip, timeout: 120_000 }, async (t) => {
  const [database, other] = [service!.freshDatabase(), service!.freshDatabase()];
  const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  t.teardown(async () => {
    await rm(folder, { recursive: true, force: true });
    await service!.drop(other);
  });
  const server = await startServer(t, { QUIPU_MONGODB_URL: urlOf(database) });
  const post = async (body: unknown): Promise<void> => {
    const answer = await server.request('statements', { method: 'POST', body });
    t.equal(answer.status, 200, answer.text);
  };
  await post([1, 2, 3].map((number) => statement(number)));
  const ref = (number: number, target: number, verb = 'https://example.org/reviewed'): object => ({ ...statement(number, bob), verb: { id: verb }, object: { objectType: 'StatementRef', id: statement(target).id } });
  await post(ref(10, 11));
  await post(ref(11, 1));
  await post(ref(12, 3, 'http://adlnet.gov/expapi/verbs/voided'));
  const state = { activityId: 'https://example.org/1', agent: ann, stateId: 'large' };
  const large = Buffer.alloc(5 << 20, 'x');
  t.equal((await server.request('activities/state', { method: 'PUT', query: state, headers: { 'Content-Type': 'text/plain' }, body: large })).status, 204);
  const bytes = Buffer.from('an essay');
  const sha2 = createHash('sha256').update(bytes).digest('hex');
  const lines = `{"quipu:attachment":${JSON.stringify({ sha2, contentType: 'text/plain', offset: 0, length: bytes.length, last: true, base64: bytes.toString('base64') })}}\n${JSON.stringify({ ...statement(5), attachments: [{ usageType: 'https://example.org/essay', display: { en: 'Essay' }, contentType: 'text/plain', length: bytes.length, sha2 }] })}`;
  t.match((await server.request('/v1/statements/import', { method: 'POST', key: server.admin, query: { tenant: 'default' }, headers: { 'Content-Type': 'application/x-ndjson' }, body: lines })).json(), { stored: 1 });

  const backup = join(folder, 'backup.tar.gz');
  const made = await runCommand(server.dataDir, ['backup', backup], { env: { QUIPU_MONGODB_URL: urlOf(database) } });
  t.equal(made.status, 0, made.stderr);
  const elsewhere = { QUIPU_MONGODB_URL: urlOf(other) };
  const restored = await runCommand(join(folder, 'data'), ['restore', backup], { env: elsewhere });
  t.equal(restored.status, 0, restored.stderr);
  t.match(restored.stderr, /1 attachments/);
  const again = await runCommand(join(folder, 'data'), ['restore', backup], { env: elsewhere });
  t.equal(again.status, 1);
  t.match(again.stderr, /not empty/);

  const ids = async (query: object): Promise<string[]> => idsOf(await server.request('statements', { key: server.admin, query: { ascending: true, limit: 0, ...query } }));
  const queries = [{}, { agent: ann }, { activity: 'https://example.org/1' }, { verb: 'https://example.org/reviewed' }, { verb: 'http://adlnet.gov/expapi/verbs/experienced' }];
  const before = await Promise.all(queries.map(ids));
  t.equal(before[2]!.length, 3, 'the statement and, through a chain, what refers to it');
  const target = await startServer(t, elsewhere, { tenants: false });
  t.strictSame(await Promise.all(queries.map(async (query) => idsOf(await target.request('statements', { key: target.admin, query: { ascending: true, limit: 0, ...query } })))), before);
  t.equal((await target.request('statements', { key: target.admin, query: { voidedStatementId: statement(3).id } })).status, 200);
  t.ok((await target.request('activities/state', { key: target.admin, query: state })).bytes.equals(large));
  t.match((await target.request('statements', { key: target.admin, query: { statementId: statement(5).id, attachments: true } })).text, 'an essay');
  t.equal((await target.request('statements', { method: 'POST', key: target.admin, body: statement(20) })).status, 200);
  t.strictSame((await ids({})).concat(statement(20).id), idsOf(await target.request('statements', { key: target.admin, query: { ascending: true, limit: 0 } })), 'positions go on');
});

t.test('a damaged backup leaves a database that no server opens, and that the next restore makes anew', { skip, timeout: 60_000 }, async (t) => {
  const [database, folder] = [service!.freshDatabase(), await mkdtemp(join(tmpdir(), 'quipu-test-'))];
  t.teardown(async () => {
    await rm(folder, { recursive: true, force: true });
    await service!.drop(database);
  });
  const env = { QUIPU_MONGODB_URL: urlOf(database) };
  const damaged = await runCommand(folder, ['restore', '-'], { env, input: Buffer.from('no tar at all'.repeat(200)) });
  t.equal(damaged.status, 1);
  const refused = await runCommand(folder, ['tenants', 'list'], { env });
  t.equal(refused.status, 1);
  t.match(refused.stderr, /restore that was not completed/);
  const once = await runCommand(folder, ['restore', '-'], { env, input: Buffer.alloc(0) });
  t.match(once.stderr, /empty/, 'it begins anew');
});

t.test('a URL that can not be used stops the start with a sentence, and its password is not shown', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const url of ['mongodb://quipu:s3cr3t@127.0.0.1:1/quipu', 'mongodb://quipu:s3cr3t@', 'mongodb://quipu:s3cr3t@host:port/x', 'mongodb://quipu:s3cr3t@h/?nonsense=1', 'mongodb+srv://quipu:s3cr3t@127.0.0.1', 'mongo://quipu:s3cr3t@h']) {
    const { status, stdout, stderr } = await runCommand(folder, ['serve'], { env: { QUIPU_MONGODB_URL: url, QUIPU_LOG_LEVEL: 'info', QUIPU_ANALYTICS: 'off' } });
    t.equal(status, 1, url);
    t.match(stderr, /QUIPU_MONGODB_URL/);
    t.notMatch(stdout + stderr, 's3cr3t');
  }
  const { status, stderr } = await runCommand(folder, ['serve'], { env: { QUIPU_S3_BUCKET: 'bucket' } });
  t.equal(status, 1);
  t.match(stderr, /QUIPU_S3_BUCKET takes QUIPU_MONGODB_URL/);
});
