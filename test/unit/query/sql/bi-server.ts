import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Scope } from '../../../../src/auth/credential.js';
import type { KeyService } from '../../../../src/auth/key-service.js';
import { createTokenVerifier } from '../../../../src/auth/tokens.js';
import { createSqlAuthentication } from '../../../../src/query/sql/authenticate.js';
import { createSqlEngine } from '../../../../src/query/sql/engine.js';
import { createSqlInterface } from '../../../../src/query/sql/interface.js';
import { createSqlServer } from '../../../../src/query/sql/own-port.js';
import { defaultLimits, type SqlLimits } from '../../../../src/query/sql/settings.js';
import { homePage, openKeys } from '../../auth/open-keys.js';
import { startBiEngine, tenant, type BiEngine } from './bi-engine.js';

export const jwtSecret = 'a secret of thirty-two bytes or more';

/** What came back for a query. */
export interface Answer {
  status: number;
  /** X-ClickHouse-Exception-Code, 0 without one. */
  code: number;
  text: string;
  headers: Headers;
}

/** The interface on a port of its own, with keys of both tenants. */
export interface BiServer {
  engine: BiEngine;
  keys: KeyService;
  url: string;
  /** Key and secret with the scope `analytics`, by tenant. */
  users: Record<string, { id: string; secret: string }>;
  /** Sends a query by POST as `acme`, or as given. */
  ask(query: string, url?: Record<string, string>, init?: RequestInit & { as?: string }): Promise<Answer>;
}

/** @returns undefined where the package chdb is not installed */
export async function startBiServer(t: Test, limits: Partial<SqlLimits> = {}): Promise<BiServer | undefined> {
  t.setTimeout(280_000);
  const engine = await startBiEngine();
  if (!engine) return undefined;
  const { keys } = await openKeys(t);
  const scopes: Scope[] = ['analytics'];
  const users: BiServer['users'] = {};
  for (const one of [tenant, 'b-c']) users[one] = await keys.create({ tenant: one, name: 'BI', scopes });
  const tokens = createTokenVerifier({ jwtSecret, homePage, tenantExists: async () => true });
  const server = createSqlServer(createSqlInterface({
    engine: createSqlEngine(engine.client), authenticate: createSqlAuthentication({ keys, tokens }), prepareTenant: async () => undefined, limits: { ...defaultLimits, ...limits },
  }), { maxHeaderSize: 64 * 1024, requestTimeout: 60_000 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await engine.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    engine, keys, url, users,
    async ask(query, parameters = {}, { as = tenant, ...init } = {}) {
      const { id, secret } = users[as]!;
      const response = await fetch(`${url}/?${new URLSearchParams(parameters)}`, {
        method: 'POST', body: query, ...init, headers: { 'X-ClickHouse-User': id, 'X-ClickHouse-Key': secret, ...init.headers },
      });
      const text = await response.text().catch((error: Error) => `broken off: ${error.message}`);
      return { status: response.status, code: Number(response.headers.get('x-clickhouse-exception-code') ?? 0), text, headers: response.headers };
    },
  };
}
