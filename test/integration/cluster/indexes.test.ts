import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { MongoClient, type Document } from 'mongodb';
import t from 'tap';
import type { DocumentScope } from '../../../src/documents/store.js';
import { indexes, missingIndexes } from '../../../src/storage/mongodb/indexes.js';
import type { MongoStorage } from '../../../src/storage/mongodb/open.js';
import { activity, agent, findAll, incoming, referring, sample, statement, uuid, verbKey, voiding } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { isCovered, queriesIn, type SentQuery } from './query-coverage.js';
import { joinStorage } from './storage-member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';

t.test('the judge of queries', async (t) => {
  const covered = (collection: string, filter: Document, sort: Document = {}) => isCovered({ collection, filter, sort });
  t.ok(covered('statements', { t: 'one', p: { $gt: 1 } }, { p: 1 }));
  t.ok(covered('statements', { t: 'one', $and: [{ k: 'a' }, { k: { $in: ['b'] } }], v: false }, { p: -1 }));
  t.ok(covered('statements', { _id: { $in: ['a'] } }));
  t.notOk(covered('statements', { p: 1 }), 'without the first field');
  t.notOk(covered('statements', { t: 'one' }, { s: -1, v: 1 }), 'a sort that no index has');
  t.notOk(covered('statements', {}), 'everything');
  t.notOk(covered('statements', { v: true }));
  t.notOk(covered('statements', { t: { $ne: 'one' } }));
});

t.test('every index is made', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const client = await new MongoClient(service!.url).connect();
  const db = client.db(database);
  t.teardown(async () => {
    await client.close();
    await service!.drop(database);
  });
  t.equal((await missingIndexes(db)).length, indexes.length);
  const storage = await joinStorage(service!.url, database);
  t.strictSame(await missingIndexes(db), []);
  await storage.close();
  await db.collection('statements').dropIndex('t_1_k_1_p_1');
  t.match(await missingIndexes(db), [{ collection: 'statements', key: { t: 1, k: 1, p: 1 } }]);
});

t.test('every filter and sort that is sent begins with the fields of a declared index', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const sent: SentQuery[] = [];
  const heard = (command: Document): void => { sent.push(...queriesIn(command)); };
  const dying = await joinStorage(service!.url, database);
  const storage = await joinStorage(service!.url, database, { heard });
  t.teardown(() => service!.drop(database));

  await statementsOf(storage);
  await everythingElseOf(storage);
  // What a dead process leaves: an open append and an unfinished erasure.
  const struck = new Promise<void>((resolve) => {
    dying.atCommand(8, () => {
      dying.link.cut();
      resolve();
    });
  });
  dying.statements.append('two', [sample(1), referring(2, 1), sample(3)]).catch(() => undefined);
  await struck;
  const closed = dying.close();
  await storage.statements.append('two', [sample(1)]);
  await storage.close();
  await closed;

  const collections = new Set(sent.map(({ collection }) => collection));
  for (const { collection } of indexes) if (!['documentRedo', 'documentRedoPages'].includes(collection)) t.ok(collections.has(collection), `${collection} was asked`);
  const uncovered = new Map(sent.filter((query) => !isCovered(query)).map((query) => [JSON.stringify(shapeOf(query)), query]));
  t.strictSame([...uncovered.keys()], []);
});

async function statementsOf({ statements, canonical }: MongoStorage): Promise<void> {
  const defined = incoming(statement(1, { actor: { ...agent('ann'), name: 'Ann' }, object: { ...activity('thing'), definition: { name: { en: 'Thing' } } } }), { defines: true });
  await statements.append('one', [defined, sample(2), referring(3, 1), voiding(4, 2), referring(5, 9), voiding(6, 8)]);
  await statements.append('one', [sample(9), sample(8), sample(1)]);
  await statements.append('one', [sample(1), sample(2, { actor: agent('bob') })]);
  await Promise.all([statements.append('one', [sample(20)]), statements.append('one', [referring(21, 20)])]);
  const page = await statements.find('one', { filters: [], ascending: true, limit: 2 });
  for (const query of [
    {}, { ascending: false }, { cursor: page.next! }, { since: 1, until: Date.now() }, { includeVoided: true },
    { filters: [[verbKey('did')]] }, { filters: [[verbKey('did'), verbKey('saw')], ['Ambox:mailto:ann@example.org']], since: 1 },
  ]) await findAll(statements, 'one', query);
  await statements.get('one', uuid(1));
  await statements.feed('one', 0, 100);
  await statements.count('one');
  await statements.head('one');
  await statements.consistentThrough('one');
  const leave = statements.subscribe(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  leave();
  await statements.erase('one', { erase: [uuid(1), uuid(4)], redact: [{ id: uuid(9), text: JSON.stringify({ ...statement(9), actor: agent('nobody') }), value: { ...statement(9), actor: agent('nobody') } }] });
  await statements.purge('one');
  await canonical.definitions('one', [activity('thing').id, activity('other').id]);
  await canonical.displays('one', ['https://example.org/v']);
  await canonical.names('one', 'mbox:mailto:ann@example.org');
  await canonical.forget('one', 'mbox:mailto:ann@example.org');
}

async function everythingElseOf({ documents, records, attachments, content, backup }: MongoStorage): Promise<void> {
  const addresses = [
    { resource: 'state', activity: 'https://example.org/a', agent: 'mbox:mailto:ann@example.org', id: 'one' },
    { resource: 'state', activity: 'https://example.org/a', agent: 'mbox:mailto:ann@example.org', registration: uuid(1), id: 'two' },
    { resource: 'activity-profile', activity: 'https://example.org/a', id: 'one' }, { resource: 'agent-profile', agent: 'mbox:mailto:ann@example.org', id: 'one' },
  ] as const;
  for (const key of addresses) {
    const text = Buffer.alloc(key.id === 'two' ? 400_000 : 3, 'x');
    await documents.put('one', { key, content: text, contentType: 'text/plain', etag: createHash('sha1').update(text).digest('hex'), updated: 1 }, { kind: 'any' });
    await documents.get('one', key);
  }
  const scopes: DocumentScope[] = [
    { resource: 'state', activity: 'https://example.org/a', agent: 'mbox:mailto:ann@example.org' }, { resource: 'state', activity: 'https://example.org/a', agent: 'mbox:mailto:ann@example.org', registration: null },
    { resource: 'activity-profile', activity: 'https://example.org/a' }, { resource: 'agent-profile', agent: 'mbox:mailto:ann@example.org' }, { resource: 'state', agent: 'mbox:mailto:ann@example.org' }, { resource: 'state' },
  ];
  for (const scope of scopes) await documents.list('one', scope, 0);
  await documents.delete('one', addresses[2], { kind: 'any' });
  for (const scope of scopes) await documents.deleteAll('one', scope);

  const things = records.collection<{ name: string; colour: string }>({ name: 'things', indexes: ['colour'], unique: ['name'] });
  for (const name of ['a', 'b', 'c']) await things.insert('one', name, { name, colour: 'red' });
  await things.update('one', 'a', { name: 'A', colour: 'blue' }, 1);
  await things.list('one');
  await things.list('one', { after: 'a', limit: 1 });
  await things.list('one', { where: { property: 'colour', equals: 'red' }, after: 'a' });
  await things.list('one', { where: { property: 'name', equals: 'b' } });
  await things.delete('one', 'a');

  const bytes = Buffer.from('bytes');
  const sha2 = createHash('sha256').update(bytes).digest('hex');
  const staged = await attachments.stage('one', sha2, Readable.from([bytes], { objectMode: false }), 100);
  await staged.commit();
  staged.release();
  await attachments.has('one', sha2);
  (await attachments.open('one', sha2))!.stream.resume();
  for await (const _ of attachments.list('one')) continue;
  await attachments.delete('one', sha2, async () => false);

  for (const id of [uuid(1), uuid(1), uuid(2)]) {
    const arriving = await content.stage('one', id, Readable.from([bytes], { objectMode: false }), 100);
    await arriving.read(0, 1);
    if (id === uuid(2)) {
      await arriving.discard();
      continue;
    }
    await arriving.commit();
    for await (const _ of content.list('one')) continue;
    (await content.open('one', id, 1, 3)).resume();
    await content.delete('one', id);
  }
  for await (const _ of backup.dump()) continue;
}

/** A query without its values. */
function shapeOf({ collection, filter, sort }: SentQuery): object {
  const shape = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, 3).map(shape);
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return '?';
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
  };
  return { collection, filter: shape(filter), sort };
}
