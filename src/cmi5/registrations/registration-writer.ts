import { isDeepStrictEqual } from 'node:util';
import { createTurns } from '../../documents/turns.js';
import type { RecordStore, VersionedRecord } from '../../records/store.js';
import type { AppendResult, NewStatement, StatementStore } from '../../statements/store.js';
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
  /**
   * Writes what has to be there once the change has happened, and does no harm where it doesn't happen. Called within the registration's
   * turn, perhaps several times.
   */
  beside?: () => Promise<unknown>;
  /** Handed on to the caller. */
  answer: T;
}

/** What became of a change. A conflict means that nothing has changed. */
export type Changed<T> =
  /** `outcomes` are those of the AU's statements. */
  | { status: 'stored'; registration: Registration; outcomes: ('stored' | 'duplicate')[]; answer: T }
  /** `index` counts the AU's statements. */
  | { status: 'conflict'; index: number };

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
  /** Brings about what is pending of a registration, if anything is; nothing when there is no such registration. */
  settle(tenant: string, id: string): Promise<void>;
  /** Forgets a registration; its statements stay. @returns whether there was one */
  delete(tenant: string, id: string): Promise<boolean>;
  /** In order of id, after `after`, with what is pending and has happened. */
  list(tenant: string, options: { where?: { property: 'course' | 'learnerKey' | 'active'; equals: string }; after?: string; limit?: number }): Promise<Registration[]>;
}

export interface RegistrationWriterDeps {
  records: RecordStore;
  statements: Pick<StatementStore, 'append' | 'get'>;
  /** Makes statements ready for the store from their JSON. */
  prepare(texts: readonly string[]): NewStatement[];
  /** Other processes use the same store. */
  shared: boolean;
  /** Told of each session that has ended, perhaps more than once. */
  ended(tenant: string, session: SessionState): Promise<void>;
}

/**
 * Bytes of the AU's statements of one change. All of a change are written into the record as well, which a database bounds at 16 MiB:
 * those of the LMS come to 8 MiB at the most, since no course is imported of which they would come to more.
 */
const MOST_BYTES = 4 << 20;
/** Pending changes of which this process remembers what became of them. */
const MOST_REMEMBERED = 10_000;
/** Attempts at a change while other processes change the same registration. */
const MOST_ATTEMPTS = 100;

export function createRegistrationWriter({ records, statements, prepare, shared, ended }: RegistrationWriterDeps): RegistrationWriter {
  const registrations = records.collection<RegistrationRecord>(registrationRecords);
  const inTurn = createTurns();
  /** Whether the change that is pending at a version of a record was stored, where this process has seen it. */
  const known = new Map<string, { version: number; stored: boolean }>();

  function remember(tenant: string, id: string, version: number, stored: boolean): void {
    const key = `${tenant}/${id}`;
    known.delete(key);
    known.set(key, { version, stored });
    if (known.size > MOST_REMEMBERED) known.delete(known.keys().next().value!);
  }

  function remembered(tenant: string, { id, version }: VersionedRecord<RegistrationRecord>): boolean | undefined {
    const found = known.get(`${tenant}/${id}`);
    return found?.version === version ? found.stored : undefined;
  }

  /** Brings about what is pending. Repeatable: what is stored already is a duplicate. */
  async function settle(tenant: string, record: VersionedRecord<RegistrationRecord>): Promise<Registration> {
    const { pending } = record.value;
    if (!pending) return shown(record, false);
    const stored = remembered(tenant, record)
      ?? (await statements.append(tenant, prepare(pending.statements))).status === 'stored';
    remember(tenant, record.id, record.version, stored);
    return shown(record, stored);
  }

  /** @returns whether it was still at that version */
  async function write(tenant: string, { id, version }: VersionedRecord<RegistrationRecord>, now: Registration, pending?: PendingChange): Promise<boolean> {
    const { id: _, ...value } = now;
    const active = pending || isUnderWay(value.state.session) ? 'yes' : 'no';
    const outcome = await registrations.update(tenant, id, { ...value, ...(pending && { pending }), active }, version);
    return outcome === 'updated';
  }

  /**
   * Writes down what is about to happen, and brings it about. A store of one process carries out its writes in the order in which they are
   * given, so there all are given at once, and wait for one commit as a rule; what is appended was written down before all the same.
   * @returns undefined when the record was not at its version any more
   */
  async function redo(tenant: string, record: VersionedRecord<RegistrationRecord>, now: Registration, pending: PendingChange, batch: NewStatement[], beside?: () => Promise<unknown>): Promise<AppendResult | undefined> {
    if (!shared) {
      const [, noted, result] = await Promise.all([beside?.(), write(tenant, record, now, pending), statements.append(tenant, batch)]);
      return noted ? result : undefined;
    }
    await beside?.();
    return await write(tenant, record, now, pending) ? statements.append(tenant, batch) : undefined;
  }

  /** Tells of the sessions that were under way, in the record or in what it had come to, and are not any more. */
  async function tellOfEnds(tenant: string, record: SessionState | undefined, now: SessionState | undefined, after: SessionState | undefined): Promise<void> {
    for (const id of new Set([record, now].filter(isUnderWay).map((session) => session.id))) {
      const last = [after, now, record].find((session) => session?.id === id)!;
      if (last !== after || !isUnderWay(last)) await ended(tenant, last);
    }
  }

  /**
   * One attempt.
   * @param said ids of statements of the LMS that are stored with other content, and are left out
   * @returns undefined when it is to be tried again
   */
  async function attempt<T>(tenant: string, id: string, judge: (registration: Registration) => Change<T> | Promise<Change<T>>, said: Set<string>): Promise<Changed<T> | undefined> {
    const record = await registrations.get(tenant, id);
    if (!record) throw notFound(id);
    const now = await settle(tenant, record);
    const judged = await judge(now);
    const change = said.size === 0 ? judged : { ...judged, statements: judged.statements.filter((statement) => 'au' in statement || !said.has(statement.lms.id!)) };
    const next: Registration = { ...now, state: change.state, version: change.version ?? now.version };
    const done = (outcomes: ('stored' | 'duplicate')[]): Changed<T> => ({ status: 'stored', registration: next, outcomes, answer: change.answer });

    if (change.statements.length === 0 || now.preview) {
      const same = record.value.pending === undefined && next.version === now.version && isDeepStrictEqual(next.state, now.state);
      await change.beside?.();
      if (!same && !await write(tenant, record, next)) return undefined;
      await tellOfEnds(tenant, record.value.state.session, now.state.session, next.state.session);
      return done(change.statements.flatMap((statement) => ('au' in statement ? ['stored' as const] : [])));
    }

    const batch = prepared(change.statements);
    if (!shared && next.version === now.version && sameButLast(now.state, next.state)) {
      // No rule hangs on when the AU last said something: its time may be written beside the statements.
      const [result] = await Promise.all([statements.append(tenant, batch), write(tenant, record, next)]);
      return result.status === 'stored' ? done(ofUnit(change.statements, result.outcomes)) : conflict(change.statements, result.index, said);
    }

    const pending: PendingChange = { statements: change.statements.map(textOf), state: next.state, version: next.version };
    const bytes = change.statements.reduce((sum, statement, index) => sum + ('au' in statement ? Buffer.byteLength(pending.statements[index]!) : 0), 0);
    if (bytes > MOST_BYTES) throw new QuipuError('too-large', `The statements have ${bytes} bytes together; a request of a session has at most ${MOST_BYTES}.`, { expected: 'several requests' });
    const result = await redo(tenant, record, now, pending, batch, change.beside);
    if (!result) return undefined;
    const written = { ...record, version: record.version + 1 };
    remember(tenant, id, written.version, result.status === 'stored');
    if (result.status === 'conflict') {
      await write(tenant, written, now).catch(() => false);
      return conflict(change.statements, result.index, said);
    }
    // What is stored is stored: if this fails, whoever comes next finds it pending, and does it.
    await tellOfEnds(tenant, record.value.state.session, now.state.session, next.state.session)
      .then(() => isUnderWay(next.state.session) || write(tenant, written, next))
      .catch(() => undefined);
    return done(ofUnit(change.statements, result.outcomes));
  }

  /** The statements as the store takes them, those of the LMS made ready. */
  function prepared(changes: readonly ChangeStatement[]): NewStatement[] {
    const made = prepare(changes.flatMap((statement) => ('lms' in statement ? [JSON.stringify(statement.lms)] : [])));
    return changes.map((statement) => ('au' in statement ? statement.au : made.shift()!));
  }

  function change<T>(tenant: string, id: string, judge: (registration: Registration) => Change<T> | Promise<Change<T>>): Promise<Changed<T>> {
    return inTurn(`${tenant}/${id}`, async () => {
      const said = new Set<string>();
      for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts++) {
        const changed = await attempt(tenant, id, judge, said);
        if (changed) return changed;
      }
      throw new QuipuError('record-conflict', `The registration ${id} is being changed by many requests at once. Send the request again.`, { retryAfter: 1 });
    });
  }

  return {
    create: async (tenant, id, value) => await registrations.insert(tenant, id, { ...value, state: { units: {}, satisfied: {} }, active: 'no' }) === 'inserted',
    read: async (tenant, id) => {
      const record = await registrations.get(tenant, id);
      return record && look(tenant, record);
    },
    change,
    settle: async (tenant, id) => {
      await change(tenant, id, ({ state }) => ({ statements: [], state, answer: undefined })).catch((error: unknown) => {
        if (!(error instanceof QuipuError) || error.code !== 'not-found') throw error;
      });
    },
    delete: (tenant, id) => inTurn(`${tenant}/${id}`, () => registrations.delete(tenant, id)),
    list: async (tenant, options) => Promise.all((await registrations.list(tenant, options)).map((record) => look(tenant, record))),
  };

  /** A registration with the change that is pending, where that has happened. */
  async function look(tenant: string, record: VersionedRecord<RegistrationRecord>): Promise<Registration> {
    const { pending } = record.value;
    return shown(record, pending ? remembered(tenant, record) ?? await areStored(tenant, pending) : false);
  }

  /** One that is stored says nothing: it may be a repeat, or have the id of another one. */
  async function areStored(tenant: string, { statements: texts }: PendingChange): Promise<boolean> {
    for (const text of texts) {
      if (!await statements.get(tenant, (JSON.parse(text) as { id: string }).id.toLowerCase())) return false;
    }
    return true;
  }
}

/** Whether a session has begun and not ended. */
export function isUnderWay(session: SessionState | undefined): session is SessionState {
  return session !== undefined && session.terminated === undefined && session.abandoned === undefined;
}

function shown({ id, value: { pending, active: _, ...value } }: VersionedRecord<RegistrationRecord>, pendingHappened: boolean): Registration {
  return { id, ...value, ...(pending && pendingHappened && { state: pending.state, version: pending.version }) };
}

function sameButLast(before: RegistrationState, after: RegistrationState): boolean {
  const rest = ({ session, ...others }: RegistrationState): object => ({ ...others, session: session && { ...session, last: undefined } });
  return isDeepStrictEqual(rest(before), rest(after));
}

function textOf(statement: ChangeStatement): string {
  return 'lms' in statement ? JSON.stringify(statement.lms) : `${statement.au.text.toString('utf8')}}`;
}

/** The outcomes of the AU's statements. */
function ofUnit(statements: readonly ChangeStatement[], outcomes: readonly ('stored' | 'duplicate')[]): ('stored' | 'duplicate')[] {
  return outcomes.filter((_, index) => 'au' in statements[index]!);
}

/**
 * Says which of the AU's statements has the id of another one. An id that the LMS gives stands for what it says: where the log has it
 * already, as after a restore of older records, it is said. @returns undefined in that case
 */
function conflict(statements: readonly ChangeStatement[], index: number, said: Set<string>): { status: 'conflict'; index: number } | undefined {
  const own = statements[index]!;
  if ('au' in own) return { status: 'conflict', index: statements.slice(0, index).filter((statement) => 'au' in statement).length };
  said.add(own.lms.id!);
  return undefined;
}

function notFound(id: string): QuipuError {
  return new QuipuError('not-found', `There is no registration ${id}.`);
}
