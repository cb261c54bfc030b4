import { keyValues } from '../../xapi/statement-keys.js';
import type { Statement, StatementRef } from '../../xapi/types.js';
import { UUID_BYTES, uuidBytes } from '../../xapi/uuids.js';
import type { Erasure } from '../../statements/store.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import { missingKeys } from '../inherited-keys.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { eachKey, holdsKey, type KeyRun } from '../../xapi/key-run.js';
import { readReferrers, referrerKey } from './inheritance.js';
import { idKey, numberAtEnd, numberedKey } from './keys.js';
import { NOTHING } from './level.js';
import { decodeEntry, encodeFurther, postingKey, postingPrefix } from './posting-entry.js';
import { ERASURE, recordFlags, recordId, recordKeys, recordText, recordStored, VOIDED, VOIDING, writeRecord } from './record.js';
import { readIndexEntry, writeAwaited } from './statement-index.js';

export interface ErasureDeps {
  database: Database;
  hash: KeyHash;
  markLate(commit: Commit, tenant: string): void;
  addToCount(commit: Commit, tenant: string, difference: number): void;
}

/** A statement as it is and as it will be. */
interface Change {
  position: number;
  record: Buffer;
  value: Statement;
  /** Undefined when the statement goes. */
  text: string | Buffer | undefined;
  flags: number;
  keys: KeyRun;
}

const NO_ID = Buffer.alloc(UUID_BYTES);

/**
 * Erasure: afterwards the store is as if the erased statements had never been there and the redacted ones had always had
 * their new text — what others inherited from them and what they voided included. Runs alone in the commit queue.
 */
export function createErasure({ database, hash, markLate, addToCount }: ErasureDeps): { erase(tenant: string, erasure: Erasure): Promise<void> } {
  const keyRunOf = (statement: Statement): KeyRun => hash.run(keyValues(statement));

  function load(tenant: string, id: string): Change | undefined {
    const entry = readIndexEntry(database.get(idKey(tenant, id)));
    return entry?.kind === 'present' ? loadAt(tenant, entry.position) : undefined;
  }

  function loadAt(tenant: string, position: number): Change | undefined {
    const record = database.get(numberedKey(tenant, 's', position));
    if (!record || recordFlags(record) & ERASURE) return undefined;
    const text = recordText(record);
    return { position, record, value: JSON.parse(text.toString('utf8')) as Statement, text, flags: recordFlags(record), keys: recordKeys(record) };
  }

  /** The erased and redacted statements and all that refer to them, directly or through others, by id. */
  async function gather(tenant: string, erasure: Erasure): Promise<Map<string, Change>> {
    const changes = new Map<string, Change>();
    for (const id of erasure.erase) {
      const change = load(tenant, id);
      if (change) changes.set(id, { ...change, text: undefined });
    }
    for (const { id, text, value } of erasure.redact) {
      const change = changes.has(id) ? undefined : load(tenant, id);
      if (change) changes.set(id, { ...change, text, value });
    }
    const work = [...changes.keys()];
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      for (const position of await readReferrers(database, tenant, id, 0, Infinity)) {
        const change = loadAt(tenant, position);
        if (!change || changes.has(recordId(change.record))) continue;
        changes.set(recordId(change.record), change);
        work.push(recordId(change.record));
      }
    }
    return changes;
  }

  /** A statement's own keys and those of every statement that its chain of references reaches. */
  function keysAfter(tenant: string, id: string, changes: Map<string, Change>): KeyRun {
    const seen = new Set<string>();
    let run: KeyRun = Buffer.alloc(0);
    for (let next: string | undefined = id; next !== undefined && !seen.has(next);) {
      seen.add(next);
      const change: Change | undefined = changes.get(next) ?? load(tenant, next);
      if (!change || change.text === undefined) break;
      const own = keyRunOf(change.value);
      run = seen.size === 1 ? own : Buffer.concat([run, ...missingKeys(run, own)]);
      next = targetOf(change.value);
    }
    return run;
  }

  /** Whether another statement than those that go voids this one. */
  async function isVoided(tenant: string, id: string, changes: Map<string, Change>): Promise<{ referred: boolean; voided: boolean }> {
    let referred = false;
    for (const position of await readReferrers(database, tenant, id, 0, Infinity)) {
      const record = database.get(numberedKey(tenant, 's', position));
      if (!record) continue;
      const change = changes.get(recordId(record));
      if (change && change.text === undefined) continue;
      referred = true;
      if (recordFlags(record) & VOIDING) return { referred, voided: true };
    }
    return { referred, voided: false };
  }

  /** New content of the posting entries that name a position which is to go. */
  async function withoutPostings(tenant: string, removals: Map<string, { key: Buffer; positions: number[] }>): Promise<{ put: [Buffer, Buffer][]; del: Buffer[] }> {
    const put: [Buffer, Buffer][] = [];
    const del: Buffer[] = [];
    for (const { key, positions } of removals.values()) {
      const prefix = postingPrefix(tenant, key);
      const entries = new Map<string, { key: Buffer; positions: number[] }>();
      for (const position of positions) {
        del.push(postingKey(postingPrefix(tenant, key, true), position));
        for await (const [entryKey, value] of database.level.iterator({ gte: postingKey(prefix, 0), lte: postingKey(prefix, position), reverse: true, limit: 1 })) {
          const name = entryKey.toString('latin1');
          const entry = entries.get(name) ?? { key: entryKey, positions: decodeEntry(entryKey, value) };
          entry.positions = entry.positions.filter((other) => other !== position);
          entries.set(name, entry);
        }
      }
      for (const entry of entries.values()) {
        const first = entry.positions[0];
        if (first !== numberAtEnd(entry.key)) del.push(entry.key);
        if (first !== undefined) put.push([postingKey(prefix, first), encodeFurther(entry.positions)]);
      }
    }
    return { put, del };
  }

  return {
    erase: async (tenant, erasure) => {
      await database.commits.exclusive(async (commitNow) => {
        // Then all that is to go stands in LevelDB.
        await commitNow((commit) => commit.writePostings());
        const changes = await gather(tenant, erasure);
        if (changes.size === 0) return;
        const removals = new Map<string, { key: Buffer; positions: number[] }>();
        const additions: { key: Buffer; position: number }[] = [];
        const index: [string, { referred: boolean; voided: boolean }][] = [];
        const unvoided = new Map<string, Change>();
        for (const [id, change] of changes) {
          const keys = change.text === undefined ? Buffer.alloc(0) : keysAfter(tenant, id, changes);
          for (const key of eachKey(recordKeys(change.record))) {
            if (holdsKey(keys, key)) continue;
            const removal = removals.get(key.toString('latin1')) ?? { key, positions: [] };
            removal.positions.push(change.position);
            removals.set(key.toString('latin1'), removal);
          }
          for (const key of eachKey(keys)) if (!holdsKey(recordKeys(change.record), key)) additions.push({ key, position: change.position });
          change.keys = keys;
          if (change.text !== undefined) continue;
          index.push([id, await isVoided(tenant, id, changes)]);
          const target = targetOf(change.value);
          if (target === undefined || (change.flags & VOIDING) === 0) continue;
          const victim = changes.get(target) ?? load(tenant, target);
          const { referred, voided } = await isVoided(tenant, target, changes);
          if (voided || victim?.text === undefined) {
            if (!victim) index.push([target, { referred, voided }]);
            continue;
          }
          victim.flags &= ~VOIDED;
          unvoided.set(target, victim);
        }
        const postings = await withoutPostings(tenant, removals);
        await commitNow((commit) => {
          let erased = 0;
          for (const key of postings.del) commit.delete(key);
          for (const [key, value] of postings.put) commit.put(key, value);
          for (const { key, position } of additions) commit.put(postingKey(postingPrefix(tenant, key, true), position), NOTHING);
          if (additions.length > 0) markLate(commit, tenant);
          for (const [id, change] of new Map([...unvoided, ...changes])) {
            const key = numberedKey(tenant, 's', change.position);
            if (change.text !== undefined) {
              commit.put(key, writeRecord(change.flags, recordStored(change.record), uuidBytes(id), change.keys, Buffer.from(change.text)));
              continue;
            }
            commit.delete(key);
            const target = targetOf(change.value);
            if (target !== undefined) commit.delete(referrerKey(tenant, target, change.position));
            erased++;
          }
          for (const [id, { referred, voided }] of index) {
            if (referred) commit.put(idKey(tenant, id), writeAwaited(voided));
            else commit.delete(idKey(tenant, id));
          }
          const erasedIds = [...new Set(erasure.erase)].filter((id) => changes.has(id));
          const redactedIds = [...new Set(erasure.redact.map(({ id }) => id))].filter((id) => changes.has(id) && !erasedIds.includes(id));
          const log = JSON.stringify({ erased: erasedIds, redacted: redactedIds });
          commit.put(numberedKey(tenant, 's', commit.takePosition()), writeRecord(ERASURE, commit.stored, NO_ID, Buffer.alloc(0), Buffer.from(log)));
          addToCount(commit, tenant, -erased);
        });
      });
    },
  };
}

/** Id of the StatementRef that is a statement's object, in lower case. */
function targetOf(statement: Statement): string | undefined {
  const { object } = statement;
  return object.objectType === 'StatementRef' ? (object as StatementRef).id.toLowerCase() : undefined;
}
