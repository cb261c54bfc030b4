import { hash } from 'node:crypto';
import { KEY_BYTES, type KeyRun } from './key-run.js';
import type { KeyValues, StatementKey } from './statement-keys.js';

/** Turns filter keys and other names into short fixed bytes, keyed by the store's salt. */
export interface KeyHash {
  /** What the hashes are keyed by: who has it can make the same ones. Never shown to anybody outside. */
  readonly salt: string;
  /** Kind and hash of a statement key, KEY_BYTES long. The same value has the same hash under every kind. */
  key(key: StatementKey): Buffer;
  /** The keys of a statement as one run. */
  run(keys: KeyValues): KeyRun;
  /** 16 bytes for any name. */
  name(name: string): Buffer;
}

/** Values are hashed each time they are met: to look for one among those met before takes longer, and memory. */
export function createKeyHash(salt: string): KeyHash {
  /** The hash of a value, each of its bytes as a character. */
  const hashed = (value: string): string => hash('sha1', salt + value, 'binary').slice(0, KEY_BYTES - 1);

  return {
    salt,
    key: (key) => Buffer.from(key[0] + hashed(key.slice(1)), 'latin1'),
    run: (keys) => {
      let count = 0;
      for (const kinds of keys.values()) count += kinds.length;
      const run = Buffer.allocUnsafe(count * KEY_BYTES);
      let at = 0;
      for (const [value, kinds] of keys) {
        const bytes = hashed(value);
        for (let kind = 0; kind < kinds.length; kind++, at += KEY_BYTES) {
          run[at] = kinds.charCodeAt(kind);
          run.write(bytes, at + 1, 'latin1');
        }
      }
      return run;
    },
    name: (name) => hash('sha256', salt + name, 'buffer').subarray(0, 16),
  };
}
