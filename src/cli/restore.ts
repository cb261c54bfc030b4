import type { Command } from 'commander';
import { restoreBackup } from '../backup/restore.js';
import { openRestoreTarget } from '../server/storage.js';
import { openSource } from './byte-stream.js';
import { configOf } from './client.js';
import { tell } from './output.js';
import { createProgress, grouped } from './progress.js';

/** `quipu restore`: a store out of a backup. */
export function addRestore(program: Command): void {
  program.command('restore <file>')
    .description('make a data folder, or the database of QUIPU_MONGODB_URL, from a backup; it must be missing or empty; - is standard input')
    .option('--data-dir <folder>', 'data folder to make (default: QUIPU_DATA_DIR, or ./data)')
    .action(restore);
}

async function restore(file: string, options: { dataDir?: string }): Promise<void> {
  const config = configOf(options);
  const source = await openSource(file);
  const progress = createProgress({ total: source.size, unit: 'bytes' });
  source.stream.on('data', () => progress.update(source.position(), `${grouped(Math.round(source.position() / 1024))} KB`));
  source.stream.pause();
  try {
    const { manifest, attachments, packages = 0 } = await restoreBackup(() => openRestoreTarget(config), source.stream);
    const statements = manifest.tenants.reduce((sum, tenant) => sum + tenant.statements, 0);
    progress.stop();
    tell(`The backup of ${manifest.started} is restored to ${config.mongodbUrl === undefined ? config.dataDir : 'the database of QUIPU_MONGODB_URL'}: ${grouped(manifest.tenants.length)} tenants, ${grouped(statements)} statements, ${grouped(attachments)} attachments, ${grouped(packages)} packages.`);
  } finally {
    progress.stop();
  }
}
