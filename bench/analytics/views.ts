import { setTimeout as wait } from 'node:timers/promises';
import { createAnalyticsService } from '../../src/query/service.js';
import { databaseOf } from '../../src/query/tenant-databases.js';
import { QuipuError } from '../../src/xapi/errors.js';
import { tenant, type Engine } from './engine.js';
import { present } from './rows.js';

/** What asking a view gave. */
export interface ViewTiming {
  view: string;
  /** Median over the times that it was asked. */
  milliseconds: number;
  /** Peak of the engine's resident memory meanwhile. */
  peakBytes: number;
  /** Why it was not answered, where it took more than it may: `limit` is that of a query, `engine` the engine's end. */
  refused?: 'limit' | 'engine';
  /** What is wrong with the answer. */
  fault?: string;
}

/** How views are asked. */
export interface ViewRound {
  /** Most bytes and seconds of a query, as QUIPU_ANALYTICS_QUERY_BYTES and QUIPU_ANALYTICS_TIMEOUT say. */
  queryBytes: number;
  seconds: number;
  /** How often each is asked. */
  rounds: number;
  /** These views alone. */
  only?: readonly string[];
  /** Read statements alone, as with a filter or before the first summary. */
  withoutSummaries?: boolean;
}

/** Asks for the first thousand rows of each view, as the query API does, and tells each as soon as it is known. */
export async function timeViews(engine: Engine, { queryBytes, seconds, rounds, only, withoutSummaries = false }: ViewRound, tell: (timing: ViewTiming) => void): Promise<void> {
  const service = createAnalyticsService({ client: engine.limited(queryBytes, seconds), check: () => undefined, prepareTenant: async () => undefined });
  // A period in which everything lies: the views that read summaries don't with a filter.
  const statements = await countOf(engine);
  const filters = { timezone: 'UTC', descendants: false, ...(withoutSummaries ? { since: 0 } : {}) };
  for (const view of service.views.values()) {
    if (only && !only.includes(view.name)) continue;
    await settled(engine);
    const starts = engine.starts();
    const times: number[] = [];
    let problem: Pick<ViewTiming, 'refused' | 'fault'> = {};
    while (times.length < rounds && Object.keys(problem).length === 0) {
      const begun = performance.now();
      try {
        const { columns, rows } = await service.page(tenant, view, filters, { offset: 0, now: present }, 1000);
        const names = columns.map(({ name }) => name).join();
        if (names !== view.columns.map(({ name }) => name).join()) problem = { fault: `its columns are ${names}` };
        else if (rows.length === 0) problem = { fault: 'it has no rows' };
        else if (view.name === 'key_figures' && Number(rows[0]![0]) !== statements) problem = { fault: `it counts ${String(rows[0]![0])} of ${statements} statements` };
      } catch (error) {
        if (error instanceof QuipuError && error.details.rule === 'query-limit') problem = { refused: 'limit' };
        else if (engine.starts() > starts) problem = { refused: 'engine' };
        else problem = { fault: error instanceof Error ? error.message : String(error) };
      }
      times.push(performance.now() - begun);
    }
    times.sort((a, b) => a - b);
    tell({ view: view.name, milliseconds: times[times.length >> 1]!, peakBytes: engine.peakBytes(), ...problem });
  }
}

/** Statements that are not voided. */
async function countOf({ client }: Engine): Promise<number> {
  const found = await client.query({ query: `SELECT toFloat64(count()) AS statements FROM ${databaseOf(tenant)}.statements`, format: 'JSONEachRow' });
  return (await found.json<{ statements: number }>())[0]!.statements;
}

/** Waits until the engine answers, gives back the memory of the query before, and forgets the peak of that. */
async function settled(engine: Engine): Promise<void> {
  for (let tries = 0; !(await engine.client.ping()).success; tries++) {
    if (tries > 300) throw new Error('The analytics engine does not come back');
    await wait(200);
  }
  await engine.client.command({ query: 'SYSTEM JEMALLOC PURGE' }).catch(() => undefined);
  engine.peakBytes();
}
