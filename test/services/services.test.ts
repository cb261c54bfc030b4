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
