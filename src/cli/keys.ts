import { Option, type Command } from 'commander';
import { scopes as knownScopes } from '../auth/credential.js';
import { connect, type Client, type ConnectionOptions } from './client.js';
import { CommandError } from './command-error.js';
import { withConnection, withJson, withTenant } from './connection-options.js';
import { listAll } from './list-all.js';
import { printResult } from './output.js';

interface Key {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  revokedAt?: string;
  secret?: string;
}

/** `quipu keys`: user names and secrets of a tenant. */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('list, make, rotate and revoke keys');
  const command = (name: string, description: string): Command => withJson(withTenant(withConnection(keys.command(name).description(description))));
  command('list', 'list the keys of a tenant').action(list);
  command('create', 'make a key')
    .requiredOption('--name <name>', 'name for people')
    .addOption(new Option('--scope <scope...>', 'what the key may do').choices(knownScopes).default(['all']))
    .option('--authority <agent>', 'the Agent, as JSON, that vouches for its statements')
    .option('--id <id>', 'user name of your choice')
    .action(create);
  command('rotate <id>', 'give a key a new secret; the old one is dead at once').action(rotate);
  command('revoke <id>', 'end a key for good').action(revoke);
}

async function withClient(options: ConnectionOptions, work: (client: Client, query: { tenant?: string }) => Promise<void>, mayCreate = false): Promise<void> {
  const client = await connect(options, mayCreate);
  try {
    await work(client, { tenant: options.tenant });
  } finally {
    await client.close();
  }
}

function list(options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client, query) => {
    const keys = await listAll<Key>(client, '/v1/keys', 'keys', query);
    const rows = keys.map(({ id, name, scopes, createdAt, revokedAt }) => [id, name, scopes.join(','), createdAt, revokedAt ?? '']);
    printResult(options.json, keys, [['KEY', 'NAME', 'SCOPES', 'MADE', 'REVOKED'], ...rows]);
  });
}

function create(options: ConnectionOptions & { name: string; scope: string[]; authority?: string; id?: string }): Promise<void> {
  const body = { name: options.name, scopes: options.scope, ...(options.id === undefined ? {} : { id: options.id }), ...authorityOf(options.authority) };
  return withClient(options, async (client, query) => {
    printSecret(options, await client.json<Key>('POST', '/v1/keys', body, query));
  }, true);
}

function rotate(id: string, options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client, query) => {
    printSecret(options, await client.json<Key>('POST', `/v1/keys/${encodeURIComponent(id)}/rotate`, undefined, query));
  });
}

function revoke(id: string, options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client, query) => {
    const key = await client.json<Key>('POST', `/v1/keys/${encodeURIComponent(id)}/revoke`, undefined, query);
    printResult(options.json, key, [[`The key ${key.id} is revoked.`]]);
  });
}

function printSecret({ json }: ConnectionOptions, key: Key): void {
  printResult(json, key, [['Key:', key.id], ['Secret:', `${key.secret} (shown this once)`], ['Scopes:', key.scopes.join(', ')]]);
}

function authorityOf(text: string | undefined): { authority?: object } {
  if (text === undefined) return {};
  try {
    return { authority: JSON.parse(text) as object };
  } catch {
    throw new CommandError('--authority takes an Agent as JSON, such as \'{"mbox":"mailto:lms@example.org"}\'.');
  }
}
