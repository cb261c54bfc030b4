import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Credential } from '../../auth/credential.js';
import { QuipuError } from '../../xapi/errors.js';
import { databaseOf } from '../tenant-databases.js';
import { acceptedEncoding, sendAnswer } from './answer.js';
import type { SqlEngine } from './engine.js';
import { engineFailure, SqlFailure } from './failure.js';
import { checkFormat, createGuard } from './guard.js';
import { createSessions } from './sessions.js';
import { admitSettings, defaultLimits, forcedSettings, type SqlLimits } from './settings.js';
import { readSqlRequest } from './sql-request.js';
import { createSystemViews } from './system-views.js';

/** What the interface needs. */
export interface SqlInterfaceDeps {
  engine: SqlEngine;
  /** Who asks. @throws SqlFailure AUTHENTICATION_FAILED or ACCESS_DENIED */
  authenticate(request: IncomingMessage, url: URL, address: string): Promise<Credential>;
  /** Makes the tenant's database unless it is there. @throws QuipuError when the engine can't be asked */
  prepareTenant(tenant: string): Promise<void>;
  limits?: SqlLimits;
}

/** The URL of a request target: a path, or a whole URL as proxies send it. @throws SqlFailure BAD_ARGUMENTS */
function urlOf(target: string): URL {
  const text = target.startsWith('/') ? `http://quipu${target}` : target;
  if (!URL.canParse(text)) throw engineFailure(36, 'BAD_ARGUMENTS', 'The request target is no URL');
  return new URL(text);
}

/**
 * Answers one request.
 * @param path of the request behind the interface's own: `/`, `/ping`
 * @param address where it came from
 */
export type SqlInterface = (request: IncomingMessage, response: ServerResponse, path: string, address: string) => Promise<void>;

/** ClickHouse's HTTP interface for analysts: what a query may be is the guard's, whose rows it sees is the key's. */
export function createSqlInterface({ engine, authenticate, prepareTenant, limits = defaultLimits }: SqlInterfaceDeps): SqlInterface {
  const systemViews = createSystemViews(engine);
  const guard = createGuard({ engine, systemViews, limits });
  const sessions = createSessions();
  const running = new Map<string, number>();
  let version: Promise<string> | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL, address: string, signal: AbortSignal): Promise<void> {
    const credential = await authenticate(request, url, address);
    const { tenant } = credential;
    const asked = await readSqlRequest(request, url, limits.queryBytes * 2);
    if (asked.queryId !== undefined) response.setHeader('X-ClickHouse-Query-Id', asked.queryId);
    const database = databaseOf(tenant);
    if (!['', 'default', database].includes(asked.database)) throw new SqlFailure('UNKNOWN_DATABASE', `Database ${asked.database.slice(0, 200)} does not exist`);
    const session = asked.session && sessions.open(`${tenant} ${credential.id}`, asked.session.id, asked.session.seconds, asked.session.check);
    const urlSettings = admitSettings(asked.settings, limits);
    if (asked.text.trim() === '') throw new SqlFailure('SYNTAX_ERROR', 'Syntax error: Empty query');
    await occupied(tenant, async () => {
      await prepareTenant(tenant);
      const admitted = await guard.admit({ tenant, text: asked.text, parameters: asked.parameters }, signal);
      if (admitted.kind !== 'query') {
        if (admitted.kind === 'set' && session) Object.assign(session.settings, admitted.settings);
        return void response.end();
      }
      const format = admitted.format ?? checkFormat(asked.format ?? 'TabSeparated');
      const settings = { ...forcedSettings(limits), ...session?.settings, ...urlSettings, ...admitted.settings };
      const result = await engine.run({
        sql: `${admitted.sql} FORMAT ${format}`, database, parameters: asked.parameters, queryId: randomUUID(), signal,
        settings: asked.wait ? { ...settings, wait_end_of_query: '1' } : settings,
      });
      const headers = asked.queryId === undefined ? result.headers : { ...result.headers, 'x-clickhouse-query-id': asked.queryId };
      await sendAnswer(response, { stream: result.stream, headers: { ...headers, 'x-clickhouse-format': format } }, { blocks: asked.blocks, encoding: acceptedEncoding(request) });
    });
  }

  /** Counts the queries of a tenant that run. @throws SqlFailure TOO_MANY_SIMULTANEOUS_QUERIES */
  async function occupied(tenant: string, work: () => Promise<void>): Promise<void> {
    const count = running.get(tenant) ?? 0;
    if (count >= limits.concurrent) throw new SqlFailure('TOO_MANY_SIMULTANEOUS_QUERIES', `Too many simultaneous queries. Maximum: ${limits.concurrent}`);
    running.set(tenant, count + 1);
    try {
      await work();
    } finally {
      const left = (running.get(tenant) ?? 1) - 1;
      if (left > 0) running.set(tenant, left);
      else running.delete(tenant);
    }
  }

  async function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    if (response.headersSent || response.destroyed) return void response.destroy();
    const failure = error instanceof SqlFailure ? error : error instanceof QuipuError ? new SqlFailure('NETWORK_ERROR', error.message)
      : new SqlFailure('UNKNOWN_EXCEPTION', 'Quipu failed on this query');
    version ??= engine.rows<{ version: string }>({ sql: 'SELECT version() AS version' }).then((rows) => rows[0]?.version ?? '0', () => {
      version = undefined;
      return '0';
    });
    const text = failure.text(await version);
    response.statusCode = failure.status;
    if (failure.status === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
    response.setHeader('X-ClickHouse-Exception-Code', String(failure.code));
    response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
    // What was not read of the body would be taken for the next request.
    if (!request.complete) response.setHeader('Connection', 'close');
    response.end(text);
  }

  return async (request, response, path, address) => {
    response.setHeader('X-ClickHouse-Server-Display-Name', 'quipu');
    response.setHeader('X-ClickHouse-Timezone', 'UTC');
    response.setHeader('Cache-Control', 'no-store');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const url = urlOf(request.url ?? '/');
      if (path === '/ping') return void response.setHeader('Content-Type', 'text/html; charset=UTF-8').end('Ok.\n');
      if (path !== '/') throw new SqlFailure('NOT_FOUND', 'There is nothing here: queries go to /, and /ping answers', 1001, 404);
      if (request.method !== 'GET' && request.method !== 'POST' && request.method !== 'HEAD') throw engineFailure(36, 'BAD_ARGUMENTS', 'Queries come by GET or POST');
      if (request.method === 'GET' && url.search === '' && request.headers['authorization'] === undefined) return void response.end('Ok.\n');
      await answer(request, response, url, address, gone.signal);
    } catch (error) {
      await refuse(request, response, error);
    }
  };
}
