import { hash } from 'node:crypto';
import type { StatementKey } from '../xapi/statement-keys.js';
import { KEY_BYTES } from './key-run.js';

/** Turns filter keys and other names into short fixed bytes, keyed by the store's salt. */
export interface KeyHash {
  /** Kind and hash of a statement key, KEY_BYTES long. The same value has the same hash under every kind. */
  key(key: StatementKey): Buffer;
  /** 16 bytes for any name. */
  name(name: string): Buffer;
}

/** How many recent values are remembered: a course's verbs, activities and active learners. */
const REMEMBERED = 50_000;
const LONGEST_REMEMBERED = 500;

export function createKeyHash(salt: string): KeyHash {
  let recent = new Map<StatementKey, Buffer>();
  return {
    key: (key) => {
      let bytes = recent.get(key);
      if (!bytes) {
        const digest = hash('sha1', salt + key.slice(1), 'buffer');
        bytes = Buffer.alloc(KEY_BYTES);
        bytes[0] = key.charCodeAt(0);
        digest.copy(bytes, 1, 0, KEY_BYTES - 1);
        if (recent.size >= REMEMBERED) recent = new Map();
        if (key.length <= LONGEST_REMEMBERED) recent.set(key, bytes);
      }
      return bytes;
    },
    name: (name) => hash('sha256', salt + name, 'buffer').subarray(0, 16),
  };
}
