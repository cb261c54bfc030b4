import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { needed } from './needed.js';
import { freePort, startService, type ServiceProcess } from './service-process.js';

/** A Redis server of its own on a free port, which keeps its data over `kill` and `start`. */
export interface RedisService {
  readonly url: string;
  /** The server's process, to stop, kill or pause it. */
  readonly process: ServiceProcess;
  /** Starts it again after `process.kill` or `process.stop`, on the same port and data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  end(): Promise<void>;
}

const binary = (): string => process.env.QUIPU_TEST_REDIS_SERVER || 'redis-server';

/** What to do to have Redis for the tests; undefined when it is there. */
export function redisMissing(): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(binary(), ['--version'], (error) => resolve(error ? 'install redis-server (Debian: apt-get install redis-server), or set QUIPU_TEST_REDIS_SERVER to its binary' : undefined));
  });
}

/** Starts Redis; every write is in its append-only file before it answers. */
export async function startRedis(): Promise<RedisService> {
  const folder = await mkdtemp(join(tmpdir(), 'quipu-redis-'));
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const start = (): Promise<ServiceProcess> => startService(binary(), words, (log) => /Ready to accept connections/.test(log));
  let running = await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    get process() { return running; },
    start: async () => { running = await start(); },
    end: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The server of one test file, ended with it; undefined when it is missing, which is then said. */
export async function redisFor(t: Test): Promise<RedisService | undefined> {
  if (!needed(t, 'redis', await redisMissing())) return undefined;
  const service = await startRedis();
  t.teardown(() => service.end());
  return service;
}
