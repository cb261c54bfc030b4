import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { attachment, sample } from '../../contract/statement-samples.js';
import { linkTo } from '../../services/link.js';
import { mongodbFor } from '../../services/mongodb.js';
import { needed } from '../../services/needed.js';
import { s3Missing, startS3 } from '../../services/s3.js';
import { runCommand, startCommand } from '../command.js';

const service = await mongodbFor(t);
const s3 = needed(t, 's3', await s3Missing()) ? await startS3() : undefined;
t.teardown(() => s3?.end());
const skip = (service === undefined || s3 === undefined) && 'no MongoDB or S3 server';
t.setTimeout(120_000);
const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));

const MB = 1 << 20;
/** Bytes of the parts in which S3 is given what is longer. */
const PART = 8 * MB;
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
/** In the order of their hashes, in which they are moved. */
const contents = new Map([0, 1, ...Array.from({ length: 24 }, (_, index) => 900 + 100 * index), MB, PART, PART + 4]
  .map((length) => Buffer.alloc(length, `bytes of ${length} `))
  .map((bytes): [string, Buffer] => [hashOf(bytes), bytes])
  .sort(([a], [b]) => (a < b ? -1 : 1)));
const shared = Buffer.from('of both tenants');
const sharedHash = hashOf(shared);
/** One of the last. */
const [largest] = [...contents].find(([, { length }]) => length === PART + 4)!;
contents.set(sharedHash, shared);

/** A data folder of two tenants, with attachments that statements name. */
async function fill(directory: string): Promise<void> {
  const { records, statements, attachments, close } = await openLevelStorage({ directory });
  for (const [tenant, kept] of [['default', contents], ['other', new Map([[sharedHash, shared]])]] as const) {
    await records.collection({ name: 'tenants', indexes: [], unique: [] }).insert('', tenant, { name: tenant, createdAt: '2026-01-01T00:00:00.000Z' });
    let number = 0;
    for (const [sha2, bytes] of kept) {
      const staged = await attachments.stage(tenant, sha2, Readable.from([bytes], { objectMode: false }), bytes.length);
      await staged.commit();
      await statements.append(tenant, [sample(++number, { attachments: [{ ...attachment(sha2), length: bytes.length }] })]);
      staged.release();
    }
  }
  await close();
}

t.test('attachments go to S3, also after S3 was away and the command was killed within an upload', { skip, timeout: 120_000 }, async (t) => {
  const dataDir = join(folder, 'data');
  await fill(dataDir);
  const [database, bucket] = [service!.freshDatabase(), await s3!.freshBucket()];
  const link = await linkTo(s3!.url);
  t.teardown(async () => {
    await link.end();
    await service!.drop(database);
  });
  const url = service!.url.replace(/\/?(\?|$)/, `/${database}$1`);
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  const ofDatabase = { QUIPU_MONGODB_URL: url, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const env = { ...ofDatabase, QUIPU_S3_BUCKET: bucket, QUIPU_S3_URL: link.url };
  const moved = async (): Promise<string[]> => (await s3!.keys(bucket)).map((key) => key.split('/')[1]!);

  const mistyped = await runCommand(dataDir, ['migrate'], { env: { ...env, QUIPU_S3_BUCKET: 'quipu-not-there' } });
  t.equal(mistyped.status, 1);
  t.match(mistyped.stderr, /The bucket quipu-not-there of QUIPU_S3_BUCKET can't be used/);

  const first = startCommand(dataDir, ['migrate'], { env });
  while ((await moved()).length < 5 && first.child.exitCode === null) await pause(10);
  link.cut();
  const broken = await first.result;
  t.equal(broken.status, 1);
  t.match(broken.stderr, /S3, which holds the attachments, does not answer .*\(.+\)\nThe migration is not complete. Run the same command again/);
  link.mend();

  const second = startCommand(dataDir, ['migrate'], { env });
  while (!(await moved()).includes(largest) && second.child.exitCode === null) await pause(10);
  second.child.kill('SIGKILL');
  t.equal((await second.result).status, 'SIGKILL');
  t.ok((await moved()).length < contents.size, 'killed before the end');

  const elsewhere = await runCommand(dataDir, ['migrate'], { env: ofDatabase });
  t.equal(elsewhere.status, 1, 'the rest does not go into the database');
  t.match(elsewhere.stderr, new RegExp(`in the bucket ${bucket} at .* the rest would go elsewhere: in the database`));

  const { status, stderr, stdout } = await runCommand(dataDir, ['migrate', '--json'], { env });
  t.equal(status, 0, stderr);
  t.match(stderr, /All counts agree/);
  const report = JSON.parse(stdout) as { resumed: boolean; tenants: { id: string; target: object }[] };
  t.equal(report.resumed, true);
  const attachmentBytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  t.match(report.tenants.slice(-2), [
    { id: 'default', target: { statements: contents.size, attachments: contents.size, attachmentBytes } },
    { id: 'other', target: { statements: 1, attachments: 1, attachmentBytes: shared.length } },
  ]);

  const client = new MongoClient(service!.url);
  t.teardown(() => client.close());
  t.equal(await client.db(database).collection('attachments.files').countDocuments(), 0, 'none is in the database');
  const storage = await openMongoStorage({ url, s3: { bucket, url: s3!.url }, signs: { interval: 25, patience: 4 } });
  t.teardown(() => storage.close());
  for (const [hash, bytes] of contents) t.ok((await buffer((await storage.attachments.open('default', hash))!.stream)).equals(bytes), `${bytes.length} bytes`);
  t.ok((await buffer((await storage.attachments.open('other', sharedHash))!.stream)).equals(shared));
  const expected = [...contents.keys()].map((hash) => `default/${hash}`).concat(`other/${sharedHash}`).sort();
  let keys: string[] = [];
  for (const start = Date.now(); keys.length !== expected.length && Date.now() - start < 20_000; await pause(50)) keys = await s3!.keys(bucket);
  t.same(keys.map((key) => key.split('/', 2).join('/')).sort(), expected, 'each is there once, and what the killed one left is cleared up');
});
