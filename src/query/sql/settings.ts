import { queryMemory } from '../query-memory.js';
import { freeSettings, ignoredSettings } from './allowed.js';
import { SqlFailure } from './failure.js';

/** What one query may use at most. */
export interface SqlLimits {
  /** Seconds of one query. */
  executionTime: number;
  /** Bytes of memory of one query. */
  memory: number;
  /** Rows and bytes of an answer. */
  resultRows: number;
  resultBytes: number;
  /** Threads of one query. */
  threads: number;
  /** Bytes of a query's text. */
  queryBytes: number;
  /** Queries of one tenant that run at once. */
  concurrent: number;
}

export const defaultLimits: SqlLimits = {
  executionTime: 30, memory: 1024 ** 3, resultRows: 1_000_000, resultBytes: 256 * 1024 ** 2, threads: 2, queryBytes: 256 * 1024, concurrent: 8,
};

/** Settings that a query may lower, never lift: the greatest value of each. 0 means no limit to ClickHouse, and the greatest here. */
function bounds(limits: SqlLimits): Record<string, number> {
  return {
    max_execution_time: limits.executionTime, max_memory_usage: limits.memory, max_result_rows: limits.resultRows, max_result_bytes: limits.resultBytes,
    max_threads: limits.threads, max_rows_to_read: Number.MAX_SAFE_INTEGER, max_bytes_to_read: Number.MAX_SAFE_INTEGER, max_rows_to_group_by: Number.MAX_SAFE_INTEGER,
    max_rows_to_sort: Number.MAX_SAFE_INTEGER, max_bytes_to_sort: Number.MAX_SAFE_INTEGER, max_rows_in_join: Number.MAX_SAFE_INTEGER, max_bytes_in_join: Number.MAX_SAFE_INTEGER,
    max_rows_in_distinct: Number.MAX_SAFE_INTEGER, max_block_size: 65_536, max_query_size: limits.queryBytes * 4, max_estimated_execution_time: limits.executionTime,
    max_memory_usage_for_user: limits.memory * 2,
  };
}

/** Names of the settings that a query may lower. */
export const boundedSettings: ReadonlySet<string> = new Set(Object.keys(bounds(defaultLimits)));

/**
 * Settings that every query of an analyst runs with. `readonly` is 2, which lets a query set what `admitSettings` admits. The order of
 * conditions is kept, so that none is tried on a row before the view's own condition, the tenant, has let the row through: an error
 * or the time a condition takes must not tell of other tenants' rows.
 */
export function forcedSettings(limits: SqlLimits): Record<string, string> {
  return {
    readonly: '2', allow_ddl: '0', max_execution_time: String(limits.executionTime), timeout_before_checking_execution_speed: '0', timeout_overflow_mode: 'throw', ...queryMemory(limits.memory),
    max_result_rows: String(limits.resultRows), max_result_bytes: String(limits.resultBytes), result_overflow_mode: 'throw', max_threads: String(limits.threads),
    max_query_size: String(limits.queryBytes * 4), max_ast_depth: '500', max_ast_elements: '20000', max_expanded_ast_elements: '100000', max_parser_depth: '300', max_subquery_depth: '50',
    max_recursive_cte_evaluation_depth: '100', implicit_select: '0', enable_analyzer: '1', allow_introspection_functions: '0', allow_experimental_ai_functions: '0',
    allow_reorder_prewhere_conditions: '0', move_all_conditions_to_prewhere: '0', use_query_cache: '0',
  };
}

/**
 * Judges settings that a query brings, in the URL, after SET or in its SETTINGS.
 * @returns those to run it with
 * @throws SqlFailure READONLY for one that is not on the list
 */
export function admitSettings(given: Iterable<readonly [string, string]>, limits: SqlLimits): Record<string, string> {
  const most = bounds(limits);
  const admitted: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of given) {
    if (freeSettings.has(name)) admitted[name] = value;
    else if (Object.hasOwn(most, name)) admitted[name] = String(lowered(name, value, most[name] ?? 0));
    else if (name === 'result_overflow_mode' && /^(throw|break)$/.test(value)) admitted[name] = value;
    else if (name === 'readonly' && /^[12]$/.test(value)) continue;
    else if (!ignoredSettings.has(name)) throw new SqlFailure('READONLY', `Cannot modify '${name}' setting in readonly mode`);
  }
  return { ...admitted };
}

function lowered(name: string, value: string, most: number): number {
  if (!/^\d{1,20}(?:\.\d{1,9})?$/.test(value)) throw new SqlFailure('BAD_ARGUMENTS', `The setting ${name} takes a number here`);
  const wanted = Number(value);
  return wanted === 0 || wanted > most ? most : wanted;
}
