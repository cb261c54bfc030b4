import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { incoming, statement } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { startServer } from '../server.js';
import { joinStorage } from './storage-member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
t.setTimeout(120_000);
const urlOf = (database: string): string => service!.url.replace(/\/?(\?|$)/, `/${database}$1`);

t.test('the database names its data format; a newer one is refused with a sentence, and each process says which it writes', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const client = await new MongoClient(service!.url).connect();
  const storage = await openMongoStorage({ url: service!.url, database });
  t.teardown(async () => {
    await storage.close();
    await client.close();
    await service!.drop(database);
  });
  const meta = client.db(database).collection<{ _id: string; format: number }>('meta');
  const store = await meta.findOne({ _id: 'store' });
  t.type(store!.format, 'number');
  const processes = await client.db(database).collection('processes').find().toArray();
  t.strictSame(processes.map(({ format }) => format as number), [store!.format]);

  await meta.updateOne({ _id: 'store' }, { $set: { format: store!.format + 1 } });
  await t.rejects(openMongoStorage({ url: service!.url, database }), { message: `The database ${database} was written by a newer Quipu (data format ${store!.format + 1}; this one knows up to ${store!.format}). Start that newer version, or restore a backup made by this one.` });
  t.equal(await client.db(database).collection('processes').countDocuments(), 1, 'who was refused has not joined');
});

t.test('what a dead process has left is counted by the one that deals with it', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const settled: string[] = [];
  const survivor = await openMongoStorage({ url: service!.url, database, signs: { interval: 25, patience: 4 }, onSettled: (outcome) => settled.push(outcome) });
  const dying = await joinStorage(service!.url, database);
  t.teardown(async () => {
    await Promise.all([survivor.close(), dying.close()]);
    await service!.drop(database);
  });
  await survivor.statements.append('one', [incoming(statement(1))]);
  t.strictSame(settled, [], 'nothing, as long as nobody dies');
  dying.atCommand(4, () => dying.link.cut('now'));
  await t.rejects(dying.statements.append('one', [incoming(statement(2))]));
  for (const start = Date.now(); settled.length === 0 && Date.now() - start < 20_000;) await pause(20);
  t.strictSame(settled, ['rolled-back']);
});

t.test('while the store is away metrics and health are told, and requests are refused with their id', { skip: skip || (service!.process === undefined && 'the server is not ours to stop') }, async (t) => {
  const database = service!.freshDatabase();
  const server = await startServer(t, { QUIPU_MONGODB_URL: urlOf(database) }, { tenants: false });
  const metrics = async (): Promise<string> => {
    const begun = Date.now();
    const answer = await server.request('/metrics', { key: null, version: null });
    t.equal(answer.status, 200);
    t.ok(Date.now() - begun < 5000, `within ${Date.now() - begun} ms`);
    return answer.text;
  };
  const body = { actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/1' } };
  t.equal((await server.request('statements', { method: 'POST', body })).status, 200);
  const before = await metrics();
  for (const line of [/^quipu_store_available 1$/m, /^quipu_feed_head 1$/m, /^quipu_store_operation_duration_seconds_count\{operation="statements\.append"\} 1$/m, /^quipu_credentials_total\{how="checked"\} 1$/m]) t.match(before, line);
  t.notMatch(before, /^quipu_(store_failures_total|redis_available)[ {]/m);

  await service!.process!.kill();
  const refused = await server.request('statements', { method: 'POST', body, headers: { 'X-Request-Id': 'while-away' } });
  t.match(refused, { status: 503, headers: { 'x-request-id': 'while-away', 'retry-after': /^\d+$/ } });
  t.equal(refused.json<{ requestId: string }>().requestId, 'while-away');
  let during = await metrics();
  // The driver looks every two seconds.
  for (const start = Date.now(); !/^quipu_store_available 0$/m.test(during) && Date.now() - start < 15_000; during = await metrics()) await pause(500);
  t.match(during, /^quipu_store_available 0$/m);
  t.notMatch(during, /^quipu_feed_head /m);
  t.equal((await server.request('/health/live', { key: null })).status, 200);
  t.equal((await server.request('/health/ready', { key: null })).status, 503);

  await service!.start();
  for (const start = Date.now(); (await server.request('statements', { method: 'POST', body })).status !== 200;) {
    if (Date.now() - start > 30_000) throw new Error('Nothing is taken in again');
    await pause(200);
  }
  t.match(await metrics(), /^quipu_store_available 1$/m);
});
