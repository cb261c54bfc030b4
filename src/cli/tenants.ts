import type { Command } from 'commander';
import { connect, type ConnectionOptions } from './client.js';
import { withConnection, withJson } from './connection-options.js';
import { listAll } from './list-all.js';
import { printResult } from './output.js';

interface Tenant {
  id: string;
  name: string;
  createdAt: string;
}

/** `quipu tenants`: parts of the server that share nothing. */
export function addTenants(program: Command): void {
  const tenants = program.command('tenants').description('list and make tenants');
  withJson(withConnection(tenants.command('list').description('list the tenants'))).action(list);
  withJson(withConnection(tenants.command('create <id>').description('make a tenant (id: a-z, 0-9 and hyphen)')))
    .option('--name <name>', 'name for people (default: the id)').action(create);
}

async function list(options: ConnectionOptions): Promise<void> {
  const client = await connect(options);
  try {
    const tenants = await listAll<Tenant>(client, '/v1/tenants', 'tenants', {});
    printResult(options.json, tenants, [['ID', 'NAME', 'MADE'], ...tenants.map(({ id, name, createdAt }) => [id, name, createdAt])]);
  } finally {
    await client.close();
  }
}

async function create(id: string, options: ConnectionOptions & { name?: string }): Promise<void> {
  const client = await connect(options, true);
  try {
    const made = await client.json<Tenant>('POST', '/v1/tenants', { id, name: options.name ?? id });
    printResult(options.json, made, [[`The tenant ${made.id} is there. Make a key for it: quipu keys create --tenant ${made.id} --name NAME`]]);
  } finally {
    await client.close();
  }
}
