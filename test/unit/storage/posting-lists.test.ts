import { ClassicLevel } from 'classic-level';
import t from 'tap';
import { levelOptions, type Level } from '../../../src/storage/leveldb/level.js';
import { encodeFurther, keyOfList, postingKey, postingPrefix } from '../../../src/storage/leveldb/posting-entry.js';
import type { PostingMerger } from '../../../src/storage/leveldb/posting-merger.js';
import { createPositionBlocks } from '../../../src/storage/leveldb/position-blocks.js';
import { createListReader, createUnionReader } from '../../../src/storage/leveldb/posting-reader.js';
import { positionsHeld, type SearchDeps } from '../../../src/storage/leveldb/posting-search.js';
import { createRandom } from '../../contract/random.js';

const { below, chance, pick } = createRandom(31);
const listCount = 4;
const prefixes = Array.from({ length: listCount }, (_, number) => postingPrefix('one', Buffer.from(`Vlist-${number}...`.slice(0, 9))));
/** Nobody merges here. */
const merger: PostingMerger = { offer: () => undefined, wasRead: () => undefined, idle: async () => undefined, close: async () => undefined };

/** What seeking and reading takes, with so few blocks that they are forgotten again. @param written position behind which the lists are `recent` */
function depsFor(level: Level, written: () => number, recent = new Map<string, number[]>()): SearchDeps {
  return {
    level, reads: { entries: 0, records: 0 }, merger, blocks: createPositionBlocks(20),
    recent: { get written() { return written(); }, positions: (key) => recent.get(key.toString('latin1')) ?? [] },
  };
}

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
    const lists = prefixes.map((_, number) => someList(pick([0, 1, 30, 400, 3000]) + number));
    const all = [...new Set(lists.flat())].sort((a, b) => a - b);
    const highest = all[all.length - 1]! + 1;
    // All of it, nothing, or a part is in LevelDB, and the rest in memory.
    const written = pick([highest, 0, below(highest)]);
    const recent = new Map(prefixes.map((prefix, number) => [keyOfList(prefix).toString('latin1'), lists[number]!.filter((position) => position > written)]));
    const deps = depsFor(level, () => written, recent);
    for (const [number, prefix] of prefixes.entries()) await write(level, prefix, lists[number]!.filter((position) => position <= written));

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
    const inAny = new Set(asked.flat());
    for (const dense of [false, true, true]) {
      const held = await positionsHeld(deps, { lists: [prefixes[0]!, prefixes[3]!], dense }, sought, 100_000);
      t.strictSame(held, sought.filter((position) => inAny.has(position)), `round ${round}, ${dense ? 'dense' : 'sparse'}`);
    }
    await level.close();
  }
});

t.test('a dense list that grows is remembered as far as it goes', async (t) => {
  const directory = t.testdir();
  for (let round = 0; round < 10; round++) {
    const level = await openLevel(`${directory}/${round}`);
    let head = 0;
    const deps = depsFor(level, () => head);
    const positions: number[] = [];
    const density = pick([2, 10, 60]);
    const wrong: string[] = [];
    for (let step = 0; step < 40; step++) {
      const added: number[] = [];
      for (const to = head + pick([1, 50, 3000, 40_000]); head < to;) if (below(density) === 0) added.push(++head); else head++;
      await write(level, prefixes[0]!, added);
      positions.push(...added);
      const from = below(head);
      const sought = [...new Set(Array.from({ length: 1 + below(60) }, () => from + below(head - from + 1)))].sort((a, b) => a - b);
      const held = await positionsHeld(deps, { lists: [prefixes[0]!], dense: true }, sought, pick([5, 300, 100_000]));
      const inList = new Set(positions);
      const expected = sought.filter((position) => inList.has(position));
      if (held && held.join() !== expected.join()) wrong.push(`step ${step}: ${held.join()} for ${expected.join()}`);
    }
    t.strictSame(wrong, [], `round ${round}`);
    await level.close();
  }
});

t.test('what is remembered is not read again', async (t) => {
  const level = await openLevel(t.testdir());
  const deps = depsFor(level, () => 100_000);
  const positions = Array.from({ length: 25_000 }, (_, number) => 4 * number + 1);
  await write(level, prefixes[0]!, positions);
  const sought = Array.from({ length: 1000 }, (_, number) => 97 * number + 1);
  const expected = sought.filter((position) => position % 4 === 1);
  t.strictSame(await positionsHeld(deps, { lists: [prefixes[0]!], dense: true }, sought, 100_000), expected);
  const before = deps.reads.entries;
  t.strictSame(await positionsHeld(deps, { lists: [prefixes[0]!], dense: true }, sought, 0), expected);
  t.equal(deps.reads.entries, before);
  deps.blocks.clear();
  t.strictSame(await positionsHeld(deps, { lists: [prefixes[0]!], dense: true }, sought, 100_000), expected);
  t.ok(deps.reads.entries > before);
  await level.close();
});

t.test('what takes more entries than the budget is given up, and a dense list known better afterwards', async (t) => {
  const level = await openLevel(t.testdir());
  const deps = depsFor(level, () => 100_000);
  const positions = Array.from({ length: 1000 }, (_, number) => 100 * number);
  const batch = level.batch();
  for (const position of positions) batch.put(postingKey(prefixes[0]!, position), encodeFurther([position]));
  await batch.write();
  const ask = (dense: boolean, sought: number[], budget: number) => positionsHeld(deps, { lists: [prefixes[0]!], dense }, sought, budget);
  t.equal(await ask(false, [0, 99_900], 300), undefined);
  t.ok(deps.reads.entries <= 301);
  t.strictSame(await ask(false, [0, 99_900, 99_901], 1001), [0, 99_900]);
  const sought = [...positions.keys()].map((number) => 90 * number);
  let attempts = 1;
  while (await ask(true, sought, 500) === undefined) attempts++;
  t.ok(attempts > 1 && attempts < 5, `${attempts} attempts`);
  t.strictSame(await ask(true, sought, 0), sought.filter((position) => position % 100 === 0));
  await level.close();
});
