import { join } from 'node:path';
import type { BackupStore } from '../../backup/store.js';
import type { ContentStore } from '../../cmi5/content-store.js';
import type { DocumentStore } from '../../documents/store.js';
import type { RecordStore } from '../../records/store.js';
import type { AttachmentStore } from '../../statements/attachment-store.js';
import type { CanonicalStore } from '../../statements/store.js';
import { createAttachmentFiles } from './attachment-files.js';
import { createAttachmentRows } from './attachment-rows.js';
import { createAttachmentStore } from './attachment-store.js';
import { createBackupStore } from './backup.js';
import { createCanonicalStore } from './canonical-store.js';
import { createContentStore } from './content-store.js';
import { openDatabase } from './database.js';
import { createDocumentStore } from './document-store.js';
import { createKeyHash } from '../../xapi/key-hash.js';
import { createEntries, type Entries } from './entries.js';
import { createRecordStore } from './record-store.js';
import { createStatementStore, type LevelStatementStore } from './statement-store.js';

/** Every port of the embedded profile, on one data folder. */
export interface LevelStorage {
  statements: LevelStatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  content: ContentStore;
  records: RecordStore;
  backup: BackupStore;
  /** All of it but attachments and packages, for another store. */
  entries: Entries;
  /** Whether writes are taken at the moment. */
  available(): boolean;
  close(): Promise<void>;
}

export interface LevelStorageOptions {
  /** The data folder. */
  directory: string;
  /** Free bytes on the disk below which no more is taken in. */
  minFreeBytes?: number;
  /** Statements after which posting lists are written into LevelDB; for tests. */
  postingsAfter?: number;
  onState?: (state: 'available' | 'unavailable', reason?: Error) => void;
}

/**
 * Opens the data folder, makes it when missing, brings older data forward and finishes what a crash interrupted.
 * @throws Error with a sentence for the operator
 */
export async function openLevelStorage({ directory, minFreeBytes = 0, postingsAfter, onState }: LevelStorageOptions): Promise<LevelStorage> {
  const database = await openDatabase({ directory: join(directory, 'store'), minFreeBytes, postingsAfter, onState });
  const hash = createKeyHash(database.salt);
  const canonical = createCanonicalStore(database, hash);
  const files = createAttachmentFiles(join(directory, 'attachments'), database.hasRoom);
  await files.clean();
  const attachments = createAttachmentStore(files, { rows: createAttachmentRows(database), ...database });
  const backup = createBackupStore(database.level, files);
  const statements = createStatementStore(database, hash, canonical, attachments, backup);
  const content = createContentStore(join(directory, 'content'), database.hasRoom);
  await content.clean();
  await statements.resume();
  return {
    statements,
    canonical,
    documents: createDocumentStore(database, hash),
    attachments,
    content,
    records: createRecordStore(database),
    backup,
    entries: createEntries(database),
    available: () => database.commits.available() && database.hasRoom(),
    close: async () => {
      await statements.close();
      await database.close();
    },
  };
}
