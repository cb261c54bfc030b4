import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import type { NewStatement, StatementStore } from '../../../src/statements/store.js';
import type { ReferenceRow } from '../../../src/storage/mongodb/collections.js';
import { QuipuError } from '../../../src/xapi/errors.js';
import type { Statement } from '../../../src/xapi/types.js';
import { activity, activityKey, agent, agentKey, findAll, found, incoming, numbersOf, parsed, referring, sample, statement, uuid, verb, voiding } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { joinStorage, type StorageMember } from './storage-member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
t.setTimeout(300_000);

/** The command has not arrived, or its answer has not, or it arrives when others have taken its sender for dead. */
const endings = ['cut', 'mute', 'freeze'] as const;
/** Which ending the first command has; those after it have the others in turn. */
const first = Number(process.env.QUIPU_FIRST_ENDING ?? Date.now() % endings.length);
t.comment(`QUIPU_FIRST_ENDING=${first}`);

/** What a member does that comes to grief, and what has to hold then. */
interface Scene {
  prepare(store: StatementStore, tenant: string): Promise<void>;
  act(store: StatementStore, tenant: string): Promise<unknown>;
  /** @param done whether `act` has answered */
  check(t: Test, survivor: StorageMember, tenant: string, done: boolean): Promise<void>;
}

/** Members that come to grief at each of their commands in turn. */
async function atEachCommand(t: Test, { prepare, act, check }: Scene): Promise<void> {
  const database = service!.freshDatabase();
  const client = await new MongoClient(service!.url).connect();
  const survivor = await joinStorage(service!.url, database);
  const closing: Promise<void>[] = [];
  const refusals: unknown[] = [];
  const answers: Promise<boolean>[] = [];
  t.teardown(async () => {
    await Promise.all([survivor.close(), ...closing]);
    await client.close();
    await service!.drop(database);
  });
  const unsettled = (tenant: string) => client.db(database).collection('appends').countDocuments({ t: tenant, state: { $ne: 'rolled' } });
  const settled = async (tenant: string) => {
    for (const start = Date.now(); await unsettled(tenant) > 0;) {
      if (Date.now() - start > 60_000) throw new Error(`${tenant} is not settled`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  for (let number = 1, uncut = false; !uncut; number++) {
    const ending = endings[(first + number) % endings.length]!;
    const tenant = `${ending}-${number}`;
    const member = await joinStorage(service!.url, database);
    await prepare(survivor.statements, tenant);
    let struck = false;
    const strike = new Promise<void>((resolve) => {
      member.atCommand(number, () => {
        struck = true;
        if (ending === 'freeze') member.link.freeze();
        else member.link.cut(ending === 'mute' ? 'mute' : 'now');
        resolve();
      });
    });
    const acting = act(member.statements, tenant).then(() => true, (error: unknown) => {
      refusals.push(error);
      return false;
    });
    answers.push(acting);
    await Promise.race([strike, acting]);
    uncut = !struck;
    if (ending !== 'freeze') closing.push(member.close());
    await settled(tenant);
    await check(t, survivor, tenant, uncut);
    if (ending === 'freeze') {
      member.link.mend();
      const done = await acting;
      await settled(tenant);
      await check(t, survivor, tenant, done);
      closing.push(member.close());
    }
    t.ok(number < 60, `${tenant}${uncut ? ' was not reached' : ''}`);
  }
  await Promise.all(answers);
  t.ok(refusals.length > 0 && refusals.every((error) => error instanceof QuipuError && error.code === 'store-unavailable'), 'whoever comes to grief says that the store does not answer');
}

const batch: NewStatement[] = [
  incoming(statement(10, { actor: { ...agent('bob'), name: 'Bob' }, object: { ...activity('late'), definition: { name: { en: 'Late' } } } }), { defines: true }),
  referring(11, 2, { verb: verb('read') }), voiding(12, 1), voiding(13, 14), sample(14),
];

t.test('an append: all of it and what it does to others, or nothing', { skip }, (t) => atEachCommand(t, {
  prepare: async (store, tenant) => {
    await store.append(tenant, [sample(1), sample(2, { object: activity('target') }), referring(3, 10, { verb: verb('read') })]);
  },
  act: (store, tenant) => store.append(tenant, batch),
  check: async (t, { statements: store, canonical }, tenant, done) => {
    const there = (await store.get(tenant, uuid(10))) !== undefined;
    t.ok(there || !done, 'what was answered is there');
    const whole = [1, 2, 3, 10, 11, 12, 13, 14];
    t.strictSame(numbersOf(await findAll(store, tenant, { includeVoided: true })), there ? whole : [1, 2, 3]);
    t.strictSame(await found(store, tenant), there ? [2, 3, 10, 11, 12, 13] : [1, 2, 3]);
    t.strictSame(await found(store, tenant, [activityKey('target')]), there ? [2, 11] : [2]);
    t.strictSame(await found(store, tenant, [activityKey('late')]), there ? [3, 10] : []);
    t.equal(parsed(await canonical.definitions(tenant, [activity('late').id]))[0]?.name?.en, there ? 'Late' : undefined);
    t.strictSame(await canonical.names(tenant, 'mbox:mailto:bob@example.org'), there ? ['Bob'] : []);
    t.equal(await store.count(tenant), there ? 8 : 3);
    t.equal((await store.feed(tenant, 0, 100)).length, there ? 8 : 3);
    if (done) t.strictSame(await store.append(tenant, batch), { status: 'stored', outcomes: batch.map(() => 'duplicate') });
  },
}));

t.test('an erasure: all of it, or nothing', { skip }, (t) => atEachCommand(t, {
  prepare: async (store, tenant) => {
    await store.append(tenant, [sample(1, { object: activity('secret') }), referring(2, 1, { verb: verb('read') }), voiding(3, 4), sample(4), sample(5)]);
  },
  act: async (store, tenant) => {
    const value: Statement = { ...(JSON.parse((await store.get(tenant, uuid(5)))!.text.toString()) as Statement), actor: agent('nobody') };
    await store.erase(tenant, { erase: [uuid(1), uuid(3)], redact: [{ id: uuid(5), text: JSON.stringify(value), value }] });
  },
  check: async (t, { statements: store }, tenant, done) => {
    const entries = await store.feed(tenant, 0, 100);
    const erased = entries.some(({ kind }) => kind === 'erasure');
    t.ok(erased || !done, 'what was answered is done');
    t.strictSame(await found(store, tenant), erased ? [2, 4, 5] : [1, 2, 3, 5]);
    t.strictSame(await found(store, tenant, [activityKey('secret')]), erased ? [] : [1, 2]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'nobody')]), erased ? [5] : []);
    t.equal(await store.count(tenant), erased ? 3 : 5);
    t.equal(entries.length, erased ? 4 : 5);
  },
}));

t.test('ids of an append that was given up are free', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const [dying, survivor] = [await joinStorage(service!.url, database), await joinStorage(service!.url, database)];
  t.teardown(async () => {
    await survivor.close();
    await service!.drop(database);
  });
  const other = sample(1, { actor: agent('other') });
  const struck = new Promise<void>((resolve) => {
    // Head, record, other records, ids, positions, rows: the write that commits comes next.
    dying.atCommand(7, () => {
      dying.link.cut();
      resolve();
    });
  });
  dying.statements.append('one', [sample(1), referring(2, 1)]).catch(() => undefined);
  await struck;
  const closed = dying.close();
  const answer = await survivor.statements.append('one', [other]);
  t.strictSame(answer, { status: 'stored', outcomes: ['stored'] }, 'it waits for the end of the other append, and is judged then');
  t.strictSame(await found(survivor.statements, 'one'), [1]);
  await closed;
});

t.test('what is left of a process that wrote on after it was taken for dead goes, and so do records of what was given up', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const client = await new MongoClient(service!.url).connect();
  const dying = await joinStorage(service!.url, database);
  // Kept for longer than the other takes to write on: what comes between the last look and the record's removal stays, as after an hour's freeze.
  const survivor = await joinStorage(service!.url, database, { keepRolled: 5000, sweepInterval: 50 });
  t.teardown(async () => {
    await survivor.close();
    await client.close();
    await service!.drop(database);
  });
  await survivor.statements.append('one', [sample(1)]);
  const appends = client.db(database).collection('appends');
  // Nobody gives signs of life for it, and nobody has seen one die.
  await appends.insertOne({ t: 'one', kind: 'append', owner: 'nobody', state: 'open', from: 0, s: 0 });
  const struck = new Promise<void>((resolve) => {
    dying.atCommand(6, () => {
      dying.link.freeze();
      resolve();
    });
  });
  const late = dying.statements.append('one', [referring(2, 1)]).then(() => true, () => false);
  await struck;
  const rolled = async (count: number): Promise<void> => {
    for (const start = Date.now(); await appends.countDocuments({ state: 'rolled' }) !== count && Date.now() - start < 20_000;) await new Promise((resolve) => setTimeout(resolve, 5));
    t.equal(await appends.countDocuments({ state: 'rolled' }), count);
  };
  await rolled(2);
  dying.link.mend();
  t.equal(await late, false, 'it is told');
  t.strictSame(await found(survivor.statements, 'one'), [1]);
  await dying.close();
  // A hint that the database does after all that was told of it, as a command that was on its way for long.
  const given = await appends.findOne({ state: 'rolled', owner: { $ne: 'nobody' } });
  await client.db(database).collection<ReferenceRow>('references').insertOne({ _id: `one/${uuid(1)}/9`, g: `one/${uuid(1)}`, id: uuid(2), a: given!._id });
  await rolled(0);
  t.equal(await appends.countDocuments(), 0);
  t.equal(await client.db(database).collection('statements').countDocuments(), 1, 'no row is left');
  t.equal(await client.db(database).collection('references').countDocuments(), 0);
});
