import type { CommandStartedEvent } from 'mongodb';
import type { BackupStore } from '../../backup/store.js';
import type { ContentStore } from '../../cmi5/content-store.js';
import type { DocumentStore } from '../../documents/store.js';
import type { RecordStore } from '../../records/store.js';
import type { AttachmentStore } from '../../statements/attachment-store.js';
import type { CanonicalStore, StatementStore } from '../../statements/store.js';
import { createKeyHash } from '../../xapi/key-hash.js';
import { createAttachmentStore } from './attachment-store.js';
import { createBackupStore } from './backup.js';
import { createCanonicalStore } from './canonical-store.js';
import { createChores } from './chores.js';
import { createContentStore } from './content-store.js';
import { openDatabase, type DatabaseOptions } from './database.js';
import { createDocumentStore } from './document-store.js';
import { createHorizons } from './horizon.js';
import { missingIndexes } from './indexes.js';
import { openBlobs } from './open-blobs.js';
import { openProcesses } from './processes.js';
import { createRecordStore } from './record-store.js';
import type { S3Options } from './s3-blobs.js';
import { createSettled } from './settled.js';
import { createStatementStore } from './statement-store.js';
import { answering, isAbsence, storeFailure } from './store-failure.js';

/** Every port of the clustered profile, on one database. */
export interface MongoStorage {
  statements: StatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  content: ContentStore;
  records: RecordStore;
  backup: BackupStore;
  /** Faults of the store that only an operator can mend, each a sentence. */
  faults(): Promise<string[]>;
  /** Whether writes are taken at the moment. */
  available(): boolean;
  close(): Promise<void>;
}

export interface MongoStorageOptions {
  /** mongodb:// or mongodb+srv:// */
  url: string;
  /** Name of the database; that of the URL, or `quipu`, when left out. */
  database?: string;
  /** Where attachments and packages go, instead of GridFS. */
  s3?: S3Options;
  filling?: DatabaseOptions['filling'];
  onState?: (state: 'available' | 'unavailable', reason?: Error) => void;
  /** Called with each fault of work that nobody waits for and that is tried again, but for the absence of the store. */
  onFault?: (error: unknown) => void;
  /** Told of each append or erasure that a process or a failure had left, when it is brought to its end or taken back. */
  onSettled?: (outcome: 'finished' | 'rolled-back') => void;
  /** Called with every command that is sent. */
  onCommand?: (command: CommandStartedEvent) => void;
  /** Milliseconds between signs of life, and how many looks without one make a process dead to the others: see `ProcessesOptions`. */
  signs?: { interval: number; patience: number };
  /** Milliseconds between two looks at what other processes have taken in, while somebody subscribes. */
  pollInterval?: number;
  /** Milliseconds for which the record of an append that was given up is kept. */
  keepRolled?: number;
  /** Milliseconds between two looks for what is left of dead processes, and of what was given up. */
  sweepInterval?: number;
}

/**
 * Connects to the database, makes what is missing in it and joins the processes that work on it.
 * @throws Error with a sentence for the operator
 */
export async function openMongoStorage({ signs, pollInterval, keepRolled, sweepInterval, s3, onFault, onSettled, ...options }: MongoStorageOptions): Promise<MongoStorage> {
  const database = await openDatabase(options);
  const { db } = database;
  const fault = (error: unknown): void => {
    if (!isAbsence(error)) onFault?.(error);
  };
  const orClosed = async (error: unknown): Promise<never> => {
    await database.close();
    throw storeFailure(error);
  };
  const blobs = await openBlobs(db, s3).catch(orClosed);
  const processes = await openProcesses({ db, onFault: fault, ...signs }).catch(orClosed);
  const chores = createChores(fault);
  const horizons = createHorizons(database);
  const hash = createKeyHash(database.salt);
  const canonical = createCanonicalStore(database, hash);
  const statements = createStatementStore({ database, hash, canonical, horizons, processes, chores, pollInterval, onSettled, keepRolled, sweepInterval });
  return {
    statements,
    canonical,
    documents: createDocumentStore(db, processes, chores),
    attachments: createAttachmentStore({ database, blobs, processes, chores, settled: createSettled(horizons) }),
    content: createContentStore({ database, blobs, processes, chores }),
    records: createRecordStore(db),
    backup: createBackupStore(database, horizons),
    faults: answering(async () => (await missingIndexes(db)).map(({ collection, key }) =>
      `the index ${JSON.stringify(key)} of the collection ${collection} is missing: restart a server, which makes it, or make it with createIndex`)),
    available: () => database.available(),
    close: async () => {
      await statements.close();
      await chores.close();
      await processes.close();
      blobs.close?.();
      await database.close();
    },
  };
}
