import type { Readable } from 'node:stream';

/** A package on its way in: its bytes have arrived and are durable, and count for nothing yet. */
export interface StagedContent {
  /** Bytes. */
  length: number;
  /** SHA-256 of all of them, lower-case hex. */
  sha256: string;
  /** Some of them, from `start` up to and not including `end`. */
  read(start: number, end: number): Promise<Buffer>;
  /** Makes them stay; from then on `open` finds them. */
  commit(): Promise<void>;
  /** Throws them away; does nothing after `commit`. Also done for what a dead process left. */
  discard(): Promise<void>;
}

/**
 * Packages as they came in, by tenant and an id that is never used twice. Their files are read out of them; see
 * docs/adr/0022-packages-stay-whole.md.
 */
export interface ContentStore {
  /**
   * Takes in a stream with constant memory. What is not committed is gone after a restart, or a day in a shared store.
   * @param id a UUID in lower case
   * @throws QuipuError `too-large` above `maxBytes`, `storage-full`, `store-unavailable`
   */
  stage(tenant: string, id: string, source: Readable, maxBytes: number): Promise<StagedContent>;
  /** Length of a package; undefined when there is none. */
  length(tenant: string, id: string): Promise<number | undefined>;
  /** Its bytes from `start` up to and not including `end`. @throws QuipuError `not-found`, `store-unavailable` */
  open(tenant: string, id: string, start: number, end: number): Promise<Readable>;
  /** Repeatable. */
  delete(tenant: string, id: string): Promise<void>;
  /** Ids of a tenant's packages. */
  list(tenant: string): AsyncIterable<string>;
}
