import { MongoClient } from 'mongodb';
import t from 'tap';
import type { StatementStore } from '../../../src/statements/store.js';
import { found, sample, uuid } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { joinStorage } from './storage-member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
t.setTimeout(300_000);

const refused = { code: 'store-unavailable' };
/** Milliseconds for which something may be in the way of others after the store is back: far less than an hour, or for ever. */
const SOON = 20_000;

/** Statements of a tenant in the feed, once there are as many. */
async function told(store: StatementStore, tenant: string, count: number): Promise<number> {
  for (const start = Date.now(); ;) {
    const { length } = await store.feed(tenant, 0, 100);
    if (length >= count || Date.now() - start > SOON) return length;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// No other member: one that takes it for dead would clear up.
for (const [what, act] of [
  ['an append', (store: StatementStore, tenant: string) => store.append(tenant, [sample(2)])],
  ['an erasure', (store: StatementStore, tenant: string) => store.erase(tenant, { erase: [uuid(1)], redact: [] })],
] as const) {
  t.test(`${what}: whoever loses the answer to any of its commands, and lives on, leaves nothing in the way`, { skip }, async (t) => {
    const database = service!.freshDatabase();
    const member = await joinStorage(service!.url, database);
    t.teardown(async () => {
      await member.close();
      await service!.drop(database);
    });
    for (let number = 1, reached = true; reached; number++) {
      const tenant = `tenant-${number}`;
      await member.statements.append(tenant, [sample(1)]);
      reached = false;
      member.atCommand(number, () => {
        reached = true;
        member.link.cut('mute');
      });
      const answer = await act(member.statements, tenant).then(() => 'done', (error: { code: string }) => error.code);
      member.atCommand(Infinity, () => undefined);
      member.link.mend();
      t.ok(answer === 'done' || answer === refused.code, `${tenant}: ${answer}`);
      for (const start = Date.now(); (await member.statements.append(tenant, [sample(3)]).catch(() => undefined)) === undefined && Date.now() - start < SOON;) await new Promise((resolve) => setTimeout(resolve, 50));
      const there = (await Promise.all([1, 2, 3].map((id) => member.statements.get(tenant, uuid(id))))).filter((one) => one !== undefined).length;
      const entries = await told(member.statements, tenant, there);
      t.ok(there >= 1 && entries >= there, `${tenant}: the feed tells all ${there}`);
      t.ok((await found(member.statements, tenant)).includes(3), `${tenant}: so do lists`);
      t.ok(number < 60);
    }
  });
}

t.test('an append that is announced after its process has given it up holds up nobody', { skip: skip || (service!.process === undefined && 'a server that runs elsewhere is not stopped') }, async (t) => {
  const database = service!.freshDatabase();
  const client = await new MongoClient(service!.url).connect();
  let waits = false;
  const member = await joinStorage(service!.url, database, {
    heard: ({ insert }) => {
      if (insert !== 'appends' || !waits) return;
      waits = false;
      service!.process!.pause();
    },
  });
  t.teardown(async () => {
    service!.process!.resume();
    await member.close();
    await client.close();
    await service!.drop(database);
  });
  await member.statements.append('one', [sample(1)]);
  waits = true;
  await t.rejects(member.statements.append('one', [sample(2)]), refused);
  t.notOk(waits, 'the announcement waits for the server');
  service!.process!.resume();
  while (await member.statements.append('one', [sample(3)]).catch(() => undefined) === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(await told(member.statements, 'one', 2), 2, 'the feed tells what was taken in since');
  const records = await client.db(database).collection('appends').find().toArray();
  t.ok(records.every(({ state }) => state === 'rolled'), 'nothing of it counts');
});
