import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RecordStore, VersionedRecord } from '../../records/store.js';
import { isUuid } from '../../xapi/uuids.js';
import type { SessionState } from '../rules/state.js';
import { sessionRecords, type SessionRecord } from './records.js';

/** A session with its id. */
export type Session = { id: string } & Readonly<SessionRecord>;

/** What a launch settles of a session. */
export type NewSession = Pick<SessionRecord, 'tenant' | 'registration' | 'course' | 'version' | 'unit' | 'unitIndex' | 'mode' | 'learner' | 'returnURL' | 'preview'>;

/** What `fetch` gives. */
export type FetchOutcome =
  /** `secret` of the auth token, given this once. */
  | { status: 'fetched'; session: Session; secret: string }
  | { status: 'used'; session: Session }
  | { status: 'unknown' };

/** The launches of all tenants: static facts and secrets; what happens within them is in the registrations' states. */
export interface Sessions {
  /**
   * @param id UUID in lower case
   * @returns the secret of its fetch URL, which is kept nowhere
   */
  create(id: string, session: NewSession, launched: number): Promise<{ fetchSecret: string }>;
  find(id: string): Promise<Session | undefined>;
  /** Gives the secret of the auth token, to one caller and once, whichever process it asks. */
  fetch(secret: string): Promise<FetchOutcome>;
  /** Notes that the AU has asked for the learner preferences (cmi5 11.0). Repeatable. */
  notePreferences(id: string): Promise<void>;
  /** Notes how it ended; a copy of what the registration's state says. Repeatable. */
  noteEnd(state: SessionState): Promise<void>;
  /** Forgets a session that never came to be, or whose registration is gone. */
  delete(id: string): Promise<void>;
  /** In order of id, which is that of the launches, after `after`. */
  list(where: { property: 'tenant' | 'registration' | 'course' | 'activeIn'; equals: string }, after?: string, limit?: number): Promise<Session[]>;
}

export function createSessions(records: RecordStore): Sessions {
  const sessions = records.collection<SessionRecord>(sessionRecords);

  /** @returns false when there is no such session, or nothing to change */
  async function change(id: string, next: (value: SessionRecord) => SessionRecord | undefined): Promise<boolean> {
    for (;;) {
      const record = await sessions.get('', id);
      const value = record && next(record.value);
      if (!value) return false;
      if (await sessions.update('', id, value, record.version) === 'updated') return true;
    }
  }

  async function take(record: VersionedRecord<SessionRecord>): Promise<FetchOutcome> {
    const session = { id: record.id, ...record.value };
    if (session.tokenHash !== undefined || session.ended !== undefined) return { status: 'used', session };
    const secret = newSecret();
    const value = { ...record.value, tokenHash: hashOf(secret), fetched: new Date().toISOString() };
    if (await sessions.update('', record.id, value, record.version) === 'updated') return { status: 'fetched', session: { id: record.id, ...value }, secret };
    const now = await sessions.get('', record.id);
    return now ? take(now) : { status: 'unknown' };
  }

  return {
    create: async (id, session, launched) => {
      const fetchSecret = newSecret();
      await sessions.insert('', id, { ...session, launched: new Date(launched).toISOString(), fetchHash: hashOf(fetchSecret), activeIn: session.tenant });
      return { fetchSecret };
    },
    find: async (id) => {
      const record = isUuid(id) ? await sessions.get('', id.toLowerCase()) : undefined;
      return record && { id: record.id, ...record.value };
    },
    fetch: async (secret) => {
      const [record] = await sessions.list('', { where: { property: 'fetchHash', equals: hashOf(secret) }, limit: 1 });
      return record ? take(record) : { status: 'unknown' };
    },
    notePreferences: async (id) => {
      await change(id, (value) => (value.preferences === undefined ? { ...value, preferences: new Date().toISOString() } : undefined));
    },
    noteEnd: async ({ id, terminated, abandoned, last, launched }) => {
      await change(id, ({ activeIn, ...value }) => (activeIn === undefined ? undefined
        : { ...value, ended: new Date(terminated ?? abandoned ?? last ?? launched).toISOString(), how: terminated === undefined ? 'abandoned' : 'terminated' }));
    },
    delete: async (id) => {
      await sessions.delete('', id);
    },
    list: async (where, after, limit) =>
      (await sessions.list('', { where, ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) })).map(({ id, value }) => ({ id, ...value })),
  };
}

/** A UUID of version 7 (RFC 9562 5.7): those made later sort after. */
export function timeOrderedId(now = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** SHA-256 of a secret, in hex: enough for 256 random bits, which nobody guesses. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether a secret has a hash, in a time that tells nothing. */
export function hasHash(secret: string, hash: string | undefined): boolean {
  return hash !== undefined && timingSafeEqual(Buffer.from(hashOf(secret), 'hex'), Buffer.from(hash, 'hex'));
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
