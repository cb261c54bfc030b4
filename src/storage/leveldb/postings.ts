import type { Commit } from './commit-queue.js';
import { NUMBER_BYTES, tenantPrefix } from './keys.js';
import { encodeFurther } from './posting-entry.js';
import { KEY_BYTES, type KeyRun } from '../../xapi/key-run.js';

/** What one commit adds to posting lists: see posting-entry.ts. */
export interface PostingGroup {
  /** Adds a statement to the list of each of its keys; within a group positions must rise. */
  add(tenant: string, keys: KeyRun, position: number): void;
  /** Writes what was added. */
  flush(commit: Commit): void;
}

/** What a group adds to one list. */
interface Added {
  tenant: string;
  /** The run that has the key, and where. */
  run: KeyRun;
  at: number;
  positions: number[];
  /** Another list whose key has the same number. */
  next: Added | undefined;
}

export function createPostingGroup(): PostingGroup {
  const tenants = new Map<string, Map<number, Added>>();

  function listsOf(tenant: string): Map<number, Added> {
    let lists = tenants.get(tenant);
    if (!lists) tenants.set(tenant, lists = new Map());
    return lists;
  }

  return {
    add: (tenant, run, position) => {
      const lists = listsOf(tenant);
      for (let at = 0; at < run.length; at += KEY_BYTES) {
        const number = numberOf(run, at);
        const first = lists.get(number);
        let list = first;
        while (list !== undefined && !sameEnd(list, run, at)) list = list.next;
        if (list) list.positions.push(position);
        else lists.set(number, { tenant, run, at, positions: [position], next: first });
      }
    },
    flush: (commit) => {
      for (const lists of tenants.values()) {
        for (const first of lists.values()) {
          for (let list: Added | undefined = first; list; list = list.next) {
            const { tenant, run, at, positions } = list;
            commit.append(entryKey(tenant, run, at, positions[0]!), encodeFurther(positions));
          }
        }
      }
    },
  };
}

/** `postingKey` of the key at a place of a run, in one piece. */
function entryKey(tenant: string, run: KeyRun, at: number, position: number): Buffer {
  const start = tenantPrefix(tenant);
  const key = Buffer.allocUnsafe(start.length + 1 + KEY_BYTES + NUMBER_BYTES);
  start.copy(key, 0);
  key[start.length] = 0x70;
  run.copy(key, start.length + 1, at, at + KEY_BYTES);
  key.writeUIntBE(position, start.length + 1 + KEY_BYTES, NUMBER_BYTES);
  return key;
}

/** Kind and most of the hash of a key as one number, which tells almost all keys apart. */
function numberOf(run: KeyRun, at: number): number {
  return (run[at]! & 0x1f) * 2 ** 48 + run.readUIntBE(at + 1, 6);
}

/** Whether keys of the same number are the same: the two bytes that it leaves out. */
function sameEnd(list: Added, run: KeyRun, at: number): boolean {
  return list.run[list.at + 7] === run[at + 7] && list.run[list.at + 8] === run[at + 8];
}
