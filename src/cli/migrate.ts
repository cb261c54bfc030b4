import type { Command } from 'commander';
import { createTenantService } from '../admin/tenant-service.js';
import { migrate, type MigrationReport, type MigrationState } from '../migration/migrate.js';
import type { MigrationCounts } from '../migration/store.js';
import { openMigrationSource, openMigrationTarget } from '../server/storage.js';
import { configOf } from './client.js';
import { CommandError } from './command-error.js';
import { printResult, tell } from './output.js';
import { createProgress, grouped, type Progress } from './progress.js';

/** `quipu migrate`: a data folder into a database that several processes may share. */
export function addMigrate(program: Command): void {
  program.command('migrate')
    .description('move all of a data folder to the empty database of QUIPU_MONGODB_URL; goes on where it was interrupted')
    .option('--data-dir <folder>', 'data folder to move, of a stopped server; it stays as it is (default: QUIPU_DATA_DIR, or ./data)')
    .option('--json', 'print the counts as JSON')
    .action(run);
}

async function run(options: { dataDir?: string; json?: boolean }): Promise<void> {
  const config = configOf(options);
  const { mongodbUrl } = config;
  if (mongodbUrl === undefined) throw new CommandError('Set QUIPU_MONGODB_URL to the database that the data folder shall be moved to.');
  const source = await openMigrationSource(config);
  const progress = createPhases();
  let report: MigrationReport;
  try {
    report = await migrate({ source, openTarget: (origin) => openMigrationTarget({ ...config, mongodbUrl }, origin), tenants: await createTenantService({ records: source.records }).ids(), onState: progress.update });
  } catch (error) {
    if (!progress.begun()) throw error;
    const { message, cause } = error as Error;
    throw new CommandError(`${message}${cause instanceof Error ? ` (${cause.name} ${cause.message})` : ''}\nThe migration is not complete. Run the same command again: it goes on where it was.`);
  } finally {
    progress.stop();
    await source.close();
  }
  printResult(options.json, report, rowsOf(report));
  if (!report.complete) {
    throw new CommandError(`The database is not the same as the data folder, and no server opens it:\n${report.differences.join('\n')}\nDrop the database and run quipu migrate again.`);
  }
  tell(`All counts agree, and ${grouped(report.compared)} entries read back are the same. Start Quipu with QUIPU_MONGODB_URL; ${config.dataDir} is as it was.`);
}

const columns: [title: string, name: keyof MigrationCounts][] = [
  ['STATEMENTS', 'statements'], ['VOIDED', 'voided'], ['ERASURES', 'erasures'], ['DEFINITIONS', 'definitions'], ['DOCUMENTS', 'documents'], ['RECORDS', 'records'], ['ATTACHMENTS', 'attachments'], ['BYTES', 'attachmentBytes'], ['PACKAGES', 'packages'], ['BYTES', 'packageBytes'],
];

/** One number where both ends have the same. */
function rowsOf({ tenants }: MigrationReport): string[][] {
  return [
    ['TENANT', ...columns.map(([title]) => title)],
    ...tenants.map(({ id, source, target }) => [
      id === '' ? '(server)' : id,
      ...columns.map(([, name]) => (source[name] === target[name] ? grouped(source[name]) : `${grouped(target[name])} of ${grouped(source[name])}`)),
    ]),
  ];
}

/** Shows one phase after the other. */
function createPhases(): { update(state: MigrationState): void; begun(): boolean; stop(): void } {
  let phase: MigrationState['phase'] | undefined;
  let shown: Progress | undefined;
  return {
    update: ({ phase: now, done, total, statements, attachments }) => {
      if (now !== phase) {
        shown?.stop();
        phase = now;
        shown = createProgress({ ...(total !== undefined && { total }), unit: 'bytes' });
      }
      shown!.update(done, now === 'comparing' ? `compared ${grouped(done)} tenants` : `${now === 'reading' ? 'read' : 'moved'} ${grouped(statements)} statements${now === 'copying' ? `, ${grouped(attachments)} attachments` : ''}`);
    },
    begun: () => phase === 'copying' || phase === 'comparing',
    stop: () => shown?.stop(),
  };
}
