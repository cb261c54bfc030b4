import type { AppendResult, NewStatement, StoredStatement } from '../statements/store.js';
import type { StatementKey } from '../xapi/statement-keys.js';
import type { Credential } from './credential.js';

/** What a request wants of a document: one, or those of a scope; or of what is known of an agent (`agent`, by GET alone). */
export interface DocumentAccess {
  resource: 'state' | 'agent-profile' | 'activity-profile' | 'agent';
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** What the request names. Agents in canonical form (`agentIdentifier`). */
  agent?: string;
  activityId?: string;
  registration?: string;
  /** stateId or profileId; undefined for those of a scope. */
  id?: string;
  /** The document of a PUT or POST. */
  content?: Buffer;
  contentType?: string;
}

/**
 * What a credential may do beyond its scopes, as the one who issued it has it. The statement path and the document resources ask it
 * and know nothing of its reasons.
 */
export interface CredentialPolicy {
  /**
   * Judges a batch that is valid, and appends it together with what follows from it, in one atomic append.
   * @throws QuipuError when the credential may not write it; then nothing of it is stored
   */
  append(batch: readonly NewStatement[]): Promise<AppendResult>;
  /** @throws QuipuError unless the credential may read at this moment */
  admitReading(): Promise<void>;
  /** What lists are narrowed to, in addition to the filters of the request: see `StatementQuery.filters`. */
  readonly filters: StatementKey[][];
  /** Whether a statement may be read: one that `filters` lets through for what it says itself, and not for what it refers to. */
  mayRead(statement: StoredStatement): boolean;
  /** @throws QuipuError unless the credential may do this at this moment */
  admitDocument(access: DocumentAccess): Promise<void>;
}

/** Verifies credentials that a feature issues itself, beside keys and tokens. */
export interface CredentialIssuer {
  /** Whether an Authorization header is of the kind that it issues; by a glance, for every header comes by here. */
  issues(header: string): boolean;
  /** @throws QuipuError `unauthorized` unless it has issued the credential and the credential is still good for something */
  verify(header: string): Promise<Credential>;
}
