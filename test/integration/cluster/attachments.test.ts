import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { AttachmentStore } from '../../../src/statements/attachment-store.js';
import { mongodbFor } from '../../services/mongodb.js';
import { join, type Member } from './member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';

const unnamed = async (): Promise<boolean> => false;
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const stage = (store: AttachmentStore, bytes: Buffer) => store.stage('main', hashOf(bytes), Readable.from([bytes], { objectMode: false }), bytes.length);

async function two(t: Test, interval?: number): Promise<[Member, Member]> {
  const database = service!.freshDatabase();
  const [one, other] = [await join(service!.url, database, interval), await join(service!.url, database, interval)];
  t.teardown(async () => {
    await Promise.all([one.close(), other.close()]);
    await service!.drop(database);
  });
  return [one, other];
}

t.test('an upload of one process is protected from the removals of another, until it is over', { skip }, async (t) => {
  const [one, other] = await two(t);
  const bytes = randomBytes(100);
  const staged = await stage(one.attachments, bytes);
  await staged.commit();
  await other.attachments.delete('main', hashOf(bytes), unnamed);
  t.ok(await other.attachments.has('main', hashOf(bytes)), 'while it is under way');
  const removal = other.attachments.delete('main', hashOf(bytes), unnamed);
  await pause(300);
  staged.release();
  await removal;
  t.notOk(await other.attachments.has('main', hashOf(bytes)), 'a removal waits for its end');
});

t.test('an upload that another process ends while a removal looks is looked for again', { skip }, async (t) => {
  const [one, other] = await two(t);
  const bytes = randomBytes(100);
  const first = await stage(other.attachments, bytes);
  await first.commit();
  first.release();
  let looks = 0;
  await other.attachments.delete('main', hashOf(bytes), async () => {
    if (looks++ > 0) return true;
    const staged = await stage(one.attachments, bytes);
    await staged.commit();
    staged.release();
    return false;
  });
  t.equal(looks, 2);
  t.ok(await other.attachments.has('main', hashOf(bytes)));
});

t.test('the same bytes that come in on two processes are kept once', { skip }, async (t) => {
  const [one, other] = await two(t);
  const bytes = randomBytes(100);
  const staged = await Promise.all([one, other, one, other].map(({ attachments }) => stage(attachments, bytes)));
  await Promise.all(staged.map((each) => each.commit()));
  for (const each of staged) each.release();
  for (let left = -1; left !== 1; left = await one.db.collection('attachments.files').countDocuments()) await pause(20);
  t.ok(await one.attachments.has('main', hashOf(bytes)));
});

t.test('bytes of statements that are refused on two processes at once are taken back', { skip }, async (t) => {
  const [one, other] = await two(t);
  for (let round = 0; round < 10; round++) {
    const bytes = randomBytes(100);
    const staged = await Promise.all([one, other, other].map(({ attachments }) => stage(attachments, bytes)));
    await Promise.all(staged.map((each) => each.commit()));
    await Promise.all(staged.map((each) => each.retract(unnamed)));
    t.notOk(await one.attachments.has('main', hashOf(bytes)));
  }
});

t.test('a process that was taken for dead finds its uploads void, and goes on as another one', { skip }, async (t) => {
  const [one, other] = await two(t);
  const [kept, lost] = [randomBytes(100), randomBytes(100)];
  const committed = await stage(one.attachments, kept);
  await committed.commit();
  const staged = await stage(one.attachments, lost);
  const former = one.processes.id;
  one.link.freeze();
  while (await other.processes.stateOf(former) !== 'dead') await pause(20);
  await other.attachments.delete('main', hashOf(kept), unnamed);
  t.notOk(await other.attachments.has('main', hashOf(kept)), 'what it had claimed is free');
  one.link.mend();
  await t.rejects(staged.commit(), { code: 'store-unavailable' });
  t.notOk(await other.attachments.has('main', hashOf(lost)));
  committed.release();
  staged.release();
  while (one.processes.id === former) await pause(20);
  t.equal(await other.processes.stateOf(former), 'dead');
  t.equal(await other.processes.stateOf(one.processes.id), 'alive');
  const again = await stage(one.attachments, lost);
  await again.commit();
  again.release();
  t.ok(await other.attachments.has('main', hashOf(lost)));
});

t.test('an outage of the database makes nobody dead', { skip: skip || (service!.process === undefined && 'a server that runs elsewhere is not stopped') }, async (t) => {
  // Connections to a database that is back are made at moments of their own, as in production well within the patience.
  const [one, other] = await two(t, 500);
  const ids = [one.processes.id, other.processes.id];
  const bytes = randomBytes(100);
  const staged = await stage(one.attachments, bytes);
  await service!.process!.kill();
  await pause(4000);
  await t.rejects(staged.commit(), { code: 'store-unavailable' });
  await service!.start();
  await pause(1000);
  t.strictSame([one.processes.id, other.processes.id], ids);
  t.strictSame(await Promise.all(ids.map((id) => one.processes.stateOf(id))), ['alive', 'alive']);
  for (let left = -1; left !== 0; left = await one.db.collection('attachments').countDocuments()) await pause(20);
  t.pass('what was under way is cleared up by the process itself');
});
