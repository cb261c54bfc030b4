import type { Collection, Db, ObjectId } from 'mongodb';

/**
 * The collections of statements. Names of fields are short because every document repeats them. What is asked by id has an
 * `_id` that begins with the tenant; with `{ _id: 1 }` as the shard key of `statements` and `canonical` and `{ g: 1 }` of
 * `references` the tenant comes first in a cluster too. The others are small and stay on one shard.
 */
export interface Collections {
  statements: Collection<StatementRow>;
  heads: Collection<HeadRow>;
  appends: Collection<AppendRow>;
  references: Collection<ReferenceRow>;
  canonical: Collection<CanonicalRow>;
  erasures: Collection<ErasureRow>;
  plans: Collection<PlanRow>;
}

/** A statement. */
export interface StatementRow {
  /** `tenant/id`, the id in lower case. */
  _id: string;
  /** Tenant. */
  t: string;
  /** Position. */
  p: number;
  /** `stored`, milliseconds since the epoch. */
  s: number;
  /** The append that it came with: the statement exists when that was committed. */
  a: ObjectId;
  /** Counts changes, so that a change can depend on what it was made from. */
  x: number;
  /** Whether it is voided. */
  v: boolean;
  /** Keys that it is found by, KEY_BYTES each; its own first, then inherited ones. */
  k: Buffer[];
  /** Id of the StatementRef that is its object. */
  r?: string;
  /** Present on a voiding statement. */
  w?: true;
  /** Present when its credential may define activities, verbs and agents. */
  d?: true;
  /** Its JSON, UTF-8. */
  text: Buffer;
}

/** Where the log of a tenant ends. */
export interface HeadRow {
  /** Tenant. */
  _id: string;
  /** Last position given. */
  p: number;
  /** No position given from now on has a `stored` earlier than this. */
  s: number;
  /** A horizon that a process has seen. */
  h?: number;
  /** Counted so far: `cn` statements up to position `cp`. */
  cp: number;
  cn: number;
  /** Counts erasures, which make the count begin anew. */
  e: number;
}

/**
 * An append, or an erasure, that is under way. `open`: nothing of it exists. `committed`: all of it exists; what it changes in
 * others is being done. `rolling`: it was given up and is being removed. `rolled`: it is removed; the record stays for a while
 * lest its author, taken for dead, still writes.
 */
export interface AppendRow {
  _id: ObjectId;
  /** Tenant. */
  t: string;
  kind: 'append' | 'erasure';
  /** The process that makes it. */
  owner: string;
  state: 'open' | 'committed' | 'rolling' | 'rolled';
  /** All of its positions are above this one. */
  from: number;
  /** Its `stored` is not before this. */
  s: number;
  /** Its positions, once it is committed. */
  first?: number;
  last?: number;
  /** `stored` of a committed erasure, and the number of its plans. */
  stored?: number;
  plans?: number;
}

/** A hint that a statement refers to another one; what holds is what the statement's own row says. */
export interface ReferenceRow {
  /** `tenant/target/position`. */
  _id: string;
  /** `tenant/target`. */
  g: string;
  /** Id of the statement that refers to the target. */
  id: string;
  /** The append that has written it, where one has. */
  a?: ObjectId;
}

/** What is known of an activity (`a`), a verb (`b`) or the names of an agent (`g`). */
export interface CanonicalRow {
  /** `tenant/kind/hash of the name`. */
  _id: string;
  /** Another one after each change. */
  x: ObjectId;
  /** JSON. */
  text: string;
}

/** An erasure as the feed tells of it. */
export interface ErasureRow {
  _id: ObjectId;
  t: string;
  p: number;
  s: number;
  erased: string[];
  redacted: string[];
}

/** A part of what a committed erasure does, so that whoever finishes it does the same. */
export interface PlanRow {
  /** `append/number`. */
  _id: string;
  a: ObjectId;
  erased: string[];
  redacted: string[];
  steps: PlanStep[];
}

/** One statement that goes, or stays with other content; applies to the row as it was when the plan was made. */
export type PlanStep =
  | { id: string; p: number; r?: string }
  | { id: string; p: number; x: number; v: boolean; k: Buffer[]; text?: Buffer };

/** The collections in a database. */
export function collectionsOf(db: Db): Collections {
  return {
    statements: db.collection('statements'),
    heads: db.collection('heads'),
    appends: db.collection('appends'),
    references: db.collection('references'),
    canonical: db.collection('canonical'),
    erasures: db.collection('erasures'),
    plans: db.collection('plans'),
  };
}

/** `_id` of a statement's row. */
export const rowId = (tenant: string, id: string): string => `${tenant}/${id}`;

/** The statement id in the `_id` of its row. */
export const idOfRow = (_id: string): string => _id.slice(-36);
