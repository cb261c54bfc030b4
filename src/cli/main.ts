#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from '../main.js';
import { addAnalytics } from './analytics.js';
import { addBackup } from './backup.js';
import { exitStatus } from './command-error.js';
import { addConsumers } from './consumers.js';
import { addDoctor } from './doctor.js';
import { addExport } from './export.js';
import { addImport } from './import.js';
import { addKeys } from './keys.js';
import { addMigrate } from './migrate.js';
import { tell } from './output.js';
import { addRestore } from './restore.js';
import { addServe } from './serve.js';
import { addTenants } from './tenants.js';

const program = new Command('quipu')
  .description('An xAPI Learning Record Store.')
  .version(version)
  .showHelpAfterError('(quipu COMMAND --help tells more)')
  .exitOverride();

for (const add of [addServe, addImport, addExport, addBackup, addRestore, addMigrate, addKeys, addTenants, addAnalytics, addConsumers, addDoctor]) add(program);

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
