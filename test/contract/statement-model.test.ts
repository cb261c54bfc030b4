import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import tap from 'tap';
import type { Cursor, NewStatement, StatementPage, StatementQuery } from '../../src/statements/store.js';
import { agentIdentifier } from '../../src/xapi/actors.js';
import { filterKeys, type StatementKey } from '../../src/xapi/statement-keys.js';
import type { Activity, Actor, Context, Statement } from '../../src/xapi/types.js';
import { contract, openFor, statementAdapters, type Adapter, type TestStorage } from './adapters.js';
import { createRandom, type Random } from './random.js';
import { activity, agent, attachment, incoming, nextMillisecond, reference, uuid, verb, voided } from './statement-samples.js';
import { createModel, type ModelQuery, type ModelStatement } from './statement-model.js';

/** Seed of the first history; the next one has the next number. */
const firstSeed = Number(process.env.QUIPU_MODEL_SEED ?? Date.now() % 1_000_000_000);
/** Histories per adapter; of one that takes long over each, the share that it names. */
const given = process.env.QUIPU_MODEL_ROUNDS;
const roundsOf = ({ histories = 1 }: Adapter): number => (given === undefined ? Math.ceil(20 * histories) : Number(given));
/** Steps of one history. */
const steps = 120;

/** So few of everything that things meet. */
const idCount = 80;
const agents: Actor[] = [...['ann', 'bob', 'cid', 'dan'].map(agent), { objectType: 'Agent', account: { homePage: 'https://example.org', name: 'eve' } }];
const authorities: Actor[] = [agent('lrp'), agents[0]!, agents[4]!];
const verbs = ['did', 'saw', 'read'].map((name) => verb(name).id);
const activities = ['a', 'b', 'c', 'd'].map((name) => activity(name).id);
const allIds = Array.from({ length: idCount }, (_, number) => uuid(number));
const registrations = [1, 2, 3].map((number) => uuid(0xabc000 + number));

tap.setTimeout(60_000 + Number(given ?? 20) * 60_000);

contract(async (t, adapter) => {
  const rounds = roundsOf(adapter);
  t.setTimeout(60_000 + rounds * 60_000);
  t.comment(`QUIPU_MODEL_SEED=${firstSeed} QUIPU_MODEL_ROUNDS=${rounds}`);
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const log: string[] = [];
    let failure: unknown;
    await t.test(`history ${seed}`, async (t) => {
      const storage = await openFor(t, adapter);
      await runHistory(storage, seed, (line) => log.push(line)).catch((error: unknown) => { failure = error; });
    });
    if (failure === undefined) continue;
    t.comment(log.join('\n'));
    t.fail(`history ${seed}: run it alone with QUIPU_MODEL_SEED=${seed} QUIPU_MODEL_ROUNDS=1`, { found: inspect(failure, { depth: 4 }) });
    return;
  }
}, statementAdapters);

/** One random history in two tenants that share ids, against a model for each. */
async function runHistory(storage: TestStorage, seed: number, note: (line: string) => void): Promise<void> {
  const random = createRandom(seed);
  const histories = ['one', 'other'].map((name) => createHistory(storage, `${seed}-${name}`, random, note));
  for (let step = 0; step < steps; step++) {
    const history = random.pick([histories[0]!, histories[0]!, histories[0]!, histories[1]!]);
    if (random.chance(0.02)) {
      note('reopen');
      await storage.reopen();
    } else if (random.chance(0.5)) {
      await history.change();
    } else {
      await history.askAnything();
    }
  }
  for (const history of histories) await history.checkAll();
}

function createHistory(storage: TestStorage, tenant: string, random: Random, note: (line: string) => void) {
  const model = createModel();
  const store = () => storage.current.statements;
  const anyId = () => random.pick(allIds);

  /** Appends a batch and compares the answer, and what it says of `stored` and the text. */
  async function append(): Promise<void> {
    const batch: { statement: NewStatement; content: string }[] = [];
    for (let left = random.pick([1, 1, 2, 4, 8]); left > 0; left--) {
      const isFree = (id: string) => !model.get(id) && !batch.some(({ statement }) => statement.id === id);
      const free = allIds.filter(isFree);
      batch.push(makeStatement(random, anyId, free.length > 0 && random.chance(0.97) ? random.pick(free) : anyId(), model.all()));
    }
    const expected = model.judge(batch);
    note(`${tenant} append ${batch.map(({ content, statement }) => `${statement.id.slice(-2)}: ${content}`).join(' | ')} -> ${JSON.stringify(expected)}`);
    const head = await store().head(tenant);
    assert.deepEqual(await store().append(tenant, batch.map(({ statement }) => statement)), expected);
    if (expected.status === 'conflict') return assert.equal(await store().head(tenant), head, 'a conflict moves nothing');
    let last = head;
    for (const [index, { statement, content }] of batch.entries()) {
      if (expected.outcomes[index] !== 'stored') continue;
      const made = await store().get(tenant, statement.id);
      assert.ok(made && made.position > last, 'positions ascend');
      last = made.position;
      const stamp = new Date(made.stored).toISOString();
      const value: Statement = { ...(JSON.parse(`${statement.text.toString()}}`) as Statement), ...(statement.value.timestamp === undefined && { timestamp: stamp }), stored: stamp };
      assert.deepEqual(JSON.parse(made.text.toString()), value);
      model.add({ id: statement.id, content, text: made.text.toString(), value, target: statement.target, voids: statement.voids, position: made.position, stored: made.stored });
    }
    if (random.chance(0.3)) await nextMillisecond();
  }

  async function erase(): Promise<void> {
    const ids = [...new Set(random.several(random.below(4), idCount).map(uuid))];
    const redactions = random.several(random.below(3), idCount).map(uuid).filter((id, index, all) => !ids.includes(id) && all.indexOf(id) === index).map((id) => redact(model.get(id), id));
    note(`${tenant} erase ${ids.map((id) => id.slice(-2))} redact ${redactions.map(({ id }) => id.slice(-2))}`);
    await store().erase(tenant, { erase: ids, redact: redactions.map(({ id, text, value }) => ({ id, text, value })) });
    model.erase(await store().head(tenant), ids, redactions);
  }

  /** The statement with another actor. */
  function redact(statement: ModelStatement | undefined, id: string): { id: string; text: string; value: Statement; content: string } {
    const actor = random.pick(agents);
    const value: Statement = { ...(statement?.value ?? { verb: { id: verbs[0]! }, object: { id: activities[0]! } }), actor };
    const content = statement ? JSON.stringify({ ...(JSON.parse(statement.content) as object), actor }) : '';
    return { id, text: JSON.stringify(value), value, content };
  }

  const askAnything = () => ask(makeQuery(random, model.all()), 0.1);
  const change = () => (random.chance(0.12) ? erase() : append());

  /** Asks one query to its end, with something happening between two pages now and then. */
  async function ask(query: ModelQuery, disturbed: number): Promise<void> {
    const ascending = random.chance(0.5);
    const limit = random.pick([1, 2, 3, 5, 8, 100]);
    const maxBytes = random.chance(0.15) ? random.pick([1, 600, 1500]) : undefined;
    const asked: StatementQuery = {
      filters: toFilters(query), ascending, limit,
      ...(query.since !== undefined && { since: query.since }), ...(query.until !== undefined && { until: query.until }),
      ...(query.includeVoided !== undefined && { includeVoided: query.includeVoided }), ...(maxBytes !== undefined && { maxBytes }),
    };
    const horizon = await store().head(tenant);
    let cursor: Cursor | undefined;
    let last: number | undefined;
    do {
      const page: StatementPage = await store().find(tenant, { ...asked, ...(cursor && { cursor }) });
      const rest = model.find(query).filter(({ position }) => position <= horizon && (last === undefined || (ascending ? position > last : position < last)));
      if (!ascending) rest.reverse();
      const expected = firstPage(rest, limit, maxBytes);
      const shown = (one: ModelStatement) => ({ id: one.id, position: one.position, stored: one.stored, text: one.text, voided: model.isVoided(one) });
      assert.deepEqual(page.statements.map(({ id, position, stored, text, voided: isVoided }) => ({ id, position, stored, text: text.toString(), voided: isVoided })), expected.map(shown), `${tenant} ${JSON.stringify(asked)} after ${last}`);
      assert.equal(page.next !== undefined, rest.length > expected.length, `${tenant} more after ${JSON.stringify(asked)}`);
      cursor = page.next;
      last = page.statements.at(-1)?.position;
      if (cursor && random.chance(disturbed)) await change();
    } while (cursor);
  }

  /** Every statement by id, the feed, the count, and each filter alone. */
  async function checkAll(): Promise<void> {
    for (let number = 0; number < idCount; number++) {
      const [stored, expected] = [await store().get(tenant, uuid(number)), model.get(uuid(number))];
      assert.deepEqual(stored && [stored.text.toString(), stored.position, stored.stored, stored.voided], expected && [expected.text, expected.position, expected.stored, model.isVoided(expected)], `get ${number}`);
    }
    assert.equal(await store().count(tenant), model.all().length);
    const feed = await store().feed(tenant, 0, 10_000);
    assert.deepEqual(feed.map((entry) => (entry.kind === 'statement' ? { statement: entry.id } : { erased: entry.erased, redacted: entry.redacted })), model.feed());
    const middle = feed[random.below(feed.length)];
    if (middle) assert.deepEqual(await store().feed(tenant, middle.position, 3), feed.filter(({ position }) => position > middle.position).slice(0, 3));
    const queries: ModelQuery[] = [
      {}, { includeVoided: true },
      ...agents.flatMap((each) => [{ agent: each }, { agent: each, relatedAgents: true }]), ...authorities.map((authority) => ({ authority })),
      ...verbs.map((id) => ({ verb: id })), ...activities.flatMap((id) => [{ activity: id }, { activity: id, relatedActivities: true }]), ...registrations.map((registration) => ({ registration })),
    ];
    for (const query of queries) {
      await ask(query, 0);
      const matching = feed.filter((entry) => entry.kind === 'statement' && store().matches(entry, toFilters(query)));
      assert.deepEqual(matching.map(({ position }) => position), model.find({ ...query, includeVoided: true }).map(({ position }) => position), `matches ${JSON.stringify(query)}`);
    }
  }

  return { change, askAnything, checkAll };
}

function firstPage(rest: ModelStatement[], limit: number, maxBytes = Infinity): ModelStatement[] {
  const page: ModelStatement[] = [];
  let bytes = 0;
  for (const statement of rest.slice(0, limit)) {
    bytes += Buffer.byteLength(statement.text);
    if (page.length > 0 && bytes > maxBytes) break;
    page.push(statement);
  }
  return page;
}

function toFilters(query: ModelQuery): StatementKey[][] {
  const filters = filterKeys(query);
  if (query.authority) filters.push([`U${agentIdentifier(query.authority)}`]);
  return filters;
}

/** A statement of any kind with a new id, or one like another that is stored; and what tells equal ones from others. */
function makeStatement(random: Random, anyId: () => string, newId: string, known: ModelStatement[]): { statement: NewStatement; content: string } {
  if (known.length > 0 && random.chance(0.12)) {
    const { id, content } = random.pick(known);
    return { statement: incoming({ ...(JSON.parse(content) as Statement), id: random.pick([id, id.toUpperCase()]) }, { authority: random.pick(authorities) }), content };
  }
  const sent: Statement = random.chance(0.1)
    ? { actor: random.pick(agents), verb: { id: voided }, object: reference(anyId()) }
    : { actor: makeActor(random), verb: { id: random.pick(verbs) }, object: makeObject(random, anyId) };
  if (random.chance(0.5)) sent.context = makeContext(random, anyId);
  if (random.chance(0.2)) sent.timestamp = '2026-01-01T00:00:00Z';
  if (random.chance(0.1)) sent.attachments = [attachment('ab')];
  return { statement: incoming({ id: random.chance(0.9) ? newId : newId.toUpperCase(), ...sent }, { authority: random.pick(authorities) }), content: JSON.stringify(sent) };
}

function makeActor(random: Random): Actor {
  if (random.chance(0.75)) return random.pick(agents);
  const member = random.several(1 + random.below(2), agents.length).sort().map((index) => agents[index]!);
  return random.chance(0.5) ? { objectType: 'Group', member } : { objectType: 'Group', mbox: random.pick(['mailto:dan@Example.org', 'mailto:team@example.org']), member };
}

function makeObject(random: Random, anyId: () => string): Statement['object'] {
  if (random.chance(0.4)) return reference(random.chance(0.5) ? anyId() : anyId().toUpperCase());
  if (random.chance(0.15)) return makeActor(random);
  if (random.chance(0.2)) {
    return { objectType: 'SubStatement', actor: makeActor(random), verb: { id: random.pick(verbs) }, object: random.pick([{ id: random.pick(activities) }, makeActor(random), reference(anyId())]), context: makeContext(random, anyId) };
  }
  return { id: random.pick(activities) };
}

function makeContext(random: Random, anyId: () => string): Context {
  const some = (): Activity[] => random.several(1 + random.below(2), activities.length).map((index) => ({ id: activities[index]! }));
  return {
    ...(random.chance(0.5) && { registration: random.chance(0.5) ? random.pick(registrations) : random.pick(registrations).toUpperCase() }),
    ...(random.chance(0.2) && { instructor: makeActor(random) }),
    ...(random.chance(0.2) && { team: { objectType: 'Group' as const, member: [random.pick(agents)] } }),
    ...(random.chance(0.1) && { contextAgents: [{ objectType: 'contextAgent' as const, agent: random.pick(agents) }] }),
    ...(random.chance(0.1) && { contextGroups: [{ objectType: 'contextGroup' as const, group: { objectType: 'Group' as const, member: [random.pick(agents)] } }] }),
    ...(random.chance(0.4) && { contextActivities: { [random.pick(['parent', 'grouping', 'category', 'other'])]: some() } }),
    ...(random.chance(0.1) && { statement: reference(anyId()) }),
  };
}

/** Any combination of filters and bounds. */
function makeQuery(random: Random, known: ModelStatement[]): ModelQuery {
  const time = () => (known.length > 0 ? random.pick(known).stored + random.pick([-1, 0, 0, 1]) : 0);
  return {
    ...(random.chance(0.4) && { agent: random.pick(agents), relatedAgents: random.chance(0.5) }),
    ...(random.chance(0.3) && { verb: random.pick([...verbs, voided, 'https://example.org/verbs/never']) }),
    ...(random.chance(0.4) && { activity: random.pick(activities), relatedActivities: random.chance(0.5) }),
    ...(random.chance(0.2) && { registration: random.pick(registrations) }),
    ...(random.chance(0.15) && { authority: random.pick(authorities) }),
    ...(random.chance(0.2) && { since: time() }),
    ...(random.chance(0.2) && { until: time() }),
    ...(random.chance(0.15) && { includeVoided: true }),
  };
}
