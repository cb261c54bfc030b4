import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { MongoClient } from 'mongodb';
import { needed } from './needed.js';
import { startService, type ServiceProcess } from './service-process.js';

/** A server that speaks MongoDB's protocol. */
export interface MongodbService {
  /** Without a database. */
  readonly url: string;
  /** A name that no other test uses. */
  freshDatabase(): string;
  /** Removes a database of `freshDatabase`. */
  drop(database: string): Promise<void>;
  /** The server's process, to stop, kill or pause it; undefined when it runs elsewhere (`QUIPU_TEST_MONGODB_URL`). */
  readonly process: ServiceProcess | undefined;
  /** Starts it again after `process.kill` or `process.stop`, on the same port and data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  end(): Promise<void>;
}

/** What to do to have a MongoDB server for the tests; undefined when there is one. */
export async function mongodbMissing(): Promise<string | undefined> {
  const { QUIPU_TEST_FERRETDB: binary, QUIPU_TEST_MONGODB_URL: url } = process.env;
  if (url) return undefined;
  if (!binary) return 'set QUIPU_TEST_FERRETDB to a binary built as test/services/ferretdb/README.md says, or QUIPU_TEST_MONGODB_URL to a server';
  return access(binary, constants.X_OK).then(() => undefined, (error: Error) => `QUIPU_TEST_FERRETDB can't be run (test/services/ferretdb/README.md says how to build it): ${error.message}`);
}

/** Starts FerretDB on a free port with data of its own, or takes the server of `QUIPU_TEST_MONGODB_URL`. */
export async function startMongodb(): Promise<MongodbService> {
  const given = process.env.QUIPU_TEST_MONGODB_URL;
  const names = {
    freshDatabase: () => `quipu_test_${randomBytes(6).toString('hex')}`,
    drop: async (url: string, database: string) => {
      const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 });
      try {
        await client.db(database).dropDatabase();
      } finally {
        await client.close();
      }
    },
  };
  if (given) {
    return { url: given, freshDatabase: names.freshDatabase, drop: (database) => names.drop(given, database), process: undefined, start: async () => undefined, end: async () => undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'quipu-ferretdb-'));
  await mkdir(join(folder, 'data'));
  let address = '127.0.0.1:0';
  let running = await start();

  async function start(): Promise<ServiceProcess> {
    const service = await startService(process.env.QUIPU_TEST_FERRETDB!, [address, join(folder, 'data')], (log) => /^mongodb:.*\/$/m.test(log));
    address = /^mongodb:\/\/(.*)\/$/m.exec(service.log())![1]!;
    return service;
  }

  return {
    url: `mongodb://${address}/`,
    freshDatabase: names.freshDatabase,
    drop: (database) => names.drop(`mongodb://${address}/`, database),
    get process() { return running; },
    start: async () => { running = await start(); },
    end: async () => {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The server of one test file, ended with it; undefined when it is missing, which is then said. */
export async function mongodbFor(t: Test): Promise<MongodbService | undefined> {
  if (!needed(t, 'mongodb', await mongodbMissing())) return undefined;
  const service = await startMongodb();
  t.teardown(() => service.end());
  return service;
}
