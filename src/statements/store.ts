import type { Statement } from '../xapi/types.js';
import type { KeyHash } from '../xapi/key-hash.js';
import type { KeyRun } from '../xapi/key-run.js';
import type { StatementKey } from '../xapi/statement-keys.js';
import type { ToldRun } from '../xapi/told.js';
import type { HeldAttachment } from './attachment-store.js';

/**
 * A place in the ordered log of a store: a whole number from 1, given once and never again. Within one tenant a higher
 * position never has an earlier `stored`.
 */
export type Position = number;

/** A statement judged valid and normalised, on its way into the store. */
export interface NewStatement {
  /** UUID in lower case: ids are compared without regard to case. */
  readonly id: string;
  /** The bytes of `id`. */
  readonly uuid: Buffer;
  /** The statement, parsed when it is asked for: what an equal id is compared with. */
  readonly value: Statement;
  /**
   * JSON text of the statement as UTF-8, with id, authority and version but without `stored`, without `timestamp` unless `timed`, and
   * without its closing brace: the store adds them by `stampOf`.
   */
  readonly text: Buffer;
  /** Whether it came with a timestamp. */
  readonly timed: boolean;
  /** Whether it came with an id, or under one. */
  readonly named: boolean;
  /** What list filters find it by, its own keys only: `statementKeys` of the complete statement. */
  keys(hash: KeyHash): KeyRun;
  /**
   * `before` bytes to be filled, the keys, the text and `close`, in one piece. It may be memory of the statement's own, which the next call
   * gives again: to be written somewhere at once.
   */
  framed(hash: KeyHash, before: number, close: Buffer): Buffer;
  /** What it tells of activities, verbs and agents; nothing unless it `defines`. */
  readonly told: ToldRun;
  /** Id (lower case) of the StatementRef that is its object. */
  readonly target?: string;
  /** True for a voiding statement: it voids `target`. */
  readonly voids: boolean;
  /** True when the credential may redefine activities, verbs and agents (scope `define`). */
  readonly defines: boolean;
}

/** The same statement, which redefines nothing. */
export function withoutDefinitions(statement: NewStatement): NewStatement {
  const { id, uuid, value, text, timed, named, target, voids } = statement;
  return {
    id, uuid, value, text, timed, named, voids, ...(target === undefined ? {} : { target }), told: Buffer.alloc(0), defines: false,
    keys: (hash) => statement.keys(hash),
    framed: (hash, before, close) => statement.framed(hash, before, close),
  };
}

/** What became of a batch. A conflict means that nothing of the batch was stored. */
export type AppendResult =
  | { status: 'stored'; outcomes: ('stored' | 'duplicate')[] }
  | { status: 'conflict'; index: number };

export interface StoredStatement {
  position: Position;
  id: string;
  /** Milliseconds since the epoch: the value of `stored`. */
  stored: number;
  /** The statement's JSON, UTF-8, exactly as it is answered in the format `exact`. */
  text: Buffer;
  voided: boolean;
}

/** Where a paged query goes on: after `position`, among what stood at or below `horizon` when it began. */
export interface Cursor {
  position: Position;
  horizon: Position;
}

export interface StatementQuery {
  /** All of these must hold; of each inner list any one. Empty: every statement. */
  filters: StatementKey[][];
  /** `stored` later than this, in milliseconds since the epoch. */
  since?: number;
  /** `stored` at or before this. */
  until?: number;
  ascending: boolean;
  /** At most this many statements, 1 or more. */
  limit: number;
  /** Stop before the page's text grows past this many bytes (one statement is always given). */
  maxBytes?: number;
  /** From an earlier page of the same query. */
  cursor?: Cursor;
  /** Voided statements too (erasure and export of a person's data). */
  includeVoided?: boolean;
}

export interface StatementPage {
  statements: StoredStatement[];
  /** Set when there is more. */
  next?: Cursor;
}

/** One entry of the feed: a statement that was stored, or the erasure of some. */
export type FeedEntry =
  /** `keys` is the adapter's own: hand the entry to `matches`. */
  | ({ kind: 'statement'; keys: Buffer } & StoredStatement)
  | { kind: 'erasure'; position: Position; stored: number; erased: string[]; redacted: string[] };

/** What an erasure does: statements that go, and statements that stay with another text. */
export interface Erasure {
  /** Ids (lower case) of the statements to remove. */
  erase: string[];
  /** Statements whose text is replaced, in place: same id, position and `stored`. */
  redact: { id: string; text: string; value: Statement }[];
}

/**
 * The statement log. Guarantees of every adapter:
 * - `append` is atomic and durable: when it answers, all of the batch is on disk; after a crash at any moment all or none of it is there.
 * - What `append` answered is seen at once by `get`, `find` and the feed of this process.
 * - The feed is ordered by position and gap-free for readers: an entry never becomes visible below one that was read.
 * - A StatementRef matches what its target matches, through chains, also when the target arrives later.
 * - Tenants share nothing.
 */
export interface StatementStore {
  /** How its keys are hashed. */
  readonly keyHash: KeyHash;
  /**
   * Stores a batch. An id that is stored with equivalent content (`equivalentStatements`) is a duplicate and left as it is;
   * with other content, here or twice within the batch, it is a conflict and nothing is stored.
   * @param held attachments of the batch that `StagedAttachment.bytes` gave; they are stored with it, and nothing of them when it is not
   * @throws QuipuError `storage-full` or `store-unavailable`; then nothing of the batch is stored
   */
  append(tenant: string, batch: NewStatement[], held?: readonly HeldAttachment[]): Promise<AppendResult>;
  /** The statement with this id (lower case), voided or not. */
  get(tenant: string, id: string): Promise<StoredStatement | undefined>;
  /** One page, newest first unless `ascending`. Voided statements are left out unless asked for. */
  find(tenant: string, query: StatementQuery): Promise<StatementPage>;
  /**
   * Milliseconds since the epoch, never in the future: every statement of the tenant whose `stored` is or will be at or before it,
   * whichever process takes it in, can be read; of every tenant when left out, and then 0 where only one tenant's can be told.
   */
  consistentThrough(tenant?: string): Promise<number>;
  /** Entries after `after`, oldest first, at most `limit`, and fewer when they are long; none when there are no more. */
  feed(tenant: string, after: Position, limit: number): Promise<FeedEntry[]>;
  /** A position that no entry of the tenant which can be read is above, and none that appears later is at or below; 0 in an empty store. */
  head(tenant: string): Promise<Position>;
  /**
   * Waits until all that the tenant's log has taken in by now, from whichever process, is seen by `find` and the feed, or never will be.
   * @throws QuipuError `store-unavailable` when that takes too long
   */
  settled(tenant: string): Promise<void>;
  /** Whether a feed entry's keys satisfy the filters, as `find` would judge. */
  matches(entry: FeedEntry, filters: StatementKey[][]): boolean;
  /** Calls back after entries became visible in a tenant; a hint, not a delivery. Returns the function that ends it. */
  subscribe(listener: (tenant: string) => void): () => void;
  /** Removes and rewrites statements atomically, and puts one `erasure` entry in the feed. Unknown ids are passed over. */
  erase(tenant: string, erasure: Erasure): Promise<void>;
  /** Makes removed data physically gone from the disk. May take minutes on a large store. */
  purge(tenant: string): Promise<void>;
  /** How many statements a tenant has (voided ones among them). */
  count(tenant: string): Promise<number>;
}

/**
 * What the LRS knows of activities, verbs and agents beyond single statements, gathered by `StatementStore.append` from
 * statements whose credential has the scope `define`. Reads only.
 */
export interface CanonicalStore {
  /** Merged definition of each activity id, as JSON without white space; undefined where none was ever given. */
  definitions(tenant: string, activityIds: string[]): Promise<(string | undefined)[]>;
  /** Merged display of each verb id, likewise. */
  displays(tenant: string, verbIds: string[]): Promise<(string | undefined)[]>;
  /** The names under which an agent (by canonical identifier, see `actors.ts`) was seen, oldest first. */
  names(tenant: string, agent: string): Promise<string[]>;
  /** Forgets the names of an agent. */
  forget(tenant: string, agent: string): Promise<void>;
}
