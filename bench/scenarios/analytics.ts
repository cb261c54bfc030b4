import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startShippedStream, startPlainStream, type ShippedStream, type Stream } from '../analytics/stream.js';
import { startEngine } from '../analytics/engine.js';
import { loadViews } from '../../src/query/views.js';
import { fillStore, rowsFolder } from '../analytics/store.js';
import { timeViews } from '../analytics/views.js';
import { startClickHouseFloor } from '../floors/clickhouse.js';
import type { Bench, Contender, Goal, Scenario } from '../scenario.js';

const GIB = 1024 ** 3;

const withoutAnalytics = 'Quipu without analytics';
const rates = [1000, 3000, 5000];
const plainRows = 30_000;
const viewName = (rows: number): string => `analytics/views-${rows}`;
const memoryName = (rows: number): string => `analytics/memory-${rows}`;
const refusal = 'refused';
/** Engine and query: what the program has when nothing else is set, and with more where a view is refused. */
const limits = [{ memoryBytes: 2 * GIB, queryBytes: GIB }, { memoryBytes: 4 * GIB, queryBytes: 2 * GIB }, { memoryBytes: 16 * GIB, queryBytes: 12 * GIB }];

/** A ratio of Quipu to itself without analytics. */
function ratioAtLeast(scenario: string, least: number, text: string): Goal {
  return {
    scenario, text,
    reached: (figures) => {
      const ratio = figures.find(({ name }) => name === withoutAnalytics)?.ratio;
      return ratio === undefined ? undefined : ratio >= least;
    },
  };
}

/** Each figure of a group below a limit, without a view that was refused. */
function below(scenario: string, limit: number, text: string): Goal {
  return {
    scenario, text,
    reached: (figures) => (figures.length === 0 ? undefined : figures.every(({ value, note }) => value < limit && !note?.startsWith(refusal))),
  };
}

const goals: Goal[] = [
  below('analytics/lag/5000', 3000, 'at a steady 5,000 statements/s 99 of 100 can be queried within 3 s'),
  ratioAtLeast('analytics/ingest-at/5000', 1 / 1.25, "at a steady 5,000 statements/s ingest's p99 within 1.25 of that without analytics"),
  ratioAtLeast('analytics/ingest-full', 0.8, 'at the full rate at least 0.8 of the rate without analytics'),
  below(viewName(10_000_000), 1000, 'every view below 1 s at 10 million rows'),
  below(memoryName(100_000_000), 2048, 'every view within 2 GB of memory at 100 million rows'),
];

/** Analytics from the stored statement to the answered view. */
export const analytics: Scenario = {
  name: 'analytics',
  about: 'Shipping into ClickHouse against a plain insert, the time from stored to queryable, what analytics costs ingest, and the time and memory of every view.',
  goals,
  run: async (bench) => {
    await shipping(bench);
    const sizes = bench.quick ? [20_000] : [1_000_000, 10_000_000, ...bench.sizes.filter((size) => size >= 100_000_000)];
    for (const rows of sizes) await views(bench, rows);
  },
};

async function shipping(bench: Bench): Promise<void> {
  const folder = join(bench.folder, 'analytics');
  const open: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(opened: T): T => {
    open.push(opened);
    return opened;
  };
  try {
    const shipped = keep(await startShippedStream(join(folder, 'on')));
    const plain = keep(await startPlainStream(join(folder, 'off')));
    for (const rate of bench.quick ? [1000] : rates) await steadily(bench, rate, shipped, plain);
    await atFullRate(bench, shipped, plain);
    const floor = keep(await startClickHouseFloor(join(folder, 'floor'), limits[0]!.memoryBytes));
    await bench.compare('analytics/shipping', 'rows/s', [shipper(shipped), {
      name: 'plain ClickHouse insert',
      round: async () => {
        const rows = await shipped.newest(plainRows);
        floor.prepare(rows);
        const { seconds, rows: there } = await floor.insert();
        return { rate: rows.length / seconds, wrong: Math.abs(rows.length - there) };
      },
    }], 'of statements that were stored before; the plain insert takes the newest rows, ready-made');
  } finally {
    for (const opened of open.reverse()) await opened.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** How long ingest takes at a steady rate with analytics and without, and how long until its statements can be queried. */
async function steadily(bench: Bench, rate: number, shipped: ShippedStream, plain: Stream): Promise<void> {
  const lags: number[][] = [];
  let missing = 0;
  const load = { perRequest: 10, connections: 16, perSecond: rate };
  // A lag takes longer to show than the time of an answer.
  const stretch = bench.quick ? 3.5 : 5;
  await bench.compare(`analytics/ingest-at/${rate}`, 'ms', [
    {
      name: 'Quipu',
      round: async (seconds) => {
        const stop = await shipped.watch();
        const sample = await shipped.post({ ...load, seconds: seconds * stretch });
        const lost = await shipped.settle();
        missing += lost;
        lags.push(await stop());
        return { rate: sample.p99, p50: sample.p50, p99: sample.p99, wrong: sample.wrong + lost };
      },
    },
    {
      name: withoutAnalytics,
      round: async (seconds) => {
        const { p50, p99, wrong } = await plain.post({ ...load, seconds: seconds * stretch });
        return { rate: p99, p50, p99, wrong };
      },
    },
  ], 'p99 of a POST of 10');
  const all = Float64Array.from(lags.slice(1).flat()).sort();
  if (all.length === 0) return;
  const [p50, p99] = [0.5, 0.99].map((share) => all[Math.min(all.length - 1, Math.floor(all.length * share))]!);
  bench.record({ scenario: `analytics/lag/${rate}`, name: 'Quipu', value: p99!, unit: 'ms', p50, p99, wrong: missing, note: 'p99 from stored to queryable' });
}

/** What analytics costs ingest that goes as fast as it can, and how long the shipper takes to catch up. */
async function atFullRate(bench: Bench, shipped: ShippedStream, plain: Stream): Promise<void> {
  const drained: { behind: number; seconds: number }[] = [];
  const load = { perRequest: 100, connections: 16 };
  await bench.compare('analytics/ingest-full', 'statements/s', [
    {
      name: 'Quipu',
      round: async (seconds) => {
        const { rate, p50, p99, wrong } = await shipped.post({ ...load, seconds });
        const behind = await shipped.behind();
        const begun = performance.now();
        const lost = await shipped.settle();
        drained.push({ behind, seconds: (performance.now() - begun) / 1000 });
        return { rate, p50, p99, wrong: wrong + lost };
      },
    },
    { name: withoutAnalytics, round: (seconds) => plain.post({ ...load, seconds }) },
  ], 'POST of 100 at 16 connections');
  const longest = drained.slice(1).sort((a, b) => b.seconds - a.seconds)[0];
  if (longest) bench.record({ scenario: 'analytics/drain', name: 'Quipu', value: longest.seconds * 1000, unit: 'ms', wrong: 0, note: `until ${longest.behind} statements behind were shipped` });
}

/** Ships what was stored while it was paused. */
function shipper(shipped: ShippedStream): Contender {
  return {
    name: 'Quipu',
    round: async (seconds) => {
      await shipped.pause(true);
      const { wrong } = await shipped.post({ seconds, perRequest: 100, connections: 16 });
      const behind = await shipped.behind();
      await shipped.pause(false);
      const begun = performance.now();
      const lost = await shipped.settle();
      return { rate: behind / ((performance.now() - begun) / 1000), wrong: wrong + lost };
    },
  };
}

/** Time and memory of every view at so many rows, with the summaries that the program keeps, and of those that have one without it. */
async function views(bench: Bench, rows: number): Promise<void> {
  bench.say(`views at ${rows} rows`);
  const { summarySeconds } = await fillStore(bench, rows);
  if (summarySeconds !== undefined) bench.record({ scenario: `analytics/summaries-${rows}`, name: 'Quipu', value: summarySeconds * 1000, unit: 'ms', wrong: 0, note: 'made for the first time, on one thread' });
  const all = loadViews();
  await askViews(bench, rows, [...all.keys()], { times: viewName(rows), memory: memoryName(rows) });
  const summarised = [...all.values()].flatMap(({ name, byLearner }) => (byLearner === undefined ? [] : name));
  await askViews(bench, rows, summarised, { times: `analytics/views-without-summary-${rows}`, memory: `analytics/memory-without-summary-${rows}`, withoutSummaries: true });
}

/** Asks views within the program's limits, and those that are refused with more. */
async function askViews(bench: Bench, rows: number, names: readonly string[], { times, memory, withoutSummaries }: { times: string; memory: string; withoutSummaries?: boolean }): Promise<void> {
  let left = names;
  let note: string | undefined;
  for (const { memoryBytes, queryBytes } of limits) {
    if (left.length === 0) return;
    const isLast = queryBytes === limits.at(-1)!.queryBytes;
    const refused: string[] = [];
    const engine = await startEngine(rowsFolder(bench, rows), memoryBytes);
    try {
      await timeViews(engine, { queryBytes, seconds: isLast ? 900 : 60, rounds: bench.quick || withoutSummaries || note ? 1 : 3, only: left, withoutSummaries }, ({ view, milliseconds, peakBytes, refused: why, fault }) => {
        bench.say(`${view}: ${Math.round(milliseconds)} ms, ${Math.round(peakBytes / 1e6)} MB${why === undefined ? '' : `, refused (${why})`}${fault === undefined ? '' : `, WRONG: ${fault}`}`);
        if (why && !isLast) return void refused.push(view);
        const wrong = fault === undefined ? 0 : 1;
        const told = why ? `${refusal} (${why}) with ${queryBytes / GIB} GB for a query` : note;
        bench.record({ scenario: `${times}/${view}`, name: 'Quipu', value: milliseconds, unit: 'ms', wrong, note: told });
        bench.record({ scenario: `${memory}/${view}`, name: 'Quipu', value: peakBytes / (1 << 20), unit: 'MB', wrong, note: told });
      });
    } finally {
      await engine.close();
    }
    left = refused;
    note = `${refusal} with ${queryBytes / GIB} GB for a query; this is with more`;
  }
}
