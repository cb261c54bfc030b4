import type { AttachmentStore } from '../statements/attachment-store.js';

/** The engine's half of a backup: everything but attachments, as bytes whose meaning is the engine's own. */
export interface BackupStore {
  /** Name of the engine's format; a backup is restored by the engine that wrote it. */
  readonly engine: string;
  /** Version of the data in that format; see `RestoreTarget.version`. */
  readonly version: number;
  /**
   * All contents as they are at the moment of the first call of `next`, in chunks of about 4 MB, while the server goes on.
   * @throws when the store becomes unavailable meanwhile
   */
  dump(): AsyncGenerator<Buffer>;
}

/** A new data folder that is being filled from a backup. */
export interface RestoreTarget {
  readonly engine: string;
  /** Newest version of the data that this program knows. */
  readonly version: number;
  /** Takes in one chunk of `BackupStore.dump`; durable when it answers. @throws Error when the chunk is damaged */
  load(chunk: Buffer): Promise<void>;
  attachments: AttachmentStore;
  close(): Promise<void>;
}
