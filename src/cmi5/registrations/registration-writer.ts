import { isDeepStrictEqual } from 'node:util';
import { createTurns } from '../../documents/turns.js';
import type { RecordStore, VersionedRecord } from '../../records/store.js';
import type { NewStatement, StatementStore } from '../../statements/store.js';
import { QuipuError } from '../../xapi/errors.js';
import type { Statement } from '../../xapi/types.js';
import type { RegistrationState, SessionState } from '../rules/state.js';
import { registrationRecords, type PendingChange, type RegistrationRecord } from './records.js';

/** A registration as it is now: nothing of it is pending. */
export type Registration = { id: string } & Readonly<Omit<RegistrationRecord, 'pending' | 'active'>>;

/** A statement that a change stores: one of the AU's, as it was prepared, or one that the LMS makes. */
export type ChangeStatement = { au: NewStatement } | { lms: Statement };

/** What a judge wants to become of a registration. */
export interface Change<T> {
  /** Stored in this order, in one atomic append; a `satisfied` after what it follows from, a block before its course. */
  statements: readonly ChangeStatement[];
  state: RegistrationState;
  /** Id of the course's version that it moves to. */
  version?: string;
  /** Handed on to the caller. */
  answer: T;
}

/** What became of a change. A conflict means that nothing has changed. */
export type Changed<T> =
  /** `outcomes` are those of the AU's statements. */
  | { status: 'stored'; registration: Registration; outcomes: ('stored' | 'duplicate')[]; answer: T }
  /** `index` counts the AU's statements; undefined when it is one that the LMS made. */
  | { status: 'conflict'; index: number | undefined };

/**
 * The one way to change a registration. Guarantees, also with several processes and with a crash at any moment:
 * - Changes of a registration happen one after the other; a judge sees all that happened before.
 * - The statements of a change and its new state happen together or not at all, and once.
 * - When `change` answers, its statements are durable and can be read.
 * When it throws `store-unavailable` or `storage-full` the change may happen later, never in part.
 * See docs/adr/0023-one-writer-of-a-registration.md.
 */
export interface RegistrationWriter {
  /** @returns false when the tenant has a registration with this id */
  create(tenant: string, id: string, value: Omit<RegistrationRecord, 'state' | 'pending' | 'active'>): Promise<boolean>;
  /** The registration as it is now; undefined when there is none. */
  read(tenant: string, id: string): Promise<Registration | undefined>;
  /**
   * @param judge called with the registration as it is, perhaps several times; changes nothing itself, and throws to refuse. Times that
   *   are part of a statement it takes from the clock at each call.
   * @throws QuipuError `not-found` when there is no such registration, and whatever the judge throws
   */
  change<T>(tenant: string, id: string, judge: (registration: Registration) => Change<T> | Promise<Change<T>>): Promise<Changed<T>>;
  /** Forgets a registration; its statements stay. @returns whether there was one */
  delete(tenant: string, id: string): Promise<boolean>;
  /** In order of id, after `after`; pending changes are not looked into. */
  list(tenant: string, options: { where?: { property: 'course' | 'learnerKey' | 'active'; equals: string }; after?: string; limit?: number }): Promise<Registration[]>;
}

export interface RegistrationWriterDeps {
  records: RecordStore;
  statements: Pick<StatementStore, 'append' | 'get'>;
  /** Makes statements of the LMS ready for the store: authority, keys, definitions. */
  prepare(values: readonly Statement[]): NewStatement[];
  /** Other processes use the same store. */
  shared: boolean;
  /** Told of each session that has ended, perhaps more than once. */
  ended(tenant: string, session: SessionState): Promise<void>;
}
