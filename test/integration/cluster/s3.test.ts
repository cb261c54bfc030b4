import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { mongodbFor } from '../../services/mongodb.js';
import { needed } from '../../services/needed.js';
import { s3Missing, startS3 } from '../../services/s3.js';

const service = await mongodbFor(t);
const s3 = needed(t, 's3', await s3Missing()) ? await startS3() : undefined;
t.teardown(() => s3?.end());
const skip = (service === undefined || s3 === undefined) && 'no MongoDB or S3 server';

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const streamOf = (...chunks: Buffer[]): Readable => Readable.from(chunks, { objectMode: false });

t.test('attachments in S3: many parts, uploads that break off, S3 away', { skip, timeout: 120_000 }, async (t) => {
  const [database, bucket] = [service!.freshDatabase(), await s3!.freshBucket()];
  const storage = await openMongoStorage({ url: service!.url, database, s3: { bucket, url: s3!.url } });
  const { attachments } = storage;
  t.teardown(async () => {
    await storage.close();
    await service!.drop(database);
  });
  const large = randomBytes(20 << 20);
  const staged = await attachments.stage('main', hashOf(large), streamOf(large.subarray(0, 9_000_000), large.subarray(9_000_000)), large.length);
  t.equal(await attachments.open('main', hashOf(large)), undefined);
  await staged.commit();
  staged.release();
  t.ok((await buffer((await attachments.open('main', hashOf(large)))!.stream)).equals(large));
  t.match(await s3!.keys(bucket), [new RegExp(`^main/${hashOf(large)}/`)]);

  const broken = Readable.from((function* () {
    yield large.subarray(0, 9_000_000);
    throw new Error('the client went away');
  })(), { objectMode: false });
  await t.rejects(attachments.stage('main', hashOf(Buffer.from('x')), broken, large.length), { message: 'the client went away' });
  await attachments.delete('main', hashOf(large), async () => false);
  for (let left = ['']; left.length > 0; left = await s3!.keys(bucket)) await pause(20);
  t.pass('neither an object nor an upload is left');

  const small = Buffer.from('small');
  const kept = await attachments.stage('main', hashOf(small), streamOf(small), 10);
  await kept.commit();
  kept.release();
  s3!.process.pause();
  await t.rejects(attachments.open('main', hashOf(small)), { code: 'store-unavailable' });
  s3!.process.resume();
  t.ok((await buffer((await attachments.open('main', hashOf(small)))!.stream)).equals(small));
});

t.test('a bucket that is not there stops the start with a sentence', { skip }, async (t) => {
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  await t.rejects(openMongoStorage({ url: service!.url, database, s3: { bucket: 'quipu-not-there', url: s3!.url } }), { message: /The bucket quipu-not-there of QUIPU_S3_BUCKET can't be used/ });
});
