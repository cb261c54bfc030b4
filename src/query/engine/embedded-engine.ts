import { randomUUID } from 'node:crypto';
import { EngineException, exceptionOf } from './exception.js';
import type { StatementText } from './statement-text.js';

/** The part of the package `chdb` that is used; the package is optional and may be missing. */
interface ChdbSession {
  queryAsync(sql: string, options?: { format?: string }): Promise<{ elapsed: number; rowsRead: number; bytesRead: number; bytes(): Uint8Array; text(): string }>;
  queryStream(sql: string, options?: { format?: string }): AsyncIterable<{ raw(): Uint8Array }>;
  insert(request: { table: string; columns?: string[]; values: Buffer; format: string }): Promise<{ rowsWritten: number; bytesWritten: number; elapsed: number }>;
  close(): void;
}
interface Chdb {
  Session: new (path: string, options?: { connectionArgs?: string[] }) => ChdbSession;
}

/** One statement to run. */
export interface EngineStatement extends StatementText {
  /** Rows of an INSERT, in the format that the statement names at its end. */
  data?: Buffer;
  database?: string;
  /** Format of the result unless the statement names one. */
  format: string;
  /** By name; `param_x` gives a value to the parameter `{x:Type}`. */
  settings: ReadonlyMap<string, string>;
  /** Whether the result may come in pieces; otherwise an error shows before the first byte. */
  mayStream: boolean;
}

/** What a statement gave. */
export interface EngineResult {
  /** Pieces of the result; throws EngineException when the statement fails on its way. */
  chunks: AsyncIterable<Uint8Array>;
  /** Counts for `X-ClickHouse-Summary`, as far as they are known when the first byte is there. */
  summary: Record<string, string>;
}

/** ClickHouse's engine inside this process. One process at a time may open a folder. */
export interface EmbeddedEngine {
  readonly version: string;
  readonly timezone: string;
  /**
   * Runs a statement on a connection of its own, so that no setting, database or parameter outlives it.
   * @param signal ends the statement
   * @throws EngineException
   */
  run(statement: EngineStatement, signal: AbortSignal): Promise<EngineResult>;
  close(): void;
}

/** First words of statements that only read, nothing where they begin with a parenthesis: nobody minds when they end with the process. */
const reading = /^(?:|SELECT|WITH|EXPLAIN|DESCRIBE|DESC|SHOW|EXISTS)$/;

/** What happens to a statement that reads on after it was ended, since the engine looks for that between blocks alone, not within a function. */
export interface StubbornOptions {
  /** Milliseconds that it is given. */
  patience: number;
  /** Called then. */
  onStubborn(): void;
}

/**
 * @param path folder of its data
 * @param memoryBytes what all statements together may take
 * @throws EngineException, or ERR_MODULE_NOT_FOUND when the package is missing
 */
export async function openEmbeddedEngine(path: string, memoryBytes: number, { patience, onStubborn }: StubbornOptions): Promise<EmbeddedEngine> {
  const name = 'chdb';
  const { Session } = await import(name) as Chdb;
  const root = new Session(path, { connectionArgs: [`--max_server_memory_usage=${memoryBytes}`] });
  const [version = '', timezone = 'UTC'] = (await root.queryAsync('SELECT version(), timezone()', { format: 'TabSeparated' })).text().trim().split('\t');

  async function run(statement: EngineStatement, signal: AbortSignal): Promise<EngineResult> {
    const session = new Session(path);
    const mark = randomUUID();
    let impatience: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      if (reading.test(statement.verb)) impatience = setTimeout(onStubborn, patience);
      root.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${mark}' ASYNC`).catch(() => undefined);
    };
    const end = (): void => {
      clearTimeout(impatience);
      signal.removeEventListener('abort', cancel);
      session.close();
    };
    try {
      if (statement.database !== undefined) await session.queryAsync(`USE ${quoteIdentifier(statement.database)}`);
      await set(session, new Map([...statement.settings, ['log_comment', mark]]));
      if (signal.aborted) throw new EngineException(394, 'Query was cancelled. (QUERY_WAS_CANCELLED)');
      signal.addEventListener('abort', cancel);
      if (statement.data !== undefined) return done(await insert(session, statement.sql, statement.data), end);
      if (statement.mayStream && /^(SELECT|WITH)$/.test(statement.verb)) return await stream(session, statement, end);
      const result = await session.queryAsync(statement.sql, { format: statement.format });
      const bytes = result.bytes();
      return done({ bytes, rows: resultRows(statement.format, bytes), read: [result.rowsRead, result.bytesRead], written: [0, 0], elapsed: result.elapsed }, end);
    } catch (error) {
      end();
      throw exceptionOf(error);
    }
  }

  return { version, timezone, run, close: () => root.close() };
}

interface Outcome {
  bytes: Uint8Array;
  /** Rows of the result, as far as they are known: see `resultRows`. */
  rows?: number;
  /** Rows and bytes. */
  read: [number, number];
  written: [number, number];
  /** Seconds. */
  elapsed: number;
}

function done({ bytes, rows = 0, read, written, elapsed }: Outcome, end: () => void): EngineResult {
  end();
  return {
    chunks: (async function* () {
      if (bytes.length > 0) yield bytes;
    })(),
    summary: {
      read_rows: String(read[0]), read_bytes: String(read[1]), written_rows: String(written[0]), written_bytes: String(written[1]),
      total_rows_to_read: '0', result_rows: String(rows), result_bytes: String(bytes.length), elapsed_ns: String(Math.round(elapsed * 1e9)),
    },
  };
}

/**
 * Rows of a result. The engine does not tell them, and clients such as the JDBC driver take a result of none for empty: what has a line a
 * row is counted, of the binary format with a header it is told whether a row follows that, and anything else counts as one.
 */
export function resultRows(format: string, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  if (/^(?:JSON(?:Compact)?EachRow|TabSeparated|TSV)$/.test(format)) return bytes.reduce((lines, byte) => lines + (byte === 10 ? 1 : 0), 0);
  return format === 'RowBinaryWithNamesAndTypes' && headerEnd(bytes) >= bytes.length ? 0 : 1;
}

/** Where the header of RowBinaryWithNamesAndTypes ends: a count, and as many names and types, each with its length before it. */
function headerEnd(bytes: Uint8Array): number {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  for (let texts = number() * 2; texts > 0 && at < bytes.length; texts--) {
    const length = number();
    at += length;
  }
  return at;
}

/** Begins a SELECT; its first piece is awaited, so that what fails at once fails here. */
async function stream(session: ChdbSession, { sql, format }: EngineStatement, end: () => void): Promise<EngineResult> {
  const pieces = session.queryStream(sql, { format })[Symbol.asyncIterator]();
  const first = await pieces.next();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let piece = first; !piece.done; piece = await pieces.next()) yield piece.value.raw();
    } catch (error) {
      throw exceptionOf(error);
    } finally {
      await pieces.return?.();
      end();
    }
  }
  return { chunks: chunks(), summary: { read_rows: '0', read_bytes: '0', written_rows: '0', written_bytes: '0', total_rows_to_read: '0', result_rows: '0', result_bytes: '0', elapsed_ns: '0' } };
}

const plainInsert = /^INSERT\s+INTO\s+(?:TABLE\s+)?([\w.]+)\s*(?:\(([\w\s,]*)\))?\s*FORMAT\s+(\w+)\s*$/i;
const rawFormats = new Set(['JSONEachRow', 'JSONCompactEachRow', 'TabSeparated', 'TSV', 'CSV', 'CSVWithNames', 'TabSeparatedWithNames', 'TSVWithNames']);

async function insert(session: ChdbSession, sql: string, data: Buffer): Promise<Outcome> {
  const none: [number, number] = [0, 0];
  const [, table, columns, format] = plainInsert.exec(sql) ?? [];
  if (table !== undefined && format !== undefined && rawFormats.has(format)) {
    const { rowsWritten, bytesWritten, elapsed } = await session.insert({ table, format, values: data, ...(columns === undefined ? {} : { columns: columns.split(',').map((column) => column.trim()) }) });
    return { bytes: new Uint8Array(), read: none, written: [rowsWritten, bytesWritten], elapsed };
  }
  const text = data.toString('utf8');
  if (!Buffer.from(text).equals(data)) throw new EngineException(36, 'The embedded engine takes rows in text formats alone');
  const result = await session.queryAsync(`${sql}\n${text}`);
  return { bytes: result.bytes(), read: [result.rowsRead, result.bytesRead], written: none, elapsed: result.elapsed };
}

/** Longest statement that the engine takes unless it is told otherwise. */
const longestStatement = 262_144;

/** Gives a connection its settings, however long their values are. */
async function set(session: ChdbSession, settings: ReadonlyMap<string, string>): Promise<void> {
  const all = new Map([['max_query_size', String(longestStatement)], ...settings]);
  const text = `SET ${[...all].map(assignment).join(', ')}`;
  if (text.length > longestStatement / 4) await session.queryAsync(`SET max_query_size = ${text.length * 4}`);
  await session.queryAsync(text);
}

function assignment([name, value]: readonly [string, string]): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,100}$/.test(name)) throw new EngineException(115, `Unknown setting '${name.slice(0, 100)}'`);
  return `${name} = '${value.replace(/[\\']/g, '\\$&')}'`;
}

function quoteIdentifier(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}
