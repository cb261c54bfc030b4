import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Target } from './scenario.js';

/** How a Quipu is started. */
export interface QuipuOptions {
  /** Data folder; made when it isn't there, and kept. What the program logs goes to a file beside it, `<folder>.log`. */
  folder: string;
  /** Whether statements go to the embedded ClickHouse; they don't when not given. */
  analytics?: boolean;
  /** Version that loads speak; 1.0.3 when not given. */
  version?: '1.0.3' | '2.0.0';
  /** Further settings, such as `{ QUIPU_MAX_PAGE: '1000' }`; they win. */
  settings?: Record<string, string>;
}

/** Memory in bytes, as Linux tells it. */
export interface Memory {
  /** Resident in all. */
  resident: number;
  /** Of the program itself. */
  anonymous: number;
  /** Mapped files, which the system takes back when it needs room. */
  file: number;
}

/** The built program in a process of its own, with the settings of production and the environment that the image gives it. */
export interface Quipu {
  target: Target;
  /** Where the server answers, without a path. */
  origin: string;
  pid: number;
  /** Milliseconds from the start of the process to the first `GET /health/ready` that was answered 200. */
  startedIn: number;
  memory(): Promise<Memory>;
  /** Seconds of CPU that the process has used, all threads. */
  cpu(): Promise<number>;
  /** Bytes that the process has had written to disk. */
  written(): Promise<number>;
  /** Processes that it has started, such as the analytics engine. */
  children(): Promise<number[]>;
  /** SIGTERM, and waits until it has ended. */
  stop(): Promise<void>;
  /** kill -9, and waits until it has ended. */
  kill(): Promise<void>;
}

const key = 'bench';
const secret = 'bench-secret';
const entry = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const PATIENCE = 120_000;
/** Ticks a second of the times in /proc; the same on every Linux that Node runs on. */
const TICKS = 100;

/** Ends of the processes that run, also of those that aren't ready yet. */
const running = new Set<() => Promise<void>>();

/**
 * Starts `quipu serve` and waits until it is ready.
 * @throws Error with the end of its log when it ends instead
 */
export async function startQuipu({ folder, analytics = false, version = '1.0.3', settings = {} }: QuipuOptions): Promise<Quipu> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const serverFile = join(folder, 'server.json');
  await rm(serverFile, { force: true });
  const logFile = `${folder}.log`;
  const log = openSync(logFile, 'w');
  const began = performance.now();
  const child = spawn(process.execPath, [entry, 'serve'], {
    stdio: ['ignore', 'ignore', log],
    env: {
      PATH: process.env.PATH, HOME: process.env.HOME, QUIPU_PORT: '0', QUIPU_CONTENT_PORT: '0', QUIPU_DATA_DIR: folder, QUIPU_KEY: key, QUIPU_SECRET: secret,
      QUIPU_ANALYTICS: analytics ? 'auto' : 'off', MALLOC_ARENA_MAX: '2', ...settings,
    },
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!hasEnded()) child.kill(signal);
    await ended;
  };
  const stop = (): Promise<void> => end('SIGTERM');
  running.add(stop);
  void ended.then(() => running.delete(stop));
  const origin = await readyOrigin(serverFile, async () => {
    if (hasEnded()) throw new Error(`Quipu ended before it was ready: ${(await readFile(logFile, 'utf8')).slice(-2000)}`);
    if (performance.now() - began < PATIENCE) return;
    child.kill('SIGKILL');
    throw new Error(`Quipu was not ready within ${PATIENCE / 1000} seconds`);
  });
  const startedIn = performance.now() - began;
  const pid = child.pid!;
  return {
    target: { name: 'Quipu', url: `${origin}/xapi`, authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`, version },
    origin, pid, startedIn,
    memory: () => memoryOf(pid),
    cpu: () => cpuOf(pid),
    written: () => writtenBy(pid),
    children: () => childrenOf(pid),
    stop,
    kill: () => end('SIGKILL'),
  };
}

/** Ends every Quipu that still runs, for when a run is interrupted or fails. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}

async function readyOrigin(serverFile: string, check: () => Promise<void>): Promise<string> {
  for (;; await wait(5)) {
    await check();
    const text = await readFile(serverFile, 'utf8').catch(() => '');
    if (!text.endsWith('}')) continue;
    const { url } = JSON.parse(text) as { url: string };
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return url;
  }
}

/** Memory of a process. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon'), file: bytes('RssFile') };
}

/** Seconds of CPU that a process has used in its own and the system's name. */
export async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Bytes that a process has had written to disk, also those still on their way. */
export async function writtenBy(pid: number): Promise<number> {
  return Number(/^write_bytes: (\d+)/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
}

/** Processes that a process has started and that still run. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}
