import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Db } from 'mongodb';
import t, { type Test } from 'tap';
import type { ContentStore } from '../../../src/cmi5/content-store.js';
import { mongodbFor } from '../../services/mongodb.js';
import { join, type Member } from './member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';

const bytes = randomBytes(2_500_000);
const stage = (store: ContentStore, id: string) => store.stage('main', id, Readable.from([bytes], { objectMode: false }), bytes.length);

async function membersFor(t: Test): Promise<{ database: string; joined(): Promise<Member> }> {
  const database = service!.freshDatabase();
  const members: Member[] = [];
  t.teardown(async () => {
    await Promise.all(members.map((member) => member.close().catch(() => undefined)));
    await service!.drop(database);
  });
  return {
    database,
    joined: async () => {
      const member = await join(service!.url, database);
      members.push(member);
      return member;
    },
  };
}

/** Packages and pieces of bytes that there are. */
async function held(db: Db): Promise<{ rows: number; files: number; chunks: number }> {
  const count = (name: string): Promise<number> => db.collection(name).countDocuments();
  return { rows: await count('packages'), files: await count('attachments.files'), chunks: await count('attachments.chunks') };
}

async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (const start = Date.now(); Date.now() - start < 15_000; await pause(20)) if (await holds()) return true;
  return false;
}

t.test('a process that is taken for dead finds what it staged void, and leaves nothing of it', { skip }, async (t) => {
  const { joined } = await membersFor(t);
  const [one, other] = [await joined(), await joined()];
  const [id, later] = [randomUUID(), randomUUID()];
  const staged = await stage(one.content, id);
  const former = one.processes.id;
  one.link.freeze();
  while (await other.processes.stateOf(former) !== 'dead') await pause(20);
  one.link.mend();
  await t.rejects(staged.commit(), { code: 'store-unavailable' });
  t.equal(await other.content.length('main', id), undefined);
  while (one.processes.id === former) await pause(20);
  await (await stage(one.content, later)).commit();
  t.ok((await buffer(await other.content.open('main', later, 0, bytes.length))).equals(bytes), 'it goes on as another one');
  t.ok(await until(async () => JSON.stringify(await held(other.db)) === '{"rows":1,"files":1,"chunks":3}'), JSON.stringify(await held(other.db)));
});

t.test('wherever a process dies, the others clear up', { skip, timeout: 120_000 }, async (t) => {
  const { joined } = await membersFor(t);
  const other = await joined();
  for (const work of ['import', 'delete'] as const) {
    for (let command = 1, done = false; !done; command++) {
      const dying = await joined();
      const id = randomUUID();
      if (work === 'delete') await (await stage(dying.content, id)).commit();
      const cut = dying.cutAt(command, 'now').then(() => false);
      const worked = (work === 'delete' ? dying.content.delete('main', id) : stage(dying.content, id).then((staged) => staged.commit())).then(() => true, () => undefined);
      done = await Promise.race([cut, worked.then((whole) => whole ?? cut)]);
      dying.die();
      const counted = await until(async () => {
        const { rows, files, chunks } = await held(other.db);
        return rows === files && chunks === 3 * files && rows === ((await other.content.length('main', id)) === undefined ? 0 : 1);
      });
      t.ok(counted, `${work}: died at command ${command}: ${JSON.stringify(await held(other.db))}`);
      if (work === 'import' && done) t.equal(await other.content.length('main', id), bytes.length);
      await other.content.delete('main', id);
      if (command > 30) throw new Error('It does not come to its end.');
    }
  }
});
