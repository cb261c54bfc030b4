import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { openDatabase } from '../../../src/storage/mongodb/database.js';
import { mongodbFor } from '../../services/mongodb.js';

const service = await mongodbFor(t);

t.test('a command that meets a connection at the moment of its end comes to an end, and so does the look at the server', { skip: service === undefined && 'no MongoDB server', timeout: 60_000 }, async (t) => {
  const sockets: Socket[] = [];
  const note = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', note);
  t.teardown(() => unsubscribe('net.client.socket', note));
  const name = service!.freshDatabase();
  const database = await openDatabase({ url: service!.url, database: name });
  t.teardown(async () => {
    await database.close();
    await service!.drop(name);
  });
  const rows = database.db.collection<{ _id: string }>('rows');
  await rows.insertOne({ _id: 'a' });

  for (const socket of sockets) {
    // Between its end and the event that tells of it there is always a moment; here it is a longer one.
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (error, done) => void setTimeout(destroy, 300, error, done);
    socket.destroy();
  }
  const outcomes = Promise.allSettled(Array.from({ length: 4 }, () => rows.findOne({ _id: 'a' })));
  t.not(await Promise.race([outcomes, pause(10_000, 'hangs', { ref: false })]), 'hangs');
  t.same(await Promise.race([rows.findOne({ _id: 'a' }), pause(10_000, 'hangs', { ref: false })]), { _id: 'a' }, 'the server is found again');
});
