import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { QuipuError } from '../xapi/errors.js';
import { everyStatement, filterCondition, momentSql, type Filters } from './filters.js';
import { summarised } from './summary-sql.js';
import { databaseOf } from './tenant-databases.js';
import { countedStatements, loadViews, renderView, summaryDefinitions, wholeTenant, type View } from './views.js';

/** Where a page begins, and what every page of one listing has in common. */
export interface PageStart {
  offset: number;
  /** Position of the newest statement that counts; the newest of all when left out. */
  horizon?: number;
  /** What counts as the present, in milliseconds since the epoch, when no `until` is given. */
  now: number;
}

/** Some rows of a view. */
export interface ViewPage {
  columns: { name: string; type: string }[];
  /** Values in the order of the columns: times as ISO 8601 in UTC, days as YYYY-MM-DD. */
  rows: unknown[][];
  /** Where the next page begins, unless this is the last. */
  next?: Required<PageStart>;
}

/** The views of the tenants' databases, with filters. */
export interface AnalyticsService {
  readonly views: ReadonlyMap<string, View>;
  /** The query that shows a view in a BI tool. */
  sqlOf(tenant: string, view: View): { database: string; select: string; definition: string };
  /**
   * The rows of a view, computed from the statements that the filters let through. Pages of one listing count the same
   * statements, however many arrive meanwhile.
   * @throws QuipuError `store-unavailable` with the reason when the engine can't be asked or the view takes too much
   */
  page(tenant: string, view: View, filters: Filters, start: PageStart, limit: number): Promise<ViewPage>;
}

/** How values look in JSON. */
const settings = { date_time_output_format: 'iso', output_format_json_quote_64bit_integers: 0, output_format_json_quote_denormals: 0 } as const;

/** ClickHouse's codes for a query that took too much time or memory, or room on disk for its groups. */
const tooMuch = new Set(['159', '160', '241', '243', '394', '396']);
/** Its codes for a database or table that isn't there. */
const missing = new Set(['60', '81']);

/** Of a tenant; what is summarised is not looked through for it. */
const newestPosition = `
  WITH (SELECT argMax(through, version) FROM quipu.summaries PREWHERE tenant = {tenant:String}) AS summarised
  SELECT greatest(summarised, max(position)) FROM quipu.statement_log PREWHERE tenant = {tenant:String} WHERE position >= summarised`;

/** What the views of the tenants need. */
export interface AnalyticsServiceDeps {
  client: ClickHouseClient;
  /** @throws QuipuError `store-unavailable` when the engine can't be asked */
  check(): void;
  /** Makes the tenant's database when it isn't there: a tenant that has stored nothing is shown nothing. */
  prepareTenant(tenant: string): Promise<void>;
}

export function createAnalyticsService({ client, check, prepareTenant }: AnalyticsServiceDeps): AnalyticsService {
  const views = loadViews();
  const definitions = summaryDefinitions();

  async function ask(query: string, params: Record<string, unknown>): Promise<{ columns: ViewPage['columns']; rows: unknown[][] }> {
    try {
      const answer = await client.query({ query, query_params: params, format: 'JSONCompact', clickhouse_settings: settings });
      const { meta = [], data } = await answer.json<unknown[]>();
      return { columns: meta, rows: data };
    } catch (error) {
      throw unavailable(error);
    }
  }

  return {
    views,
    sqlOf: (tenant, view) => {
      const database = databaseOf(tenant);
      return {
        database, select: `SELECT * FROM ${database}.${view.name} ORDER BY ${view.order} LIMIT 1000`,
        definition: renderView(view, { ...wholeTenant(database, `'${tenant}'`), byLearner: undefined }),
      };
    },
    page: async (tenant, view, filters, { offset, horizon: known, now }, limit) => {
      check();
      await prepareTenant(tenant).catch((error: unknown) => { throw error instanceof QuipuError ? error : unavailable(error); });
      const horizon = known ?? Number((await ask(newestPosition, { tenant })).rows[0]![0]);
      const counted = `(${countedStatements('{tenant:String}', '{horizon:UInt64}')})`;
      const { sql, params } = filterCondition(filters, counted);
      const statements = sql === everyStatement ? counted : `(SELECT * FROM ${counted} WHERE ${sql})`;
      const select = renderView(view, {
        statements, timezone: '{timezone:String}', now: momentSql('now'),
        ...(sql === everyStatement && filters.timezone === 'UTC' ? { byLearner: summarised({ statements, tenant: '{tenant:String}', definitions, horizon: '{horizon:UInt64}' }) } : {}),
      });
      const { columns, rows } = await ask(`SELECT * FROM (\n${select}\n) ORDER BY ${view.order} LIMIT {limit:UInt32} OFFSET {offset:UInt32}`, {
        ...params, now: filters.until ?? now, tenant, horizon, timezone: filters.timezone, limit: limit + 1, offset,
      });
      return { columns, rows: rows.slice(0, limit), ...(rows.length > limit ? { next: { offset: offset + limit, horizon, now } } : {}) };
    },
  };
}

function unavailable(error: unknown): Error {
  if (!(error instanceof ClickHouseError)) return new QuipuError('store-unavailable', 'The analytics engine does not answer.', { retryAfter: 5 });
  if (missing.has(error.code)) return new QuipuError('store-unavailable', 'The analytics engine is not ready: its tables are not made yet.', { retryAfter: 5 });
  if (error.code === '241' && error.message.includes('(total)')) return new QuipuError('store-unavailable', 'Other work has taken the memory of the analytics engine: ask again in a moment.', { retryAfter: 5 });
  if (tooMuch.has(error.code)) return new QuipuError('store-unavailable', 'The view takes more time, memory or disk than QUIPU_ANALYTICS_TIMEOUT, QUIPU_ANALYTICS_QUERY_BYTES and the free space allow: narrow it by filters.', { rule: 'query-limit' });
  return error;
}
