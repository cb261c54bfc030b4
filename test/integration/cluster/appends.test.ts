import t from 'tap';
import type { Position } from '../../../src/statements/store.js';
import { openMongoStorage, type MongoStorage } from '../../../src/storage/mongodb/open.js';
import { createRandom } from '../../contract/random.js';
import { found, numberOf, referring, sample, uuid, verb, verbKey } from '../../contract/statement-samples.js';
import { mongodbFor } from '../../services/mongodb.js';
import { joinStorage } from './storage-member.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';
t.setTimeout(300_000);

const seed = Number(process.env.QUIPU_CLUSTER_SEED ?? Date.now() % 1_000_000_000);
t.comment(`QUIPU_CLUSTER_SEED=${seed}`);

/** Storage as several processes have it. */
async function open(t: { teardown(end: () => Promise<void>): void }, count: number): Promise<MongoStorage[]> {
  const database = service!.freshDatabase();
  const members = await Promise.all(Array.from({ length: count }, () => openMongoStorage({ url: service!.url, database, pollInterval: 20 })));
  t.teardown(async () => {
    await Promise.all(members.map((member) => member.close()));
    await service!.drop(database);
  });
  return members;
}

/** Reads the feed until `over`, from one member after the other, each going on where the one before was. */
async function follow(members: MongoStorage[], tenant: string, over: () => boolean): Promise<{ position: Position; id: string }[]> {
  const read: { position: Position; id: string }[] = [];
  for (let turn = 0, last = false; ; turn++) {
    const ending = over();
    const entries = await members[turn % members.length]!.statements.feed(tenant, read.at(-1)?.position ?? 0, 7);
    for (const entry of entries) read.push({ position: entry.position, id: entry.kind === 'statement' ? entry.id : '' });
    if (last && entries.length === 0) return read;
    last = ending && entries.length === 0;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

t.test('several processes append to one tenant: each id once, no reader passes anything, references find their targets', { skip }, async (t) => {
  const members = await open(t, 3);
  const random = createRandom(seed);
  /** Ids that everybody wants, with one of two contents. */
  const contested = 25;
  const stored = new Map<number, { verbs: string; target?: number }[]>();
  let answered = 0;
  let own = 1000;

  async function work({ statements }: MongoStorage): Promise<void> {
    for (let round = 0; round < 25; round++) {
      const batch = new Map<number, { verbs: string; target?: number }>();
      for (let left = 1 + random.below(4); left > 0; left--) {
        const number = random.chance(0.6) ? random.below(contested) : own++;
        batch.set(number, { verbs: random.pick(['did', 'saw']), ...(random.chance(0.5) && { target: random.below(contested) }) });
      }
      const given = [...batch].map(([number, { verbs, target }]) => (target === undefined ? sample(number, { verb: verb(verbs) }) : referring(number, target, { verb: verb(verbs) })));
      const result = await statements.append('one', given);
      if (result.status === 'conflict') continue;
      for (const [index, [number, content]] of [...batch].entries()) {
        if (result.outcomes[index] === 'stored') stored.set(number, [...(stored.get(number) ?? []), content]);
      }
      answered += result.outcomes.filter((outcome) => outcome === 'stored').length;
    }
  }

  let done = false;
  const reading = follow(members, 'one', () => done);
  await Promise.all(members.flatMap((member) => [work(member), work(member)]));
  done = true;
  const read = await reading;
  t.ok([...stored.values()].every((contents) => contents.length === 1), 'no id was stored twice');
  t.equal(read.length, answered, 'the reader has seen every statement');
  t.strictSame(read.map(({ position }) => position), [...new Set(read.map(({ position }) => position))].sort((a, b) => a - b), 'once and in order');
  const all = await members[0]!.statements.feed('one', 0, 10_000);
  t.strictSame(read.map(({ position }) => position), all.map(({ position }) => position));
  for (const member of members) t.equal(await member.statements.count('one'), answered);

  /** Whether a statement, or one that its references lead to, has a verb. */
  const leadsTo = (number: number, wanted: string): boolean => {
    const seen = new Set<number>();
    for (let at: number | undefined = number; at !== undefined && !seen.has(at) && stored.has(at);) {
      const { verbs, target }: { verbs: string; target?: number } = stored.get(at)![0]!;
      if (verbs === wanted) return true;
      seen.add(at);
      at = target;
    }
    return false;
  };
  const order = read.map(({ id }) => numberOf({ id }));
  for (const name of ['did', 'saw']) t.strictSame(await found(members[1]!.statements, 'one', [verbKey(name)]), order.filter((number) => leadsTo(number, name)), name);
});

t.test('a subscriber hears what other processes take in', { skip }, async (t) => {
  const [one, other] = await open(t, 2) as [MongoStorage, MongoStorage];
  const heard: string[] = [];
  const leave = one.statements.subscribe((tenant) => heard.push(tenant));
  t.teardown(async () => leave());
  await other.statements.append('one', [sample(1)]);
  for (const start = Date.now(); !heard.includes('one') && Date.now() - start < 10_000;) await new Promise((resolve) => setTimeout(resolve, 5));
  t.ok(heard.includes('one'));
  t.equal((await one.statements.feed('one', 0, 10)).length, 1, 'and finds it');
});

t.test('what one process was promised as consistent, no other breaks', { skip }, async (t) => {
  const members = await open(t, 2);
  const promised: { through: number; seen: number }[] = [];
  let done = false;
  const watching = (async () => {
    while (!done) {
      const through = await members[0]!.statements.consistentThrough('one');
      promised.push({ through, seen: (await members[0]!.statements.find('one', { filters: [], ascending: true, limit: 1000, until: through })).statements.length });
    }
  })();
  await Promise.all(members.map(async ({ statements }, member) => {
    for (let round = 0; round < 20; round++) await statements.append('one', [sample(member * 100 + round)]);
  }));
  done = true;
  await watching;
  const times = (await members[1]!.statements.find('one', { filters: [], ascending: true, limit: 1000 })).statements.map(({ stored }) => stored);
  t.strictSame(promised.map(({ seen }) => seen), promised.map(({ through }) => times.filter((stored) => stored <= through).length));
});

t.test('erasures and appends of several processes at once', { skip }, async (t) => {
  const members = await open(t, 3);
  await members[0]!.statements.append('one', Array.from({ length: 30 }, (_, index) => sample(index)));
  await Promise.all(members.flatMap(({ statements }, member) => [
    statements.erase('one', { erase: Array.from({ length: 8 }, (_, index) => uuid(member * 5 + index)), redact: [] }),
    ...Array.from({ length: 5 }, (_, index) => statements.append('one', [referring(100 + member * 10 + index, 20 + index), referring(200 + member * 10 + index, index)])),
  ]));
  const { statements } = members[2]!;
  t.equal(await statements.count('one'), 30 - 18 + 30);
  const left = await found(statements, 'one');
  t.strictSame(left.filter((number) => number < 100), Array.from({ length: 12 }, (_, index) => 18 + index));
  t.strictSame(await found(statements, 'one', ['Thttps://example.org/activities/thing']), left.filter((number) => number < 200), 'references to what is erased lead nowhere');
  const erased = (await statements.feed('one', 0, 1000)).flatMap((entry) => (entry.kind === 'erasure' ? entry.erased : []));
  t.strictSame(erased.sort(), Array.from({ length: 18 }, (_, index) => uuid(index)), 'each erased once');
});

t.test('while the store is away everything is refused within seconds; what was answered is there when it is back', { skip }, async (t) => {
  const database = service!.freshDatabase();
  const { statements, canonical, link, close } = await joinStorage(service!.url, database);
  t.teardown(async () => {
    await close();
    await service!.drop(database);
  });
  await statements.append('one', [sample(1)]);
  link.cut();
  const begun = Date.now();
  const refused = { code: 'store-unavailable', status: 503, details: { retryAfter: Number } };
  await Promise.all([
    t.rejects(statements.append('one', [sample(2)]), refused), t.rejects(statements.get('one', uuid(1)), refused), t.rejects(statements.find('one', { filters: [], ascending: true, limit: 1 }), refused),
    t.rejects(statements.feed('one', 0, 1), refused), t.rejects(statements.head('one'), refused), t.rejects(statements.count('one'), refused), t.rejects(statements.consistentThrough('one'), refused),
    t.rejects(statements.erase('one', { erase: [uuid(1)], redact: [] }), refused), t.rejects(canonical.names('one', 'mbox:mailto:ann@example.org'), refused), t.rejects(canonical.forget('one', 'mbox:mailto:ann@example.org'), refused),
  ]);
  t.ok(Date.now() - begun < 10_000, 'soon');
  link.mend();
  t.match(await statements.append('one', [sample(2)]), { status: 'stored' }, 'and it goes on by itself');
  t.strictSame(await found(statements, 'one'), [1, 2]);
});

t.test('a statement that no document of the database can hold is refused', { skip }, async (t) => {
  const [{ statements }] = await open(t, 1) as [MongoStorage];
  const refused = { code: 'too-large', details: { statement: 1, rule: 'statement-size' } };
  await t.rejects(statements.append('one', [sample(1), sample(2, { context: { platform: 'x'.repeat(15 << 20) } })]), refused);
  const member = Array.from({ length: 500_000 }, (_, index) => ({ mbox: `mailto:${index}@a.b` }));
  await t.rejects(statements.append('one', [sample(1), sample(2, { actor: { objectType: 'Group', member } })]), refused);
  t.equal(await statements.count('one'), 0);
  const large = sample(3, { context: { platform: 'x'.repeat(14 << 20) } });
  t.match(await statements.append('one', [large]), { status: 'stored' });
  t.equal((await statements.get('one', uuid(3)))!.text.length > 14 << 20, true);
});
