#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { exitStatus } from './command-error.js';
import { tell } from './output.js';

const program = new Command('quipu')
  .description('An xAPI Learning Record Store.')
  .version(version)
  .showHelpAfterError('(quipu COMMAND --help tells more)')
  .exitOverride();

/** Every command with the file that adds it, in the order of the help. */
const commands: [string, () => Promise<(program: Command) => void>][] = [
  ['serve', async () => (await import('./serve.js')).addServe],
  ['import', async () => (await import('./import.js')).addImport],
  ['export', async () => (await import('./export.js')).addExport],
  ['backup', async () => (await import('./backup.js')).addBackup],
  ['restore', async () => (await import('./restore.js')).addRestore],
  ['migrate', async () => (await import('./migrate.js')).addMigrate],
  ['keys', async () => (await import('./keys.js')).addKeys],
  ['tenants', async () => (await import('./tenants.js')).addTenants],
  ['analytics', async () => (await import('./analytics.js')).addAnalytics],
  ['consumers', async () => (await import('./consumers.js')).addConsumers],
  ['courses', async () => (await import('./courses.js')).addCourses],
  ['doctor', async () => (await import('./doctor.js')).addDoctor],
];

// Whoever reads what is printed may leave off early, as `head` does: an export or a backup says that it is not complete, for the rest that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  tell(`Standard output can't be written: ${error.message}.`);
  process.exit(exitStatus.failed);
});

// The command that comes first is loaded alone, for the server should not wait for what imports and migrates; otherwise it may be any.
const named = commands.filter(([name]) => name === process.argv[2]);
for (const [, load] of named.length > 0 ? named : commands) (await load())(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    tell(error instanceof Error ? error.message : String(error));
    process.exit(exitStatus.failed);
  }
}
