import { Option, type Command } from 'commander';
import type { ImportReport } from '../transfer/import-lines.js';
import { connect, RequestError, type Client, type ConnectionOptions } from './client.js';
import { CommandError, exitStatus } from './command-error.js';
import { withConnection, withJson, withTenant } from './connection-options.js';
import { openFileSource } from './file-source.js';
import { readBody } from './http-request.js';
import { openCheckpoint, type ImportCounts, type ImportProgress } from './import-checkpoint.js';
import { createImportGroup, type ImportGroup } from './import-group.js';
import { openLrsSource } from './lrs-source.js';
import { printResult, tell } from './output.js';
import { createProgress, grouped } from './progress.js';
import { openRefusalReport, type RefusalReport } from './refusal-report.js';
import { untilItWorks } from './retry.js';
import type { ImportSource, ResumePoint } from './source-item.js';

interface ImportOptions extends ConnectionOptions {
  sourceKey?: string;
  sourceSecret?: string;
  sourceVersion: string;
  report?: string;
  restart?: boolean;
}

/** `quipu import`: statements from a file, standard input or another LRS. */
export function addImport(program: Command): void {
  withJson(withTenant(withConnection(program.command('import <source>'))))
    .description('take in statements: from a file (JSON array, NDJSON, an export; also .gz), - for standard input, or the URL of another LRS')
    .addOption(new Option('--source-key <key>', 'key for the other LRS').env('QUIPU_SOURCE_KEY'))
    .addOption(new Option('--source-secret <secret>', 'its secret').env('QUIPU_SOURCE_SECRET'))
    .option('--source-version <version>', 'X-Experience-API-Version for the other LRS', '1.0.3')
    .option('--report <file>', 'write the refused statements and reasons to this file, as NDJSON')
    .option('--restart', 'begin anew, whatever an interrupted import of the same source has done')
    .addHelpText('after', '\nExit status: 0 all statements are in, 1 failure, 2 some were refused. After an interruption the same command goes on.')
    .action(importStatements);
}

/** A request carries at most this many statements, or ends with the statement that makes it this long. */
const groupStatements = 200;
const groupBytes = 1 << 20;

async function importStatements(location: string, options: ImportOptions): Promise<void> {
  const isUrl = /^https?:\/\//i.test(location);
  const client = await connect(options, true);
  try {
    const checkpoint = await openCheckpoint(location, isUrl, `${client.target} ${options.tenant ?? ''}`).catch((error: Error) => {
      throw new CommandError(`${location} can't be read: ${error.message}.`);
    });
    const before = options.restart ? undefined : await stillTrue(client, options.tenant, await checkpoint.load());
    if (before) tell(`Going on after ${grouped(before.resume.number)} of an interrupted import (--restart begins anew).`);
    const counts = before?.counts ?? { stored: 0, duplicates: 0, refused: 0 };
    const source = await openImportSource(location, isUrl, options, before?.resume);
    const report = await openRefusalReport(options.report, before !== undefined, location);
    try {
      await run({ client, tenant: options.tenant, source, counts, report, save: (resume, proof) => checkpoint.save({ resume, counts, proof }) });
    } finally {
      await report.close();
    }
    await checkpoint.remove();
    const { stored, duplicates, refused } = counts;
    printResult(options.json, counts, [[`${grouped(stored)} stored, ${grouped(duplicates)} were there already, ${grouped(refused)} refused.`]]);
    process.exitCode = refused > 0 ? exitStatus.refused : exitStatus.done;
  } finally {
    await client.close();
  }
}

/** What an interrupted import had done, unless the target has lost it since. */
async function stillTrue(client: Client, tenant: string | undefined, before: ImportProgress | undefined): Promise<ImportProgress | undefined> {
  if (before?.proof === undefined) return undefined;
  const group = createImportGroup();
  await group.addStatement(Buffer.from(before.proof), {});
  const { duplicates } = await sendGroup(client, tenant, group);
  if (duplicates === 1) return before;
  tell('The store lacks what an interrupted import of this source had sent: beginning anew.');
  return undefined;
}

function openImportSource(location: string, isUrl: boolean, options: ImportOptions, resume: ResumePoint | undefined): Promise<ImportSource> {
  if (!isUrl) return openFileSource(location, resume);
  return Promise.resolve(openLrsSource({ url: location, key: options.sourceKey, secret: options.sourceSecret, version: options.sourceVersion }, resume));
}

interface Run {
  client: Client;
  tenant?: string;
  source: ImportSource;
  /** Counted up. */
  counts: ImportCounts;
  report: RefusalReport;
  save(resume: ResumePoint, proof: string | undefined): Promise<void>;
}

/** Sends what the source gives, group by group; after each the checkpoint moves on. */
async function run({ client, tenant, source, counts, report, save }: Run): Promise<void> {
  const progress = createProgress({ total: source.size, unit: source.size === undefined ? 'statements' : 'bytes' });
  let group = createImportGroup();
  let resume: ResumePoint | undefined;
  let proof: string | undefined;

  async function flush(): Promise<void> {
    const sent = group;
    if (sent.bytes > 0) {
      const answer = await sendGroup(client, tenant, sent);
      counts.stored += answer.stored;
      counts.duplicates += answer.duplicates;
      counts.refused += answer.refused;
      for (const { line, ...refusal } of answer.refusals) await report.add({ ...sent.placeOf(line), ...refusal });
      proof = sent.lastOutside(new Set(answer.refusals.map(({ line }) => line)))?.toString('utf8') ?? proof;
    }
    group = createImportGroup();
    await sent.discard();
    if (resume) await save(resume, proof);
    const seen = counts.stored + counts.duplicates + counts.refused;
    progress.update(source.size === undefined ? seen : source.position(), `${grouped(seen)} statements`);
  }

  try {
    for await (const item of source.items) {
      if (item.kind === 'statement') {
        await group.addStatement(item.line, item.place);
      } else if (item.kind === 'attachment') {
        await group.addAttachment(item.line);
        continue;
      } else if (item.kind === 'refused') {
        counts.refused++;
        await report.add({ ...item.place, error: item.error, message: item.message });
      }
      resume = item.resume ?? resume;
      if (group.statements >= groupStatements || group.bytes >= groupBytes) await flush();
    }
    await flush();
  } finally {
    progress.stop();
    await group.discard();
  }
}

async function sendGroup(client: Client, tenant: string | undefined, group: ImportGroup): Promise<ImportReport> {
  try {
    return await untilItWorks(async () => {
      const answer = await client.send('POST', '/v1/statements/import', {
        query: { tenant }, headers: { 'content-type': 'application/x-ndjson', 'content-length': group.bytes }, body: group.body(),
      });
      return JSON.parse((await readBody(answer)).toString('utf8')) as ImportReport;
    }, (seconds, reason) => tell(`${reason.message} Trying again in ${seconds} s.`));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new CommandError(`${error.message}\nThe import is not complete. What was sent before is in; the same command goes on from there.`);
  }
}
