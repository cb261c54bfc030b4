import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One node of the suite's log: a test, or a group of them. */
interface SuiteTest {
  title: string;
  status: string;
  error?: unknown;
  tests?: SuiteTest[];
}

/** What is read of a log of the suite. */
interface SuiteLog {
  summary: { total: number; passed: number; failed: number; version: string };
  log: SuiteTest;
}

const versions = ['1.0.3', '2.0.0'] as const;
const credential = { key: 'conformance', secret: 'conformance-secret' };
const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

/** Settings of the clustered profile, under which the suite runs where they are given. */
const clustered: ReadonlySet<string> = new Set(['QUIPU_MONGODB_URL', 'QUIPU_CLICKHOUSE_URL', 'QUIPU_REDIS_URL']);

/** The URL of a MongoDB server with a database that is new. */
function freshDatabase(server: string, version: string): string {
  const url = new URL(server);
  url.pathname = `/conformance_${version.replaceAll('.', '_')}_${Date.now()}`;
  return url.href;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Starts `quipu serve`; resolves when it listens. */
async function startServer(version: string, dataDir: string, port: number): Promise<ChildProcess> {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('QUIPU_') || clustered.has(name));
  const env = {
    ...Object.fromEntries(others), ...(process.env.QUIPU_MONGODB_URL && { QUIPU_MONGODB_URL: freshDatabase(process.env.QUIPU_MONGODB_URL, version) }),
    QUIPU_PORT: String(port), QUIPU_CONTENT_PORT: '0', QUIPU_DATA_DIR: dataDir, QUIPU_DEFAULT_VERSION: version, QUIPU_KEY: credential.key, QUIPU_SECRET: credential.secret, QUIPU_LOG_LEVEL: 'warn',
  };
  const server = spawn(process.execPath, [cli, 'serve'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (let attempt = 0; attempt < 150; attempt += 1) {
    if (server.exitCode !== null) break;
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`).then((answer) => answer.ok, () => false);
    if (ready) return server;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  server.kill('SIGKILL');
  throw new Error('The server did not start; its log is above.');
}

/** Runs the suite once and shows how far it is. */
async function runSuite(suite: string, version: string, port: number): Promise<void> {
  const runner = spawn(process.execPath, ['bin/console_runner.js', '-e', `http://127.0.0.1:${port}/xapi`, '-a', '-u', credential.key, '-p', credential.secret, '-x', version], { cwd: suite, stdio: ['ignore', 'pipe', 'inherit'] });
  let shown = '';
  runner.stdout.setEncoding('utf8').on('data', (text: string) => {
    const last = [...text.matchAll(/"total":(\d+),"passed":(\d+),"failed":(\d+)/g)].at(-1);
    const line = last && `${version}: ${last[2]}/${last[1]} passed, ${last[3]} failed so far`;
    if (!line || line === shown) return;
    shown = line;
    process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
  });
  await once(runner, 'close');
  if (process.stderr.isTTY) process.stderr.write('\n');
}

/** The log that a run has left in the checkout: the newest one written since it began. */
async function readLog(suite: string, since: number): Promise<SuiteLog> {
  const folder = join(suite, 'logs');
  let newest: { path: string; time: number } | undefined;
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs >= since && mtimeMs > (newest?.time ?? 0)) newest = { path, time: mtimeMs };
  }
  if (!newest) throw new Error(`The suite wrote no log to ${folder}: it did not run to its end.`);
  return JSON.parse(await readFile(newest.path, 'utf8')) as SuiteLog;
}

/** Paths of the tests that did not pass, innermost ones only. */
function failures({ title, status, error, tests = [] }: SuiteTest, path: string[] = []): string[] {
  const here = title ? [...path, title] : path;
  if (tests.length > 0) return tests.flatMap((test) => failures(test, here));
  return status === 'passed' ? [] : [`${here.join(' > ')} [${status}]${error === undefined ? '' : `\n    ${typeof error === 'string' ? error : JSON.stringify(error)}`}`];
}

/** One version of the suite against a server of its own. */
async function conform(suite: string, version: string): Promise<SuiteLog> {
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-conformance-'));
  const port = await freePort();
  const server = await startServer(version, dataDir, port);
  const began = Date.now();
  try {
    await runSuite(suite, version, port);
    return await readLog(suite, began);
  } finally {
    const ended = server.exitCode === null ? once(server, 'exit') : undefined;
    server.kill('SIGTERM');
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function main(): Promise<boolean> {
  const suite = process.env.ADL_SUITE;
  if (!suite || !existsSync(join(suite, 'bin', 'console_runner.js'))) {
    throw new Error(`${suite ? `ADL_SUITE is ${suite}, which holds no bin/console_runner.js` : 'ADL_SUITE is not set'}: it names a checkout of https://github.com/adlnet/lrs-conformance-test-suite in which npm install has run.`);
  }
  const totals: string[] = [];
  let passed = true;
  for (const version of versions) {
    const { summary, log } = await conform(suite, version);
    for (const failure of failures(log)) process.stdout.write(`${version} failed: ${failure}\n`);
    totals.push(`${version}: ${summary.passed}/${summary.total}`);
    passed &&= summary.total > 0 && summary.passed === summary.total && summary.version === version;
  }
  process.stdout.write(`${totals.join('\n')}\n`);
  return passed;
}

main().then((passed) => {
  process.exitCode = passed ? 0 : 1;
}, (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
