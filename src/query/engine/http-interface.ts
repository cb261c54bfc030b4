import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EmbeddedEngine, EngineResult } from './embedded-engine.js';
import { EngineException, exceptionOf, exceptionText, httpStatusOf } from './exception.js';
import { readRequestBody } from './request-body.js';
import { oneStatement } from './statement-text.js';

/** What the interface needs. */
export interface HttpInterfaceDeps {
  engine: EmbeddedEngine;
  /** Settings of statements that do not set them, such as the time a statement may take. */
  defaults: Readonly<Record<string, string>>;
  /** Statements that may run at once. */
  maxStatements: number;
  /** Most bytes of a request's body after decompression. */
  maxBodyBytes: number;
}

/** Names in the query string that are no settings. */
const reserved = new Set([
  'query', 'query_id', 'database', 'default_format', 'user', 'password', 'quota_key', 'role', 'compress', 'decompress', 'buffer_size', 'wait_end_of_query', 'stacktrace', 'framing',
  'session_id', 'session_timeout', 'session_check', 'close_session', 'add_http_cors_header', 'client_protocol_version', 'enable_http_compression', 'http_zlib_compression_level',
  'send_progress_in_http_headers', 'http_headers_progress_interval_ms', 'http_response_buffer_size', 'http_write_exception_in_output_format',
]);

const contentTypes: Readonly<Record<string, string>> = {
  JSON: 'application/json; charset=UTF-8', JSONStrings: 'application/json; charset=UTF-8', JSONCompact: 'application/json; charset=UTF-8', JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  JSONCompactEachRow: 'application/x-ndjson; charset=UTF-8', CSV: 'text/csv; charset=UTF-8; header=absent', CSVWithNames: 'text/csv; charset=UTF-8; header=present',
  TabSeparated: 'text/tab-separated-values; charset=UTF-8', TSV: 'text/tab-separated-values; charset=UTF-8', Native: 'application/octet-stream', RowBinary: 'application/octet-stream',
  Parquet: 'application/vnd.apache.parquet', Arrow: 'application/vnd.apache.arrow.file', ArrowStream: 'application/vnd.apache.arrow.stream',
};

/**
 * The part of ClickHouse's HTTP interface that its clients use, for an embedded engine: a statement in the URL or the body,
 * the rows of an INSERT in the body, settings and `param_*` in the query string, `database`, `default_format`, `/ping`,
 * errors as ClickHouse writes them. A connection that the client closes ends its statement. There are no users: whoever
 * reaches the socket may do everything.
 */
export function createHttpInterface({ engine, defaults, maxStatements, maxBodyBytes }: HttpInterfaceDeps): (request: IncomingMessage, response: ServerResponse) => void {
  let running = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://engine');
    if (url.pathname === '/ping') return void response.end('Ok.\n');
    const queryId = url.searchParams.get('query_id') || randomUUID();
    response.setHeader('X-ClickHouse-Query-Id', queryId);
    response.setHeader('X-ClickHouse-Timezone', engine.timezone);
    response.setHeader('X-ClickHouse-Server-Display-Name', 'quipu');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      if (running >= maxStatements) throw new EngineException(202, `Too many simultaneous queries. Maximum: ${maxStatements}`);
      running++;
      await statement(request, response, url, gone.signal).finally(() => { running--; });
    } catch (error) {
      refuse(response, exceptionOf(error), engine.version);
    }
  }

  async function statement(request: IncomingMessage, response: ServerResponse, url: URL, signal: AbortSignal): Promise<void> {
    const body = await readRequestBody(request, maxBodyBytes);
    const inUrl = url.searchParams.get('query');
    const text = inUrl ?? body.fields.get('query') ?? body.bytes.toString('utf8');
    const parsed = oneStatement(text);
    if (parsed.sql === '') throw new EngineException(62, 'Syntax error: Empty query');
    const format = parsed.format ?? url.searchParams.get('default_format') ?? header(request, 'x-clickhouse-format') ?? 'TabSeparated';
    const settings = new Map(Object.entries(defaults));
    if (request.method === 'GET' || request.method === 'HEAD') settings.set('readonly', '2');
    for (const [name, value] of [...url.searchParams, ...body.fields]) if (!reserved.has(name)) settings.set(name, value);
    const result = await engine.run({
      ...parsed, settings, format, database: url.searchParams.get('database') ?? header(request, 'x-clickhouse-database') ?? undefined,
      data: inUrl !== null && body.bytes.length > 0 ? body.bytes : undefined, mayStream: url.searchParams.get('wait_end_of_query') !== '1',
    }, signal);
    await send(response, result, format);
  }

  async function send(response: ServerResponse, { chunks, summary }: EngineResult, format: string): Promise<void> {
    const tag = randomBytes(8).toString('hex');
    response.setHeader('X-ClickHouse-Format', format);
    response.setHeader('X-ClickHouse-Summary', JSON.stringify(summary));
    response.setHeader('X-ClickHouse-Exception-Tag', tag);
    response.setHeader('Content-Type', contentTypes[format] ?? 'text/plain; charset=UTF-8');
    try {
      for await (const chunk of chunks) {
        if (response.destroyed) return;
        if (!response.write(chunk)) await drained(response);
      }
      response.end();
    } catch (error) {
      const exception = exceptionOf(error);
      if (!response.headersSent) return refuse(response, exception, engine.version);
      const message = exceptionText(exception, engine.version);
      response.write(`\r\n__exception__\r\n${tag}\r\n${message}${Buffer.byteLength(message)} ${tag}\r\n__exception__\r\n`, () => response.destroy());
    }
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => refuse(response, exceptionOf(error), engine.version));
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function refuse(response: ServerResponse, exception: EngineException, version: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  response.removeHeader('X-ClickHouse-Exception-Tag');
  response.statusCode = httpStatusOf(exception.code);
  response.setHeader('X-ClickHouse-Exception-Code', String(exception.code));
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.end(exceptionText(exception, version));
}
