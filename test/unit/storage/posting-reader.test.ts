import { ClassicLevel } from 'classic-level';
import t from 'tap';
import { levelOptions, type Level } from '../../../src/storage/leveldb/level.js';
import { encodeFurther, postingKey, postingPrefix } from '../../../src/storage/leveldb/posting-entry.js';
import type { PostingMerger } from '../../../src/storage/leveldb/posting-merger.js';
import { createListReader, createUnionReader, positionsHeld, type ListDeps } from '../../../src/storage/leveldb/posting-reader.js';
import { createRandom } from '../../contract/random.js';

const { below, chance, pick } = createRandom(31);
const listCount = 4;
const prefixes = Array.from({ length: listCount }, (_, number) => postingPrefix('one', Buffer.from(`Vlist-${number}...`.slice(0, 9))));
/** Nobody merges here. */
const merger: PostingMerger = { offer: () => undefined, idle: async () => undefined, close: async () => undefined };

/** Positions that rise by steps of one to several bytes. */
function someList(length: number): number[] {
  const steps = [1, 3, 127, 128, 5000, 70_000, 3_000_000];
  const positions: number[] = [];
  for (let last = below(50), number = 0; number < length; number++) positions.push(last += 1 + below(pick(steps)));
  return positions;
}

async function openLevel(directory: string): Promise<Level> {
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await level.open();
  return level;
}

async function write(level: Level, prefix: Buffer, positions: readonly number[]): Promise<void> {
  const batch = level.batch();
  for (let at = 0; at < positions.length;) {
    const entry = positions.slice(at, at + pick([1, 1, 2, 40, 700]));
    // As older data have entries of one position, and as newer have them.
    batch.put(postingKey(prefix, entry[0]!), entry.length === 1 && chance(0.5) ? Buffer.alloc(0) : encodeFurther(entry));
    at += entry.length;
  }
  await batch.write();
}

t.test('lists are read as one, and positions sought in them, as in plain sets', async (t) => {
  const directory = t.testdir();
  for (let round = 0; round < 30; round++) {
    const level = await openLevel(`${directory}/${round}`);
    const deps: ListDeps = { level, reads: { entries: 0, records: 0 }, merger };
    const lists = prefixes.map((_, number) => someList(pick([0, 1, 30, 400, 3000]) + number));
    for (const [number, prefix] of prefixes.entries()) await write(level, prefix, lists[number]!);
    const all = [...new Set(lists.flat())].sort((a, b) => a - b);
    const highest = all[all.length - 1]! + 1;

    for (const ascending of [true, false]) {
      const [from, to] = [below(2) * below(highest), highest - below(2) * below(highest)];
      const expected = all.filter((position) => position >= from && position <= to);
      const reader = createUnionReader(prefixes.map((prefix) => createListReader(deps, prefix, { from, to }, ascending)), ascending);
      const found: number[] = [];
      for (let some = await reader.read(24); some.length > 0; some = await reader.read(1 + below(500))) found.push(...some);
      await reader.close();
      t.strictSame(found, ascending ? expected : expected.toReversed(), `round ${round}, ${from} to ${to}`);
    }

    const sought = [...new Set([...all.filter(() => chance(0.3)), ...Array.from({ length: 50 }, () => below(highest))])].sort((a, b) => a - b);
    const asked = [lists[0]!, lists[3]!];
    const held = await positionsHeld(deps, [prefixes[0]!, prefixes[3]!], sought, 100_000);
    const inAny = new Set(asked.flat());
    t.strictSame(held, sought.filter((position) => inAny.has(position)), `round ${round}`);
    await level.close();
  }
});

t.test('what takes more entries than the budget is given up', async (t) => {
  const level = await openLevel(t.testdir());
  const deps: ListDeps = { level, reads: { entries: 0, records: 0 }, merger };
  const batch = level.batch();
  for (let position = 1; position <= 1000; position++) batch.put(postingKey(prefixes[0]!, position), encodeFurther([position]));
  await batch.write();
  t.equal(await positionsHeld(deps, [prefixes[0]!], [1, 1000], 300), undefined);
  t.ok(deps.reads.entries <= 301);
  t.strictSame(await positionsHeld(deps, [prefixes[0]!], [1, 1000, 1001], 1001), [1, 1000]);
  await level.close();
});
