import { createConnection } from 'node:net';
import { once } from 'node:events';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { mongodbFor } from './mongodb.js';
import { redisFor } from './redis.js';

t.test('the MongoDB server of the tests starts, and keeps its data when it is killed', async (t) => {
  const service = await mongodbFor(t);
  if (!service) return;
  const database = service.freshDatabase();
  t.not(database, service.freshDatabase());
  const write = async (url: string) => {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 });
    await client.db(database).collection('probe').insertOne({ at: 1 });
    const count = await client.db(database).collection('probe').countDocuments();
    await client.close();
    return count;
  };
  t.equal(await write(service.url), 1);
  const { url } = service;
  await service.process?.kill();
  await service.start();
  t.equal(service.url, url, 'on the same port');
  t.equal(await write(service.url), 2);
  await service.drop(database);
  t.equal(await write(service.url), 1);
  await service.drop(database);
});

t.test('updates of one document are atomic, as the stores ask of MongoDB', async (t) => {
  const service = await mongodbFor(t);
  if (!service) return;
  const database = service.freshDatabase();
  const client = new MongoClient(service.url, { serverSelectionTimeoutMS: 5000 });
  t.teardown(async () => {
    await client.close();
    await service.drop(database);
  });
  const probes = client.db(database).collection<{ _id: string; count: number }>('probe');
  await probes.insertOne({ _id: 'a', count: 0 });
  await Promise.all(Array.from({ length: 20 }, async () => {
    for (let steps = 0; steps < 5; steps++) await probes.updateOne({ _id: 'a' }, { $inc: { count: 1 } });
  }));
  t.equal((await probes.findOne({ _id: 'a' }))?.count, 100, 'no step is lost');
  const won = await Promise.all(Array.from({ length: 20 }, () => probes.updateOne({ _id: 'a', count: 100 }, { $set: { count: 200 } })));
  t.equal(won.filter(({ modifiedCount }) => modifiedCount === 1).length, 1, 'a compare-and-set has one winner');
});

t.test('the Redis server of the tests starts, and keeps its data when it is killed', async (t) => {
  const service = await redisFor(t);
  if (!service) return;
  const ask = async (line: string) => {
    const socket = createConnection(Number(new URL(service.url).port), '127.0.0.1');
    socket.end(`${line}\r\n`);
    const [answer] = await once(socket, 'data') as [Buffer];
    socket.destroy();
    return answer.toString().trim();
  };
  t.equal(await ask('INCR probe'), ':1');
  await service.process.kill();
  await service.start();
  t.equal(await ask('INCR probe'), ':2');
});
