import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import t from 'tap';
import type { Cursor } from '../../../src/statements/store.js';
import { levelOptions } from '../../../src/storage/leveldb/level.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { decodeEntry } from '../../../src/storage/leveldb/posting-entry.js';
import { createRandom } from '../../contract/random.js';
import { agent, agentKey, numberOf, sample, uuid, verb, verbKey } from '../../contract/statement-samples.js';

const count = 400;
const even = verb('even');
const odd = verb('odd');

t.test('a list that is read entry by entry is merged, and finds what it found', async (t) => {
  const directory = t.testdir();
  let storage = await openLevelStorage({ directory, postingsAfter: 1 });
  // Each in a commit of its own, before which all others are written: so many entries a list, but for the last.
  for (let number = 1; number <= count; number++) await storage.statements.append('one', [sample(number, { actor: agent('ann'), verb: number % 2 === 0 ? even : odd })]);

  const ask = async (options: { verb?: string; ascending?: boolean; from?: number; limit?: number } = {}): Promise<number[]> => {
    const { verb: which, ascending = true, limit = count } = options;
    const filters = [[agentKey('A', 'ann')], ...(which === undefined ? [] : [[verbKey(which)]])];
    const found: number[] = [];
    let cursor: Cursor | undefined = options.from === undefined ? undefined : { position: options.from, horizon: await storage.statements.head('one') };
    do {
      const page = await storage.statements.find('one', { filters, ascending, limit, ...(cursor && { cursor }) });
      found.push(...page.statements.map(numberOf));
      cursor = page.next;
    } while (cursor);
    return found;
  };
  const entriesRead = async (options: Parameters<typeof ask>[0] = {}): Promise<number> => {
    const before = storage.statements.reads.entries;
    await ask(options);
    return storage.statements.reads.entries - before;
  };
  const all = Array.from({ length: count }, (_, index) => index + 1);

  t.ok(await entriesRead() >= count - 1, 'an entry a commit');
  await storage.statements.merged();
  t.ok(await entriesRead() < 10, 'few entries hold all of it');
  t.strictSame(await ask(), all);
  t.strictSame(await ask({ ascending: false }), all.toReversed());
  for (const limit of [1, 7, 64, 399]) t.strictSame(await ask({ ascending: false, limit }), all.toReversed(), `pages of ${limit}`);
  for (const from of [1, 63, 200, 399]) {
    t.strictSame(await ask({ from }), all.slice(from), `from within an entry: ${from}`);
    t.strictSame(await ask({ from, ascending: false }), all.slice(0, from - 1).reverse());
  }
  t.strictSame(await ask({ verb: 'even' }), all.filter((number) => number % 2 === 0), 'a second list thins the first');
  await storage.statements.merged();
  t.strictSame(await ask({ verb: 'odd', ascending: false }), all.filter((number) => number % 2 === 1).reverse());

  await storage.statements.erase('one', { erase: [uuid(1), uuid(200), uuid(400)], redact: [] });
  const left = all.filter((number) => ![1, 200, 400].includes(number));
  t.strictSame(await ask(), left, 'an erasure takes positions out of a merged entry');
  await storage.statements.append('one', [sample(500, { actor: agent('ann'), verb: even })]);
  t.strictSame(await ask({ ascending: false }), [500, ...left.toReversed()]);

  await storage.close();
  storage = await openLevelStorage({ directory, postingsAfter: 1 });
  t.strictSame(await ask(), [...left, 500]);
  await storage.close();
});

t.test('one reading of a long list has all of it merged', async (t) => {
  const storage = await openLevelStorage({ directory: t.testdir(), postingsAfter: 1 });
  const long = 2500;
  for (let number = 1; number <= long; number++) await storage.statements.append('one', [sample(number, { actor: agent('ann') })]);
  const read = async (): Promise<{ found: number; entries: number }> => {
    const before = storage.statements.reads.entries;
    const { statements } = await storage.statements.find('one', { filters: [[agentKey('A', 'ann')]], ascending: false, limit: long });
    return { found: statements.length, entries: storage.statements.reads.entries - before };
  };
  t.match(await read(), { found: long, entries: long - 1 }, 'an entry a commit');
  await storage.statements.merged();
  const { found, entries } = await read();
  t.equal(found, long);
  t.ok(entries < 10, `few entries hold all of it: ${entries}`);
  await storage.close();
});

for (const ascending of [true, false]) {
  t.test(`a list that was merged into one entry and is read often, ${ascending ? 'oldest' : 'newest'} first, is compacted`, async (t) => {
    const directory = t.testdir();
    let storage = await openLevelStorage({ directory, postingsAfter: 1 });
    const length = 700;
    for (let number = 1; number <= length; number++) await storage.statements.append('one', [sample(number, { actor: agent('ann') })]);
    /** Closes the store and opens it again. @returns bytes that the agent's list takes in the files */
    const reopen = async (): Promise<number> => {
      await storage.close();
      const level = new ClassicLevel<Buffer, Buffer>(join(directory, 'store'), levelOptions);
      const bytes = await level.approximateSize(Buffer.from('one\0pA'), Buffer.from('one\0pB'));
      await level.close();
      storage = await openLevelStorage({ directory, postingsAfter: 1 });
      return bytes;
    };
    const read = (limit: number) => storage.statements.find('one', { filters: [[agentKey('A', 'ann')]], ascending, limit });
    const before = await reopen();
    await read(length);
    await storage.statements.merged();
    for (let time = 0; time < 100; time++) await read(ascending ? length : 5);
    await storage.statements.merged();
    const after = await reopen();
    t.ok(after < before / 2, `${before} bytes before, ${after} after`);
    t.equal((await read(length)).statements.length, length);
    await storage.close();
  });
}

t.test('what is erased while its list is merged does not come back', async (t) => {
  const directory = t.testdir();
  const storage = await openLevelStorage({ directory, postingsAfter: 1 });
  const random = createRandom(7);
  const wrong: string[] = [];
  const sizes = new Map<string, number>();
  let merged = 0;
  for (let round = 0; round < 25; round++) {
    const tenant = `t${round}`;
    const there = new Set<number>();
    for (let number = 1; number <= 70; number++) {
      await storage.statements.append(tenant, [sample(number, { actor: agent('ann') })]);
      there.add(number);
    }
    const find = async (ascending: boolean): Promise<number[]> => (await storage.statements.find(tenant, { filters: [[agentKey('A', 'ann')]], ascending, limit: 1000 })).statements.map(numberOf);
    const erase = async (): Promise<void> => {
      for (const number of random.several(3, 70)) {
        await storage.statements.erase(tenant, { erase: [uuid(number + 1)], redact: [] });
        there.delete(number + 1);
      }
    };
    // The reading offers the list; the erasure runs while it is merged.
    const reading = await find(round % 2 === 0);
    if (reading.length !== 70) wrong.push(`round ${round} read ${reading.length} before`);
    const [during] = await Promise.all([find(round % 2 === 1), erase(), storage.statements.append(tenant, [sample(100, { actor: agent('ann') })])]);
    there.add(100);
    for (const number of there) if (number !== 100 && !during.includes(number)) wrong.push(`round ${round} lost ${number} while it was merged`);
    await storage.statements.merged();
    const after = await find(true);
    if (after.join() !== [...there].join()) wrong.push(`round ${round} finds ${after.join()}`);
    sizes.set(tenant, there.size);
  }
  await storage.close();
  const level = new ClassicLevel<Buffer, Buffer>(join(directory, 'store'), levelOptions);
  for (const [tenant, size] of sizes) {
    const prefix = Buffer.from(`${tenant}\0pA`);
    const postings: number[] = [];
    let entries = 0;
    for await (const [key, value] of level.iterator({ gte: prefix, lt: Buffer.concat([prefix, Buffer.from([0xff, 0xff])]) })) {
      postings.push(...decodeEntry(key, value));
      entries++;
    }
    if (postings.length !== size) wrong.push(`${tenant}: ${postings.length} postings of ${size} statements`);
    merged += entries < 60 ? 1 : 0;
  }
  await level.close();
  t.strictSame(wrong, []);
  t.ok(merged > 0, `${merged} of ${sizes.size} merges were in time`);
});
