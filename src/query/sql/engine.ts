import type { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { engineFailure, SqlFailure } from './failure.js';

/** One statement for the engine. */
export interface EngineQuery {
  sql: string;
  /** The database that names without one belong to. */
  database?: string;
  settings?: Readonly<Record<string, string>>;
  /** Values of `{name:Type}`, as they stand in the URL of ClickHouse's HTTP interface. */
  parameters?: Readonly<Record<string, string>>;
  queryId?: string;
  signal?: AbortSignal;
}

/** What came back: the body as the engine wrote it. */
export interface EngineAnswer {
  stream: Readable;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The engine as the SQL interface uses it. */
export interface SqlEngine {
  /**
   * Runs one statement; the FORMAT of its answer is in its text.
   * @throws SqlFailure with the engine's number and text; NETWORK_ERROR when the engine is away
   */
  run(query: EngineQuery): Promise<EngineAnswer>;
  /** The rows of one statement without FORMAT. @throws as `run` */
  rows<T>(query: EngineQuery): Promise<T[]>;
}

/** The engine behind a client of it. */
export function createSqlEngine(client: ClickHouseClient): SqlEngine {
  async function run({ sql, database, settings, parameters, queryId, signal }: EngineQuery): Promise<EngineAnswer> {
    const given = Object.fromEntries(Object.entries(parameters ?? {}).map(([name, value]) => [`param_${name}`, value]));
    const where = database === undefined ? {} : { database };
    try {
      const { stream, response_headers: headers } = await client.exec({
        query: sql, query_id: queryId, abort_signal: signal,
        // Parameters go as they came: query_params would escape them a second time. The client puts all of these into the URL.
        clickhouse_settings: { ...settings, ...given, ...where },
      });
      return { stream, headers };
    } catch (error) {
      throw failureOf(error);
    }
  }

  return {
    run,
    async rows<T>(query: EngineQuery) {
      const { stream } = await run({ ...query, sql: `${query.sql} FORMAT JSONEachRow` });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      // A query that is explained may set output_format_json_array_of_rows, which puts brackets and commas around the rows.
      return text.split('\n').filter((line) => line.includes('{')).map((line) => JSON.parse(line.slice(line.indexOf('{'), line.lastIndexOf('}') + 1)) as T);
    },
  };
}

const inText = /Code: (\d+)\. DB::Exception: ([^]*?)\(([A-Z][A-Z0-9_]{2,})\)(?: \(version [^)]*\)[^)]*\))?\s*$/;

/** What the client threw, as the engine said it. */
export function failureOf(error: unknown): SqlFailure {
  if (error instanceof SqlFailure) return error;
  const { code, type, message } = error as { code?: unknown; type?: unknown; message?: unknown };
  if (typeof code === 'string' && /^\d+$/.test(code)) return engineFailure(Number(code), typeof type === 'string' ? type : 'UNKNOWN_EXCEPTION', tidy(String(message)));
  const found = inText.exec(String(message));
  if (found) return engineFailure(Number(found[1]), String(found[3]), tidy(String(found[2])));
  return new SqlFailure('NETWORK_ERROR', 'The analytics engine is not reachable at the moment');
}

function tidy(message: string): string {
  return message.replace(/^(?:Query failed: )?(?:Code: \d+\. )?DB::Exception: /, '').trim();
}
