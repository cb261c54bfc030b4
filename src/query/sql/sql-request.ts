import type { IncomingMessage } from 'node:http';
import { EngineException } from '../engine/exception.js';
import { readRequestBody } from '../engine/request-body.js';
import { SqlFailure } from './failure.js';
import { unpackBlocks } from './native-blocks.js';

/** A request of ClickHouse's HTTP interface, taken apart. */
export interface SqlRequest {
  /** Query of the URL, a line break, then the body, as ClickHouse joins them. */
  text: string;
  parameters: Record<string, string>;
  settings: Map<string, string>;
  /** Empty when not given. */
  database: string;
  format?: string;
  queryId?: string;
  session?: { id: string; seconds: number; check: boolean };
  /** Whether the answer is sent in ClickHouse's own compressed blocks. */
  blocks: boolean;
  /** Whether the answer begins only when the query has ended well. */
  wait: boolean;
}

/** Parameters of the URL that are neither settings nor values of the query. */
const known: ReadonlySet<string> = new Set([
  'query', 'database', 'default_format', 'query_id', 'session_id', 'session_timeout', 'session_check', 'close_session', 'compress', 'decompress', 'user', 'password', 'quota_key', 'role',
  'client_protocol_version', 'wait_end_of_query', 'stacktrace', 'framing',
]);

/**
 * Reads URL, headers and body.
 * @throws SqlFailure for a body that is too long or can't be read
 */
export async function readSqlRequest(request: IncomingMessage, url: URL, maxBytes: number): Promise<SqlRequest> {
  const { bytes, fields } = await body(request, maxBytes);
  const given = new Map([...url.searchParams, ...fields]);
  const settings = new Map<string, string>();
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of given) {
    if (name.startsWith('param_')) parameters[name.slice('param_'.length)] = value;
    else if (!known.has(name)) settings.set(name, value);
  }
  for (const name of Object.keys(parameters)) if (!/^[A-Za-z_]\w{0,100}$/.test(name)) throw new SqlFailure('BAD_ARGUMENTS', 'The name of a parameter is letters, digits and underscores');
  if (given.get('role') !== undefined) throw new SqlFailure('ACCESS_DENIED', 'Not enough privileges: a key has no roles');
  const sent = given.get('decompress') === '1' ? unpackBlocks(bytes, maxBytes) : bytes;
  const inUrl = given.get('query') ?? '';
  const session = given.get('session_id') || undefined;
  return {
    text: [inUrl, decode(sent)].filter((part) => part !== '').join('\n'),
    parameters: { ...parameters }, settings,
    database: given.get('database') || header(request, 'x-clickhouse-database') || '',
    format: given.get('default_format') || header(request, 'x-clickhouse-format') || undefined,
    queryId: queryId(given.get('query_id')),
    ...(session === undefined ? {} : { session: { id: session.slice(0, 200), seconds: Math.min(Number(given.get('session_timeout')) || 60, 3600), check: given.get('session_check') === '1' } }),
    blocks: given.get('compress') === '1', wait: given.get('wait_end_of_query') === '1',
  };
}

async function body(request: IncomingMessage, maxBytes: number): ReturnType<typeof readRequestBody> {
  try {
    return await readRequestBody(request, maxBytes);
  } catch (error) {
    if (error instanceof EngineException && error.code === 223) throw new SqlFailure('QUERY_IS_TOO_LARGE', error.message.replace(/ \([A-Z_]+\)$/, ''), 223, 413);
    if (error instanceof EngineException) throw new SqlFailure('INCORRECT_DATA', error.message);
    throw new SqlFailure('INCORRECT_DATA', 'The body can not be read');
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SqlFailure('SYNTAX_ERROR', 'Syntax error: the query is not UTF-8');
  }
}

function queryId(given: string | undefined): string | undefined {
  return given !== undefined && /^[\w.:@-]{1,128}$/.test(given) ? given : undefined;
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
