import type { ContentStore } from '../cmi5/content-store.js';
import type { Document, DocumentStore } from '../documents/store.js';
import type { CollectionSpec, RecordStore } from '../records/store.js';
import type { AttachmentStore } from '../statements/attachment-store.js';
import type { CanonicalStore, StatementStore, StoredStatement } from '../statements/store.js';

/** One thing that a store holds. What follows from others (indexes, postings, counts) is none. */
export type MigrationEntry =
  /** `keys`: what it is found by, inherited ones included. `voids`: it is a voiding statement. */
  | { kind: 'statement'; tenant: string; statement: StoredStatement; keys: Buffer; voids: boolean }
  | { kind: 'erasure'; tenant: string; position: number; stored: number; erased: string[]; redacted: string[] }
  /** What is known of an activity (`a`), a verb (`b`) or an agent (`g`); `name` is hashed under the salt, in hex. */
  | { kind: 'definition'; tenant: string; of: 'a' | 'b' | 'g'; name: string; text: string }
  | { kind: 'record'; tenant: string; spec: CollectionSpec<Record<string, unknown>>; id: string; version: number; value: Record<string, unknown> }
  | { kind: 'document'; tenant: string; document: Document };

/** An entry with its place in the source and its bytes there. */
export interface PlacedEntry {
  at: Buffer;
  bytes: Buffer;
  entry: MigrationEntry;
}

/** The ports that both ends of a migration are compared through. */
export interface MigrationPorts {
  statements: StatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  content: ContentStore;
  records: RecordStore;
}

/** A store that nobody else has open. It stays as it is. */
export interface MigrationSource extends MigrationPorts {
  /** What hashes in keys and names are made with. */
  readonly salt: string;
  /** The last position of all tenants and its `stored`. */
  readonly head: { position: number; stored: number };
  /** Everything but attachments and packages, always in the same order, after a place. */
  entries(after?: Buffer): AsyncGenerator<PlacedEntry>;
  close(): Promise<void>;
}

/** Where a migration comes from. */
export interface MigrationOrigin {
  salt: string;
  head: { position: number; stored: number };
  /** Of all entries of the source: another one when anything in it has changed. */
  digest: string;
}

/** How far a migration is. */
export interface MigrationProgress {
  /** Place of the last entry taken in, in hex; '' before the first. */
  after: string;
  /** `tenant/hash` of the last attachment taken in; '' before the first. */
  afterAttachment: string;
  /** Bytes of entries, attachments and packages so far, and how many of them there were. Packages are asked for one by one. */
  bytes: number;
  statements: number;
  attachments: number;
  packages?: number;
}

/** What a tenant has. The tenant `''` has records alone. */
export interface MigrationCounts {
  statements: number;
  /** Statements that are voided. */
  voided: number;
  /** Entries of the feed that tell of an erasure. */
  erasures: number;
  /** What is known of activities, verbs and agents. */
  definitions: number;
  documents: number;
  records: number;
  attachments: number;
  attachmentBytes: number;
  packages: number;
  packageBytes: number;
}

/** A store that is being filled by a migration. No server opens it before `complete`. */
export interface MigrationTarget extends MigrationPorts {
  /** How far it was when it was opened. */
  readonly progress: MigrationProgress;
  /** Takes in entries; durable when it answers. What is there already stays, so it may be repeated. */
  load(entries: readonly MigrationEntry[]): Promise<void>;
  /** Keeps how far it is, over a crash. */
  note(progress: MigrationProgress): Promise<void>;
  /** Lets the logs of these tenants go on where that of the source ends. */
  endLogs(tenants: readonly string[]): Promise<void>;
  /** Counts what there is, attachments and packages not among it. */
  count(tenant: string): Promise<Omit<MigrationCounts, 'attachments' | 'attachmentBytes' | 'packages' | 'packageBytes'>>;
  /** Makes it a store. */
  complete(): Promise<void>;
  /** Ends it; without `complete` before, the next migration goes on. */
  close(): Promise<void>;
}
