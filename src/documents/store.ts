/** Which of the three document resources. */
export type DocumentResource = 'state' | 'agent-profile' | 'activity-profile';

/** Which documents a list or a multiple delete is about: the properties given must be equal, those left out are any. */
export interface DocumentScope {
  resource: DocumentResource;
  /** Activity id. */
  activity?: string;
  /** Canonical identifier of the agent (see `xapi/actors.ts`). */
  agent?: string;
  /** Lower-case UUID; `null` means documents without a registration. */
  registration?: string | null;
}

/** Address of one document. `agent` and `activity` as the resource asks; `registration` only for State. */
export interface DocumentKey {
  resource: DocumentResource;
  activity?: string;
  agent?: string;
  registration?: string;
  /** stateId or profileId. */
  id: string;
}

export interface Document {
  key: DocumentKey;
  content: Buffer;
  contentType: string;
  /** SHA-1 of the content in lower-case hex, without quotes. */
  etag: string;
  /** Milliseconds since the epoch. */
  updated: number;
}

/** What must hold for a write to happen. */
export type Expectation =
  | { kind: 'any' }
  /** No document is there. */
  | { kind: 'absent' }
  /** A document is there. */
  | { kind: 'present' }
  /** A document with one of these ETags is there. */
  | { kind: 'etag'; etags: string[] }
  /** No document with one of these ETags is there. */
  | { kind: 'not-etag'; etags: string[] };

export type PutResult = { status: 'stored' } | { status: 'mismatch'; current?: Document };
export type DeleteResult = { status: 'deleted' } | { status: 'absent' } | { status: 'mismatch'; current?: Document };

/** The documents of the State, Agent Profile and Activity Profile Resources. Writes are durable when they answer and atomic with their expectation. */
export interface DocumentStore {
  get(tenant: string, key: DocumentKey): Promise<Document | undefined>;
  put(tenant: string, document: Document, expected: Expectation): Promise<PutResult>;
  delete(tenant: string, key: DocumentKey, expected: Expectation): Promise<DeleteResult>;
  /** Addresses and times of the documents in scope, updated after `since` (exclusive, milliseconds), ordered by id. */
  list(tenant: string, scope: DocumentScope, since?: number): Promise<{ key: DocumentKey; updated: number }[]>;
  /** Removes every document in scope, atomically, and says how many. */
  deleteAll(tenant: string, scope: DocumentScope): Promise<number>;
}
