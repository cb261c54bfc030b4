import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { createEngineClient } from '../../../../src/query/engine/client.js';
import { createSupervisor } from '../../../../src/query/engine/supervisor.js';
import { migrate } from '../../../../src/query/migrate.js';
import { viewStatements } from '../../../../src/query/views.js';
import { createTenantDatabases } from '../../../../src/query/tenant-databases.js';

/** A running embedded engine with rows of two tenants. */
export interface BiEngine {
  client: ClickHouseClient;
  close(): Promise<void>;
}

/** The tenant that asks. */
export const tenant = 'acme';
/** The other one: everything of it has this word in it. */
export const secret = 'topsecret';

/** The program's own table and view `statements`, with 40 statements each of two tenants side by side. @returns undefined where the package chdb is not installed, but for CI */
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
    if (process.env['CI'] === 'true') throw new Error('The package chdb is not installed, which CI has');
    return undefined;
  }
  const client = createEngineClient({ kind: 'socket', socketPath });
  await migrate(client);
  const databases = createTenantDatabases({ client, views: viewStatements().filter(({ name }) => name === 'statements') });
  for (const one of [tenant, 'b-c']) await databases.ensure(one);
  await client.command({
    query: `INSERT INTO quipu.statement_log (tenant, position, id, stored, timestamp, actor_id, actor_name, verb, object_type, object_id, score_scaled, response, text, statement)
      SELECT if(number % 2 = 0, '${tenant}', 'b-c'), number, generateUUIDv4(), now64(3), toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + number, concat('mbox:mailto:', word, toString(number % 10), '@example.org'), word,
        if(number % 3 = 0, 'completed', 'answered'), 'Activity', concat('https://example.org/', word), number % 10 / 10, if(number % 2 = 0, '7', word), concat('{"word":"', word, '"}'), concat('{"word":"', word, '"}')
      FROM (SELECT number, if(number % 2 = 0, 'plain', '${secret}') AS word FROM numbers(80))`,
  });
  await client.command({ query: 'CREATE VIEW quipu_acme.verbs AS SELECT verb, count() AS statements FROM quipu_acme.statements GROUP BY verb' });
  await client.command({ query: `CREATE VIEW quipu_b_c.${secret}_view AS SELECT * FROM quipu_b_c.statements` });
  return {
    client,
    close: async () => {
      await client.close();
      await supervisor.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
