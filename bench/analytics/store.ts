import { join } from 'node:path';
import type { Bench } from '../scenario.js';
import { startEngine, tenant, type Engine } from './engine.js';
import { insertRows } from './rows.js';

const block = 500_000;

/** What may run while a table is filled: merges and inserts, no queries. */
const fillingBytes = 6 * 1024 ** 3;

/** Folder of the table of so many rows. */
export function rowsFolder(bench: Pick<Bench, 'folder'>, rows: number): string {
  return join(bench.folder, `clickhouse-${rows}`);
}

/**
 * Fills a table with rows, unless it is full, waits for the engine's merges, and summarises the statements, unless that is done.
 * @returns seconds that the summaries took, where they were made
 */
export async function fillStore(bench: Pick<Bench, 'folder' | 'say'>, rows: number): Promise<{ summarySeconds?: number }> {
  const engine = await startEngine(rowsFolder(bench, rows), fillingBytes);
  try {
    await fill(engine, rows, bench);
    const [state] = await ask<{ through: string; head: string }>(engine, `SELECT (SELECT argMax(through, version) FROM quipu.summaries WHERE tenant = '${tenant}') AS through, max(position) AS head FROM quipu.statement_log`);
    if (state?.through === state?.head) return {};
    bench.say(`summaries of ${rows} rows`);
    const begun = performance.now();
    if (!(await engine.summaries.make(tenant))) throw new Error('No summaries were made');
    return { summarySeconds: (performance.now() - begun) / 1000 };
  } finally {
    await engine.close();
  }
}

async function fill(engine: Engine, rows: number, { say }: Pick<Bench, 'say'>): Promise<void> {
  const found = await ask<{ start: string }>(engine, `SELECT DISTINCT intDiv(position - 1, ${block}) * ${block} AS start FROM quipu.statement_log`);
  const there = new Set(found.map(({ start }) => Number(start)));
  const missing: number[] = [];
  for (let start = 0; start < rows; start += block) if (!there.has(start)) missing.push(start);
  if (missing.length === 0) return settled(engine);
  let done = there.size;
  const work = async (): Promise<void> => {
    for (let start = missing.shift(); start !== undefined; start = missing.shift()) {
      // One block, so that it is there as a whole or not at all.
      await engine.client.command({
        query: insertRows(tenant, start, Math.min(block, rows - start), rows),
        clickhouse_settings: { max_threads: 1, max_insert_threads: '1', max_block_size: String(block), min_insert_block_size_rows: String(block), min_insert_block_size_bytes: '0', insert_deduplicate: 0 },
      });
      done++;
      if (done % 10 === 0) say(`${done * block / 1e6} of ${rows / 1e6} million rows`);
    }
  };
  // Merged once at the end, each row is written twice and not again and again.
  await engine.client.command({ query: 'SYSTEM STOP MERGES quipu.statement_log' });
  await Promise.all([work(), work()]);
  await engine.client.command({ query: 'SYSTEM START MERGES quipu.statement_log' });
  await settled(engine);
}

/** Waits until the engine has no more to merge. */
async function settled(engine: Engine): Promise<void> {
  for (let quiet = 0; quiet < 5;) {
    const [merges] = await ask<{ n: string }>(engine, 'SELECT count() AS n FROM system.merges');
    quiet = Number(merges!.n) === 0 ? quiet + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function ask<T>(engine: Engine, query: string): Promise<T[]> {
  const answer = await engine.client.query({ query, format: 'JSONEachRow' });
  return answer.json<T>();
}
