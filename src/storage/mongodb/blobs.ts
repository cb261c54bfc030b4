import type { Readable } from 'node:stream';

/** Bytes under ids that are never used twice: GridFS or S3. What they are and whether they count, the database says. */
export interface Blobs {
  /** An id for bytes of a tenant under their declared hash. */
  newId(tenant: string, sha2: string): string;
  /** Takes in a stream with constant memory; durable when it answers. A failure may leave bytes behind that `remove` finds. */
  write(id: string, source: Readable): Promise<void>;
  /** The bytes; undefined, or a stream that fails with ENOENT, when there are none. */
  open(id: string): Promise<Readable | undefined>;
  /** Removes whatever there is under the id, whole or half. Repeatable. */
  remove(id: string): Promise<void>;
  close?(): void;
}
