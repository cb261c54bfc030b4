import { setTimeout as wait } from 'node:timers/promises';
import { MongoClient, ObjectId } from 'mongodb';
import t from 'tap';
import { openDatabase } from '../../../src/storage/mongodb/database.js';
import { missingIndexes } from '../../../src/storage/mongodb/indexes.js';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { sample } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
t.setTimeout(120_000);

t.test('nothing in the URL takes from what is promised of writes and reads', { skip }, async (t) => {
  for (const option of ['journal=false', 'j=false', 'w=1&journal=false', 'w=0', 'readConcernLevel=local', 'wtimeoutMS=1', 'readPreference=secondary', 'J=false&W=0&wTimeoutMS=1&appName=x']) {
    const database = service!.freshDatabase();
    const url = new URL(service!.url);
    const sent: Record<string, unknown>[] = [];
    const opened = await openDatabase({ url: `${url.protocol}//${url.host}/?${option}`, database, onCommand: ({ command }) => sent.push(command as Record<string, unknown>) });
    await opened.db.collection('records').insertOne({ a: 1 });
    await opened.db.collection('records').findOne({ a: 1 });
    const of = (name: string): Record<string, unknown> | undefined => sent.find((command) => command[name] === 'records');
    t.match(of('insert')?.writeConcern, { w: 'majority', j: true }, option);
    t.notOk((of('insert')?.writeConcern as { wtimeout?: number }).wtimeout, option);
    t.match(of('find')?.readConcern, { level: 'majority' }, option);
    await opened.close();
    await service!.drop(database);
  }
});

t.test('whoever has to see all that was answered waits for an append that is under way elsewhere', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const storage = await openMongoStorage({ url: service!.url, database });
  const client = await new MongoClient(service!.url).connect();
  t.teardown(async () => {
    await Promise.all([storage.close(), client.close()]);
    await service!.drop(database);
  });
  await storage.statements.append('one', [sample(1)]);
  await storage.statements.settled('one');
  const appends = client.db(database).collection('appends');
  const _id = new ObjectId();
  // As another process begins an append.
  await client.db(database).collection<{ _id: string }>('processes').insertOne({ _id: 'another' });
  await appends.insertOne({ _id, t: 'one', kind: 'append', owner: 'another', state: 'open', from: 1, s: 0 });
  await storage.statements.append('one', [sample(2)]);
  let over = false;
  const settled = storage.statements.settled('one').then(() => { over = true; });
  await wait(500);
  t.equal(over, false);
  await appends.deleteOne({ _id });
  await settled;
  t.equal((await storage.statements.find('one', { filters: [], ascending: true, limit: 10 })).statements.length, 2);
});

t.test('a database that does not answer lacks no index', { skip }, async (t) => {
  const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 200 });
  t.teardown(() => client.close());
  await t.rejects(missingIndexes(client.db('none')), { name: 'MongoServerSelectionError' });
  const server = await new MongoClient(service!.url).connect();
  t.teardown(() => server.close());
  t.ok((await missingIndexes(server.db(service!.freshDatabase()))).length > 10, 'one that is empty lacks all');
});
