import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import type { Document } from '../../../src/documents/store.js';
import { mongodbFor } from '../../services/mongodb.js';
import { join, type Member } from './member.js';

const service = await mongodbFor(t);

const digest = (bytes: Buffer, algorithm = 'sha256') => createHash(algorithm).update(bytes).digest('hex');

function document(id: string, content: Buffer): Document {
  return { key: { resource: 'state', activity: 'https://example.org/a', agent: 'mbox:mailto:ann@example.org', id }, content, contentType: 'text/plain', etag: digest(content, 'sha1'), updated: 1000 };
}

/** A survivor, and members that die at each of their commands in turn, the command having arrived or not. */
async function atEachCommand(t: Test, work: (member: Member, database: string) => Promise<{ act: () => Promise<unknown>; after: (survivor: Member, done: boolean) => Promise<void> }>): Promise<void> {
  const database = service!.freshDatabase();
  const survivor = await join(service!.url, database);
  t.teardown(async () => {
    await survivor.close();
    await service!.drop(database);
  });
  for (let number = 1, done = false; !done; number++) {
    const member = await join(service!.url, database);
    const { act, after } = await work(member, database);
    const cut = member.cutAt(number, number % 2 ? 'now' : 'mute').then(() => false);
    done = await Promise.race([cut, act().then(() => true, () => false)]);
    const { id } = member.processes;
    member.die();
    while (await survivor.processes.stateOf(id) !== 'dead') await new Promise((resolve) => setTimeout(resolve, 10));
    await after(survivor, done);
    t.ok(number < 40, `command ${number}`);
  }
}

const skip = service === undefined && 'no MongoDB server';

t.test('deleteAll: a death at any moment leaves all or nothing, and no litter', { skip }, (t) => atEachCommand(t, async (member) => {
  const documents = [document('a', Buffer.from('a')), document('b', randomBytes(300_000)), document('c', Buffer.from('c'))];
  for (const one of documents) await member.documents.put('main', one, { kind: 'any' });
  const scope = { resource: 'state' } as const;
  return {
    act: () => member.documents.deleteAll('main', scope),
    after: async (survivor, done) => {
      const left = await survivor.documents.list('main', scope);
      t.ok(left.length === 0 || (left.length === 3 && !done), `${left.length} left`);
      t.equal(await survivor.db.collection('documentParts').countDocuments(), left.length === 0 ? 0 : 1);
      t.equal(await survivor.db.collection('documentRedo').countDocuments(), 0);
      t.equal(await survivor.db.collection('documentRedoPages').countDocuments(), 0);
    },
  };
}));

t.test('put of a large document: the old one or the new one is there, whole, and no other', { skip }, (t) => atEachCommand(t, async (member) => {
  const [old, next] = [document('a', randomBytes(300_000)), document('a', randomBytes(300_000))];
  await member.documents.put('main', old, { kind: 'any' });
  return {
    act: () => member.documents.put('main', next, { kind: 'etag', etags: [old.etag] }),
    after: async (survivor, done) => {
      const found = await survivor.documents.get('main', old.key);
      const expected = found?.etag === next.etag || done ? next : old;
      t.ok(found?.content.equals(expected.content));
      t.equal(await survivor.db.collection('documentParts').countDocuments(), 1);
      t.equal(await survivor.db.collection('documentRedo').countDocuments(), 0);
    },
  };
}));

/** What the database holds of attachments beside what a tenant can see. */
async function litter({ db, attachments }: Member): Promise<object> {
  const seen: string[] = [];
  for await (const { sha2 } of attachments.list('main')) seen.push(sha2);
  for (const sha2 of seen) {
    const bytes = await buffer((await attachments.open('main', sha2))!.stream);
    if (digest(bytes) !== sha2) throw new Error(`${sha2} is not whole`);
  }
  const rows = await db.collection<{ claims: unknown[]; staged: unknown[] }>('attachments').find().toArray();
  return {
    rows: rows.length - seen.length, files: await db.collection('attachments.files').countDocuments() - seen.length,
    chunkless: (await db.collection('attachments.chunks').distinct('files_id')).length - seen.length, claims: rows.flatMap(({ claims }) => claims).length, staged: rows.flatMap(({ staged }) => staged).length,
  };
}
const none = { rows: 0, files: 0, chunkless: 0, claims: 0, staged: 0 };

t.test('an upload: a death at any moment leaves whole bytes or none', { skip }, (t) => atEachCommand(t, async (member) => {
  const bytes = randomBytes(1_500_000);
  return {
    act: async () => {
      const staged = await member.attachments.stage('main', digest(bytes), Readable.from([bytes], { objectMode: false }), bytes.length);
      await staged.commit();
    },
    after: async (survivor, done) => {
      t.strictSame(await litter(survivor), none);
      if (done) t.ok(await survivor.attachments.has('main', digest(bytes)));
      await survivor.attachments.delete('main', digest(bytes), async () => false);
      t.notOk(await survivor.attachments.has('main', digest(bytes)), 'a dead process protects nothing');
      t.strictSame(await litter(survivor), none);
    },
  };
}));

t.test('a removal of bytes: a death at any moment leaves whole bytes or none', { skip }, (t) => atEachCommand(t, async (member) => {
  const bytes = randomBytes(1000);
  const staged = await member.attachments.stage('main', digest(bytes), Readable.from([bytes], { objectMode: false }), bytes.length);
  await staged.commit();
  staged.release();
  return {
    act: () => member.attachments.delete('main', digest(bytes), async () => false),
    after: async (survivor, done) => {
      t.strictSame(await litter(survivor), none);
      if (done) t.notOk(await survivor.attachments.has('main', digest(bytes)));
    },
  };
}));
