import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { FeedEntry, StatementStore } from '../../../src/statements/store.js';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';
import type { MongodbService } from '../../services/mongodb.js';
import type { RedisService } from '../../services/redis.js';
import type { WorkerOrders } from '../jobs/worker.js';
import { listen, type LiveEvent } from '../live-listener.js';
import { startProcess, type ServerProcess } from '../server-process.js';
import { startClickhouse, type ClickhouseService } from './clickhouse.js';

export type Role = 'all' | 'api' | 'worker';

/** One process of an installation, which may be dead for a while. */
export interface Place {
  /** What it is, or was last. */
  readonly role: Role;
  /** undefined while it is dead. */
  readonly process: ServerProcess | undefined;
  /** kill -9 */
  kill(): Promise<void>;
  /** Lets it stand still for some milliseconds, as a machine that is overtaxed; who asks goes elsewhere meanwhile. */
  stall(milliseconds: number): Promise<void>;
  /** SIGTERM. @returns its exit code, or the signal that ended it */
  stop(): Promise<number | NodeJS.Signals | undefined>;
  /** Starts it again on the same folder. */
  start(role?: Role): Promise<void>;
  /** Ends it for good, whatever it is at. */
  end(): Promise<void>;
}

/** Several processes on one database, one Redis and one ClickHouse, with consumers of the test beside them. */
export interface Installation {
  readonly places: readonly Place[];
  readonly clickhouse: ClickhouseService;
  /** The log as another process reads it that stays at every position it has got to. */
  readonly poller: FeedPoller;
  /** A consumer of the feed as a program of its own. */
  readonly recorder: Recorder;
  /** A listener of the live tail, which goes on elsewhere when its process is gone. */
  readonly listener: LiveFollower;
  /** Those that take requests and live. */
  serving(): ServerProcess[];
}

export interface FeedPoller {
  readonly seen: readonly FeedEntry[];
  /** What must never be: an entry at or below one that was read. */
  readonly faults: readonly string[];
  /** Everything there is to read now, from the beginning. */
  readAll(): Promise<FeedEntry[]>;
}

export interface Recorder {
  /** What it was given, in the order in which it wrote it down; again after a death. */
  lines(): Promise<{ position: number; id: string }[]>;
  /** kill -9, and starts anew. */
  restart(): Promise<void>;
}

export interface LiveFollower {
  readonly events: readonly LiveEvent[];
  /** How often it had to connect. */
  readonly connections: number;
}

const TENANT = 'default';
const program = fileURLToPath(new URL('../jobs/worker.js', import.meta.url));
export const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for something. @throws Error when it does not come about */
export async function until(holds: () => boolean | Promise<boolean>, what: string, milliseconds = 60_000): Promise<void> {
  for (const start = Date.now(); !(await holds());) {
    if (Date.now() - start > milliseconds) throw new Error(`Within ${milliseconds} ms it did not come about that ${what}`);
    await wait(100);
  }
}

/** Starts an installation that ends with the test. */
export async function startInstallation(t: Test, { mongodb, redis }: { mongodb: MongodbService; redis: RedisService }, roles: readonly Role[]): Promise<Installation> {
  const database = mongodb.freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'quipu-cluster-'));
  t.teardown(async () => {
    await mongodb.drop(database);
    await rm(folder, { recursive: true, force: true });
  });
  const clickhouse = await startClickhouse(t);
  const env = { QUIPU_MONGODB_URL: mongodb.url.replace(/\/?(\?|$)/, `/${database}$1`), QUIPU_REDIS_URL: redis.url, QUIPU_ANALYTICS: 'auto', QUIPU_CLICKHOUSE_URL: clickhouse.url, QUIPU_LOG_LEVEL: 'warn' };
  const places = roles.map((role, index) => createPlace(join(folder, String(index)), role, env));
  t.teardown(() => Promise.all(places.map((place) => place.end())));
  for (const place of places) await place.start();
  const serving = (): ServerProcess[] => places.flatMap(({ role, process }) => (process && role !== 'worker' ? [process] : []));
  return {
    places, clickhouse, serving,
    poller: await startPoller(t, mongodb.url, database),
    recorder: await startRecorder(t, { mongodbUrl: mongodb.url, database, redisUrl: redis.url, tenants: [TENANT], record: join(folder, 'record'), pace: 0, lifetime: 2000 }),
    listener: followLive(t, serving),
  };
}

function createPlace(dataDir: string, firstRole: Role, env: Record<string, string>): Place {
  let role = firstRole;
  let process: ServerProcess | undefined;
  const all: ServerProcess[] = [];
  let over = false;
  const take = (): ServerProcess | undefined => {
    const taken = process;
    process = undefined;
    return taken;
  };
  return {
    get role() { return role; },
    get process() { return process; },
    kill: async () => take()?.kill(),
    stall: async (milliseconds) => {
      const stalled = take()!;
      globalThis.process.kill(stalled.pid, 'SIGSTOP');
      await wait(milliseconds);
      globalThis.process.kill(stalled.pid, 'SIGCONT');
      process = stalled;
    },
    stop: async () => take()?.stop(),
    start: async (next = role) => {
      role = next;
      await mkdir(dataDir, { recursive: true });
      process = await startProcess(dataDir, { ...env, QUIPU_ROLE: role });
      all.push(process);
      if (over) await process.kill();
    },
    end: async () => {
      over = true;
      await Promise.all(all.map((one) => one.kill()));
    },
  };
}

async function startPoller(t: Test, url: string, database: string): Promise<FeedPoller> {
  const { statements, close } = await openMongoStorage({ url, database });
  const seen: FeedEntry[] = [];
  const faults: string[] = [];
  const polling = repeat(250, async () => {
    for (const entry of await statements.feed(TENANT, seen.at(-1)?.position ?? 0, 200)) {
      const last = seen.at(-1)?.position ?? 0;
      if (entry.position <= last) faults.push(`${entry.position} after ${last}`);
      seen.push(entry);
    }
  });
  t.teardown(async () => {
    await polling();
    await close();
  });
  return { seen, faults, readAll: () => readAll(statements) };
}

async function readAll(statements: StatementStore): Promise<FeedEntry[]> {
  const all: FeedEntry[] = [];
  for (;;) {
    const entries = await statements.feed(TENANT, all.at(-1)?.position ?? 0, 1000);
    if (entries.length === 0) return all;
    all.push(...entries);
  }
}

async function startRecorder(t: Test, orders: WorkerOrders): Promise<Recorder> {
  let child: ChildProcess;
  const start = (): void => { child = spawn(process.execPath, [program, JSON.stringify(orders)], { stdio: 'ignore' }); };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  };
  start();
  t.teardown(kill);
  return {
    lines: async () => (await readFile(orders.record, 'utf8').catch(() => '')).split('\n').slice(0, -1).map((line) => {
      const [, , position, id] = line.split(' ');
      return { position: Number(position), id: id! };
    }),
    restart: async () => {
      await kill();
      start();
    },
  };
}

function followLive(t: Test, serving: () => ServerProcess[]): LiveFollower {
  const events: LiveEvent[] = [];
  let connections = 0;
  let current: ReturnType<typeof listen> | undefined;
  const following = repeat(50, async () => {
    if (current) {
      events.push(...current.events.splice(0));
      if (!current.ended) return;
      current = undefined;
    }
    const servers = serving();
    const server = servers[connections % servers.length];
    if (!server) return;
    connections++;
    current = listen(server, server.key, '', { 'Last-Event-ID': String(events.at(-1)?.id ?? 0) });
  });
  t.teardown(async () => {
    await following();
    current?.close();
  });
  return { events, get connections() { return connections; } };
}

/** Does something again and again, with pauses; a failure is another attempt. @returns the function that ends it */
function repeat(pause: number, work: () => Promise<void>): () => Promise<void> {
  let over = false;
  const running = (async () => {
    while (!over) {
      await work().catch(() => undefined);
      await wait(pause);
    }
  })();
  return () => {
    over = true;
    return running;
  };
}
