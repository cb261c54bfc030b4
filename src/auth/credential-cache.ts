import { hash, randomBytes } from 'node:crypto';
import type { Credential } from './credential.js';

/** Authorization headers that were verified, by digest. Holds no secret and no header. */
export interface CredentialCache {
  /** Digest of a header under a random key of this process. */
  digest(header: string): string;
  get(digest: string): Credential | undefined;
  /** @param expires milliseconds since the epoch after which `get` forgets it; never when left out */
  set(digest: string, credential: Credential, expires?: number): void;
  /** Forgets every header that gave a credential of this id. */
  drop(credentialId: string): void;
}

interface Entry {
  credential: Credential;
  expires: number;
}

/**
 * Remembers about `limit` headers, those used last. The digest is SHA-512/256 over a secret prefix: a keyed hash that is safe
 * from length extension and costs half a microsecond. Nobody outside can compute or steer a digest, so the time a lookup
 * takes tells nothing about a secret.
 */
export function createCredentialCache(limit = 10_000): CredentialCache {
  const prefix = randomBytes(32).toString('hex');
  const half = Math.max(1, Math.floor(limit / 2));
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();

  function put(digest: string, entry: Entry): void {
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(digest, entry);
  }

  return {
    digest: (header) => hash('sha512-256', prefix + header, 'base64'),
    get(digest) {
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
      return entry.credential;
    },
    set: (digest, credential, expires = Infinity) => put(digest, { credential, expires }),
    drop(credentialId) {
      for (const map of [young, old]) {
        for (const [digest, entry] of map) if (entry.credential.id === credentialId) map.delete(digest);
      }
    },
  };
}
