import { Option, type Command } from 'commander';
import { courseModes } from '../cmi5/packages/records.js';
import { openSource, writeTarget } from './byte-stream.js';
import { connect, reasonOf, RequestError, type Client, type ConnectionOptions } from './client.js';
import { CommandError } from './command-error.js';
import { withConnection, withJson, withTenant } from './connection-options.js';
import { readBody } from './http-request.js';
import { listAll } from './list-all.js';
import { printResult, tell } from './output.js';
import { createProgress, grouped } from './progress.js';

interface Course {
  id: string;
  publisherId: string;
  title: { lang?: string; text: string }[];
  mode: string;
  updated: string;
  versionCount: number;
}

interface Imported {
  course: string;
  version: string;
  number: number;
  created: boolean;
  diff: { added: string[]; removed: string[]; changed: { unit: string; properties: string[] }[]; kept: string[] };
}

interface Fault {
  message: string;
  section: string;
  hint: string;
  requirement?: string;
  line?: number;
  column?: number;
  path?: string;
}

/** `quipu courses`: cmi5 packages of a tenant. */
export function addCourses(program: Command): void {
  const courses = program.command('courses').description('import, list and export cmi5 courses');
  const command = (name: string, description: string): Command => withTenant(withConnection(courses.command(name).description(description)));
  withJson(command('import <file>', 'import a course package: a zip or a cmi5.xml; - is standard input'))
    .option('--course <id>', 'the course that it has to be a version of')
    .addOption(new Option('--mode <mode>', 'how the course judges statements').choices(courseModes))
    .action(importPackage);
  withJson(command('list', 'list the courses')).action(list);
  command('export <id> <file>', 'write the package of a course as it came in; - is standard output')
    .option('--version-id <id>', 'that of an earlier version')
    .action(exportPackage);
}

async function withClient(options: ConnectionOptions, work: (client: Client) => Promise<void>, mayCreate = false): Promise<void> {
  const client = await connect(options, mayCreate);
  try {
    await work(client);
  } finally {
    await client.close();
  }
}

function importPackage(file: string, options: ConnectionOptions & { course?: string; mode?: string }): Promise<void> {
  const { tenant, course, mode } = options;
  return withClient(options, async (client) => {
    const source = await openSource(file);
    const progress = createProgress({ ...(source.size !== undefined && { total: source.size }), unit: 'bytes' });
    source.stream.on('data', () => progress.update(source.position(), `${grouped(Math.round(source.position() / 1024))} KB`));
    source.stream.pause();
    try {
      const answer = await client.send('POST', '/v1/cmi5/packages', {
        query: { tenant, course, mode },
        headers: { 'content-type': 'application/octet-stream', ...(source.size !== undefined && !source.compressed && { 'content-length': source.size }) },
        body: source.stream,
      });
      progress.stop();
      const outcome = JSON.parse((await readBody(answer)).toString('utf8')) as Imported;
      printResult(options.json, outcome, rowsOf(outcome));
    } catch (error) {
      progress.stop();
      throw explained(error);
    } finally {
      progress.stop();
    }
  }, true);
}

function rowsOf({ course, version, number, created, diff: { added, removed, changed, kept } }: Imported): string[][] {
  if (!created) return [['Course:', course], ['Version:', `${number} (${version})`], ['', 'The package is this version already.']];
  return [
    ['Course:', course], ['Version:', `${number} (${version})`], ['AUs:', `${added.length} added, ${removed.length} removed, ${changed.length} changed, ${kept.length} as they were`],
    ...(number === 1 ? [] : [...added.map((unit) => ['added', unit]), ...removed.map((unit) => ['removed', unit]), ...changed.map(({ unit, properties }) => ['changed', `${unit} (${properties.join(', ')})`])]),
  ];
}

/** Every fault of a package, one after the other. */
function explained(error: unknown): unknown {
  if (!(error instanceof RequestError)) return error;
  const { faults } = (error.body ?? {}) as { faults?: Fault[] };
  if (!Array.isArray(faults) || faults.length === 0) return error;
  const lines = faults.map(({ message, section, requirement, hint, line, column, path }) => {
    const place = line === undefined ? path ?? 'package' : `cmi5.xml:${line}${column === undefined ? '' : `:${column}`}`;
    return `${place}: ${message} (${section}${requirement === undefined ? '' : `, ${requirement}`})\n  ${hint}`;
  });
  return new CommandError(`The package can't be imported; nothing of it was kept.\n${lines.join('\n')}`);
}

function list(options: ConnectionOptions): Promise<void> {
  return withClient(options, async (client) => {
    const courses = await listAll<Course>(client, '/v1/courses', 'courses', { tenant: options.tenant });
    const rows = courses.map(({ id, title, publisherId, mode, versionCount, updated }) => [id, title[0]?.text ?? '', String(versionCount), mode, updated, publisherId]);
    printResult(options.json, courses, [['COURSE', 'TITLE', 'VERSION', 'MODE', 'IMPORTED', 'PUBLISHER ID'], ...rows]);
  });
}

function exportPackage(id: string, file: string, options: ConnectionOptions & { versionId?: string }): Promise<void> {
  return withClient(options, async (client) => {
    const answer = await client.send('GET', `/v1/courses/${encodeURIComponent(id)}/package`, { query: { tenant: options.tenant, version: options.versionId } });
    const total = Number(answer.headers['content-length']);
    const progress = createProgress({ ...(Number.isFinite(total) && { total }), unit: 'bytes' });
    let written = 0;
    try {
      await writeTarget(answer, file, false, (chunk) => {
        written += chunk.length;
        progress.update(written, `${grouped(Math.round(written / 1024))} KB`);
      });
    } catch (error) {
      throw new CommandError(`The export is not complete and was not kept: ${reasonOf(error)}.`);
    } finally {
      progress.stop();
    }
    tell(`${grouped(written)} bytes written.`);
  });
}
