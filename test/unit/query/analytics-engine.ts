import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { createEngineClient } from '../../../src/query/engine/client.js';
import { createSupervisor } from '../../../src/query/engine/supervisor.js';
import { migrate } from '../../../src/query/migrate.js';
import { insertOf, rowLine, rowOf } from '../../../src/query/rows.js';
import { createSummaries, type Summaries } from '../../../src/query/summaries.js';
import { createTenantDatabases } from '../../../src/query/tenant-databases.js';
import { viewStatements } from '../../../src/query/views.js';
import type { Statement } from '../../../src/xapi/types.js';

/** The embedded engine with the tables and views of the program, and rows made by the program's own code. */
export interface AnalyticsEngine {
  client: ClickHouseClient;
  summaries: Summaries;
  /** Puts statements into a tenant's log; what they leave out of id, timestamp and stored is filled in. */
  insert(tenant: string, statements: Statement[]): Promise<void>;
  /** Ends the engine and leaves the client as it is. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** @returns undefined where the package chdb is not installed, but for CI */
export async function startAnalyticsEngine(tenants: string[]): Promise<AnalyticsEngine | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'quipu-views-'));
  const socketPath = join(folder, 'engine.sock');
  const supervisor = createSupervisor({
    path: join(folder, 'data'), socketPath, memoryBytes: 2 * 1024 ** 3, defaults: {}, maxStatements: 8, maxBodyBytes: 64 * 1024 ** 2,
    maxResidentBytes: 4 * 1024 ** 3, log: { info: () => undefined, warn: () => undefined },
  });
  supervisor.start();
  if (!(await supervisor.settled())) {
    await supervisor.close();
    if (process.env['CI'] === 'true') throw new Error('The package chdb is not installed, which CI has');
    return undefined;
  }
  const client = createEngineClient({ kind: 'socket', socketPath });
  await migrate(client);
  const summaries = createSummaries({ client });
  await summaries.prepare();
  const databases = createTenantDatabases({ client, views: viewStatements() });
  for (const tenant of tenants) await databases.ensure(tenant);
  let position = 0;
  return {
    client, summaries,
    insert: async (tenant, statements) => {
      if (statements.length === 0) return;
      const lines = statements.map((statement) => {
        position++;
        const whole = { id: statementId(position), stored: '2026-12-01T00:00:00.000Z', timestamp: '2026-11-01T00:00:00.000Z', ...statement };
        return rowLine(rowOf({ position, id: whole.id, stored: Date.parse(whole.stored), text: Buffer.from(JSON.stringify(whole)) }, { tenant, erasure: 0 }));
      });
      await client.command({ query: `${insertOf('quipu.statement_log')}\n${lines.join('')}` });
    },
    stop: () => supervisor.close(),
    close: async () => {
      await client.close();
      await supervisor.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The id of the statement that is inserted as the n-th, from 1. */
export function statementId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}
