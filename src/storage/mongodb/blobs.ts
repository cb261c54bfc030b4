import type { Readable } from 'node:stream';

/** Bytes under ids that are never used twice: GridFS or S3. What they are and whether they count, the database says. */
export interface Blobs {
  /** An id for bytes of a tenant. @param group what they are filed under where the store shows it: their declared hash, or a word */
  newId(tenant: string, group: string): string;
  /** Takes in a stream with constant memory; durable when it answers. A failure may leave bytes behind that `remove` finds. */
  write(id: string, source: Readable): Promise<void>;
  /**
   * The bytes; undefined, or a stream that fails with ENOENT, when there are none.
   * @param part from `start` up to and not including `end`, at least one byte and not beyond the last; all of them when left out
   */
  open(id: string, part?: { start: number; end: number }): Promise<Readable | undefined>;
  /** Removes whatever there is under the id, whole or half. Repeatable. */
  remove(id: string): Promise<void>;
  close?(): void;
}
