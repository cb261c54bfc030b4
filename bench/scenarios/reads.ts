import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBodies } from '../bodies.js';
import { createClient, percentile } from '../client.js';
import { cloneStore, filledId, filledStore, fillPeer, type CountedFilter, type FilledStore } from '../filled-store.js';
import { startFastifyFloor } from '../floors/start.js';
import { load, type LoadRequest } from '../load.js';
import { startQuipu, type Quipu } from '../quipu.js';
import type { Bench, Contender, Figure, Goal, Sample, Scenario, Target } from '../scenario.js';
import { filterParameters, pageFault, queryPath, type FilterKind, type PageRules } from '../statement-queries.js';

const CONNECTIONS = 16;
const LIMIT = 100;
/** Statements a second that arrive meanwhile, in batches. */
const STEADY = 500;
const STEADY_BATCH = 10;
/** Every so many answers one is looked at closely. */
const CLOSE_LOOK = 64;
/** Largest store that a peer is filled to. */
const PEER_SIZE = 170_000;
/** Size from which on a store is asked until it gets no faster: so many rounds at the most, until none of the last ones was faster by a twentieth. */
const SETTLING_SIZE = 1_000_000;
const SETTLING_ROUNDS = 30;
const SETTLING_SECONDS = 3;
const SETTLED_ROUNDS = 4;
/** Kinds of two and three filters. */
const severalFilters: readonly string[] = ['agent-verb', 'verb-activity', 'agent-verb-activity', 'verb-activity-registration', 'verb-related-activities'] satisfies FilterKind[];
/** Kinds that a short run takes. */
const quickKinds = ['agent', 'agent-verb', 'related-activities'];
const canonical = { 'Accept-Language': 'en-US, en;q=0.8' };

/** A kind of read: requests that are made in turn, and what their answers must be. */
interface Read {
  name: string;
  requests: readonly (LoadRequest & { rules: PageRules })[];
  /** Whether peers are asked the same. */
  ofPeers: boolean;
}

export const reads: Scenario = {
  name: 'reads',
  about: 'Statements by id, by filters, by time and by page, alone and while others are stored.',
  goals: goals(),
  run: async (bench) => {
    for (const size of bench.sizes) await readAt(bench, size);
  },
};

async function readAt(bench: Bench, size: number): Promise<void> {
  const store = await filledStore(bench, size);
  const peers: Target[] = [];
  if (size <= PEER_SIZE) {
    await bench.emptyPeers();
    for (const peer of bench.peers) if (await fillPeer(bench, peer, size)) peers.push(peer);
  }
  const folder = join(bench.folder, 'reads');
  await cloneStore(store, folder);
  const quipu = await startQuipu({ folder });
  const floor = await startFastifyFloor();
  try {
    // The floor's little code is compiled in no time, Quipu's takes a moment.
    await byIdContender(quipu.target, size).round(1);
    await firstAsked(bench, store, quipu.target);
    await byId(bench, store, quipu.target, floor.target, peers);
    const all = [...readsByFilter(store), ...readsByTime(store), ...await readsByPage(store, quipu.target), ...readsInFormats(store)];
    for (const read of all.filter(({ name }) => !bench.quick || quickKinds.includes(name) || name.startsWith('page'))) {
      const { wrong, lengths } = await lookClosely(bench, quipu.target, read);
      const contender = readingContender(read, true)(quipu.target);
      const settling = size >= SETTLING_SIZE && !bench.quick ? await settle(contender) : 0;
      const others = read.ofPeers && peers.length > 0 ? [preparedContender(floor.target, lengths), ...peers.map(readingContender(read, false))] : [];
      await bench.compare(`reads/${read.name}/${size}`, 'requests/s', [withWrong(contender, wrong + settling), ...others]);
    }
    await whileStoring(bench, store, all.filter(({ name }) => !bench.quick || name === 'agent'), quipu.target);
  } finally {
    await Promise.all([quipu.stop(), floor.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bare route that parses a statement and answers its id; and one that answers as many bytes as Quipu, ready-made: the least that HTTP costs. */
const floors = { parse: 'bare Fastify', answer: 'bare Fastify, prepared answer' };

/** By id, beside bare routes. */
async function byId(bench: Bench, { size }: FilledStore, target: Target, floor: Target, peers: readonly Target[]): Promise<void> {
  const bodies = createBodies({ seed: 6, perRequest: 1 });
  const contenders = [target, ...peers].map((one) => byIdContender(one, size));
  await bench.compare(`reads/id/${size}`, 'requests/s', [
    contenders[0]!,
    { name: floors.parse, round: (seconds) => load({ target: floor, connections: CONNECTIONS, seconds, request: () => ({ method: 'POST', path: '/statements', headers: { 'Content-Type': bodies.contentType }, body: bodies.next() }), expect: 200 }) },
    { name: floors.answer, round: (seconds) => load({ target: floor, connections: CONNECTIONS, seconds, request: () => ({ method: 'GET', path: '/statement' }), expect: 200 }) },
    ...contenders.slice(1),
  ]);
}

/** The bare route that answers as many bytes as Quipu does. @param lengths of Quipu's answers */
function preparedContender(floor: Target, lengths: readonly number[]): Contender {
  let turn = 0;
  const expect = (status: number, body: string, { path }: LoadRequest): boolean => status === 200 && body.length === Number(path.slice('/bytes/'.length));
  return {
    name: floors.answer,
    round: (seconds) => load({ target: floor, connections: CONNECTIONS, seconds, request: () => ({ method: 'GET', path: `/bytes/${lengths[turn++ % lengths.length]!}` }), expect }),
  };
}

/** Ids spread over the whole store, each once in a while. */
function byIdContender(target: Target, size: number): Contender {
  let number = 0;
  const request = (): LoadRequest => {
    number = (number + 7919) % size;
    return { method: 'GET', path: `/statements?statementId=${filledId(number)}` };
  };
  const expect = (status: number, body: string, { path }: LoadRequest): boolean => status === 200 && body.includes(path.slice(-36));
  return { name: target.name, round: (seconds) => load({ target, connections: CONNECTIONS, seconds, request, expect }) };
}

function read(name: string, counted: readonly CountedFilter[], more: Record<string, string> = {}, ofPeers = true): Read {
  return {
    name, ofPeers,
    requests: counted.map(({ filter, expected }) => ({
      method: 'GET', path: queryPath({ ...filterParameters(filter), limit: String(LIMIT), ...more }), headers: more.format === 'canonical' ? canonical : {},
      rules: { filter, limit: LIMIT, expected, exact: true },
    })),
  };
}

function readsByFilter({ filters, size }: FilledStore): Read[] {
  const kinds = Object.keys(filters) as FilterKind[];
  return [read('newest', [{ filter: {}, expected: size }]), ...kinds.map((kind) => read(kind, filters[kind]))];
}

/** From and to moments of the filling, of which it is known how many statements were stored until then. */
function readsByTime({ marks, size }: FilledStore): Read[] {
  const at = (time: number): string => new Date(time).toISOString();
  const timed = (name: string, requests: { parameters: Record<string, string>; expected: number }[]): Read => ({
    name, ofPeers: false,
    requests: requests.map(({ parameters, expected }) => ({
      method: 'GET', path: queryPath({ ...parameters, limit: String(LIMIT) }), rules: { filter: {}, limit: LIMIT, expected, exact: true },
    })),
  });
  return [
    timed('since', marks.map(({ time, statements }) => ({ parameters: { since: at(time) }, expected: size - statements }))),
    timed('until', marks.map(({ time, statements }) => ({ parameters: { until: at(time) }, expected: statements }))),
    timed('since-until', marks.slice(1).map(({ time, statements }, before) => ({
      parameters: { since: at(marks[before]!.time), until: at(time) }, expected: statements - marks[before]!.statements,
    }))),
  ];
}

/** The first page and the hundredth of the same lists, found by following `more`. */
async function readsByPage({ filters, size }: FilledStore, target: Target): Promise<Read[]> {
  const lists = [{ filter: {}, expected: size }, ...mostFound(filters.verb), ...mostFound(filters['related-activities'])].filter(({ expected }) => expected >= 200);
  const [first, hundredth]: [Read, Read] = [{ name: 'page-1', ofPeers: false, requests: [] }, { name: 'page-100', ofPeers: false, requests: [] }];
  const client = createClient(target);
  for (const { filter, expected } of lists) {
    const limit = Math.min(LIMIT, Math.floor(expected / 100));
    let path = queryPath({ ...filterParameters(filter), limit: String(limit) });
    first.requests = [...first.requests, { method: 'GET', path, rules: { filter, limit, expected, exact: true } }];
    for (let page = 1; page < 100; page++) {
      const { body } = await client.send({ method: 'GET', path });
      path = pathOfMore(target, (JSON.parse(body.toString()) as { more: string }).more);
    }
    hundredth.requests = [...hundredth.requests, { method: 'GET', path, rules: { filter, limit, expected: expected - 99 * limit, exact: true } }];
  }
  client.close();
  return [first, hundredth];
}

/** The filter of a kind that finds the most. */
function mostFound(counted: readonly CountedFilter[]): CountedFilter[] {
  return [...counted].sort((a, b) => b.expected - a.expected).slice(0, 1);
}

/** The path of a `more` link below the xAPI resources. @throws Error when it leads elsewhere */
function pathOfMore({ url }: Target, more: string): string {
  const { pathname, search } = new URL(more, url);
  const base = new URL(url).pathname.replace(/\/$/, '');
  if (more === '' || !pathname.startsWith(`${base}/`)) throw new Error(`There is no next page at ${JSON.stringify(more)}`);
  return `${pathname.slice(base.length)}${search}`;
}

function readsInFormats({ filters }: FilledStore): Read[] {
  return [read('agent-ids', filters.agent, { format: 'ids' }), read('agent-canonical', filters.agent, { format: 'canonical' })];
}

/** Each request once, its answer compared with what was counted when the store was filled. @returns how many were wrong, and the bytes of each answer */
async function lookClosely(bench: Bench, target: Target, { name, requests }: Read): Promise<{ wrong: number; lengths: number[] }> {
  const client = createClient(target);
  let wrong = 0;
  const lengths: number[] = [];
  for (const request of requests) {
    const { status, body } = await client.send(request);
    lengths.push(body.length);
    const fault = status === 200 ? pageFault(body.toString(), request.rules) : `status ${status}: ${body.toString().slice(0, 200)}`;
    if (fault === undefined) continue;
    wrong++;
    bench.say(`reads/${name}: ${fault}: GET ${request.path}`);
  }
  client.close();
  return { wrong, lengths };
}

/** Counts what was found wrong before with the first round. */
function withWrong(contender: Contender, wrong: number): Contender {
  let left = wrong;
  return {
    name: contender.name,
    round: async (seconds) => {
      const sample = await contender.round(seconds);
      const counted = { ...sample, wrong: sample.wrong + left };
      left = 0;
      return counted;
    },
  };
}

/**
 * The queries of several filters one by one on a store of which nothing was asked, each of another statement, so that no list but those of
 * common verbs and activities has been read before.
 */
async function firstAsked(bench: Bench, store: FilledStore, target: Target): Promise<void> {
  const kinds = readsByFilter(store).filter(({ name }) => severalFilters.includes(name));
  const client = createClient(target);
  const times: number[] = [];
  let wrong = 0;
  for (let statement = 0; statement < Math.min(...kinds.map(({ requests }) => requests.length)); statement++) {
    const request = kinds[statement % kinds.length]!.requests[statement]!;
    const begun = performance.now();
    const { status, body } = await client.send(request);
    times.push(performance.now() - begun);
    if (status !== 200 || pageFault(body.toString(), request.rules) !== undefined) wrong++;
  }
  client.close();
  bench.record({ scenario: `reads/first-asked/${store.size}`, name: 'Quipu', unit: 'ms', value: percentile(times, 0.5), p50: percentile(times, 0.5), p99: percentile(times, 0.99), wrong, note: `${times.length} queries of two and three filters, one by one` });
}

/** Asks until that gets no faster: what is read often is merged and compacted meanwhile. @returns how many answers were wrong */
async function settle(contender: Contender): Promise<number> {
  let best = 0;
  let wrongs = 0;
  for (let round = 0, since = 0; round < SETTLING_ROUNDS && since < SETTLED_ROUNDS; round++) {
    const { rate, wrong } = await contender.round(SETTLING_SECONDS);
    wrongs += wrong;
    since = rate > best * 1.05 ? 0 : since + 1;
    best = Math.max(best, rate);
  }
  return wrongs;
}

/** @param exact whether the target's store has nothing but what it was filled with */
function readingContender({ requests }: Read, exact: boolean): (target: Target) => Contender {
  let turn = 0;
  let looks = 0;
  const rules = new Map(requests.map((request) => [request.path, request.rules]));
  const expect = (status: number, body: string, { path }: LoadRequest): boolean => {
    if (status !== 200 || !body.includes('"statements"')) return false;
    if (looks++ % CLOSE_LOOK !== 0) return true;
    return pageFault(body, { ...rules.get(path)!, exact }) === undefined;
  };
  return (target) => ({ name: target.name, round: (seconds) => load({ target, connections: CONNECTIONS, seconds, request: () => requests[turn++ % requests.length]!, expect }) });
}

/** The same reads on a store of their own into which statements arrive at a steady rate, beside those alone. */
async function whileStoring(bench: Bench, store: FilledStore, all: readonly Read[], alone: Target): Promise<void> {
  const folder = join(bench.folder, 'reads-while-storing');
  const bodies = createBodies({ seed: 5, perRequest: STEADY_BATCH });
  for (const read of all) {
    let quipu: Quipu | undefined;
    const reading = readingContender(read, false);
    const stored: Sample[] = [];

    async function round(seconds: number): Promise<Sample> {
      // Anew for each kind of read, or it would grow from one to the next.
      if (!quipu) {
        await cloneStore(store, folder);
        quipu = await startQuipu({ folder });
      }
      const { target } = quipu;
      const storing = load({
        target, connections: 4, seconds, expect: 200, statementsPerRequest: STEADY_BATCH, requestsPerSecond: STEADY / STEADY_BATCH,
        request: () => ({ method: 'POST', path: '/statements', headers: { 'Content-Type': bodies.contentType }, body: bodies.next() }),
      });
      const [sample, beside] = await Promise.all([reading(target).round(seconds), storing]);
      stored.push(beside);
      return { ...sample, wrong: sample.wrong + beside.wrong };
    }

    try {
      const scenario = `reads/while-storing/${read.name}/${store.size}`;
      await bench.compare(scenario, 'requests/s', [readingContender(read, true)(alone), { name: 'Quipu, storing', round }], `${STEADY} statements/s arrive meanwhile, on a copy of which nothing was asked before`);
      const last = stored.at(-1);
      if (last) bench.record({ scenario: `${scenario}/stored`, name: 'Quipu', value: last.rate, unit: 'statements/s', p50: last.p50, p99: last.p99, wrong: 0 });
    } finally {
      await quipu?.stop();
    }
  }
  await rm(folder, { recursive: true, force: true });
}

function goals(): Goal[] {
  const filters = ['newest', 'agent', 'verb', 'activity', 'registration', 'agent-verb', 'verb-activity', 'agent-verb-activity', 'verb-activity-registration', 'related-agents', 'related-activities', 'verb-related-activities', 'since', 'until', 'since-until'];
  const named = (figures: readonly Figure[], name: string, size: number | string): Figure | undefined => figures.find((figure) => figure.scenario === `reads/${name}/${size}` && figure.name === 'Quipu');
  const all = (judged: (boolean | undefined)[]): boolean | undefined => {
    if (judged.includes(false)) return false;
    return judged.length === 0 || judged.includes(undefined) ? undefined : true;
  };
  const atLeast = (value: number | undefined, least: number): boolean | undefined => (value === undefined ? undefined : value >= least);
  const peerRatios = (figures: readonly Figure[], kinds: readonly string[]): (number | undefined)[] =>
    figures.filter(({ scenario, name, value }) => kinds.includes(scenario.split('/')[1]!) && scenario.startsWith('reads/') && name !== 'Quipu' && !Object.values(floors).includes(name) && value > 0).map(({ ratio }) => ratio);
  return [
    ...[1_000_000, 10_000_000].map((size): Goal => ({
      scenario: 'reads', text: `every filter at ${size} statements with limit 100: at least 500 requests/s, p99 below 100 ms`,
      reached: (figures) => all(filters.map((name) => {
        const figure = named(figures, name, size);
        return figure && figure.value >= 500 && (figure.p99 ?? Infinity) < 100;
      })),
    })),
    { scenario: 'reads', text: 'by id at least 0.6 of the bare Fastify route that parses a statement', reached: (figures) => all(figures.filter(({ scenario, name }) => scenario.startsWith('reads/id/') && name === floors.parse).map(({ ratio }) => atLeast(ratio, 0.6))) },
    {
      scenario: 'reads', text: 'the hundredth page no dearer than the first (0.9 of its rate or more)',
      reached: (figures) => all(figures.filter(({ scenario, name }) => scenario.startsWith('reads/page-100/') && name === 'Quipu')
        .map((figure) => atLeast(figure.value / (named(figures, 'page-1', figure.scenario.split('/')[2]!)?.value ?? NaN), 0.9))),
    },
    {
      scenario: 'reads', text: 'every read at 10 million statements at least 0.8 of its rate at 100 thousand',
      reached: (figures) => all(['id', ...filters].map((name) => {
        const [small, large] = [named(figures, name, 100_000), named(figures, name, 10_000_000)];
        return small && large && large.value >= 0.8 * small.value;
      })),
    },
    { scenario: 'reads', text: 'every filter at least 15 times the best peer', reached: (figures) => all(peerRatios(figures, filters).map((ratio) => atLeast(ratio, 15))) },
    { scenario: 'reads', text: 'by id at least 2 times the best peer', reached: (figures) => all(peerRatios(figures, ['id']).map((ratio) => atLeast(ratio, 2))) },
  ];
}
