import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Cursor, FeedEntry, NewStatement, StatementStore } from '../../src/statements/store.js';
import { formatTimestamp } from '../../src/xapi/timestamps.js';
import type { Statement } from '../../src/xapi/types.js';
import { contract, openFor, statementAdapters, type OpenStorage, type TestStorage } from './adapters.js';
import {
  activity, activityKey, agent, agentKey, attachment, findAll, found, incoming, nextMillisecond, numbersOf, openText, reference, referring,
  sample, statement, uuid, verb, verbKey, voiding,
} from './statement-samples.js';

const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
const isStatement = (entry: FeedEntry) => entry.kind === 'statement';
const feedNumbers = (entries: FeedEntry[]) => numbersOf(entries.filter(isStatement));

/** The erasure's form of a stored statement with another actor. */
async function redacted(store: StatementStore, tenant: string, number: number, actor: Statement['actor']): Promise<{ id: string; text: string; value: Statement }> {
  const before = await store.get(tenant, uuid(number));
  const value: Statement = { ...(JSON.parse(before!.text.toString()) as Statement), actor };
  return { id: uuid(number), text: JSON.stringify(value), value };
}

/** Everything the store tells of a tenant. */
async function everything(store: StatementStore, tenant: string): Promise<unknown> {
  const plain = ({ text, ...rest }: { text: Buffer }) => ({ ...rest, text: text.toString() });
  return {
    statements: (await findAll(store, tenant, { includeVoided: true })).map(plain),
    visible: (await findAll(store, tenant)).map(plain),
    feed: (await store.feed(tenant, 0, 100_000)).map((entry) => ({ ...entry, text: '', keys: [] })),
    count: await store.count(tenant),
    head: await store.head(tenant),
  };
}

contract(async (t, adapter) => {
  let storage: TestStorage;
  let store: StatementStore;
  let tenants = 0;
  /** A test with storage and a tenant of its own. */
  const test = (name: string, body: (t: Test, tenant: string) => Promise<void>) => t.test(name, async (t) => {
    storage = await openFor(t, adapter);
    store = storage.current.statements;
    await body(t, `tenant-${++tenants}`);
  });

  await test('a store without entries', async (t) => {
    t.equal(await store.head('nobody'), 0);
    t.strictSame(await store.feed('nobody', 0, 10), []);
    t.strictSame(await store.find('nobody', { filters: [], ascending: false, limit: 10 }), { statements: [] });
    t.strictSame(await store.find('nobody', { filters: [[verbKey('did')], [agentKey('A', 'ann')]], ascending: true, limit: 10 }), { statements: [] });
    t.equal(await store.get('nobody', uuid(1)), undefined);
    t.equal(await store.count('nobody'), 0);
  });

  await test('what append answered is seen at once, exactly as it was given', async (t, tenant) => {
    const text = '{"id":"7b9f8c1e-abcd-4000-8000-000000000001","result":{"score":{"raw":1.50e+00},"extensions":{"https://example.org/x":{"__proto__":"\\u0000\\ud800","$a.b":[]}}}, "s":"ä\u{1f600}"}';
    const before = Date.now();
    t.strictSame(await store.append(tenant, [{ ...sample(1), text: openText(text) }]), { status: 'stored', outcomes: ['stored'] });
    const stored = (await store.get(tenant, uuid(1)))!;
    t.ok(stored.stored >= before && stored.stored <= Date.now() + 1000, 'stored is the time of storing');
    const stamp = formatTimestamp(stored.stored);
    t.equal(stored.text.toString('utf8'), `${text.slice(0, -1)},"timestamp":"${stamp}","stored":"${stamp}"}`);
    t.strictSame([stored.id, stored.voided], [uuid(1), false]);
    t.strictSame(await store.find(tenant, { filters: [], ascending: false, limit: 10 }), { statements: [stored] });
    const [entry] = await store.feed(tenant, 0, 10);
    t.match(entry, { kind: 'statement', position: stored.position, id: uuid(1), stored: stored.stored, voided: false });
    t.equal(await store.head(tenant), stored.position);
    t.equal(await store.count(tenant), 1);
  });

  await test("a client's timestamp is kept", async (t, tenant) => {
    await store.append(tenant, [sample(1, { timestamp: '2001-02-03T04:05:06+01:00' })]);
    const value = JSON.parse((await store.get(tenant, uuid(1)))!.text.toString()) as Statement;
    t.equal(value.timestamp, '2001-02-03T04:05:06+01:00');
    t.not(value.stored, value.timestamp);
  });

  await test('an empty batch is stored', async (t, tenant) => {
    t.strictSame(await store.append(tenant, []), { status: 'stored', outcomes: [] });
    t.equal(await store.count(tenant), 0);
  });

  await test('an equivalent statement under a stored id is a duplicate and changes nothing', async (t, tenant) => {
    await store.append(tenant, [sample(1, { timestamp: '2026-01-01T00:00:00Z' }), sample(2)]);
    const before = await everything(store, tenant);
    const again = [
      incoming(statement(1, { id: uuid(1).toUpperCase(), timestamp: '2026-01-01T01:00:00+01:00', verb: { ...verb('did'), display: { en: 'did' } } }), { authority: agent('other') }),
      incoming(statement(2, { object: { ...activity('thing'), definition: { name: { en: 'x' } } } }), { defines: true }),
    ];
    t.strictSame(await store.append(tenant, again), { status: 'stored', outcomes: ['duplicate', 'duplicate'] });
    t.strictSame(await everything(store, tenant), before);
    t.strictSame(await storage.current.canonical.definitions(tenant, [activity('thing').id]), [undefined], 'nothing is learned from it (2.1.1: no modification of the Statement or any other Object)');
    t.strictSame(await store.append(tenant, [sample(3), sample(2)]), { status: 'stored', outcomes: ['stored', 'duplicate'] });
    t.strictSame(await found(store, tenant), [1, 2, 3]);
  });

  await test('other content under a stored id is a conflict, and nothing of the batch is stored', async (t, tenant) => {
    await store.append(tenant, [sample(1)]);
    const before = await everything(store, tenant);
    const defined = incoming(statement(3, { actor: { ...agent('bob'), name: 'Bob' }, object: { ...activity('new'), definition: { name: { en: 'x' } } } }), { defines: true });
    t.strictSame(await store.append(tenant, [sample(2), sample(1, { actor: agent('bob') }), defined, voiding(4, 1), sample(1, { verb: verb('x') })]), { status: 'conflict', index: 1 });
    t.strictSame(await everything(store, tenant), before);
    for (const number of [2, 3, 4]) t.equal(await store.get(tenant, uuid(number)), undefined);
    t.strictSame(await found(store, tenant, [agentKey('A', 'bob')]), []);
    t.strictSame(await storage.current.canonical.definitions(tenant, [activity('new').id]), [undefined]);
    t.strictSame(await storage.current.canonical.names(tenant, 'mbox:mailto:bob@example.org'), []);
    t.strictSame(await store.append(tenant, [sample(2), defined]), { status: 'stored', outcomes: ['stored', 'stored'] }, 'the ids are free');
  });

  await test('the same id twice within a batch: duplicate or conflict', async (t, tenant) => {
    t.strictSame(await store.append(tenant, [sample(1), sample(2), sample(1)]), { status: 'stored', outcomes: ['stored', 'stored', 'duplicate'] });
    t.strictSame(await found(store, tenant), [1, 2]);
    t.strictSame(await store.append(tenant, [sample(3), sample(4), sample(3, { verb: verb('x') })]), { status: 'conflict', index: 2 });
    t.strictSame(await found(store, tenant), [1, 2]);
    t.strictSame(await store.append(tenant, [sample(5, { timestamp: '2026-01-01T00:00:00Z' }), sample(5)]), { status: 'conflict', index: 1 }, 'a timestamp that a client set is content');
  });

  await test('concurrent appends of one id: one is stored, equal ones are duplicates, others conflicts', async (t, tenant) => {
    const equal = await Promise.all(Array.from({ length: 20 }, (_, index) => store.append(tenant, [sample(1), sample(100 + index)])));
    t.equal(equal.filter((result) => result.status === 'stored' && result.outcomes[0] === 'stored').length, 1);
    t.equal(equal.filter((result) => result.status === 'stored' && result.outcomes[0] === 'duplicate' && result.outcomes[1] === 'stored').length, 19);
    const different = await Promise.all(Array.from({ length: 20 }, (_, index) => store.append(tenant, [sample(200 + index), sample(2, { actor: agent(`a${index}`) })])));
    t.equal(different.filter((result) => result.status === 'stored').length, 1);
    t.equal(different.filter((result) => result.status === 'conflict' && result.index === 1).length, 19);
    t.equal(await store.count(tenant), 23);
    t.equal((await findAll(store, tenant)).length, 23);
  });

  await test('concurrent batches that overlap: each is whole or absent', async (t, tenant) => {
    for (let round = 0; round < 10; round++) {
      const [a, b] = [round * 10 + 1, round * 10 + 2];
      const results = await Promise.all([
        store.append(tenant, [sample(a), sample(b)]),
        store.append(tenant, [sample(b, { actor: agent('bob') }), sample(a, { actor: agent('bob') })]),
        store.append(tenant, [sample(a, { actor: agent('cid') })]),
      ]);
      t.equal(results.filter(({ status }) => status === 'stored').length, 1, 'one of them');
      const values = await Promise.all([a, b].map(async (number) => JSON.parse((await store.get(tenant, uuid(number)))?.text.toString() ?? 'null') as Statement | null));
      const actors = values.map((value) => value?.actor.mbox);
      t.ok(actors[0] === actors[1] || (actors[0] === 'mailto:cid@example.org' && actors[1] === undefined), 'nothing mixed');
    }
  });

  await test('a reader sees all of a batch or none', async (t, tenant) => {
    let done = false;
    const writing = Promise.all(Array.from({ length: 8 }, (_, batch) => (
      store.append(tenant, Array.from({ length: 100 }, (_, index) => sample(1000 + batch * 100 + index, { actor: agent(`batch-${batch}`) })))
    ))).then(() => { done = true; });
    const seen = new Set<number>();
    while (!done) {
      seen.add((await store.find(tenant, { filters: [], ascending: true, limit: 1000 })).statements.length % 100);
      seen.add((await store.find(tenant, { filters: [[verbKey('did')]], ascending: false, limit: 1000 })).statements.length % 100);
      seen.add((await store.feed(tenant, 0, 1000)).length % 100);
      seen.add(await store.count(tenant) % 100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    t.strictSame([...seen], [0]);
    t.equal(await store.count(tenant), 800);
  });

  await test('positions and stored ascend together', async (t, tenant) => {
    await Promise.all(Array.from({ length: 30 }, (_, index) => store.append(tenant, [sample(index * 2 + 1), sample(index * 2 + 2)])));
    const all = await findAll(store, tenant);
    t.equal(all.length, 60);
    for (const [index, { position, stored }] of all.entries()) {
      if (index === 0) continue;
      t.ok(position > all[index - 1]!.position);
      t.ok(stored >= all[index - 1]!.stored);
    }
    t.strictSame((await findAll(store, tenant, { ascending: false })).map(({ id }) => id), all.map(({ id }) => id).reverse());
  });

  await test('tenants share nothing', async (t, tenant) => {
    const [one, other, prefix] = [`${tenant}-a`, `${tenant}-b`, tenant];
    await store.append(one, [sample(1), sample(2)]);
    t.strictSame(await store.append(other, [sample(1, { actor: agent('bob') }), voiding(3, 2), referring(4, 2)]), { status: 'stored', outcomes: ['stored', 'stored', 'stored'] }, 'no conflict');
    t.strictSame(await found(store, one), [1, 2], 'the voiding statement is elsewhere');
    t.strictSame(await found(store, other), [1, 3, 4]);
    t.strictSame(await found(store, prefix), []);
    t.strictSame(await found(store, other, [activityKey('thing')]), [1], 'nothing is inherited across');
    t.strictSame(await found(store, one, [agentKey('A', 'bob')]), []);
    t.equal(await store.get(one, uuid(3)), undefined);
    t.strictSame(feedNumbers(await store.feed(one, 0, 10)), [1, 2]);
    t.strictSame(feedNumbers(await store.feed(other, 0, 10)), [1, 3, 4]);
    await store.erase(other, { erase: [uuid(2), uuid(1)], redact: [] });
    t.strictSame(await found(store, one), [1, 2]);
    t.strictSame([await store.count(one), await store.count(other), await store.count(prefix)], [2, 2, 0]);
    t.equal((await store.feed(one, 0, 10)).length, 2, 'no erasure entry');
  });

  await test('filters: all of the outer list, any of each inner list', async (t, tenant) => {
    await store.append(tenant, [
      sample(1), sample(2, { actor: agent('bob') }), sample(3, { verb: verb('saw') }), sample(4, { object: activity('other') }),
      sample(5, { actor: agent('bob'), verb: verb('saw'), object: activity('other') }),
    ]);
    await store.append(tenant, [sample(6), sample(7, { actor: agent('bob') })]);
    const [ann, bob, did, saw, thing, other] = [agentKey('A', 'ann'), agentKey('A', 'bob'), verbKey('did'), verbKey('saw'), activityKey('thing'), activityKey('other')];
    t.strictSame(await found(store, tenant), [1, 2, 3, 4, 5, 6, 7]);
    t.strictSame(await found(store, tenant, [ann]), [1, 3, 4, 6]);
    t.strictSame(await found(store, tenant, [ann, bob]), [1, 2, 3, 4, 5, 6, 7]);
    t.strictSame(await found(store, tenant, [ann], [did]), [1, 4, 6]);
    t.strictSame(await found(store, tenant, [ann], [did], [thing]), [1, 6]);
    t.strictSame(await found(store, tenant, [bob, ann], [saw], [other, thing]), [3, 5]);
    t.strictSame(await found(store, tenant, [bob], [other]), [5]);
    t.strictSame(await found(store, tenant, [bob], [bob]), [2, 5, 7]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'nobody')]), []);
    t.strictSame(await found(store, tenant, [ann], [agentKey('A', 'nobody')]), []);
    t.strictSame(await found(store, tenant, [agentKey('A', 'nobody'), bob]), [2, 5, 7]);
    t.strictSame(await found(store, tenant, []), [], 'any of none is nothing');
    t.strictSame(await found(store, tenant, [ann], []), []);
    t.strictSame(await found(store, tenant, [agentKey('A', 'authority')]), [], 'kinds are kept apart');
    t.strictSame(await found(store, tenant, [agentKey('U', 'authority')]), [1, 2, 3, 4, 5, 6, 7]);
  });

  await test('every kind of key is found; hard values too', async (t, tenant) => {
    const names = ['a', 'A', 'a|b', 'a\u0000b', 'a\u0000', 'ä', '\u{1f600}', '%', '', 'x'.repeat(5000), `${'x'.repeat(5000)}y`, 'a\u00ff', 'a\uffff'];
    await store.append(tenant, names.map((name, index) => sample(index, { verb: { id: `https://example.org/${name}` }, actor: { account: { homePage: 'https://example.org', name } }, context: { registration: uuid(index) } })));
    for (const [index, name] of names.entries()) {
      t.strictSame(await found(store, tenant, [`Vhttps://example.org/${name}`]), [index]);
      t.strictSame(await found(store, tenant, [`Aaccount:https://example.org|${name}`]), [index]);
      t.strictSame(await found(store, tenant, [`G${uuid(index)}`], [`Vhttps://example.org/${name}`]), [index]);
    }
  });

  await test('pages: each statement once, in order, and next only when there is more', async (t, tenant) => {
    for (let batch = 0; batch < 5; batch++) {
      await store.append(tenant, Array.from({ length: 6 }, (_, index) => sample(batch * 6 + index, { actor: agent(index % 2 ? 'ann' : 'bob') })));
    }
    const all = Array.from({ length: 30 }, (_, index) => index);
    for (const [filters, expected] of [[[], all], [[[agentKey('A', 'ann')]], all.filter((number) => number % 2)], [[[agentKey('A', 'ann')], [verbKey('did')]], all.filter((number) => number % 2)]] as [string[][], number[]][]) {
      for (const ascending of [true, false]) {
        for (const limit of [1, 4, 5, 15, 30, 1000]) {
          const numbers: number[] = [];
          let pages = 0;
          let cursor: Cursor | undefined;
          do {
            const page = await store.find(tenant, { filters, ascending, limit, ...(cursor && { cursor }) });
            t.ok(page.statements.length <= limit);
            t.equal(page.statements.length === limit || page.next === undefined, true, 'no page is short but the last');
            numbers.push(...numbersOf(page.statements));
            cursor = page.next;
            pages++;
          } while (cursor);
          t.strictSame(numbers, ascending ? expected : [...expected].reverse());
          t.equal(pages, Math.ceil(expected.length / limit));
        }
      }
    }
  });

  await test('a cursor stays the same while statements arrive', async (t, tenant) => {
    await store.append(tenant, Array.from({ length: 10 }, (_, index) => sample(index)));
    for (const filters of [[], [[verbKey('did')]]]) {
      for (const ascending of [true, false]) {
        const first = await store.find(tenant, { filters, ascending, limit: 3 });
        const before = await findAll(store, tenant, { filters, ascending, cursor: first.next! });
        const number = await store.count(tenant);
        await store.append(tenant, [sample(number), sample(number + 1)]);
        t.strictSame(numbersOf(await findAll(store, tenant, { filters, ascending, cursor: first.next! })), numbersOf(before));
        t.strictSame(await found(store, tenant, ...filters), Array.from({ length: number + 2 }, (_, index) => index), 'a new query finds them');
      }
    }
  });

  await test('a cursor goes on where its statement was, even when that is gone', async (t, tenant) => {
    await store.append(tenant, Array.from({ length: 9 }, (_, index) => sample(index)));
    const forth = await store.find(tenant, { filters: [[verbKey('did')]], ascending: true, limit: 3 });
    const back = await store.find(tenant, { filters: [], ascending: false, limit: 3 });
    await store.append(tenant, [voiding(20, 2), voiding(21, 4)]);
    await store.erase(tenant, { erase: [uuid(6)], redact: [] });
    t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[verbKey('did')]], cursor: forth.next! })), [3, 5, 7, 8]);
    t.strictSame(numbersOf(await findAll(store, tenant, { ascending: false, cursor: back.next! })), [5, 3, 1, 0]);
  });

  await test('since is exclusive and until inclusive, on stored', async (t, tenant) => {
    for (let number = 0; number < 6; number++) {
      await store.append(tenant, [sample(number, { timestamp: '2001-01-01T00:00:00Z', actor: agent(number % 2 ? 'ann' : 'bob') })]);
      await nextMillisecond();
    }
    const times = (await findAll(store, tenant)).map(({ stored }) => stored);
    for (const filters of [[], [[verbKey('did')]], [[verbKey('did')], [agentKey('A', 'ann')]]]) {
      const all = await findAll(store, tenant, { filters });
      for (const ascending of [true, false]) {
        for (const since of [undefined, 0, times[0]! - 1, ...times, times[5]! + 1, 8.64e15]) {
          for (const until of [undefined, 0, times[0]! - 1, ...times, times[5]! + 1, 8.64e15]) {
            const expected = all.filter(({ stored }) => (since === undefined || stored > since) && (until === undefined || stored <= until));
            const result = await findAll(store, tenant, { filters, ascending, limit: 2, ...(since !== undefined && { since }), ...(until !== undefined && { until }) });
            t.strictSame(numbersOf(result), numbersOf(ascending ? expected : expected.reverse()), `since ${since} until ${until}`);
          }
        }
      }
    }
  });

  await test('a page ends before it grows past maxBytes, but is never empty', async (t, tenant) => {
    await store.append(tenant, [20, 3000, 20, 20, 20].map((length, index) => sample(index, { context: { platform: 'x'.repeat(length) } })));
    const lengths = (await findAll(store, tenant)).map(({ text }) => text.length);
    const firstPage = async (maxBytes: number) => {
      const page = await store.find(tenant, { filters: [], ascending: true, limit: 10, maxBytes });
      return [page.statements.length, page.next !== undefined];
    };
    t.strictSame(await firstPage(1), [1, true]);
    t.strictSame(await firstPage(lengths[0]! + lengths[1]! - 1), [1, true]);
    t.strictSame(await firstPage(lengths[0]! + lengths[1]!), [2, true]);
    t.strictSame(await firstPage(lengths.reduce((sum, length) => sum + length)), [5, false]);
    t.strictSame(numbersOf(await findAll(store, tenant, { maxBytes: 1, ascending: false })), [4, 3, 2, 1, 0]);
    t.strictSame(numbersOf(await findAll(store, tenant, { maxBytes: 1000, filters: [[verbKey('did')]] })), [0, 1, 2, 3, 4]);
  });

  await test('voiding, after its target and before (1.0.3 Part Two 2.3.2)', async (t, tenant) => {
    await store.append(tenant, [sample(1), sample(2)]);
    await store.append(tenant, [voiding(11, 1), voiding(13, 3)]);
    t.strictSame(await found(store, tenant), [2, 11, 13]);
    await store.append(tenant, [sample(3), sample(4)]);
    t.strictSame(await found(store, tenant), [2, 11, 13, 4]);
    for (const [number, expected] of [[1, true], [2, false], [3, true], [4, false], [11, false]] as const) {
      t.equal((await store.get(tenant, uuid(number)))?.voided, expected, `${number}`);
    }
    t.strictSame((await findAll(store, tenant, { includeVoided: true })).map((each) => [numbersOf([each])[0], each.voided]),
      [[1, true], [2, false], [11, false], [13, false], [3, true], [4, false]]);
    t.strictSame((await store.feed(tenant, 0, 10)).map((entry) => entry.kind === 'statement' && entry.voided), [true, false, false, false, true, false]);
    t.equal(await store.count(tenant), 6, 'voided statements are counted');
  });

  await test('voiding within a batch, in both orders', async (t, tenant) => {
    await store.append(tenant, [sample(1), voiding(11, 1), voiding(12, 2), sample(2)]);
    t.strictSame(await found(store, tenant), [11, 12]);
  });

  await test('a voiding statement can not be voided', async (t, tenant) => {
    await store.append(tenant, [sample(1)]);
    await store.append(tenant, [voiding(11, 1)]);
    await store.append(tenant, [voiding(12, 11), voiding(14, 13)]);
    await store.append(tenant, [voiding(13, 1)]);
    t.strictSame(await found(store, tenant), [11, 12, 14, 13]);
    t.equal((await store.get(tenant, uuid(1)))?.voided, true, 'and voiding it brings nothing back');
    await store.append(tenant, [voiding(21, 21), voiding(22, 23), voiding(23, 22)]);
    t.strictSame(await found(store, tenant), [11, 12, 14, 13, 21, 22, 23], 'nor itself, nor in a circle');
  });

  await test('only the verb voids, and only what is the object', async (t, tenant) => {
    await store.append(tenant, [sample(1), referring(2, 1), sample(3, { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' } }), sample(4, { context: { statement: reference(uuid(1)) } })]);
    t.strictSame(await found(store, tenant), [1, 2, 3, 4]);
  });

  await test('voided twice, or again by the same statement, is voided', async (t, tenant) => {
    await store.append(tenant, [sample(1), voiding(11, 1)]);
    t.strictSame(await store.append(tenant, [voiding(11, 1), voiding(12, 1)]), { status: 'stored', outcomes: ['duplicate', 'stored'] });
    t.strictSame(await found(store, tenant), [11, 12]);
  });

  await test('statements that refer to a voided one are found by what it says (Part Three 2.1.4)', async (t, tenant) => {
    await store.append(tenant, [sample(1), referring(2, 1, { actor: agent('bob') }), voiding(11, 1)]);
    t.strictSame(await found(store, tenant, [activityKey('thing')]), [2, 11]);
    t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[activityKey('thing')]], includeVoided: true })), [1, 2, 11]);
  });

  await test('a StatementRef matches what its target matches, through chains, in any order of arrival', async (t, tenant) => {
    const chain = (base: number): NewStatement[] => [
      sample(base + 1, { actor: agent('ann'), verb: verb('passed'), object: activity(`exam-${base}`), context: { registration: uuid(base), instructor: agent('tom'), contextActivities: { parent: [activity(`course-${base}`)] } } }),
      referring(base + 2, base + 1, { actor: agent('bob'), verb: verb('confirmed') }),
      referring(base + 3, base + 2, { actor: agent('cid'), verb: verb('read') }),
    ];
    let base = 1000;
    for (const separately of [true, false]) {
      for (const order of orders) {
        base += 10;
        const statements = order.map((index) => chain(base)[index]!);
        if (separately) for (const each of statements) await store.append(tenant, [each]);
        else await store.append(tenant, statements);
        const exam = [activityKey(`exam-${base}`)];
        const finds = async (...filters: string[][]) => (await found(store, tenant, ...filters)).map((number) => number - base).filter((number) => number > 0 && number < 10);
        const arrived = order.map((index) => index + 1);
        t.strictSame(await finds(exam), arrived, `order ${order}, ${separately ? 'separately' : 'in one batch'}`);
        t.strictSame(numbersOf(await findAll(store, tenant, { filters: [exam], ascending: false })), arrived.map((number) => base + number).reverse());
        t.strictSame(await finds([`G${uuid(base)}`]), arrived);
        t.strictSame(await finds([`Chttps://example.org/activities/course-${base}`]), arrived);
        t.strictSame(await finds([agentKey('R', 'tom')]), arrived);
        t.strictSame(await finds([verbKey('confirmed')], [`G${uuid(base)}`]), arrived.filter((number) => number !== 1));
        t.strictSame(await finds([verbKey('read')], exam), [3]);
        t.strictSame(await finds([agentKey('A', 'ann')], [agentKey('A', 'bob')], exam), arrived.filter((number) => number !== 1), 'each filter is judged on its own');
      }
    }
  });

  await test('the authority of a target makes a related agent only; attachments are not inherited', async (t, tenant) => {
    const target = incoming(statement(1, { attachments: [attachment('ab')] }), { authority: agent('lrp') });
    await store.append(tenant, [target, incoming(statement(2, { object: reference(uuid(1)) }), { authority: agent('other') })]);
    await store.append(tenant, [incoming(statement(4, { object: reference(uuid(3)) }), { authority: agent('other') })]);
    await store.append(tenant, [incoming(statement(3, { attachments: [attachment('ab')] }), { authority: agent('lrp') })]);
    t.strictSame(await found(store, tenant, [agentKey('U', 'lrp')]), [1, 3]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'lrp'), agentKey('R', 'lrp'), agentKey('U', 'lrp')]), [1, 2, 4, 3]);
    t.strictSame(await found(store, tenant, ['Hab']), [1, 3]);
  });

  await test('since and until apply to the referring statement itself', async (t, tenant) => {
    await store.append(tenant, [sample(1)]);
    await nextMillisecond();
    await store.append(tenant, [referring(2, 1, { verb: verb('read') })]);
    const [one, two] = (await findAll(store, tenant)).map(({ stored }) => stored) as [number, number];
    t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[activityKey('thing')]], since: one })), [2]);
    t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[activityKey('thing')]], until: two - 1 })), [1]);
  });

  await test('circles of references and references to oneself', async (t, tenant) => {
    await store.append(tenant, [referring(1, 1, { actor: agent('self') })]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'self')]), [1]);
    await store.append(tenant, [referring(2, 4, { actor: agent('a') })]);
    await store.append(tenant, [referring(3, 2, { actor: agent('b') })]);
    await store.append(tenant, [referring(4, 3, { actor: agent('c') }), referring(5, 3, { actor: agent('d') })]);
    for (const name of ['a', 'b', 'c']) t.strictSame(await found(store, tenant, [agentKey('A', name)]), [2, 3, 4, 5]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'd')]), [5]);
    await store.append(tenant, [referring(6, 7, { actor: agent('e') }), referring(7, 6, { actor: agent('f') })]);
    for (const name of ['e', 'f']) t.strictSame(await found(store, tenant, [agentKey('A', name)]), [6, 7]);
  });

  await test('a target that arrives after hundreds of references, and after a long chain', async (t, tenant) => {
    await store.append(tenant, Array.from({ length: 700 }, (_, index) => referring(1000 + index, 1, { verb: verb('read') })));
    await store.append(tenant, [sample(2, { verb: verb('read') }), sample(1)]);
    t.strictSame(await found(store, tenant, [activityKey('thing')], [verbKey('read')]), [...Array.from({ length: 700 }, (_, index) => 1000 + index), 2]);
    await store.append(tenant, Array.from({ length: 300 }, (_, index) => referring(2001 + index, 2000 + index, { verb: verb('forwarded') })));
    await store.append(tenant, [sample(2000, { object: activity('source') })]);
    t.equal((await found(store, tenant, [activityKey('source')])).length, 301);
  });

  await test('late matches stand in order among the others, page by page', async (t, tenant) => {
    const expected: number[] = [];
    for (let number = 0; number < 30; number++) {
      await store.append(tenant, [number % 3 === 0 ? referring(number, 100 + number % 2) : sample(number, { object: activity('x') })]);
      expected.push(number);
    }
    await store.append(tenant, [sample(100, { object: activity('x') }), sample(101, { object: activity('x') })]);
    expected.push(100, 101);
    for (const limit of [1, 2, 5]) {
      t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[activityKey('x')]], limit })), expected);
      t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[activityKey('x')]], limit, ascending: false })), [...expected].reverse());
    }
  });

  await test('the feed: ordered, after a position, limited', async (t, tenant) => {
    for (let number = 1; number <= 9; number += 3) await store.append(tenant, [sample(number), sample(number + 1), sample(number + 2)]);
    const all = await store.feed(tenant, 0, 100);
    t.strictSame(feedNumbers(all), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    t.strictSame(feedNumbers(await store.feed(tenant, 0, 4)), [1, 2, 3, 4]);
    t.strictSame(feedNumbers(await store.feed(tenant, all[3]!.position, 100)), [5, 6, 7, 8, 9]);
    t.strictSame(await store.feed(tenant, all[8]!.position, 100), []);
    t.ok(await store.head(tenant) >= all[8]!.position);
    for (const [index, { position, stored }] of all.entries()) {
      t.ok(index === 0 || (position > all[index - 1]!.position && stored >= all[index - 1]!.stored));
    }
  });

  await test('the feed has no gaps: nothing becomes visible below what was read', async (t, tenant) => {
    let done = false;
    const writing = Promise.all(Array.from({ length: 40 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 2));
      await store.append(tenant, [sample(index * 3), referring(index * 3 + 1, index * 3 + 2), sample(index * 3 + 2)]);
    })).then(() => { done = true; });
    const read: number[] = [];
    let after = 0;
    for (let last = false; ; last = done) {
      const entries = await store.feed(tenant, after, 5);
      for (const entry of entries) read.push(after = entry.position);
      if (entries.length === 0 && last) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    t.equal(read.length, 120);
    t.strictSame(read, (await store.feed(tenant, 0, 1000)).map(({ position }) => position));
  });

  await test('matches judges a feed entry as find does', async (t, tenant) => {
    await store.append(tenant, [sample(1), referring(2, 1, { actor: agent('bob') }), sample(3, { verb: verb('saw') }), voiding(4, 3)]);
    const entries = await store.feed(tenant, 0, 10);
    for (const filters of [[], [[]], [[activityKey('thing')]], [[agentKey('A', 'bob')], [activityKey('thing')]], [[verbKey('saw'), agentKey('A', 'bob')]], [[verbKey('saw')], [verbKey('did')]], [[agentKey('U', 'authority')]]]) {
      t.strictSame(feedNumbers(entries.filter((entry) => store.matches(entry, filters))), numbersOf(await findAll(store, tenant, { filters, includeVoided: true })), JSON.stringify(filters));
    }
  });

  await test('subscribers are told when entries can be read, until they leave', async (t, tenant) => {
    const told: [string, Promise<FeedEntry[]>][] = [];
    const leave = store.subscribe((name) => told.push([name, store.feed(name, 0, 10)]));
    await store.append(tenant, [sample(1)]);
    t.strictSame(told.map(([name]) => name), [tenant]);
    t.strictSame(feedNumbers(await told[0]![1]), [1]);
    await store.erase(tenant, { erase: [uuid(1)], redact: [] });
    t.ok(told.length >= 2);
    const before = told.length;
    leave();
    await store.append(tenant, [sample(2)]);
    t.equal(told.length, before);
  });

  await test('consistentThrough: in the past, recent, and nothing appears before it any more', async (t, tenant) => {
    let done = false;
    const writing = (async () => {
      for (let index = 0; index < 40; index++) await Promise.all([store.append(tenant, [sample(index * 2)]), store.append(tenant, [sample(index * 2 + 1)])]);
      done = true;
    })();
    const observed: { through: number; count: number }[] = [];
    while (!done) {
      const through = await store.consistentThrough(tenant);
      t.ok(through <= Date.now());
      observed.push({ through, count: (await findAll(store, tenant, { until: through, limit: 1000 })).length });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await writing;
    const times = (await findAll(store, tenant)).map(({ stored }) => stored);
    t.strictSame(observed.map(({ count }) => count), observed.map(({ through }) => times.filter((stored) => stored <= through).length));
    await nextMillisecond();
    t.ok(await store.consistentThrough(tenant) > Date.now() - 1000, 'recent while nothing happens');
    t.ok(await store.consistentThrough(tenant) >= times.at(-1)!, 'past everything stored');
  });

  await test('erased statements are gone everywhere, and the feed says so', async (t, tenant) => {
    await store.append(tenant, [sample(1), sample(2), sample(3)]);
    const before = await store.head(tenant);
    await store.erase(tenant, { erase: [uuid(2), uuid(2), uuid(99)], redact: [] });
    t.equal(await store.get(tenant, uuid(2)), undefined);
    t.strictSame(await found(store, tenant), [1, 3]);
    t.strictSame(await found(store, tenant, [verbKey('did')]), [1, 3]);
    t.strictSame(numbersOf(await findAll(store, tenant, { includeVoided: true })), [1, 3], 'the erasure itself is no statement');
    t.equal(await store.count(tenant), 2);
    const entries = await store.feed(tenant, 0, 10);
    t.strictSame(feedNumbers(entries), [1, 3]);
    const { position, stored, ...erasure } = entries.at(-1)!;
    t.strictSame(erasure, { kind: 'erasure', erased: [uuid(2)], redacted: [] });
    t.ok(position > before && position === await store.head(tenant) && stored <= Date.now() + 1000);
    t.strictSame(await store.append(tenant, [sample(2, { verb: verb('saw') })]), { status: 'stored', outcomes: ['stored'] }, 'the id is free again, for any content');
    t.strictSame(await found(store, tenant), [1, 3, 2]);
  });

  await test('erasing what nobody has changes nothing', async (t, tenant) => {
    await store.append(tenant, [sample(1)]);
    await store.erase(tenant, { erase: [uuid(99)], redact: [{ id: uuid(98), text: '{}', value: statement(98) }] });
    t.strictSame(await found(store, tenant), [1]);
    t.equal(await store.count(tenant), 1);
    t.equal(await store.get(tenant, uuid(98)), undefined);
  });

  await test('any statements of a batch can be erased; the others keep their order', async (t, tenant) => {
    for (const [round, gone] of [[0], [9], [4], [0, 1, 2], [7, 8, 9], [0, 9], [3, 4, 6], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]].entries()) {
      const base = round * 100;
      const registration = `G${uuid(base)}`;
      await store.append(tenant, Array.from({ length: 10 }, (_, index) => sample(base + index, { context: { registration: uuid(base) } })));
      await store.erase(tenant, { erase: gone.map((index) => uuid(base + index)), redact: [] });
      const left = Array.from({ length: 10 }, (_, index) => base + index).filter((number) => !gone.includes(number - base));
      t.strictSame(await found(store, tenant, [registration]), left, `without ${gone}`);
      t.strictSame(numbersOf(await findAll(store, tenant, { filters: [[registration]], ascending: false, limit: 1 })), [...left].reverse());
      t.strictSame(await found(store, tenant, [registration], [verbKey('did')]), left);
    }
  });

  await test('redacted statements keep id, position and stored, and are found by their new content only', async (t, tenant) => {
    await store.append(tenant, [sample(1), sample(2), sample(3, { actor: agent('bob') })]);
    const before = (await store.get(tenant, uuid(2)))!;
    const redaction = await redacted(store, tenant, 2, agent('nobody'));
    await store.erase(tenant, { erase: [], redact: [redaction] });
    const after = (await store.get(tenant, uuid(2)))!;
    t.strictSame({ ...after, text: after.text.toString() }, { ...before, text: redaction.text });
    t.strictSame(await found(store, tenant, [agentKey('A', 'ann')]), [1]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'nobody')]), [2]);
    t.strictSame(await found(store, tenant, [agentKey('A', 'nobody'), agentKey('A', 'ann'), agentKey('A', 'bob')]), [1, 2, 3]);
    t.strictSame(await found(store, tenant), [1, 2, 3]);
    t.equal(await store.count(tenant), 3);
    const entries = await store.feed(tenant, 0, 10);
    t.strictSame(feedNumbers(entries), [1, 2, 3]);
    t.match(entries.at(-1), { kind: 'erasure', erased: [], redacted: [uuid(2)] });
    t.strictSame(await store.append(tenant, [sample(2, { actor: agent('nobody') })]), { status: 'stored', outcomes: ['duplicate'] }, 'equal ids are compared with the new text');
    t.strictSame(await store.append(tenant, [sample(2)]), { status: 'conflict', index: 0 });
  });

  await test('what referring statements inherited goes with the erasure', async (t, tenant) => {
    await store.append(tenant, [sample(1), referring(2, 1, { actor: agent('bob') }), referring(3, 2, { actor: agent('cid') })]);
    await store.append(tenant, [referring(14, 15), referring(13, 14)]);
    await store.append(tenant, [sample(15, { object: activity('late') })]);
    await store.erase(tenant, { erase: [uuid(1), uuid(15)], redact: [] });
    t.strictSame(await found(store, tenant, [activityKey('thing'), activityKey('late')]), []);
    t.strictSame(await found(store, tenant, [agentKey('A', 'bob')]), [2, 3], 'the rest of the chain stands');
    await store.append(tenant, [sample(1, { object: activity('again') })]);
    t.strictSame(await found(store, tenant, [activityKey('again')]), [2, 3, 1], 'and a new target is followed');
    await store.erase(tenant, { erase: [uuid(2)], redact: [] });
    t.strictSame(await found(store, tenant, [activityKey('again')]), [1], 'a chain broken in its middle');
    t.strictSame(await found(store, tenant, [agentKey('A', 'bob')]), []);
    await store.append(tenant, [referring(2, 1, { actor: agent('dan') })]);
    t.strictSame(await found(store, tenant, [activityKey('again')]), [3, 1, 2], 'and mended');
    t.strictSame(await found(store, tenant, [agentKey('A', 'dan')]), [3, 2]);
  });

  await test('what referring statements inherited changes with a redaction', async (t, tenant) => {
    await store.append(tenant, [sample(1, { actor: agent('secret') }), referring(2, 1), referring(3, 2, { actor: agent('secret') })]);
    await store.erase(tenant, { erase: [], redact: [await redacted(store, tenant, 1, agent('nobody'))] });
    t.strictSame(await found(store, tenant, [agentKey('A', 'secret')]), [3], 'by its own content');
    t.strictSame(await found(store, tenant, [agentKey('A', 'nobody')]), [1, 2, 3]);
    t.strictSame(await found(store, tenant, [activityKey('thing')]), [1, 2, 3]);
  });

  await test('erasing a voiding statement', async (t, tenant) => {
    await store.append(tenant, [sample(1), sample(2), voiding(11, 1), voiding(12, 2), voiding(13, 2), voiding(14, 3)]);
    await store.erase(tenant, { erase: [uuid(11), uuid(12), uuid(14)], redact: [] });
    t.strictSame(await found(store, tenant), [1, 13], 'its target is no longer voided, unless another one voids it');
    await store.append(tenant, [sample(3)]);
    t.strictSame(await found(store, tenant), [1, 13, 3], 'also a target that had not arrived');
  });

  await test('erasing a voided statement leaves its voiding one, for when the id comes back', async (t, tenant) => {
    await store.append(tenant, [sample(1), voiding(11, 1)]);
    await store.erase(tenant, { erase: [uuid(1)], redact: [] });
    t.strictSame(await found(store, tenant), [11]);
    await store.append(tenant, [sample(1)]);
    t.equal((await store.get(tenant, uuid(1)))?.voided, true);
    await store.erase(tenant, { erase: [uuid(1), uuid(11)], redact: [] });
    await store.append(tenant, [sample(1)]);
    t.equal((await store.get(tenant, uuid(1)))?.voided, false);
  });

  await test('a redacted statement stays voided or voiding', async (t, tenant) => {
    await store.append(tenant, [sample(1), voiding(11, 1), sample(2), voiding(12, 2)]);
    await store.erase(tenant, { erase: [], redact: [await redacted(store, tenant, 1, agent('nobody')), await redacted(store, tenant, 12, agent('nobody'))] });
    t.strictSame(await found(store, tenant), [11, 12]);
    await store.append(tenant, [voiding(13, 12)]);
    t.strictSame(await found(store, tenant), [11, 12, 13]);
  });

  await test('erasing and appending at once', async (t, tenant) => {
    await store.append(tenant, Array.from({ length: 50 }, (_, index) => sample(index)));
    await Promise.all([
      store.erase(tenant, { erase: Array.from({ length: 25 }, (_, index) => uuid(index)), redact: [] }),
      ...Array.from({ length: 10 }, (_, index) => store.append(tenant, [referring(100 + index, index + 20), sample(200 + index)])),
      store.erase(tenant, { erase: Array.from({ length: 25 }, (_, index) => uuid(index + 20)), redact: [] }),
    ]);
    const kept = [45, 46, 47, 48, 49, ...Array.from({ length: 10 }, (_, index) => [100 + index, 200 + index]).flat()];
    t.strictSame((await found(store, tenant)).sort((a, b) => a - b), kept.sort((a, b) => a - b));
    t.equal(await store.count(tenant), 25);
    t.strictSame((await found(store, tenant, [activityKey('thing')])).sort((a, b) => a - b), kept.filter((number) => number < 100 || number >= 200));
  });

  await t.test('reopening keeps everything, and positions and stored go on', async (t) => {
    const own = await openFor(t, adapter);
    const state = () => everything(own.current.statements, 'main');
    const late = [[activityKey('late')]];
    await own.current.statements.append('main', [sample(1), referring(2, 1), voiding(3, 1), referring(4, 9), voiding(5, 10), ...Array.from({ length: 20 }, (_, index) => sample(50 + index))]);
    await own.current.statements.erase('main', { erase: [uuid(55)], redact: [await redacted(own.current.statements, 'main', 56, agent('nobody'))] });
    await own.current.statements.append('other', [sample(1, { actor: agent('bob') })]);
    const page = await own.current.statements.find('main', { filters: [], ascending: true, limit: 5 });
    const rest = numbersOf(await findAll(own.current.statements, 'main', { cursor: page.next! }));
    const before = await state();
    for (let round = 0; round < 2; round++) {
      await own.reopen();
      t.strictSame(await state(), before);
    }
    const { statements: reopened } = own.current;
    t.strictSame(await found(reopened, 'main', [agentKey('A', 'bob')]), []);
    const head = await reopened.head('main');
    t.strictSame(await reopened.append('main', [sample(9, { object: activity('late') }), sample(10), sample(1)]), { status: 'stored', outcomes: ['stored', 'stored', 'duplicate'] });
    t.ok((await reopened.get('main', uuid(9)))!.position > head);
    t.strictSame(numbersOf(await findAll(reopened, 'main', { filters: late })), [4, 9], 'references that waited before');
    t.equal((await reopened.get('main', uuid(10)))?.voided, true, 'voidings that waited before');
    t.strictSame(numbersOf(await findAll(reopened, 'main', { cursor: page.next! })), rest, 'cursors hold');
  });

  await t.test('purge makes erased text physically gone', async (t) => {
    const own = await openFor(t, adapter);
    const { statements } = own.current;
    const secret = 'Rumpelstilzchen';
    const filler = () => createHash('sha512').update(String(Math.random())).digest('hex');
    // Enough for several files, where there are any to look into.
    const batches = own.current.directory === undefined ? 2 : 20;
    for (let batch = 0; batch < batches; batch++) {
      await statements.append('main', Array.from({ length: 50 }, (_, index) => (
        incoming(statement(batch * 50 + index, { actor: { ...agent(secret), name: index % 5 ? 'x' : secret }, context: { platform: filler().repeat(8) } }), { defines: true })
      )));
    }
    if (own.current.directory !== undefined) t.ok((await filesWith(own.current.directory, secret)).length > 0, 'the search finds what is there');
    const all = Array.from({ length: batches * 50 }, (_, index) => index);
    await statements.erase('main', {
      erase: all.filter((number) => number % 2).map(uuid),
      redact: await Promise.all(all.filter((number) => number % 2 === 0).map((number) => redacted(statements, 'main', number, agent('nobody')))),
    });
    await own.current.canonical.forget('main', `mbox:mailto:${secret}@example.org`);
    await statements.purge('main');
    if (own.current.directory !== undefined) t.strictSame(await filesWith(own.current.directory, secret), []);
    await own.reopen();
    if (own.current.directory !== undefined) t.strictSame(await filesWith(own.current.directory, secret), [], 'after a restart as well');
    t.equal((await findAll(own.current.statements, 'main', { filters: [[agentKey('A', 'nobody')]], limit: 100 })).length, all.length / 2);
  });
}, statementAdapters);

/** Names of the files in a folder that contain a text. */
async function filesWith(directory: NonNullable<OpenStorage['directory']>, text: string): Promise<string[]> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(files.map((file) => readFile(file)));
  return files.filter((_, index) => contents[index]!.includes(text) || contents[index]!.includes(text.toLowerCase()));
}
