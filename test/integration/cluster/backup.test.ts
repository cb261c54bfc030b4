import t from 'tap';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import { openMongoRestoreTarget } from '../../../src/storage/mongodb/restore-target.js';
import { agent, agentKey, found, referring, sample, uuid, verb, verbKey, voiding } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';

t.test('a backup is the store at one moment, also where later statements change earlier ones', { skip, timeout: 120_000 }, async (t) => {
  const { url } = service!;
  const [from, to] = [service!.freshDatabase(), service!.freshDatabase()];
  const source = await openMongoStorage({ url, database: from });
  t.teardown(async () => {
    await source.close();
    await Promise.all([service!.drop(from), service!.drop(to)]);
  });
  const large = 'x'.repeat(2 << 20);
  for (const number of [1, 2, 3]) await source.statements.append('main', [sample(number, { result: { response: large } })]);
  await source.statements.append('main', [sample(4), referring(5, 100, { actor: agent('bob') }), referring(6, 4, { actor: agent('bob') }), sample(7), voiding(8, 7)]);
  const notes = source.records.collection<{ text: string }>({ name: 'test-notes', indexes: [], unique: ['text'] });
  await notes.insert('main', 'a', { text: 'first' });

  const dump = source.backup.dump();
  const chunks = [(await dump.next()).value as Buffer];
  await source.statements.append('main', [voiding(9, 4), sample(100, { verb: verb('late') }), sample(101)]);
  t.strictSame(await found(source.statements, 'main', [verbKey('late')]), [5, 100], 'what it is afterwards');
  for await (const chunk of dump) chunks.push(chunk);
  t.ok(chunks.length > 1);

  const target = await openMongoRestoreTarget({ url, database: to });
  for (const chunk of chunks) await target.load(chunk);
  await t.rejects(openMongoStorage({ url, database: to }), { message: /restore that was not completed/ });
  await target.complete();
  await target.close();
  const restored = await openMongoStorage({ url, database: to });
  t.teardown(() => restored.close());
  const { statements } = restored;
  t.strictSame(await found(statements, 'main'), [1, 2, 3, 4, 5, 6, 8]);
  t.strictSame(await found(statements, 'main', [verbKey('late')]), []);
  t.strictSame(await found(statements, 'main', [agentKey('A', 'bob')]), [5, 6]);
  t.strictSame(await found(statements, 'main', [agentKey('A', 'ann')]), [1, 2, 3, 4, 6, 8], 'one is found by what it refers to');
  t.equal((await statements.get('main', uuid(4)))?.voided, false);
  t.equal((await statements.get('main', uuid(7)))?.voided, true);
  t.equal(await statements.count('main'), 8);
  t.equal(await statements.head('main'), 8);
  t.strictSame((await restored.records.collection<{ text: string }>({ name: 'test-notes', indexes: [], unique: ['text'] }).list('main')).map(({ id, value }) => [id, value.text]), [['a', 'first']]);
  t.equal(await restored.records.collection<{ text: string }>({ name: 'test-notes', indexes: [], unique: ['text'] }).insert('main', 'b', { text: 'first' }), 'exists');

  t.strictSame(await statements.append('main', [sample(4), sample(100, { verb: verb('late') })]), { status: 'stored', outcomes: ['duplicate', 'stored'] });
  t.strictSame(await found(statements, 'main', [verbKey('late')]), [5, 100], 'what arrives again is inherited again');
  t.strictSame((await statements.feed('main', 8, 10)).map(({ position }) => position), [9]);
});

t.test('damaged chunks are refused', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const target = await openMongoRestoreTarget({ url: service!.url, database });
  t.teardown(async () => {
    await target.close();
    await service!.drop(database);
  });
  await t.rejects(target.load(Buffer.from([1, 2, 3])), { message: /cut off/ });
  await t.rejects(target.load(Buffer.from([255, 255, 0, 0, 1])), { message: /cut off/ });
});
