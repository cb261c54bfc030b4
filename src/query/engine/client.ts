import { Agent } from 'node:http';
import { createClient, ClickHouseLogLevel, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client';

/** Where the engine is: a ClickHouse server, or the embedded engine's socket. */
export type EngineAddress =
  /** Credentials stand apart from the URL, so that no message shows them. */
  | { kind: 'server'; url: string; username?: string; password?: string }
  | { kind: 'socket'; socketPath: string };

/** The address that `QUIPU_CLICKHOUSE_URL` names: `http(s)://user:password@host:port/path`. */
export function serverAddress(setting: string): EngineAddress {
  const url = new URL(setting);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  return {
    kind: 'server', url: url.href,
    ...(username === '' ? {} : { username: decodeURIComponent(username) }), ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

/**
 * A client of the engine. Credentials travel in headers. Nothing is logged: whoever calls gets the error.
 * @param options.requestTimeout milliseconds without a byte after which a request is given up
 * @param options.connections most requests at once
 * @param options.settings of every statement that does not set them itself
 */
export function createEngineClient(address: EngineAddress, { requestTimeout = 60_000, connections = 10, settings = {} }: { requestTimeout?: number; connections?: number; settings?: ClickHouseSettings } = {}): ClickHouseClient {
  const common = { application: 'quipu', request_timeout: requestTimeout, log: { level: ClickHouseLogLevel.OFF }, clickhouse_settings: settings };
  if (address.kind === 'socket') {
    const agent = new Agent({ socketPath: address.socketPath, keepAlive: true, maxSockets: connections } as ConstructorParameters<typeof Agent>[0]);
    return createClient({ ...common, url: 'http://localhost', http_agent: agent, set_basic_auth_header: false });
  }
  return createClient({
    ...common, url: address.url, max_open_connections: connections,
    ...(address.username === undefined ? {} : { username: address.username }), ...(address.password === undefined ? {} : { password: address.password }),
    compression: { request: true },
  });
}
