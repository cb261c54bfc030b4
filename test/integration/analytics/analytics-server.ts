import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ClickHouseClient } from '@clickhouse/client';
import type { ConsumerState } from '../../../src/feed/consumers.js';
import { createEngineClient } from '../../../src/query/engine/client.js';
import { createSupervisor, type Supervisor, type SupervisorOptions } from '../../../src/query/engine/supervisor.js';
import type { EngineStatus } from '../../../src/query/engine-service.js';
import type { Answer, RequestOptions } from '../server.js';

/** Why tests of the embedded engine are left out here, for tap's `skip`; in CI they never are. */
export const withoutEngine: string | false = process.env.CI === 'true' || installed() ? false : 'the optional package chdb is not installed';

function installed(): boolean {
  try {
    createRequire(import.meta.url).resolve('chdb');
    return true;
  } catch {
    return false;
  }
}

/** A server with analytics on, in this process or another. */
export interface AnalyticsServer {
  request(path: string, options?: RequestOptions): Promise<Answer>;
}

/** How a test looks at the analytics of a server. */
export interface Analytics {
  client: ClickHouseClient;
  status(): Promise<EngineStatus>;
  consumer(): Promise<ConsumerState>;
  /** Waits until every statement is in the engine, and the engine can be asked. */
  caughtUp(): Promise<void>;
  rows<T = Record<string, unknown>>(query: string): Promise<T[]>;
  close(): Promise<void>;
}

const PATIENCE = 60_000;

/** @param key admin key of the server, unless the server knows it */
export function analyticsOf(server: AnalyticsServer, dataDir: string, key?: RequestOptions['key']): Analytics {
  const client = createEngineClient({ kind: 'socket', socketPath: join(dataDir, 'analytics.sock') });
  const own = key === undefined ? {} : { key };
  const analytics: Analytics = {
    client,
    status: async () => (await server.request('/v1/analytics/status', own)).json<EngineStatus>(),
    consumer: async () => (await server.request('/v1/consumers', own)).json<{ consumers: ConsumerState[] }>().consumers[0]!,
    caughtUp: () => until(async () => {
      const { status, tenants } = await analytics.consumer();
      return (await analytics.status()).status === 'running' && status === 'running' && tenants.length > 0 && tenants.every(({ lagStatements }) => lagStatements === 0);
    }, 'the consumer has caught up'),
    rows: async <T>(query: string) => (await client.query({ query, format: 'JSONEachRow' })).json<T>(),
    close: () => client.close(),
  };
  return analytics;
}

/** Waits for something. @throws Error when it does not come about */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const start = Date.now(); Date.now() - start < PATIENCE;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Within ${PATIENCE} ms it did not come about that ${what}.`);
}

/** A statement with an id of its own. */
export function statement(number: number, more: Record<string, unknown> = {}): Record<string, unknown> & { id: string } {
  return {
    id: randomUUID(),
    actor: { mbox: `mailto:learner${number % 20}@example.org`, name: `Learner ${number % 20}` },
    verb: { id: 'http://adlnet.gov/expapi/verbs/completed', display: { de: 'beendet', en: 'completed' } },
    object: { id: `https://example.org/activity/${number % 7}` },
    result: { duration: 'PT1M30.5S', success: number % 2 === 0 },
    ...more,
  };
}

/** The embedded engine in a process of its own, without a server, for the length of a test. */
export async function startEngine(t: Test, options: Partial<SupervisorOptions> = {}): Promise<{ supervisor: Supervisor; socketPath: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'quipu-engine-'));
  const socketPath = join(folder, 'engine.sock');
  const supervisor = createSupervisor({
    path: join(folder, 'data'), socketPath, memoryBytes: 1 << 30, defaults: { max_execution_time: '20' }, maxStatements: 6, maxBodyBytes: 8 << 20, maxResidentBytes: 2 ** 31,
    backOff: 50, log: { info: () => undefined, warn: () => undefined }, ...options,
  });
  t.teardown(async () => {
    await supervisor.close();
    rmSync(folder, { recursive: true, force: true });
  });
  supervisor.start();
  if (!(await supervisor.settled())) throw new Error(`The engine does not run: ${JSON.stringify(supervisor.state())}`);
  return { supervisor, socketPath };
}
