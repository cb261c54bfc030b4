import type { ClickHouseClient } from '@clickhouse/client';
import { createSqlAuthentication, type SqlAuthenticationDeps } from './authenticate.js';
import { createSqlEngine } from './engine.js';
import { createSqlInterface, type SqlInterface } from './interface.js';
import { defaultLimits } from './settings.js';

export interface SqlServiceDeps extends SqlAuthenticationDeps {
  client: ClickHouseClient;
  /** Makes the tenant's database unless it is there. @throws QuipuError when the engine can't be asked */
  prepareTenant(tenant: string): Promise<void>;
  /** Seconds that a query may take. */
  executionTime: number;
  /** Bytes of memory that a query may take. */
  memory: number;
}

/** SQL for BI tools: ClickHouse's HTTP interface, for keys with the scope `analytics`. */
export function createSqlService({ client, prepareTenant, executionTime, memory, ...auth }: SqlServiceDeps): SqlInterface {
  return createSqlInterface({ engine: createSqlEngine(client), authenticate: createSqlAuthentication(auth), prepareTenant, limits: { ...defaultLimits, executionTime, memory } });
}
