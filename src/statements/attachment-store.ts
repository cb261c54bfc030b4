import { Readable } from 'node:stream';

/** Bytes that have arrived and been hashed but belong to no stored statement yet. */
export interface StagedAttachment {
  /** SHA-2 in lower-case hex, as declared and verified. */
  sha2: string;
  /** Bytes. */
  length: number;
  /** The bytes, where they are few and in memory: `StatementStore.append` takes them in with the statements that name them, and `commit` is not needed. */
  readonly bytes?: Buffer;
  /** Makes the bytes durable under their hash; from then on `open` finds them and no clean-up takes them until `release`. */
  commit(): Promise<void>;
  /** Ends the protection that `commit` gave: the statement that names the hash is stored. */
  release(): void;
  /** Ends it because the statement was refused, and takes the bytes back as `AttachmentStore.delete` does. */
  retract(isNamed: () => Promise<boolean>): Promise<void>;
  /** Throws the bytes away; does nothing after `commit`. */
  discard(): Promise<void>;
}

/** Bytes in memory that have been staged. */
export interface HeldAttachment {
  readonly sha2: string;
  readonly bytes: Buffer;
}

/** Attachment bytes by tenant and hash: the same bytes are kept once in a tenant and never shared between tenants. */
export interface AttachmentStore {
  /**
   * Takes in a stream, or bytes that are all there and stay as they are, with memory that is bounded over all that are staged. Whoever stages something commits or discards it.
   * @param sha2 declared SHA-224, SHA-256, SHA-384 or SHA-512 in lower-case hex (56, 64, 96 or 128 digits)
   * @throws QuipuError `invalid-attachment` when the bytes have another hash, `too-large` above `maxBytes`, `storage-full`
   */
  stage(tenant: string, sha2: string, source: Readable | Buffer, maxBytes: number): Promise<StagedAttachment>;
  /** The bytes, or undefined. */
  open(tenant: string, sha2: string): Promise<{ length: number; stream: Readable } | undefined>;
  has(tenant: string, sha2: string): Promise<boolean>;
  /**
   * Removes the bytes unless a statement names them, as `isNamed` finds out, or an upload of the same hash comes in meanwhile.
   */
  delete(tenant: string, sha2: string, isNamed: () => Promise<boolean>): Promise<void>;
  /** Every hash a tenant holds. */
  list(tenant: string): AsyncIterable<{ sha2: string; length: number }>;
}

/** Bytes as a stream; a stream as it is. */
export function asStream(source: Readable | Buffer): Readable {
  return Buffer.isBuffer(source) ? Readable.from(source.length > 0 ? [source] : [], { objectMode: false }) : source;
}
