import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t from 'tap';
import type { DocumentKey } from '../../../src/documents/store.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { agent, found, reference, referring, sample, statement, uuid, verb, verbKey, voided, voiding } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { runCommand, startCommand, type CommandResult } from '../command.js';
import type { Answer, Key } from '../server.js';
import { startProcess, type ServerProcess } from '../server-process.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
const urlOf = (database: string): string => service!.url.replace(/\/?(\?|$)/, `/${database}$1`);
t.setTimeout(600_000);
const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));

const bytes = Buffer.from('an attachment');
const sha2 = createHash('sha256').update(bytes).digest('hex');
const large = Buffer.alloc(300_000, 'large ');
const state = { activityId: 'http://example.org/a', agent: agent('ann'), stateId: 'first' };
/** Everything that a client can ask for, but for what tells the time. */
const questions: [path: string, query: Record<string, unknown>][] = [
  ['statements', { limit: 0, ascending: true, format: 'exact' }],
  ['statements', { limit: 17 }],
  ['statements', { agent: agent('ann'), related_agents: true, limit: 300 }],
  ['statements', { agent: agent('eve'), related_agents: true }],
  ['statements', { verb: 'https://example.org/verbs/late' }],
  ['statements', { verb: voided, ascending: true }],
  ['statements', { activity: 'https://example.org/activities/3', format: 'canonical' }],
  ['statements', { format: 'ids', limit: 5 }],
  ['statements', { statementId: uuid(2000), attachments: true }],
  ['statements', { voidedStatementId: uuid(7) }],
  ['statements', { voidedStatementId: uuid(3001) }],
  ['statements', { statementId: uuid(7) }],
  ['activities', { activityId: 'https://example.org/activities/3' }],
  ['agents', { agent: agent('ann') }],
  ['activities/state', state],
  ['activities/state', { ...state, stateId: 'large' }],
  ['activities/state', { activityId: state.activityId, agent: state.agent }],
  ['activities/profile', { activityId: state.activityId, profileId: 'p' }],
  ['agents/profile', { agent: agent('ann'), profileId: 'p' }],
];

/** Status, headers and bytes of every answer; boundaries of multipart, the time in the link to more and the ids of requests are not the same twice. */
async function ask(server: ServerProcess, keys: readonly Key[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const key of keys) {
    for (const [path, query] of questions) {
      const { status, headers, bytes, text }: Answer = await server.request(path, { query, key });
      const boundary = /boundary="?([^";]+)/.exec(headers['content-type'] ?? '')?.[1];
      const body = boundary === undefined ? bytes.toString('latin1').replace(/(?<=cursor=\w+-\w+-|"requestId":")[\w-]+(?="}$)/, 'OTHER') : text.replaceAll(boundary, 'BOUNDARY');
      answers.push([path, query, status, headers.etag, headers['last-modified'], boundary === undefined ? headers['content-type'] : 'multipart', body]);
    }
  }
  return answers;
}

/** A data folder as the program leaves it. */
async function fill(server: ServerProcess): Promise<Key> {
  const post = async (key: Key | undefined, body: unknown): Promise<void> => {
    const { status, text } = await server.request('statements', { method: 'POST', body, ...(key && { key }) });
    t.equal(status, 200, text.slice(0, 200));
  };
  t.equal((await server.request('/v1/tenants', { method: 'POST', body: { id: 'two', name: 'Two' } })).status, 201);
  const two = (await server.request('/v1/keys', { method: 'POST', query: { tenant: 'two' }, body: { name: 'of two', scopes: ['all'] } })).json<Key>();
  await post(undefined, { ...statement(3000), object: reference(uuid(3001)), verb: { id: voided } });
  await post(undefined, referringTo(3002, 3003));
  for (let from = 0; from < 800; from += 200) {
    await post(undefined, Array.from({ length: 200 }, (_, index) => {
      const number = from + index;
      const name = { 'en-US': `Activity ${number % 20}` };
      return statement(number, { actor: { ...agent(number % 3 === 0 ? 'eve' : 'ann'), name: `Name ${number % 2}` }, object: { id: `https://example.org/activities/${number % 20}`, definition: { name } } });
    }));
  }
  await post(two, Array.from({ length: 100 }, (_, index) => statement(index, { actor: agent('bob') })));
  await post(undefined, [statement(3001), statement(3003, { verb: verb('late') }), referringTo(3004, 3002), { ...statement(3005), object: reference(uuid(7)), verb: { id: voided } }]);
  const withFile = { ...statement(2000), attachments: [{ usageType: 'http://example.org/u', display: { en: 'f' }, contentType: 'text/plain', length: bytes.length, sha2 }] };
  const lines = `{"quipu:attachment":${JSON.stringify({ sha2, contentType: 'text/plain', offset: 0, length: bytes.length, last: true, base64: bytes.toString('base64') })}}\n${JSON.stringify(withFile)}`;
  t.match((await server.request('/v1/statements/import', { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: lines })).json(), { stored: 1 });
  for (const [path, query, body] of [
    ['activities/state', state, { at: 3 }], ['activities/state', { ...state, stateId: 'large' }, large],
    ['activities/profile', { activityId: state.activityId, profileId: 'p' }, { a: 1 }], ['agents/profile', { agent: agent('ann'), profileId: 'p' }, { b: 'ß' }],
  ] as const) {
    t.equal((await server.request(path, { method: 'PUT', query, body, headers: { 'If-None-Match': '*', ...(body === large && { 'Content-Type': 'application/octet-stream' }) } })).status, 204);
  }
  const erasure = await server.request('/v1/erasures', { method: 'POST', body: { agent: agent('eve') } });
  t.ok(erasure.status === 200 || erasure.status === 202, erasure.text.slice(0, 200));
  const { id } = erasure.json<{ id: string }>();
  for (let status = ''; status !== 'complete'; await pause(50)) status = (await server.request(`/v1/erasures/${id}`)).json<{ status: string }>().status;
  return two;
}

const referringTo = (number: number, target: number): object => ({ ...statement(number, { actor: agent('carl') }), object: reference(uuid(target)) });

const original = join(folder, 'original');
let two: Key;
let before: unknown[];

/** A copy of the data folder, and a database of its own. */
async function prepare(t: { teardown(work: () => Promise<unknown>): void }, name: string): Promise<{ dataDir: string; database: string; env: Record<string, string> }> {
  const dataDir = join(folder, name);
  await cp(original, dataDir, { recursive: true, filter: (path) => !/\.sock$|server\.json$/.test(path) });
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  return { dataDir, database, env: { QUIPU_MONGODB_URL: urlOf(database) } };
}

/** Starts a migration and kills it once it has noted its progress so many times. */
async function killAfter(notes: number, dataDir: string, database: string): Promise<CommandResult> {
  const client = new MongoClient(service!.url);
  const meta = client.db(database).collection<{ _id: string; progress: object }>('meta');
  const { child, result } = startCommand(dataDir, ['migrate'], { env: { QUIPU_MONGODB_URL: urlOf(database) } });
  let over = false;
  void result.then(() => { over = true; });
  const note = async (): Promise<string> => JSON.stringify((await meta.findOne({ _id: 'migrating' }))?.progress ?? null);
  let last = await note();
  for (let seen = 0; seen < notes && !over; await pause(1)) {
    const now = await note();
    if (now !== last) seen++;
    last = now;
  }
  child.kill('SIGKILL');
  await client.close();
  return result;
}

t.test('a data folder to be migrated', { skip, timeout: 120_000 }, async (t) => {
  const server = await startProcess(original);
  two = await fill(server);
  before = await ask(server, [server.key, two]);
  const refused = await runCommand(original, ['migrate'], { env: { QUIPU_MONGODB_URL: urlOf(service!.freshDatabase()) } });
  t.equal(refused.status, 1);
  t.match(refused.stderr, /in use by another process/);
  await server.stop();
});

t.test('everything is moved as it is', { skip, timeout: 240_000 }, async (t) => {
  const { dataDir, database, env } = await prepare(t, 'whole');
  const { status, stderr, stdout } = await runCommand(dataDir, ['migrate', '--json'], { env });
  t.equal(status, 0, stderr);
  t.match(stderr, /All counts agree/);
  const report = JSON.parse(stdout) as { resumed: boolean; compared: number; tenants: { id: string; source: object; target: object }[] };
  t.equal(report.resumed, false);
  t.ok(report.compared > 300);
  t.strictSame(report.tenants.map(({ id }) => id), ['', 'default', 'two']);
  t.match(report.tenants[1]!.target, { voided: 2, erasures: 3, documents: 4, attachments: 1, attachmentBytes: bytes.length });

  await t.test('through the ports', async (t) => {
    const ours = await openLevelStorage({ directory: dataDir });
    const theirs = await openMongoStorage({ url: urlOf(database) });
    t.teardown(() => Promise.all([ours.close(), theirs.close()]));
    for (const tenant of ['default', 'two']) {
      t.equal(await theirs.statements.count(tenant), await ours.statements.count(tenant));
      t.equal(await theirs.statements.head(tenant), await ours.statements.head(tenant));
      t.ok(await theirs.statements.consistentThrough(tenant) >= (await ours.statements.feed(tenant, 0, 1))[0]!.stored);
      t.strictSame(await theirs.statements.feed(tenant, 0, 2000), await ours.statements.feed(tenant, 0, 2000));
      t.strictSame(await theirs.canonical.names(tenant, 'mbox:mailto:ann@example.org'), await ours.canonical.names(tenant, 'mbox:mailto:ann@example.org'));
      t.strictSame(await theirs.canonical.definitions(tenant, ['https://example.org/activities/3']), await ours.canonical.definitions(tenant, ['https://example.org/activities/3']));
    }
    let entries = 0;
    for await (const { entry } of ours.entries.read()) {
      entries++;
      if (entry.kind === 'record') t.strictSame(await theirs.records.collection(entry.spec).get(entry.tenant, entry.id), { id: entry.id, version: entry.version, value: entry.value });
      if (entry.kind === 'document') t.strictSame(await theirs.documents.get(entry.tenant, entry.document.key), entry.document);
    }
    t.ok(entries > 600);
    const byTenant = (tenant: string) => theirs.records.collection<{ tenant: string }>({ name: 'keys', indexes: ['tenant'], unique: [] }).list('', { where: { property: 'tenant', equals: tenant } });
    t.equal((await byTenant('two')).length, 1, 'found by an index');
    t.strictSame(await buffer((await theirs.attachments.open('default', sha2))!.stream), bytes);
  });

  await t.test('over HTTP', async (t) => {
    const server = await startProcess(dataDir, env);
    const after = await ask(server, [server.key, two]);
    t.equal(after.length, before.length);
    for (const [index, answer] of after.entries()) t.strictSame(answer, before[index]);
    const more = await server.request('statements', { method: 'POST', body: statement(4000) });
    t.equal(more.status, 200, more.text);
    t.equal((await server.request('statements', { method: 'POST', body: statement(3001) })).status, 200, 'the same again is none');
    t.equal((await server.request('statements', { method: 'POST', body: statement(3001, { verb: verb('other') }) })).status, 409);
    await server.stop();
  });

  const again = await runCommand(dataDir, ['migrate'], { env });
  t.equal(again.status, 1);
  t.match(again.stderr, /has been migrated to already/);
});

t.test('killed again and again it goes on, and nothing is there twice', { skip, timeout: 240_000 }, async (t) => {
  const { dataDir, database, env } = await prepare(t, 'killed');
  for (const notes of [1, 1, 1]) {
    t.equal((await killAfter(notes, dataDir, database)).status, 'SIGKILL');
  }
  const started = await runCommand(dataDir, ['serve'], { env });
  t.equal(started.status, 1);
  t.match(started.stderr, /migration that was not completed/);
  await t.rejects(startProcess(join(folder, 'elsewhere'), env), /migration that was not completed/, 'nobody starts on half of it');
  const { status, stderr, stdout } = await runCommand(dataDir, ['migrate', '--json'], { env });
  t.equal(status, 0, stderr);
  t.equal((JSON.parse(stdout) as { resumed: boolean }).resumed, true);
  const server = await startProcess(dataDir, env);
  t.strictSame(await ask(server, [server.key, two]), before);
  await server.stop();
});

t.test('killed while it copies attachments and documents', { skip, timeout: 240_000 }, async (t) => {
  const dataDir = join(folder, 'files');
  const storage = await openLevelStorage({ directory: dataDir });
  await storage.records.collection({ name: 'tenants', indexes: [], unique: [] }).insert('', 'main', { name: 'Main', createdAt: '2026-01-01T00:00:00.000Z' });
  await storage.statements.append('main', [sample(1)]);
  const contents = new Map<string, Buffer>();
  for (let number = 0; number < 60; number++) {
    const content = Buffer.alloc(1000 + number, `${number} `);
    const hash = createHash('sha256').update(content).digest('hex');
    contents.set(hash, content);
    const staged = await storage.attachments.stage('main', hash, Readable.from([content]), 10_000);
    await staged.commit();
    staged.release();
    const key: DocumentKey = { resource: 'state', activity: 'http://example.org/a', agent: 'mbox:mailto:ann@example.org', id: `document ${number}` };
    await storage.documents.put('main', { key, content: number === 30 ? large : content, contentType: 'text/plain', etag: createHash('sha1').update(content).digest('hex'), updated: 1_700_000_000_000 + number }, { kind: 'any' });
  }
  const packages = [0, 1, 3_000_000].map((length, number) => ({ id: uuid(5000 + number), content: Buffer.alloc(length, `package ${number} `) }));
  for (const { id, content } of packages) await (await storage.content.stage('main', id, Readable.from(content.length === 0 ? [] : [content]), content.length)).commit();
  await storage.close();
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  for (const notes of [1, 1, 1]) await killAfter(notes, dataDir, database);
  const { status, stderr, stdout } = await runCommand(dataDir, ['migrate', '--json'], { env: { QUIPU_MONGODB_URL: urlOf(database) } });
  t.equal(status, 0, stderr);
  t.match((JSON.parse(stdout) as { tenants: { id: string; target: object }[] }).tenants.find(({ id }) => id === 'main')!.target, { statements: 1, documents: 60, attachments: 60, packages: 3, packageBytes: 3_000_001 });
  const moved = await openMongoStorage({ url: urlOf(database), signs: { interval: 25, patience: 4 } });
  t.teardown(() => moved.close());
  for (const [hash, content] of contents) t.ok((await buffer((await moved.attachments.open('main', hash))!.stream)).equals(content));
  for (const { id, content } of packages) t.ok((await buffer(await moved.content.open('main', id, 0, content.length))).equals(content));
  const client = new MongoClient(service!.url);
  t.teardown(() => client.close());
  const blobs = (): Promise<number> => client.db(database).collection('attachments.files').countDocuments();
  for (const start = Date.now(); await blobs() !== 63 && Date.now() - start < 20_000;) await pause(50);
  t.equal(await blobs(), 63, 'what a killed one left is cleared up');
});

t.test('what is still to come meets what was moved', { skip, timeout: 120_000 }, async (t) => {
  const dataDir = join(folder, 'waiting');
  const storage = await openLevelStorage({ directory: dataDir });
  await storage.records.collection({ name: 'tenants', indexes: [], unique: [] }).insert('', 'quiet', { name: 'Quiet', createdAt: '2026-01-01T00:00:00.000Z' });
  await storage.records.collection<{ text: string }>({ name: 'test-notes', indexes: [], unique: ['text'] }).insert('main', 'a\u0000b', { text: 'first' });
  const tickets = { name: 'test-tickets', indexes: [], unique: ['token', 'fetch'] } as const;
  await storage.records.collection<{ token: string; fetch: string }>(tickets).insert('main', 'a', { token: 't', fetch: 'f' });
  await storage.statements.append('main', [voiding(1, 100), referring(2, 101), referring(3, 2), sample(4), voiding(5, 4), voiding(6, 4)]);
  const head = await storage.statements.head('main');
  await storage.close();
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  const { status, stderr } = await runCommand(dataDir, ['migrate'], { env: { QUIPU_MONGODB_URL: urlOf(database) } });
  t.equal(status, 0, stderr);
  const { statements, records, close } = await openMongoStorage({ url: urlOf(database) });
  t.teardown(() => close());
  await statements.append('main', [sample(100), sample(101, { verb: verb('late') })]);
  t.equal((await statements.get('main', uuid(100)))!.voided, true, 'voided before it came');
  t.strictSame(await found(statements, 'main', [verbKey('late')]), [2, 3, 101]);
  await statements.erase('main', { erase: [uuid(5)], redact: [] });
  t.equal((await statements.get('main', uuid(4)))!.voided, true, 'by another one still');
  await statements.erase('main', { erase: [uuid(6)], redact: [] });
  t.equal((await statements.get('main', uuid(4)))!.voided, false);
  t.equal(await statements.head('quiet'), head, 'a tenant without entries has the positions of the others behind it');
  await statements.append('quiet', [sample(1)]);
  t.equal((await statements.get('quiet', uuid(1)))!.position, head + 1);
  const notes = records.collection<{ text: string }>({ name: 'test-notes', indexes: [], unique: ['text'] });
  t.strictSame(await notes.get('main', 'a\u0000b'), { id: 'a\u0000b', version: 1, value: { text: 'first' } });
  t.equal(await notes.insert('main', 'b', { text: 'first' }), 'exists');
  const moved = records.collection<{ token: string; fetch: string }>(tickets);
  t.strictSame((await moved.list('main', { where: { property: 'token', equals: 't' } })).map(({ id }) => id), ['a'], 'of several unique properties each is found by its own');
  t.equal(await moved.insert('main', 'b', { token: 't', fetch: 'other' }), 'exists');
  t.equal(await moved.insert('main', 'b', { token: 'f', fetch: 't' }), 'inserted');
});

t.test('what does not fit is refused with a sentence', { skip, timeout: 240_000 }, async (t) => {
  const { dataDir, database, env } = await prepare(t, 'refused');
  const refused = async (dir: string, settings: Record<string, string>, message: RegExp): Promise<void> => {
    const { status, stderr } = await runCommand(dir, ['migrate'], { env: settings });
    t.equal(status, 1);
    t.match(stderr, message);
  };
  await refused(dataDir, {}, /Set QUIPU_MONGODB_URL/);
  await refused(join(folder, 'missing'), env, /no store in the data folder/);
  await refused(dataDir, { QUIPU_MONGODB_URL: 'mongodb://127.0.0.1:1/none' }, /can't be used/);

  const other = service!.freshDatabase();
  t.teardown(() => service!.drop(other));
  await (await openMongoStorage({ url: urlOf(other) })).close();
  await refused(dataDir, { QUIPU_MONGODB_URL: urlOf(other) }, /is not empty/);

  const huge = join(folder, 'huge');
  const storage = await openLevelStorage({ directory: huge });
  await storage.statements.append('main', [sample(1, { result: { response: 'x'.repeat(15 << 20) } })]);
  await storage.close();
  await refused(huge, env, /statement 7b9f8c1e-abcd-4000-8000-000000000001 of tenant main has \d+ bytes, more than the database has room for/);

  t.equal((await killAfter(2, dataDir, database)).status, 'SIGKILL');
  const client = new MongoClient(service!.url);
  t.teardown(() => client.close());
  const { deletedCount } = await client.db(database).collection<{ _id: string }>('records').deleteOne({ _id: '/tenants/two' });
  t.equal(deletedCount, 1);
  await refused(dataDir, env, /the server itself: records: \d+ in the data folder, \d+ in the database[^]*Drop the database/);
  await t.rejects(openMongoStorage({ url: urlOf(database) }), /migration that was not completed/, 'it is not opened');

  const server = await startProcess(dataDir);
  t.equal((await server.request('statements', { method: 'POST', body: statement(5000) })).status, 200);
  await server.stop();
  await refused(dataDir, env, /before its data changed/);
});
