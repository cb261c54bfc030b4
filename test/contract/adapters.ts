import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ContentStore } from '../../src/cmi5/content-store.js';
import type { DocumentStore } from '../../src/documents/store.js';
import type { RecordStore } from '../../src/records/store.js';
import type { AttachmentStore } from '../../src/statements/attachment-store.js';
import type { CanonicalStore, StatementStore } from '../../src/statements/store.js';
import { openLevelStorage } from '../../src/storage/leveldb/open.js';
import { openMongoStorage } from '../../src/storage/mongodb/open.js';
import { mongodbMissing, startMongodb, type MongodbService } from '../services/mongodb.js';
import { needed } from '../services/needed.js';
import { s3Missing, startS3, type S3Service } from '../services/s3.js';

/** Every port of one adapter, on data of its own. */
export interface OpenStorage {
  statements: StatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  content: ContentStore;
  records: RecordStore;
  /** The folder that holds the data, where the adapter keeps it in files. */
  directory?: string;
  /** Closes the storage and keeps its data. */
  close(): Promise<void>;
  /** Closes the storage and opens the same data again. */
  reopen(): Promise<OpenStorage>;
  /** Removes the data of a closed storage. */
  remove(): Promise<void>;
}

/** An adapter of the ports. */
export interface Adapter {
  name: string;
  /** Share of the random histories of the model test that it plays unless `QUIPU_MODEL_ROUNDS` says how many; 1 when left out. */
  histories?: number;
  /** What to do to have the services that it needs; undefined when they are there. */
  missing?(): Promise<string | undefined>;
  /** Opens storage without any data. */
  open(): Promise<OpenStorage>;
}

async function openLevel(directory: string, postingsAfter?: number): Promise<OpenStorage> {
  const { statements, canonical, documents, attachments, content, records, close } = await openLevelStorage({ directory, postingsAfter });
  return {
    statements, canonical, documents, attachments, content, records, directory, close,
    reopen: async () => {
      await close();
      return openLevel(directory, postingsAfter);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** One service for all storages of a test file, started when the first one asks and ended with the file. */
function shared<T extends { end(): Promise<void> }>(start: () => Promise<T>): () => Promise<T> {
  let service: Promise<T> | undefined;
  return () => {
    if (!service) {
      service = start();
      t.teardown(async () => (await service!).end());
    }
    return service;
  };
}

const mongodb = shared<MongodbService>(startMongodb);
const s3 = shared<S3Service>(startS3);

async function openMongo(database: string, bucket?: { bucket: string; url: string }): Promise<OpenStorage> {
  const { url, drop } = await mongodb();
  const { statements, canonical, documents, attachments, content, records, close } = await openMongoStorage({ url, database, ...(bucket && { s3: bucket }) });
  return {
    statements, canonical, documents, attachments, content, records, close,
    reopen: async () => {
      await close();
      return openMongo(database, bucket);
    },
    remove: () => drop(database),
  };
}

/** Every adapter there is; whatever is in this list has to keep the whole contract. */
export const adapters: readonly Adapter[] = [
  { name: 'leveldb', open: async () => openLevel(await mkdtemp(join(tmpdir(), 'quipu-contract-'))) },
  { name: 'mongodb', histories: 0.25, missing: mongodbMissing, open: async () => openMongo((await mongodb()).freshDatabase()) },
];

/** The adapters, and one whose posting lists are partly in memory and partly written, where others have few statements in memory alone. */
export const statementAdapters: readonly Adapter[] = [
  ...adapters,
  { name: 'leveldb with postings written early', open: async () => openLevel(await mkdtemp(join(tmpdir(), 'quipu-contract-')), 5) },
];

/** The adapters, and the ways in which one keeps attachments and packages elsewhere. */
export const attachmentAdapters: readonly Adapter[] = [
  ...adapters,
  {
    name: 'mongodb with S3',
    missing: async () => await mongodbMissing() ?? s3Missing(),
    open: async () => {
      const { url, freshBucket } = await s3();
      return openMongo((await mongodb()).freshDatabase(), { bucket: await freshBucket(), url });
    },
  },
];

/** Storage for the length of one test, closed and removed when it ends; `reopen` is followed. */
export interface TestStorage {
  readonly current: OpenStorage;
  reopen(): Promise<void>;
}

/** Opens empty storage that ends with the test. */
export async function openFor(t: Test, adapter: Adapter): Promise<TestStorage> {
  let current = await adapter.open();
  t.teardown(async () => {
    await current.close();
    await current.remove();
  });
  return {
    get current() { return current; },
    reopen: async () => {
      current = await current.reopen();
    },
  };
}

/** Runs the contract of one port against every adapter. */
export function contract(body: (t: Test, adapter: Adapter) => Promise<void>, each: readonly Adapter[] = adapters): void {
  for (const adapter of each) {
    t.test(adapter.name, async (t) => {
      if (needed(t, adapter.name, await adapter.missing?.())) await body(t, adapter);
    });
  }
}
