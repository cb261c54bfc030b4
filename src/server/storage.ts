import type { BackupStore, RestoreTarget } from '../backup/store.js';
import type { ContentStore } from '../cmi5/content-store.js';
import type { Config } from '../config.js';
import type { DocumentStore } from '../documents/store.js';
import type { MigrationDeps } from '../migration/migrate.js';
import type { MigrationSource, MigrationTarget } from '../migration/store.js';
import type { RecordStore } from '../records/store.js';
import type { AttachmentStore } from '../statements/attachment-store.js';
import type { CanonicalStore, StatementStore } from '../statements/store.js';
import { openLevelMigrationSource } from '../storage/leveldb/migration-source.js';
import { openLevelStorage } from '../storage/leveldb/open.js';
import { openRestoreTarget as openLevelRestoreTarget } from '../storage/leveldb/restore-target.js';

/** Every port, of whichever adapter the settings choose. */
export interface Storage {
  statements: StatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  content: ContentStore;
  records: RecordStore;
  backup: BackupStore;
  /** Faults of the store that only an operator can mend, each a sentence. */
  faults?(): Promise<string[]>;
  /** Whether writes are taken, as far as is known. */
  available(): boolean;
  close(): Promise<void>;
}

/** What the store tells while it works. */
export interface StorageEvents {
  /** It stops, or begins again, to take writes. */
  onState(state: 'available' | 'unavailable', reason?: Error): void;
  /** Work in the background has failed, and is tried again. */
  onFault(error: unknown): void;
  /** An append or erasure that a process or a failure had left was brought to its end, or taken back. */
  onSettled(outcome: 'finished' | 'rolled-back'): void;
}

/**
 * Opens the store: MongoDB where QUIPU_MONGODB_URL names one, otherwise the data folder. Nothing else in the program names an adapter.
 * @throws Error with a sentence for the operator
 */
export async function openStorage(config: Config, { onState, onFault, onSettled }: StorageEvents): Promise<Storage> {
  if (config.mongodbUrl !== undefined) {
    // Loaded where it is used alone: drivers take memory and time at the start.
    const { openMongoStorage } = await import('../storage/mongodb/open.js');
    return openMongoStorage({ url: config.mongodbUrl, s3: s3Of(config), onState, onFault, onSettled });
  }
  return openLevelStorage({ directory: config.dataDir, minFreeBytes: config.minFreeBytes, onState });
}

/** Makes a new store, to be filled from a backup, where `openStorage` would look for one. @throws Error with a sentence for the operator */
export async function openRestoreTarget(config: Config): Promise<RestoreTarget> {
  if (config.mongodbUrl !== undefined) {
    const { openMongoRestoreTarget } = await import('../storage/mongodb/restore-target.js');
    return openMongoRestoreTarget({ url: config.mongodbUrl, s3: s3Of(config) });
  }
  return openLevelRestoreTarget(config.dataDir);
}

/** Opens the data folder to move it away; no server may have it open. @throws Error with a sentence for the operator */
export function openMigrationSource({ dataDir }: Config): Promise<MigrationSource> {
  return openLevelMigrationSource(dataDir);
}

/** Opens the database of QUIPU_MONGODB_URL to move a store there: see `MigrationDeps.openTarget`. */
export async function openMigrationTarget(config: Config & { mongodbUrl: string }, origin: Parameters<MigrationDeps['openTarget']>[0]): Promise<MigrationTarget> {
  const { openMongoMigrationTarget } = await import('../storage/mongodb/migration-target.js');
  return openMongoMigrationTarget({ url: config.mongodbUrl, s3: s3Of(config) }, origin);
}

function s3Of({ s3Bucket: bucket, s3Url: url, s3Region: region }: Config): { bucket: string; url?: string; region?: string } | undefined {
  return bucket === undefined ? undefined : { bucket, ...(url !== undefined && { url }), ...(region !== undefined && { region }) };
}
