import { randomBytes } from 'node:crypto';
import type { Collection, RecordStore, VersionedRecord } from '../records/store.js';
import { QuipuError } from '../xapi/errors.js';
import type { Actor } from '../xapi/types.js';
import type { Attempts } from './attempts.js';
import { basicHeader, parseBasic } from './basic.js';
import { createCredentialCache } from './credential-cache.js';
import type { Credential, Scope } from './credential.js';
import { chosenParams, createSecretHasher, generatedParams, type HashParams, type HashedSecret, type SecretHasher } from './secret-hash.js';

/** What is kept of a key, under its id. Times are ISO 8601 in UTC. */
export interface KeyRecord extends HashedSecret {
  tenant: string;
  name: string;
  scopes: Scope[];
  authority: Actor;
  createdAt: string;
  rotatedAt?: string;
  revokedAt?: string;
}

/** A key as it may be shown: everything but its secret. */
export type Key = { id: string } & Omit<KeyRecord, keyof HashedSecret>;

/** A key with its secret, which is shown once and kept nowhere. */
export type KeyWithSecret = Key & { secret: string };

/** What a new key is to be. */
export interface NewKey {
  tenant: string;
  name: string;
  scopes: readonly Scope[];
  /** Left out: an Agent with the account of the key's id at Quipu's home page. */
  authority?: Actor;
  /** The user name; random when left out. */
  id?: string;
  /** Random when left out. */
  secret?: string;
}

/** Looks at the very state of a key that is about to be replaced, and throws when the caller may not touch it. */
export type KeyGuard = (key: Key) => void;

/**
 * Keys: a user name and a secret each, belonging to one tenant. A change has effect on the next request to this process, and on
 * those to others that share the store within the time that they trust what they know.
 */
export interface KeyService {
  /** @throws QuipuError `record-conflict` when the id is taken, in whatever tenant; `invalid-request` when it can't be a user name */
  create(key: NewKey): Promise<KeyWithSecret>;
  /** Makes a key with this id and secret if there is none, and gives an existing one this secret and these scopes. Writes nothing when it has them. */
  ensure(key: NewKey & { id: string; secret: string }): Promise<Key>;
  get(tenant: string, id: string): Promise<Key | undefined>;
  /** Keys of a tenant by id, revoked ones among them. */
  list(tenant: string, after?: string, limit?: number): Promise<Key[]>;
  /** @returns undefined when the tenant has no such key */
  change(tenant: string, id: string, patch: { name?: string; scopes?: readonly Scope[]; authority?: Actor }, guard?: KeyGuard): Promise<Key | undefined>;
  /** Gives the key a new secret; the old one is dead when this answers. @returns undefined when the tenant has no such key, or it is revoked */
  rotate(tenant: string, id: string, guard?: KeyGuard): Promise<KeyWithSecret | undefined>;
  /** Ends the key for good; its id stays taken. @returns undefined when the tenant has no such key */
  revoke(tenant: string, id: string, guard?: KeyGuard): Promise<Key | undefined>;
  /** The credential of an Authorization header that was verified before, in microseconds and without waiting. */
  verifyCached(header: string): Credential | undefined;
  /**
   * @param header an Authorization header with the scheme Basic
   * @param address where the request came from
   * @returns undefined when there is no such key, it is revoked or the secret is another
   * @throws QuipuError `unauthorized` when the header is malformed, `too-many-requests`, `overloaded`
   */
  verifyHeader(header: string, address: string): Promise<Credential | undefined>;
  /** The same for a key and secret that came another way. */
  verify(key: string, secret: string, address: string): Promise<Credential | undefined>;
}

/** What `createKeyService` needs. */
export interface KeyServiceDeps {
  records: RecordStore;
  attempts: Attempts;
  /** Home page of the accounts that are the default authority of keys: the public URL. */
  homePage: string;
  hasher?: SecretHasher;
  /** Milliseconds for which a verification, or a refusal, is believed without a new look at the key; for ever when no other process can change it. */
  trust?: number;
  /** Told of each credential that was found good: remembered, confirmed by a look at its key, or checked by a hash. */
  count?: (how: 'remembered' | 'confirmed' | 'checked') => void;
}

const idPattern = /^[^\p{Cc}:]{1,128}$/u;
/** As segments of a path these lead elsewhere, so that nobody could change such a key (RFC 3986 5.2.4). */
const dotSegments: readonly string[] = ['.', '..'];
const wrongPairsKept = 10_000;
const wrongPairLifetime = 60_000;

/** Keys are kept under the tenant `''`, because a user name is looked up before its tenant is known. */
export function createKeyService({ records, attempts, homePage, hasher = createSecretHasher(), trust = Infinity, count = () => undefined }: KeyServiceDeps): KeyService {
  const keys: Collection<KeyRecord> = records.collection<KeyRecord>({ name: 'keys', indexes: ['tenant'], unique: [] });
  const verified = createCredentialCache({ trust });
  /**
   * Digests of wrong pairs, with the time of their last check, of the last look at the key and its version then. To repeat one is no new guess: a client with an old secret
   * that keeps trying must not lock out the others behind its address, nor cost a hash each time.
   */
  const wrong = new Map<string, { at: number; looked: number; version: number }>();
  /** Verifications that run, by the digest of their header: one hash for all who send the same, wherever they are. */
  const underWay = new Map<string, Promise<Credential | undefined>>();
  /** Counts changes of keys: a verification that began before one must not be remembered after it. */
  let changes = 0;

  function changed(id: string): void {
    changes++;
    verified.drop(id);
    wrong.clear();
    underWay.clear();
  }

  async function find(tenant: string, id: string): Promise<VersionedRecord<KeyRecord> | undefined> {
    const record = await keys.get('', id);
    return record?.value.tenant === tenant ? record : undefined;
  }

  async function rewrite(tenant: string, id: string, guard: KeyGuard | undefined, next: (value: KeyRecord) => KeyRecord | undefined): Promise<Key | undefined> {
    for (;;) {
      const record = await find(tenant, id);
      if (!record) return undefined;
      guard?.(shown(id, record.value));
      const value = next(record.value);
      if (!value) return undefined;
      const outcome = await keys.update('', id, value, record.version);
      changed(id);
      if (outcome === 'updated') return shown(id, value);
    }
  }

  async function create(key: NewKey): Promise<KeyWithSecret> {
    const id = key.id ?? randomBytes(12).toString('hex');
    const { secret, hashed } = await hashedSecret(key.secret);
    if (!idPattern.test(id) || /\p{Cs}/u.test(id) || dotSegments.includes(id)) {
      throw new QuipuError('invalid-request', 'A key is 1 to 128 characters without colon or control characters, and not a dot or two alone.', { pointer: '/id' });
    }
    const value: KeyRecord = {
      ...hashed, tenant: key.tenant, name: key.name, scopes: [...key.scopes],
      authority: key.authority ?? { objectType: 'Agent', name: key.name, account: { homePage, name: id } },
      createdAt: new Date().toISOString(),
    };
    if (await keys.insert('', id, value) === 'exists') throw new QuipuError('record-conflict', `There is a key ${id} already.`, { pointer: '/id' });
    changed(id);
    return { ...shown(id, value), secret };
  }

  async function hashedSecret(given?: string): Promise<{ secret: string; hashed: HashedSecret }> {
    const secret = given ?? randomBytes(24).toString('hex');
    const params: HashParams = given === undefined ? generatedParams : chosenParams;
    return { secret, hashed: await hasher.hash(secret, params) };
  }

  function remembered(digest: string): Credential | undefined {
    const known = verified.get(digest);
    if (known) count('remembered');
    return known;
  }

  async function verifyHeader(header: string, address: string): Promise<Credential | undefined> {
    const digest = verified.digest(header);
    const known = remembered(digest);
    if (known) return known;
    const { key, secret } = parseBasic(header);
    if (!idPattern.test(key)) return undefined;
    const refused = refusal(digest);
    if (refused && performance.now() - refused.looked < trust) return undefined;
    const already = underWay.get(digest);
    if (already) return already.catch((error: unknown) => {
      if (!(error instanceof QuipuError) || error.code !== 'too-many-requests') throw error;
      // The address of the first one has to wait; that says nothing of this one.
      attempts.admit(address, key);
      return verifyHeader(header, address);
    });
    const verification = judge(key, secret, address, digest).finally(() => {
      if (underWay.get(digest) === verification) underWay.delete(digest);
    });
    underWay.set(digest, verification);
    return verification;
  }

  function refusal(digest: string): { looked: number; version: number } | undefined {
    const known = wrong.get(digest);
    return known && Date.now() - known.at < wrongPairLifetime ? known : undefined;
  }

  async function judge(key: string, secret: string, address: string, digest: string): Promise<Credential | undefined> {
    for (;;) {
      const before = changes;
      const since = performance.now();
      const record = await keys.get('', key);
      const version = record?.version ?? 0;
      // A key that is as it was needs no second hash.
      const former = verified.former(digest);
      if (former?.version === version) {
        verified.confirm(digest, since);
        count('confirmed');
        return former.credential;
      }
      const refused = refusal(digest);
      if (refused?.version === version) {
        refused.looked = since;
        return undefined;
      }
      const stored = record && record.value.revokedAt === undefined ? record.value : undefined;
      const matches = await hasher.matches(secret, stored ?? nobody, () => attempts.admit(address, key));
      if (before !== changes) continue;
      if (stored && matches) {
        const credential = credentialOf(key, stored);
        verified.set(digest, credential, { version, since });
        count('checked');
        return credential;
      }
      verified.forget(digest);
      if (!wrong.has(digest)) attempts.failed(address, key);
      if (wrong.size >= wrongPairsKept) wrong.clear();
      wrong.set(digest, { at: Date.now(), looked: since, version });
      return undefined;
    }
  }

  return {
    create,
    async ensure(key) {
      const before = changes;
      const since = performance.now();
      let record = await keys.get('', key.id);
      if (!record) {
        try {
          return await create(key);
        } catch (error) {
          // Another process that starts at this moment was first.
          record = error instanceof QuipuError && error.code === 'record-conflict' ? await keys.get('', key.id) : undefined;
          if (!record) throw error;
        }
      }
      const sameSecret = await hasher.matches(key.secret, record.value);
      const sameScopes = key.scopes.length === record.value.scopes.length && key.scopes.every((scope) => record.value.scopes.includes(scope));
      if (sameSecret && sameScopes && record.value.revokedAt === undefined) {
        // It is verified now, and needs no second hash at its first request.
        if (before === changes) verified.set(verified.digest(basicHeader(key.id, key.secret)), credentialOf(key.id, record.value), { version: record.version, since });
        return shown(key.id, record.value);
      }
      const secret = sameSecret ? {} : { ...(await hashedSecret(key.secret)).hashed, rotatedAt: new Date().toISOString() };
      const updated = await rewrite(record.value.tenant, key.id, undefined, (value) => ({ ...value, ...secret, scopes: [...key.scopes], revokedAt: undefined }));
      return updated ?? create(key);
    },
    async get(tenant, id) {
      const record = await find(tenant, id);
      return record && shown(id, record.value);
    },
    async list(tenant, after, limit) {
      const found = await keys.list('', { where: { property: 'tenant', equals: tenant }, after, limit });
      return found.map(({ id, value }) => shown(id, value));
    },
    change: (tenant, id, patch, guard) => rewrite(tenant, id, guard, (value) => ({
      ...value, name: patch.name ?? value.name, scopes: patch.scopes ? [...patch.scopes] : value.scopes, authority: patch.authority ?? value.authority,
    })),
    async rotate(tenant, id, guard) {
      const { secret, hashed } = await hashedSecret();
      const key = await rewrite(tenant, id, guard, (value) => (value.revokedAt === undefined
        ? { ...value, ...hashed, rotatedAt: new Date().toISOString() }
        : undefined));
      return key && { ...key, secret };
    },
    revoke: (tenant, id, guard) => rewrite(tenant, id, guard, (value) => ({ ...value, revokedAt: value.revokedAt ?? new Date().toISOString() })),
    verifyCached: (header) => remembered(verified.digest(header)),
    verifyHeader,
    verify: async (key, secret, address) => verifyHeader(basicHeader(key, secret), address),
  };
}

/** Stands in for a key that doesn't exist, so that an unknown key takes as long as a wrong secret of a key whose secret was made here. */
const nobody: HashedSecret = {
  secretHash: randomBytes(32).toString('base64'), salt: randomBytes(16).toString('base64'), params: generatedParams,
};

function credentialOf(id: string, { tenant, scopes, authority }: KeyRecord): Credential {
  return { tenant, id, scopes: new Set(scopes), authority };
}

function shown(id: string, record: KeyRecord): Key {
  const { tenant, name, scopes, authority, createdAt, rotatedAt, revokedAt } = record;
  return { id, tenant, name, scopes, authority, createdAt, rotatedAt, revokedAt };
}
