import { allowedTableFunctions, freeSettings } from './allowed.js';
import type { SqlEngine } from './engine.js';
import { boundedSettings } from './settings.js';
import { databaseOf } from '../tenant-databases.js';
import { quote } from './tokens.js';

/** The database that holds what the tenant sees in place of `system` and `information_schema`. */
export function systemDatabase(tenant: string): string {
  return `quipusys_${tenant.replaceAll('-', '_')}`;
}

/** Tables of `system` that hold nothing but numbers: read as they are. */
export const harmlessTables: ReadonlySet<string> = new Set(['one', 'numbers', 'numbers_mt', 'zeros', 'zeros_mt'].map((name) => `system.${name}`));

const list = (values: Iterable<string>): string => [...values].map(quote).join(', ');

/** The query of each view, by its name; names of `information_schema` begin with `information_schema_`. */
function views(database: string): Record<string, string> {
  const own = quote(database);
  const visible = `database = ${own} AND NOT startsWith(name, '.inner')`;
  const shown = `table_schema = ${own} AND NOT startsWith(table_name, '.inner')`;
  const settable = list([...freeSettings, ...boundedSettings]);
  const asIs = (table: string, where = '1'): string => `SELECT * FROM system.${table} WHERE ${where}`;
  return {
    databases: `SELECT * REPLACE('' AS data_path, '' AS metadata_path, '' AS engine_full) FROM system.databases WHERE name = ${own}`,
    tables: `SELECT * REPLACE(CAST([], 'Array(String)') AS data_paths, '' AS metadata_path, '' AS as_select, CAST([], 'Array(String)') AS dependencies_database, CAST([], 'Array(String)') AS dependencies_table,
      CAST([], 'Array(String)') AS loading_dependencies_database, CAST([], 'Array(String)') AS loading_dependencies_table, CAST([], 'Array(String)') AS loading_dependent_database,
      CAST([], 'Array(String)') AS loading_dependent_table, '' AS create_table_query, '' AS engine_full) FROM system.tables WHERE ${visible}`,
    columns: `SELECT * REPLACE('' AS default_expression) FROM system.columns WHERE database = ${own} AND NOT startsWith(table, '.inner')`,
    functions: `SELECT * FROM system.functions WHERE origin = 'System'`,
    table_functions: `SELECT * FROM system.table_functions WHERE lower(name) IN (${list(allowedTableFunctions)})`,
    settings: `SELECT * REPLACE(if(name IN (${settable}), value, default) AS value, toUInt8(name NOT IN (${settable})) AS readonly) FROM system.settings`,
    formats: asIs('formats'), data_type_families: asIs('data_type_families'), keywords: asIs('keywords'), time_zones: asIs('time_zones'), collations: asIs('collations'),
    aggregate_function_combinators: asIs('aggregate_function_combinators'), table_engines: asIs('table_engines', '0'), dictionaries: asIs('dictionaries', '0'), clusters: asIs('clusters', '0'),
    data_skipping_indices: asIs('data_skipping_indices', '0'), parts: asIs('parts', '0'), processes: asIs('processes', '0'), mutations: asIs('mutations', '0'), macros: asIs('macros', '0'),
    build_options: asIs('build_options', '0'), row_policies: asIs('row_policies', '0'), users: asIs('users', '0'), roles: asIs('roles', '0'), merge_tree_settings: asIs('merge_tree_settings', '0'),
    view_refreshes: asIs('view_refreshes', '0'), constraints: asIs('constraints', '0'), current_roles: asIs('current_roles', '0'), enabled_roles: asIs('enabled_roles', '0'), projections: asIs('projections', '0'),
    information_schema_schemata: `SELECT * FROM information_schema.schemata WHERE schema_name = ${own}`,
    information_schema_tables: `SELECT * FROM information_schema.tables WHERE ${shown}`,
    information_schema_columns: `SELECT * FROM information_schema.columns WHERE ${shown}`,
    information_schema_views: `SELECT * REPLACE('' AS view_definition, '' AS VIEW_DEFINITION) FROM information_schema.views WHERE ${shown}`,
    information_schema_key_column_usage: 'SELECT * FROM information_schema.key_column_usage WHERE 0',
    information_schema_referential_constraints: 'SELECT * FROM information_schema.referential_constraints WHERE 0',
    information_schema_statistics: 'SELECT * FROM information_schema.statistics WHERE 0',
  };
}

/** Makes and remembers what tenants see in place of `system`. */
export interface SystemViews {
  /**
   * Makes the tenant's substitutes unless this process did so before.
   * @returns the tables of `system` and `information_schema` that have one: its name by `database.table` in lower case
   */
  ensure(tenant: string): Promise<ReadonlyMap<string, string>>;
}

/** Views that an engine lacks the table for are left out: it is told as unknown. */
export function createSystemViews(engine: SqlEngine): SystemViews {
  const made = new Map<string, Promise<ReadonlyMap<string, string>>>();

  async function make(tenant: string): Promise<ReadonlyMap<string, string>> {
    const database = systemDatabase(tenant);
    const substitutes = new Map<string, string>();
    await drain(engine, `CREATE DATABASE IF NOT EXISTS ${database}`);
    for (const [name, query] of Object.entries(views(databaseOf(tenant)))) {
      try {
        await drain(engine, `CREATE OR REPLACE VIEW ${database}.${name} AS ${query}`);
      } catch {
        continue;
      }
      const schema = 'information_schema_';
      substitutes.set(name.startsWith(schema) ? `information_schema.${name.slice(schema.length)}` : `system.${name}`, name);
    }
    return substitutes;
  }

  return {
    ensure(tenant) {
      let views = made.get(tenant);
      if (!views) {
        views = make(tenant).catch((error: unknown) => {
          made.delete(tenant);
          throw error;
        });
        made.set(tenant, views);
      }
      return views;
    },
  };
}

async function drain(engine: SqlEngine, sql: string): Promise<void> {
  const { stream } = await engine.run({ sql });
  for await (const chunk of stream) void chunk;
}
