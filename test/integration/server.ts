import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Scope } from '../../src/auth/credential.js';
import { loadConfig } from '../../src/config.js';
import { startQuipu, type Quipu } from '../../src/main.js';

/** A user name and its secret. */
export interface Key {
  id: string;
  secret: string;
}

/** What a request is made of; everything has a default. */
export interface RequestOptions {
  /** GET when left out. */
  method?: string;
  /** Query parameters, percent-encoded here; objects and arrays become JSON, undefined ones are left out. */
  query?: Record<string, unknown>;
  /** Sent as they are, after those of `version`, `key` and `body`; undefined takes a header away. */
  headers?: Record<string, string | undefined>;
  /** Bytes and text are sent as they are, anything else as JSON with its Content-Type. */
  body?: unknown;
  /** X-Experience-API-Version: 2.0.0 when left out, null for none. */
  version?: string | null;
  /** Who asks: the first tenant's key with all of xAPI when left out, null for nobody. */
  key?: Key | null;
}

/** An answer, its bytes untouched. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  text: string;
  /** The body as JSON. @throws SyntaxError when it is none */
  json<T = unknown>(): T;
}

/** A Quipu in this process, listening on a free port, with data of its own. */
export interface TestServer {
  quipu: Quipu;
  /** Such as http://127.0.0.1:40123 */
  url: string;
  dataDir: string;
  /** Scope `all` in the tenant `default`. */
  one: Key;
  /** Scope `all` in the tenant `two`. */
  two: Key;
  /** Every scope, in the tenant `default`. */
  admin: Key;
  /** @param path under /xapi when it has no slash at its start, otherwise as it is */
  request(path: string, options?: RequestOptions): Promise<Answer>;
  /** Makes a key through the admin API. */
  makeKey(scopes: Scope[], options?: { tenant?: string; authority?: object }): Promise<Key>;
  /** Closes and starts again on the same data; the URL changes. */
  restart(): Promise<void>;
}

const admin: Key = { id: 'first-key', secret: 'first-secret' };

/**
 * Starts a server that ends with the test.
 * @param env settings beside those that the helper makes
 * @param options.tenants false to make no second tenant and no keys, on data that has them
 */
export async function startServer(t: Test, env: Record<string, string> = {}, options: { tenants?: boolean } = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-integration-'));
  const start = (): Promise<Quipu> => startQuipu(loadConfig({
    QUIPU_PORT: '0', QUIPU_CONTENT_PORT: '0', QUIPU_LOG_LEVEL: 'silent', QUIPU_DATA_DIR: dataDir, QUIPU_KEY: admin.id, QUIPU_SECRET: admin.secret, QUIPU_ANALYTICS: 'off', ...env,
  }));
  let quipu = await start();
  t.teardown(async () => {
    await quipu.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const server: TestServer = {
    get quipu() { return quipu; },
    url: addressOf(quipu, env),
    dataDir, admin, one: admin, two: admin,
    request: (path, options = {}) => send(server.url + (path.startsWith('/') ? path : `/xapi/${path}`), { key: server.one, ...options }),
    async makeKey(scopes, { tenant = 'default', authority } = {}) {
      const answer = await server.request('/v1/keys', { method: 'POST', key: admin, query: { tenant }, body: { name: 'Test key', scopes, ...(authority && { authority }) } });
      if (answer.status !== 201) throw new Error(`No key was made: ${answer.status} ${answer.text}`);
      return answer.json<Key>();
    },
    async restart() {
      await quipu.close();
      quipu = await start();
      server.url = addressOf(quipu, env);
    },
  };
  if (options.tenants === false) return server;
  const made = await server.request('/v1/tenants', { method: 'POST', key: admin, body: { id: 'two', name: 'Second tenant' } });
  if (made.status !== 201) throw new Error(`No tenant was made: ${made.status} ${made.text}`);
  server.one = await server.makeKey(['all']);
  server.two = await server.makeKey(['all'], { tenant: 'two' });
  return server;
}

/** Where the server listens, also when it calls itself by a public URL: then QUIPU_PORT has to be given. */
function addressOf(quipu: Quipu, env: Record<string, string>): string {
  return env.QUIPU_PUBLIC_URL === undefined ? quipu.url! : `http://127.0.0.1:${env.QUIPU_PORT}`;
}

/** One request over a connection of the shared pool; redirects and encodings are left to the test. */
export function send(url: string, { method = 'GET', query = {}, headers = {}, body, version = '2.0.0', key = null }: RequestOptions): Promise<Answer> {
  const raw = Buffer.isBuffer(body) || typeof body === 'string';
  const payload = body === undefined ? undefined : raw ? Buffer.from(body as string) : Buffer.from(JSON.stringify(body));
  const all: Record<string, string | undefined> = {
    ...(version !== null && { 'X-Experience-API-Version': version }),
    ...(key !== null && { Authorization: authorization(key) }),
    ...(payload !== undefined && { 'Content-Length': String(payload.length) }),
    ...(payload !== undefined && !raw && { 'Content-Type': 'application/json' }),
    ...headers,
  };
  const sent = Object.fromEntries(Object.entries(all).filter((header): header is [string, string] => header[1] !== undefined));
  const { protocol, host } = new URL(url);
  // Not the URL's own path, which would lose doubled slashes and dots.
  const path = url.slice(`${protocol}//${host}`.length) + queryString(url, query);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: new URL(url).hostname, port: new URL(url).port, path, method, headers: sent }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString('utf8');
        resolve({ status: incoming.statusCode!, headers: incoming.headers, bytes, text, json: () => JSON.parse(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

/** The Authorization header of a key. */
export function authorization({ id, secret }: Key): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function queryString(url: string, query: Record<string, unknown>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(typeof value === 'object' ? JSON.stringify(value) : String(value))}`);
  return pairs.length === 0 ? '' : `${url.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}
