import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '../test/e2e/browser.js';
import { startProcess, type ServerProcess } from '../test/integration/server-process.js';
import { freePort } from '../test/services/service-process.js';

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** How long one test may take, in milliseconds; the suite's default is too short for a machine that is busy. */
const PATIENCE = 60_000;
/** Settings of the clustered profile, under which the suite runs where they are given. */
const clustered = ['QUIPU_MONGODB_URL', 'QUIPU_CLICKHOUSE_URL', 'QUIPU_REDIS_URL'];

/** A file of the folder cmi5 beside this one's source. */
const file = (name: string): string => fileURLToPath(new URL(`../../conformance/cmi5/${name}`, import.meta.url));

/** Settings of the run: those of the clustered profile with a database of its own, and two free ports. */
async function settings(): Promise<Record<string, string>> {
  const given = Object.fromEntries(clustered.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  if (given.QUIPU_MONGODB_URL) {
    const url = new URL(given.QUIPU_MONGODB_URL);
    url.pathname = `/conformance_cmi5_${Date.now()}`;
    given.QUIPU_MONGODB_URL = url.href;
  }
  return { ...given, QUIPU_PORT: String(await freePort()), QUIPU_CONTENT_PORT: String(await freePort()), QUIPU_LOG_LEVEL: 'warn' };
}

/** Runs the suite's own test runner, one file after the other. */
async function runSuite(suite: string, server: ServerProcess, browser: string, totals: string): Promise<Totals> {
  const words = [join('node_modules', 'jest', 'bin', 'jest.js'), '--runInBand', `--testTimeout=${PATIENCE}`, `--reporters=${file('reporter.cjs')}`];
  const runner = spawn(process.execPath, words, {
    cwd: suite, stdio: 'inherit',
    env: {
      PATH: process.env.PATH, HOME: process.env.HOME, CATAPULT_LMS: file('lms.cjs'), JEST_PUPPETEER_CONFIG: file('browser.cjs'), QUIPU_TEST_CHROMIUM: browser,
      QUIPU_URL: server.url, QUIPU_KEY: server.key.id, QUIPU_SECRET: server.key.secret, QUIPU_TOTALS: totals,
    },
  });
  await once(runner, 'close');
  return JSON.parse(await readFile(totals, 'utf8').catch(() => { throw new Error('The suite did not run to its end.'); })) as Totals;
}

async function main(): Promise<boolean> {
  const suite = join(process.env.CATAPULT ?? '', 'lts');
  if (!process.env.CATAPULT || !existsSync(join(suite, 'node_modules', 'jest')) || !existsSync(join(suite, 'pkg', 'dist'))) {
    const fault = process.env.CATAPULT ? `CATAPULT is ${process.env.CATAPULT}, in which lts/node_modules and lts/pkg/dist are not both there` : 'CATAPULT is not set';
    throw new Error(`${fault}: it names a checkout of https://github.com/adlnet/CATAPULT whose LMS test suite is installed and built as lts/README.md says.`);
  }
  const browser = await chromium();
  if (browser.path === undefined) throw new Error(`The suite takes a browser: ${browser.missing}.`);
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-conformance-'));
  try {
    const server = await startProcess(dataDir, await settings());
    try {
      const { passed, failed, skipped } = await runSuite(suite, server, browser.path, join(dataDir, 'totals.json'));
      process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
      return passed > 0 && failed === 0 && skipped === 0;
    } finally {
      process.stderr.write(server.log());
      await server.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

main().then((passed) => {
  process.exitCode = passed ? 0 : 1;
}, (error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
