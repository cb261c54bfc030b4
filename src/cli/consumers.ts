import type { Command } from 'commander';
import type { ConsumerState } from '../feed/consumers.js';
import type { DeadLetter } from '../feed/dead-letters.js';
import { connect, type Client, type ConnectionOptions } from './client.js';
import { CommandError } from './command-error.js';
import { withConnection, withJson, withTenant } from './connection-options.js';
import { listAll } from './list-all.js';
import { printResult } from './output.js';
import { grouped } from './progress.js';

/** `quipu consumers`: what reads the feed. */
export function addConsumers(program: Command): void {
  const consumers = program.command('consumers').description('look at the consumers of the feed, and steer them');
  const command = (name: string, description: string): Command => withJson(withConnection(consumers.command(name).description(description)));
  command('list', 'say how far each is').action(list);
  command('pause <name>', 'stop one until it is resumed').action((name: string, options: ConnectionOptions) => steer(name, 'pause', options));
  command('resume <name>', 'let one go on').action((name: string, options: ConnectionOptions) => steer(name, 'resume', options));
  command('replay <name>', 'deal once more with what follows a position; analytics is filled anew as a whole')
    .requiredOption('--from <position>', 'position of the last entry that is not dealt with again; 0 begins anew')
    .option('--tenant <id>', 'one tenant (default: all)')
    .action(replay);
  withTenant(command('dead-letters <name>', 'list what one has put aside')).action(deadLetters);
  withTenant(command('retry <name> [id]', 'try a dead letter again, or all of the tenant')).action(retry);
  withTenant(command('drop <name> <id>', 'forget a dead letter; its entry is never dealt with')).action(drop);
}

async function withClient(options: ConnectionOptions, work: (client: Client) => Promise<void>): Promise<void> {
  const client = await connect(options);
  try {
    await work(client);
  } finally {
    await client.close();
  }
}

const path = (name: string, ...more: string[]): string => ['/v1/consumers', encodeURIComponent(name), ...more].join('/');

function list(options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client) => {
    const { consumers } = await client.json<{ consumers: ConsumerState[] }>('GET', '/v1/consumers');
    print(options, consumers, consumers);
  });
}

function steer(name: string, what: 'pause' | 'resume', options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client) => {
    const consumer = await client.json<ConsumerState>('POST', path(name, what));
    print(options, consumer, [consumer]);
  });
}

function replay(name: string, options: ConnectionOptions & { from: string }): Promise<void> {
  if (!/^\d{1,15}$/.test(options.from)) throw new CommandError('--from takes a position, a whole number from 0.');
  return withClient(options, async (client) => {
    const consumer = await client.json<ConsumerState>('POST', path(name, 'replay'), { position: Number(options.from), ...(options.tenant === undefined ? {} : { tenant: options.tenant }) });
    print(options, consumer, [consumer]);
  });
}

function deadLetters(name: string, options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client) => {
    const letters = await listAll<DeadLetter>(client, path(name, 'dead-letters'), 'deadLetters', { tenant: options.tenant });
    const rows = letters.map(({ id, statement, attempts, at, status, reason }) => [id, statement ?? 'an erasure', String(attempts), at, status, reason]);
    printResult(options.json, letters, [['ID', 'STATEMENT', 'ATTEMPTS', 'SINCE', 'STATUS', 'REASON'], ...rows]);
  });
}

function retry(name: string, id: string | undefined, options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client) => {
    const answer = await client.json<{ asked: number }>('POST', path(name, 'dead-letters', ...(id === undefined ? [] : [encodeURIComponent(id)]), 'retry'), undefined, { tenant: options.tenant });
    printResult(options.json, answer, [[`Tried again: ${grouped(answer.asked)}. "quipu consumers dead-letters ${name}" lists what fails once more.`]]);
  });
}

function drop(name: string, id: string, options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client) => {
    (await client.send('DELETE', path(name, 'dead-letters', encodeURIComponent(id)), { query: { tenant: options.tenant } })).resume();
    printResult(options.json, { dropped: id }, [[`The dead letter ${id} is forgotten.`]]);
  });
}

function print({ json }: ConnectionOptions, value: unknown, consumers: readonly ConsumerState[]): void {
  const rows = consumers.flatMap(({ name, status, tenants, lastError }) => [
    ...(tenants.length === 0 ? [[name, status, '', '', '', '']] : tenants.map(({ tenant, position, lagStatements, lagSeconds, deadLetters: aside }) =>
      [name, status, tenant, grouped(position), lagStatements === 0 ? 'up to date' : `${grouped(lagStatements)} statements, ${Math.round(lagSeconds)} s`, grouped(aside)])),
    ...(lastError === undefined ? [] : [[name, `last error, ${lastError.at}: ${lastError.message}`]]),
  ]);
  printResult(json, value, [['CONSUMER', 'STATUS', 'TENANT', 'POSITION', 'BEHIND', 'PUT ASIDE'], ...rows]);
}
