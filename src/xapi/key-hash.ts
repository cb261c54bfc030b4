import { hash } from 'node:crypto';
import { KEY_BYTES, type KeyRun } from './key-run.js';
import { createRecently } from './recently.js';
import type { StatementKey } from './statement-keys.js';

/** Turns filter keys and other names into short fixed bytes, keyed by the store's salt. */
export interface KeyHash {
  /** What the hashes are keyed by: who has it can make the same ones. Never shown to anybody outside. */
  readonly salt: string;
  /** Kind and hash of a statement key, KEY_BYTES long. The same value has the same hash under every kind. */
  key(key: StatementKey): Buffer;
  /** Keys as one run. */
  run(keys: readonly StatementKey[]): KeyRun;
  /** 16 bytes for any name. */
  name(name: string): Buffer;
}

/** How many recent values are remembered at the least: a course's verbs, activities and active learners. */
const REMEMBERED = 25_000;
const LONGEST_REMEMBERED = 500;

export function createKeyHash(salt: string): KeyHash {
  const recent = createRecently<string>(REMEMBERED);

  /** The bytes of a key, each as a character. */
  function hashed(key: StatementKey): string {
    let bytes = recent.get(key);
    if (bytes === undefined) {
      bytes = key[0] + hash('sha1', salt + key.slice(1), 'buffer').toString('latin1', 0, KEY_BYTES - 1);
      if (key.length <= LONGEST_REMEMBERED) recent.set(key, bytes);
    }
    return bytes;
  }

  return {
    salt,
    key: (key) => Buffer.from(hashed(key), 'latin1'),
    run: (keys) => {
      const run = Buffer.allocUnsafe(keys.length * KEY_BYTES);
      for (let at = 0; at < keys.length; at++) run.write(hashed(keys[at]!), at * KEY_BYTES, 'latin1');
      return run;
    },
    name: (name) => hash('sha256', salt + name, 'buffer').subarray(0, 16),
  };
}
