import { createHash } from 'node:crypto';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
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
 * @param onFault called for a view that this engine does not take; the others are made, and it is tried again after the next start
 */
export function createTenantDatabases({ client, views = viewStatements(), onFault = () => undefined }: { client: ClickHouseClient; views?: SqlFile[]; onFault?: (view: string, reason: string) => void }): TenantDatabases {
  // The migrations as well: a view keeps the columns that its table had when it was made.
  const hash = createHash('sha256').update(JSON.stringify([views, readSqlFiles('migrations')])).digest('hex');
  const done = new Set<string>();

  async function ensure(tenant: string): Promise<void> {
    if (done.has(tenant)) return;
    if (await recordedHash(tenant) !== hash) {
      const database = databaseOf(tenant);
      await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
      const filled = views.map(({ name, text }) => ({ name, text: text.trim().replace(/;$/, '').replaceAll('{database}', database).replaceAll('{tenant}', `'${tenant}'`) }));
      const whole = await createViews(filled);
      if (whole) await client.insert({ table: 'quipu.tenant_databases', values: [{ tenant, hash, made: new Date().toISOString().slice(0, -1) }], format: 'JSONEachRow' });
    }
    done.add(tenant);
  }

  /** A view may stand on others: those that miss one wait until it is there. @returns whether all were made */
  async function createViews(files: SqlFile[]): Promise<boolean> {
    let whole = true;
    for (let left = files; left.length > 0;) {
      const waiting: { file: SqlFile; reason: string }[] = [];
      for (const file of left) {
        try {
          await client.command({ query: file.text });
        } catch (error) {
          if (!(error instanceof ClickHouseError)) throw error;
          if (error.code === '60') {
            waiting.push({ file, reason: error.message });
          } else {
            whole = false;
            onFault(file.name, error.message);
          }
        }
      }
      if (waiting.length === left.length) {
        for (const { file, reason } of waiting) onFault(file.name, reason);
        return false;
      }
      left = waiting.map(({ file }) => file);
    }
    return whole;
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
