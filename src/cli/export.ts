import type { Command } from 'commander';
import { isAttachmentLine } from '../transfer/attachment-line.js';
import { writeTarget } from './byte-stream.js';
import { connect, reasonOf, type ConnectionOptions } from './client.js';
import { CommandError } from './command-error.js';
import { withConnection, withTenant } from './connection-options.js';
import { tell } from './output.js';
import { createProgress, grouped } from './progress.js';

interface ExportOptions extends ConnectionOptions {
  since?: string;
  until?: string;
  gzip?: boolean;
}

/** `quipu export`: all statements of a tenant with their attachments. */
export function addExport(program: Command): void {
  withTenant(withConnection(program.command('export <file>').description('write all statements and attachments of a tenant as NDJSON; - is standard output')))
    .option('--since <time>', 'only what was stored after this, ISO 8601')
    .option('--until <time>', 'only what was stored at or before this')
    .option('--gzip', 'compress (as by a file name that ends in .gz)')
    .action(exportStatements);
}

async function exportStatements(file: string, options: ExportOptions): Promise<void> {
  const client = await connect(options);
  try {
    const { tenant, since, until } = options;
    const answer = await client.send('GET', '/v1/statements/export', { query: { tenant, since, until } });
    const expected = Number(answer.headers['x-quipu-statements']);
    const progress = createProgress({ total: since === undefined && until === undefined ? expected || undefined : undefined, unit: 'statements' });
    const counter = createStatementCounter();
    try {
      await writeTarget(answer, file, options.gzip ?? file.endsWith('.gz'), (chunk) => {
        counter.add(chunk);
        progress.update(counter.statements(), `${grouped(counter.statements())} statements`);
      });
    } catch (error) {
      throw new CommandError(`The export is not complete and was not kept: ${reasonOf(error)}.`);
    } finally {
      progress.stop();
    }
    tell(`${grouped(counter.statements())} statements exported.`);
  } finally {
    await client.close();
  }
}

/** Counts the lines of an export that are statements. */
export function createStatementCounter(): { add(chunk: Buffer): void; statements(): number } {
  const opening = 32;
  let head = Buffer.alloc(0);
  let count = 0;
  return {
    add: (chunk) => {
      let start = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        if (head.length < opening) head = Buffer.concat([head, chunk.subarray(start, Math.min(end, start + opening))]);
        if (!isAttachmentLine(head)) count++;
        head = Buffer.alloc(0);
        start = end + 1;
      }
      if (head.length < opening) head = Buffer.concat([head, chunk.subarray(start, start + opening)]);
    },
    statements: () => count,
  };
}
