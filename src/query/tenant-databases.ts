import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { readSqlFiles, type SqlFile } from './sql-files.js';
import { viewStatements } from './views.js';

/** The databases that analysts see: one a tenant, with views alone. */
export interface TenantDatabases {
  /** Makes the database of a tenant and its views, unless it has the views of this version already. */
  ensure(tenant: string): Promise<void>;
  /** The same for every tenant that has one: brings changed views up to date. */
  refresh(): Promise<void>;
  /** Forgets what it knows of the engine, for another one may answer. */
  forget(): void;
}

/** Name of a tenant's database. */
export function databaseOf(tenant: string): string {
  return `quipu_${tenant.replaceAll('-', '_')}`;
}

/**
 * @param views statements that make them; `{database}` stands for the database, `{tenant}` for the tenant's id as a text
 */
export function createTenantDatabases({ client, views = viewStatements() }: { client: ClickHouseClient; views?: SqlFile[] }): TenantDatabases {
  // The migrations as well: a view keeps the columns that its table had when it was made.
  const hash = createHash('sha256').update(JSON.stringify([views, readSqlFiles('migrations')])).digest('hex');
  const done = new Set<string>();

  async function ensure(tenant: string): Promise<void> {
    if (done.has(tenant)) return;
    if (await recordedHash(tenant) !== hash) {
      const database = databaseOf(tenant);
      await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
      await createViews(views.map(({ text }) => text.trim().replace(/;$/, '').replaceAll('{database}', database).replaceAll('{tenant}', `'${tenant}'`)));
      await client.insert({ table: 'quipu.tenant_databases', values: [{ tenant, hash, made: new Date().toISOString().slice(0, -1) }], format: 'JSONEachRow' });
    }
    done.add(tenant);
  }

  /** A view may stand on others: those that miss one wait until it is there. */
  async function createViews(statements: string[]): Promise<void> {
    for (let left = statements; left.length > 0;) {
      const waiting: string[] = [];
      let fault: unknown;
      for (const query of left) {
        try {
          await client.command({ query });
        } catch (error) {
          if ((error as { code?: string }).code !== '60') throw error;
          fault = error;
          waiting.push(query);
        }
      }
      if (waiting.length === left.length) throw fault;
      left = waiting;
    }
  }

  async function recordedHash(tenant: string): Promise<string | undefined> {
    const found = await client.query({
      query: 'SELECT argMax(hash, made) AS hash FROM quipu.tenant_databases WHERE tenant = {tenant:String} AND {database:String} IN (SELECT name FROM system.databases)',
      query_params: { tenant, database: databaseOf(tenant) }, format: 'JSONEachRow',
    });
    return (await found.json<{ hash: string }>())[0]?.hash;
  }

  return {
    ensure,
    refresh: async () => {
      const found = await client.query({ query: 'SELECT DISTINCT tenant FROM quipu.tenant_databases', format: 'JSONEachRow' });
      for (const { tenant } of await found.json<{ tenant: string }>()) await ensure(tenant);
    },
    forget: () => done.clear(),
  };
}
