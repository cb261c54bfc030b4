import { hash, randomBytes } from 'node:crypto';
import type { Credential } from './credential.js';

/** Authorization headers that were verified, by digest. Holds no secret and no header. */
export interface CredentialCache {
  /** Digest of a header under a random key of this process. */
  digest(header: string): string;
  /** The credential, while it is trusted. */
  get(digest: string): Credential | undefined;
  /** The credential also when it is not trusted any more, with the version of the record that gave it. */
  former(digest: string): { credential: Credential; version: number } | undefined;
  /**
   * @param options.expires milliseconds since the epoch after which it is forgotten; never when left out
   * @param options.version of the record that gave it
   * @param options.since when that record was asked for, by `performance.now()`; now when left out
   */
  set(digest: string, credential: Credential, options?: { expires?: number; version?: number; since?: number }): void;
  /** Trusts what is known again. @param since when its record was asked for, by `performance.now()` */
  confirm(digest: string, since: number): void;
  forget(digest: string): void;
  /** Forgets every header that gave a credential of this id. */
  drop(credentialId: string): void;
}

interface Entry {
  credential: Credential;
  version: number;
  expires: number;
  trustedUntil: number;
}

/** Half of the headers that are remembered. */
const HALF = 5000;

/**
 * Remembers some ten thousand headers, those used last. The digest is SHA-512/256 over a secret prefix: a keyed hash that is safe
 * from length extension and costs half a microsecond. Nobody outside can compute or steer a digest, so the time a lookup
 * takes tells nothing about a secret.
 * @param options.trust milliseconds for which a credential is given without a new look at its record, which another process may have changed
 */
export function createCredentialCache({ trust = Infinity }: { trust?: number } = {}): CredentialCache {
  const prefix = randomBytes(32).toString('hex');
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();

  function put(digest: string, entry: Entry): void {
    if (young.size >= HALF) {
      old = young;
      young = new Map();
    }
    young.set(digest, entry);
  }

  function find(digest: string): Entry | undefined {
    let entry = young.get(digest);
    if (!entry) {
      entry = old.get(digest);
      if (!entry) return undefined;
      old.delete(digest);
      put(digest, entry);
    }
    if (entry.expires !== Infinity && entry.expires <= Date.now()) {
      young.delete(digest);
      return undefined;
    }
    return entry;
  }

  return {
    digest: (header) => hash('sha512-256', prefix + header, 'base64'),
    get(digest) {
      const entry = find(digest);
      return entry && (entry.trustedUntil === Infinity || performance.now() < entry.trustedUntil) ? entry.credential : undefined;
    },
    former: find,
    set: (digest, credential, { expires = Infinity, version = 0, since = performance.now() } = {}) => put(digest, { credential, version, expires, trustedUntil: since + trust }),
    confirm(digest, since) {
      const entry = find(digest);
      if (entry) entry.trustedUntil = since + trust;
    },
    forget(digest) {
      young.delete(digest);
      old.delete(digest);
    },
    drop(credentialId) {
      for (const map of [young, old]) {
        for (const [digest, entry] of map) if (entry.credential.id === credentialId) map.delete(digest);
      }
    },
  };
}
