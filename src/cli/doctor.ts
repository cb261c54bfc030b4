import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import type { BackupManifest } from '../backup/archive.js';
import type { Config } from '../config.js';
import { configOf, connect, findServer, holdsData, type Client } from './client.js';
import { exitStatus } from './command-error.js';
import { printResult } from './output.js';
import { grouped } from './progress.js';

/** What one look has found. */
interface Finding {
  check: string;
  ok: boolean;
  /** What was found; for a fault, what to do. */
  detail: string;
}

/** `quipu doctor`: looks at everything that a server needs. */
export function addDoctor(program: Command): void {
  program.command('doctor')
    .description('check settings, data folder, disk, store and the running server; exit status 1 on a fault')
    .option('--data-dir <folder>', 'data folder (default: QUIPU_DATA_DIR, or ./data)')
    .option('--json', 'print the findings as JSON')
    .action(doctor);
}

async function doctor(options: { dataDir?: string; json?: boolean }): Promise<void> {
  const findings: Finding[] = [];
  for await (const finding of examine(options)) findings.push(finding);
  printResult(options.json, findings, findings.map(({ check, ok, detail }) => [ok ? 'ok' : 'FAULT', check, detail]));
  if (findings.some(({ ok }) => !ok)) process.exitCode = exitStatus.failed;
}

async function* examine(options: { dataDir?: string }): AsyncGenerator<Finding> {
  yield nodeVersion();
  let config: Config;
  try {
    config = configOf(options);
  } catch (error) {
    yield { check: 'settings', ok: false, detail: (error as Error).message };
    return;
  }
  const unknown = config.unknown.filter((name) => !/^QUIPU_(CLI|SOURCE)_(KEY|SECRET)$/.test(name));
  yield unknown.length === 0
    ? { check: 'settings', ok: true, detail: 'every setting can be used' }
    : { check: 'settings', ok: false, detail: `unknown: ${unknown.join(', ')} (docs/configuration.md lists the settings)` };
  const folder = await examineFolder(config.dataDir);
  yield folder;
  yield await freeSpace(config);
  if (folder.ok) yield* examineStore(config, options);
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 20);
  return { check: 'node', ok, detail: ok ? process.version : `${process.version}: Quipu needs 20.20 or newer` };
}

async function examineFolder(dataDir: string): Promise<Finding> {
  const there = await exists(dataDir);
  const looked = there ? dataDir : await nearestFolder(dataDir);
  try {
    await access(looked, constants.R_OK | constants.W_OK | constants.X_OK);
    return { check: 'data folder', ok: true, detail: there ? `${dataDir} can be written` : `${dataDir} is not there yet and can be made` };
  } catch (error) {
    return { check: 'data folder', ok: false, detail: `${looked} can't be written: ${(error as Error).message}` };
  }
}

async function freeSpace({ dataDir, minFreeBytes }: Config): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(dataDir));
  const free = bavail * bsize;
  const ok = free > minFreeBytes;
  const megabytes = (bytes: number): string => `${grouped(Math.round(bytes / (1 << 20)))} MB`;
  return { check: 'disk', ok, detail: ok ? `${megabytes(free)} free` : `${megabytes(free)} free: below QUIPU_MIN_FREE_BYTES (${megabytes(minFreeBytes)}) nothing is taken in` };
}

async function* examineStore(config: Config, options: { dataDir?: string }): AsyncGenerator<Finding> {
  const running = await findServer(config.dataDir);
  yield { check: 'server', ok: true, detail: running ? `runs as process ${running.pid}${running.url === undefined ? '' : ` on ${running.url}`}` : 'does not run on this data folder' };
  if (!running && config.mongodbUrl === undefined && !(await holdsData(config.dataDir))) {
    yield { check: 'store', ok: true, detail: 'empty: the first start makes it' };
    return;
  }
  let client: Client;
  try {
    client = await connect(options);
  } catch (error) {
    yield { check: 'store', ok: false, detail: (error as Error).message };
    return;
  }
  try {
    yield await examineContents(client);
    if (config.mongodbUrl !== undefined) yield await examineIndexes(client);
    yield await examineHealth(client);
  } finally {
    await client.close();
  }
}

async function examineContents(client: Client): Promise<Finding> {
  try {
    const { engine, version, tenants } = await client.json<BackupManifest>('GET', '/v1/backup/manifest');
    const counts = tenants.map(({ id, statements }) => `${id} ${grouped(statements)}`).join(', ');
    return { check: 'store', ok: true, detail: `${engine}, data format ${version}; statements: ${counts}` };
  } catch (error) {
    return { check: 'store', ok: false, detail: (error as Error).message };
  }
}

async function examineIndexes(client: Client): Promise<Finding> {
  try {
    const { faults } = await client.json<{ faults: string[] }>('GET', '/v1/store');
    return { check: 'indexes', ok: faults.length === 0, detail: faults.length === 0 ? 'every one that the store uses is there' : faults.join('; ') };
  } catch (error) {
    return { check: 'indexes', ok: false, detail: (error as Error).message };
  }
}

async function examineHealth(client: Client): Promise<Finding> {
  try {
    const { status } = await client.json<{ status: string }>('GET', '/health/ready');
    return { check: 'health', ok: true, detail: status };
  } catch (error) {
    return { check: 'health', ok: false, detail: (error as Error).message };
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

/** The folder, or the nearest above it that there is. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (await exists(folder) || dirname(folder) === folder) return folder;
  }
}
