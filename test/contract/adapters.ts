import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { DocumentStore } from '../../src/documents/store.js';
import type { RecordStore } from '../../src/records/store.js';
import type { AttachmentStore } from '../../src/statements/attachment-store.js';
import type { CanonicalStore, StatementStore } from '../../src/statements/store.js';
import { openLevelStorage } from '../../src/storage/leveldb/open.js';

/** Every port of one adapter, on data of its own. */
export interface OpenStorage {
  statements: StatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
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
  /** Opens storage without any data. */
  open(): Promise<OpenStorage>;
}

async function openLevel(directory: string): Promise<OpenStorage> {
  const { statements, canonical, documents, attachments, records, close } = await openLevelStorage({ directory });
  return {
    statements, canonical, documents, attachments, records, directory, close,
    reopen: async () => {
      await close();
      return openLevel(directory);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Every adapter there is; whatever is in this list has to keep the whole contract. */
export const adapters: readonly Adapter[] = [
  { name: 'leveldb', open: async () => openLevel(await mkdtemp(join(tmpdir(), 'quipu-contract-'))) },
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
export function contract(body: (t: Test, adapter: Adapter) => Promise<void>): void {
  for (const adapter of adapters) t.test(adapter.name, (t) => body(t, adapter));
}
