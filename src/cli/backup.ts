import type { Command } from 'commander';
import { writeTarget } from './byte-stream.js';
import { connect, reasonOf, type ConnectionOptions } from './client.js';
import { CommandError } from './command-error.js';
import { withConnection } from './connection-options.js';
import { tell } from './output.js';
import { createProgress, grouped } from './progress.js';

/** `quipu backup`: everything, of a server that runs. */
export function addBackup(program: Command): void {
  withConnection(program.command('backup <file>').description('write a backup of everything, also while the server runs; - is standard output'))
    .option('--gzip', 'compress (as by a file name that ends in .gz)')
    .action(backup);
}

async function backup(file: string, options: ConnectionOptions & { gzip?: boolean }): Promise<void> {
  const client = await connect(options);
  try {
    const answer = await client.send('GET', '/v1/backup');
    const progress = createProgress({ unit: 'bytes' });
    let bytes = 0;
    try {
      await writeTarget(answer, file, options.gzip ?? file.endsWith('.gz'), (chunk) => {
        bytes += chunk.length;
        progress.update(bytes, `${grouped(Math.round(bytes / 1024))} KB`);
      });
    } catch (error) {
      throw new CommandError(`The backup is not complete and was not kept: ${reasonOf(error)}.`);
    } finally {
      progress.stop();
    }
    tell(`Backup complete: ${grouped(bytes)} bytes.`);
  } finally {
    await client.close();
  }
}
