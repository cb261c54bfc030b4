import type { CollectionSpec } from '../../records/store.js';
import type { Actor } from '../../xapi/types.js';
import type { Breach, LaunchMode, RegistrationState } from '../rules/state.js';

/** A learner as cmi5 knows one: an Agent with an account (9.2). */
export type Learner = Actor & { account: { homePage: string; name: string } };

/** A change of a registration that is written down and will happen, whoever brings it about: see registration-writer.ts. */
export interface PendingChange {
  /** JSON texts of the statements that are appended with it, in order. */
  statements: string[];
  /** What the registration has come to once they are stored. */
  state: RegistrationState;
  version: string;
}

/** An enrolment of a learner in a course, under its registration UUID (lower case). Written by registration-writer.ts alone. */
export interface RegistrationRecord {
  /** Id of the course. */
  course: string;
  /** Id of the course's version that it is pinned to. */
  version: string;
  learner: Learner;
  /** Canonical identifier of the learner (`agentIdentifier`). */
  learnerKey: string;
  /** ISO 8601 in UTC. */
  created: string;
  /** A throw-away registration: judged by every rule, but its statements go nowhere. */
  preview: boolean;
  state: RegistrationState;
  pending?: PendingChange;
  /** `yes` while a session is under way or a change is pending; a hint for the sweeper. */
  active: 'yes' | 'no';
}

export const registrationRecords: CollectionSpec<RegistrationRecord> = { name: 'cmi5-registrations', indexes: ['course', 'learnerKey', 'active'], unique: [] };

/**
 * A launch of an AU and what the AU is given with it, under its session UUID. What happens within it is in the registration's state.
 * Kept under the tenant `''`, because its id is looked up before its tenant is known.
 */
export interface SessionRecord {
  tenant: string;
  /** Id of the registration. */
  registration: string;
  /** Id of the course. */
  course: string;
  /** Id of the course's version. */
  version: string;
  /** The id that the LMS has given the AU. */
  unit: string;
  unitIndex: number;
  mode: LaunchMode;
  learner: Learner;
  /** ISO 8601 in UTC. */
  launched: string;
  returnURL?: string;
  preview: boolean;
  /** SHA-256 of the secret in the fetch URL, lower-case hex. The secret is 256 random bits, which no guessing finds: a slow hash would add nothing. */
  fetchHash: string;
  /** SHA-256 of the secret in the auth token; undefined until it was fetched. */
  tokenHash?: string;
  /** ISO 8601 in UTC. */
  fetched?: string;
  /** When the AU first asked for the learner preferences (cmi5 11.0), ISO 8601 in UTC. */
  preferences?: string;
  /** When and how it ended. A copy for lists: the registration's state decides. */
  ended?: string;
  how?: 'terminated' | 'abandoned';
  /** The tenant, until it has ended: what a list of sessions under way is found by. */
  activeIn?: string;
}

export const sessionRecords: CollectionSpec<SessionRecord> = {
  name: 'cmi5-sessions', indexes: ['tenant', 'registration', 'course', 'activeIn'], unique: ['fetchHash', 'tokenHash'],
};

/**
 * A request that broke a rule: refused, or taken in with a finding. Of a preview, whose statements go nowhere, also each statement that was
 * taken in. Ids are time-ordered UUIDs.
 */
export interface FindingRecord {
  session: string;
  registration: string;
  /** ISO 8601 in UTC. */
  at: string;
  kind: 'refusal' | 'finding' | 'statement';
  /** Missing with a `statement`. */
  breach?: Breach;
  /** JSON text of the statement, or what was asked of a document; cut where it is long. */
  request: string;
  /** Whether `request` was cut. */
  cut: boolean;
  /** Index in the batch. */
  index?: number;
  /** Canonical identifiers of those that the request names; missing where they are too many, and then it may name anybody. */
  people?: string[];
}

export const findingRecords: CollectionSpec<FindingRecord> = { name: 'cmi5-findings', indexes: ['session', 'registration'], unique: [] };
