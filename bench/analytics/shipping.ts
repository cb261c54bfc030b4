import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startClickHouseFloor } from '../floors/clickhouse.js';
import { median } from '../rounds.js';
import type { Bench, Contender } from '../scenario.js';
import { startPlainStream, startShippedStream, type ShippedStream, type Stream } from './stream.js';
import { notKept } from './view-figures.js';

export const withoutAnalytics = 'Quipu without analytics';
/** Statements a second. */
const rates = [1000, 3000, 5000];
/** Rows that the plain insert takes. */
const plainRows = 30_000;
/** What the engine beside Quipu's may take, as QUIPU_ANALYTICS_MEMORY_BYTES has it. */
const memoryBytes = 2 * 1024 ** 3;

/** Measures the way of statements into the engine, and what it costs ingest, on a Quipu with analytics and one without. */
export async function shippingFigures(bench: Bench): Promise<void> {
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
    const floor = keep(await startClickHouseFloor(join(folder, 'floor'), memoryBytes));
    await bench.compare('analytics/shipping', 'rows/s', [shipper(shipped), {
      name: 'plain ClickHouse insert',
      round: async () => {
        const rows = await shipped.newest(bench.quick ? 5000 : plainRows);
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
  const kept: number[] = [];
  let missing = 0;
  const load = { perRequest: 10, connections: 16, perSecond: rate };
  // A lag takes longer to show than the time of an answer.
  const stretch = bench.quick ? 2 : 5;
  await bench.compare(`analytics/ingest-at/${rate}`, 'ms', [
    {
      name: 'Quipu',
      round: async (seconds) => {
        const stop = await shipped.watch();
        const sample = await shipped.post({ ...load, seconds: seconds * stretch });
        const lost = await shipped.settle();
        missing += lost;
        kept.push(sample.rate);
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
  bench.record({ scenario: `analytics/lag/${rate}`, name: 'Quipu', value: p99!, unit: 'ms', p50, p99, wrong: missing, note: median(kept.slice(1)) < 0.95 * rate ? `${notKept}: ${Math.round(median(kept.slice(1)))} statements/s` : 'p99 from stored to queryable' });
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
