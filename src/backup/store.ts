import type { ContentStore } from '../cmi5/content-store.js';
import type { AttachmentStore } from '../statements/attachment-store.js';

/** The engine's half of a backup: everything but packages and such attachments as the engine keeps elsewhere, as bytes whose meaning is the engine's own. */
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
  /** Attachments that `dump` leaves out; it leaves out all where this is not said. */
  attachments?(tenant: string): AsyncIterable<{ sha2: string }>;
}

/** A new store that is being filled from a backup. It is none before `complete`. */
export interface RestoreTarget {
  readonly engine: string;
  /** Newest version of the data that this program knows. */
  readonly version: number;
  /** Takes in one chunk of `BackupStore.dump`; durable when it answers. @returns how many attachments are in it @throws Error when the chunk is damaged */
  load(chunk: Buffer): Promise<number>;
  attachments: AttachmentStore;
  content: ContentStore;
  /** Called once, when everything was loaded and found right: makes it a store. */
  complete(): Promise<void>;
  /** Ends it; without `complete` before, a server does not open what was loaded, and the next restore begins anew. */
  close(): Promise<void>;
}
