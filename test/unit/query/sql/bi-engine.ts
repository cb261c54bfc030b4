import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { createEngineClient } from '../../../../src/query/engine/client.js';
import { createSupervisor } from '../../../../src/query/engine/supervisor.js';

/** A running embedded engine with rows of two tenants; `b-c` has the secrets that `acme` must not see. */
export interface BiEngine {
  client: ClickHouseClient;
  /** A file on the machine with a secret in it. */
  secretFile: string;
  close(): Promise<void>;
}

/** @returns undefined where the package chdb is not installed */
export async function startBiEngine(): Promise<BiEngine | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'quipu-bi-'));
  const socketPath = join(folder, 'engine.sock');
  const supervisor = createSupervisor({
    path: join(folder, 'data'), socketPath, memoryBytes: 4 * 1024 ** 3, defaults: {}, maxStatements: 8, maxBodyBytes: 64 * 1024 ** 2,
    maxResidentBytes: 6 * 1024 ** 3, log: { info: () => undefined, warn: () => undefined },
  });
  supervisor.start();
  if (!(await supervisor.settled())) {
    await supervisor.close();
    return undefined;
  }
  const client = createEngineClient({ kind: 'socket', socketPath });
  for (const query of statements()) await client.command({ query });
  return {
    client, secretFile: '/etc/passwd',
    async close() {
      await client.close();
      await supervisor.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function statements(): string[] {
  return [
    'CREATE DATABASE quipu',
    `CREATE TABLE quipu.statement_log (tenant LowCardinality(String), position UInt64, id String, verb String, actor String, stored DateTime64(3), score Nullable(Float64), text String)
      ENGINE = MergeTree ORDER BY (tenant, position)`,
    `INSERT INTO quipu.statement_log SELECT if(number % 2 = 0, 'acme', 'b-c'), number, if(number % 2 = 0, 'acme-', 'secret-') || toString(number), if(number % 3 = 0, 'completed', 'answered'),
      if(number % 2 = 0, 'ann', 'mallory-secret'), toDateTime64('2026-01-01 00:00:00', 3) + number, number % 10 / 10, if(number % 2 = 0, '7', 'secret-text') FROM numbers(1000)`,
    ...['acme', 'b-c'].flatMap((tenant) => {
      const database = `quipu_${tenant.replaceAll('-', '_')}`;
      return [
        `CREATE DATABASE ${database}`,
        `CREATE VIEW ${database}.statements AS SELECT position, id, verb, actor, stored, score, text FROM quipu.statement_log WHERE tenant = '${tenant}'`,
        `CREATE VIEW ${database}.${tenant === 'acme' ? 'verbs' : 'secret_verbs'} AS SELECT verb, count() AS statements FROM ${database}.statements GROUP BY verb`,
      ];
    }),
  ];
}
