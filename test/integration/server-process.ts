import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { authorization, send, type Answer, type Key, type RequestOptions } from './server.js';

/** A Quipu in a process of its own, started as `npm start` starts it. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** The first key, with every scope. */
  readonly key: Key;
  /** Value of the Authorization header of that key. */
  readonly authorization: string;
  /** Settles with the exit code, or the signal, when the process has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What it has written to standard error so far. */
  log(): string;
  /** @param path under /xapi when it has no slash at its start, otherwise as it is; the first key asks unless told otherwise */
  request(path: string, options?: RequestOptions): Promise<Answer>;
  /** Resident memory in bytes. */
  memory(): Promise<number>;
  /** kill -9 */
  kill(): Promise<void>;
  /** SIGTERM; gives what `ended` gives. */
  stop(): Promise<number | NodeJS.Signals>;
}

const key: Key = { id: 'first-key', secret: 'first-secret' };
const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const PATIENCE = 30_000;

/**
 * Starts `quipu serve` on a data folder and waits until it listens.
 * @param env settings beside the folder, the port and the key
 * @throws Error with what the process wrote when it ends instead
 */
export async function startProcess(dataDir: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const serverFile = join(dataDir, 'server.json');
  await rm(serverFile, { force: true });
  const child: ChildProcess = spawn(process.execPath, [entry, 'serve'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, QUIPU_PORT: '0', QUIPU_CONTENT_PORT: '0', QUIPU_LOG_LEVEL: 'error', QUIPU_DATA_DIR: dataDir, QUIPU_KEY: key.id, QUIPU_SECRET: key.secret, QUIPU_ANALYTICS: 'off', ...env },
  });
  let written = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { written = (written + text).slice(-100_000); });
  let over = false;
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once('exit', (code, signal) => {
    over = true;
    resolve(code ?? signal!);
  }));

  const url = await listeningUrl(serverFile, () => over, () => written);
  return {
    url, pid: child.pid!, key, authorization: authorization(key), ended,
    log: () => written,
    request: (path, options = {}) => send(url + (path.startsWith('/') ? path : `/xapi/${path}`), { key, ...options }),
    memory: async () => Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))![1]) * 1024,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

async function listeningUrl(serverFile: string, over: () => boolean, log: () => string): Promise<string> {
  for (const start = Date.now(); Date.now() - start < PATIENCE;) {
    const text = await readFile(serverFile, 'utf8').catch(() => '');
    if (text.endsWith('}')) return (JSON.parse(text) as { url: string }).url;
    if (over()) throw new Error(`The server ended before it listened: ${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`The server did not listen within ${PATIENCE} ms: ${log()}`);
}
