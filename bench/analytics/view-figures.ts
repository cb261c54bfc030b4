import { loadViews } from '../../src/query/views.js';
import type { Bench } from '../scenario.js';
import { startEngine } from './engine.js';
import { fillStore, rowsFolder } from './store.js';
import { timeViews } from './views.js';

const GIB = 1024 ** 3;
/** Engine and query: what the program has when nothing else is set, and with more where a view is refused. */
const limits = [{ memoryBytes: 2 * GIB, queryBytes: GIB }, { memoryBytes: 4 * GIB, queryBytes: 2 * GIB }, { memoryBytes: 16 * GIB, queryBytes: 12 * GIB }];
const refusal = 'refused';
/** Begins the note of a figure that was to be taken at a rate that could not be kept. */
export const notKept = 'the rate was not kept';

/** Whether a figure was come by as it should: not with more memory than the program gives, nor at a lower rate than asked for. */
export function isOfLimits(note: string | undefined): boolean {
  return !note?.startsWith(refusal) && !note?.startsWith(notKept);
}

/** Group of the figures of the views' times at so many rows. */
export const timesName = (rows: number): string => `analytics/views-${rows}`;
/** The same without the summaries that the program keeps: with a filter, or before the first of them. */
export const unsummarisedName = (rows: number): string => `analytics/views-without-summary-${rows}`;
/** Group of the figures of the engine's memory meanwhile. */
export const memoryName = (rows: number): string => `analytics/memory-${rows}`;

/** Most rows at which views are asked without summaries too: at ten times as many each reads for up to two minutes. */
const MOST_UNSUMMARISED = 10_000_000;

/** Time and memory of every view at so many rows, with the summaries that the program keeps, and without them. */
export async function viewFigures(bench: Bench, rows: number): Promise<void> {
  bench.say(`views at ${rows} rows`);
  const { summarySeconds } = await fillStore(bench, rows);
  if (summarySeconds !== undefined) bench.record({ scenario: `analytics/summaries-${rows}`, name: 'Quipu', value: summarySeconds * 1000, unit: 'ms', wrong: 0, note: 'made for the first time, on one thread' });
  const names = [...loadViews().keys()];
  await askViews(bench, rows, names, { times: timesName(rows), memory: memoryName(rows) });
  if (bench.quick || rows > MOST_UNSUMMARISED) return;
  await askViews(bench, rows, names, { times: unsummarisedName(rows), memory: `analytics/memory-without-summary-${rows}`, withoutSummaries: true });
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
