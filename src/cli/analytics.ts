import type { Command } from 'commander';
import type { ConsumerState } from '../feed/consumers.js';
import type { EngineStatus } from '../query/engine-service.js';
import { connect, RequestError, type Client, type ConnectionOptions } from './client.js';
import { CommandError } from './command-error.js';
import { withConnection, withJson } from './connection-options.js';
import { printResult, tell } from './output.js';
import { createProgress, grouped } from './progress.js';

/** Milliseconds between two looks at a rebuild. */
const interval = 500;

/** `quipu analytics`: the database that analysts query. */
export function addAnalytics(program: Command): void {
  const analytics = program.command('analytics').description('look at the analytics database and fill it anew');
  withJson(withConnection(analytics.command('status').description('say how the engine is and how far it is behind'))).action(status);
  withConnection(analytics.command('rebuild').description('fill it anew from the store, while the server runs; goes on with a rebuild that was cut short')).action(rebuild);
}

async function status(options: ConnectionOptions): Promise<void> {
  const client = await connect(options);
  try {
    const engine = await client.json<EngineStatus>('GET', '/v1/analytics/status');
    const { consumers } = await client.json<{ consumers: ConsumerState[] }>('GET', '/v1/consumers');
    const consumer = consumers.find(({ name }) => name === 'analytics');
    printResult(options.json, { ...engine, consumer }, [
      ['engine', engine.engine], ['status', engine.status], ...(engine.problem === undefined ? [] : [['problem', engine.problem]]),
      ...(engine.rebuild.status === 'none' ? [] : [['rebuild', `${engine.rebuild.status}, ${grouped(engine.rebuild.done)} of ${grouped(engine.rebuild.total)} statements`]]),
      ...(consumer?.tenants ?? []).map(({ tenant, lagStatements, lagSeconds }) => [`tenant ${tenant}`, lagStatements === 0 ? 'up to date' : `${grouped(lagStatements)} statements, ${Math.round(lagSeconds)} s behind`]),
      ...(consumer?.refused ?? []).map(({ tenant, id, reason }) => ['text alone', `${tenant} ${id} ${reason}`]),
    ]);
  } finally {
    await client.close();
  }
}

async function rebuild(options: ConnectionOptions): Promise<void> {
  const client = await connect(options);
  try {
    await client.json('POST', '/v1/analytics/rebuild').catch((error: unknown) => {
      if (!(error instanceof RequestError) || error.status !== 409) throw error;
      tell('A rebuild runs already; this shows how far it is.');
    });
    const total = await watch(client);
    tell(`The analytics database is filled anew: ${grouped(total)} statements.`);
  } finally {
    await client.close();
  }
}

async function watch(client: Client): Promise<number> {
  let progress: ReturnType<typeof createProgress> | undefined;
  try {
    for (;;) {
      const { rebuild: { status: state, done, total, problem } } = await client.json<EngineStatus>('GET', '/v1/analytics/status');
      if (state === 'complete') return total;
      if (state !== 'running') throw new CommandError(`The rebuild ended: ${problem ?? 'the server was closed'}. Begin it again and it goes on where it was.`);
      if (total > 0) progress ??= createProgress({ total, unit: 'statements' });
      progress?.update(done, `${grouped(done)} of ${grouped(total)} statements`);
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
  } finally {
    progress?.stop();
  }
}
