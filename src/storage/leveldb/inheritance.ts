import { randomBytes } from 'node:crypto';
import { readUuid, uuidBytes } from '../../xapi/uuids.js';
import { missingKeys } from '../inherited-keys.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import { idKey, numberAtEnd, numberedKey, positionBytes, tableKey, tenantPrefix, afterPrefix } from './keys.js';
import { NOTHING } from './level.js';
import { postingKey, postingPrefix } from './posting-entry.js';
import { recordFlags, recordId, recordKeys, rewriteRecord } from './record.js';
import { readIndexEntry } from './statement-index.js';

/**
 * A StatementRef is found by whatever finds its target (1.0.3 Part Three 2.1.3, Filter Conditions for StatementRefs). It
 * inherits the target's keys when it is stored; when a target arrives, or inherits keys itself, after the statements that
 * refer to it, they are brought up to date here. A query never walks a chain.
 */
export interface Inheritance {
  /** Brings the statements that refer to this one, directly or through others, up to date. Survives a crash: `resume`. */
  propagate(tenant: string, id: string): Promise<void>;
  /** Finishes what a crash interrupted. */
  resume(): Promise<void>;
}

/** A walk over the statements that refer to one, on its way. */
interface Begun {
  from: number;
  /** What marked the statement as grown when the walk began. */
  mark: Buffer | undefined;
}

/** Referring statements brought up to date in one commit. */
const SLICE = 64;

/** Notes that a statement has grown, for `resume`. Each growth has a mark of its own, so that who has walked since an earlier one does not take it away. */
export function noteGrown(commit: Commit, tenant: string, id: string): void {
  commit.put(grownKey(tenant, id), randomBytes(8));
}

/** `r target position`: who refers to a statement. */
export function referrerKey(tenant: string, target: string, position: number): Buffer {
  return tableKey(tenant, 'r', uuidBytes(target), positionBytes(position));
}

/** Positions of the statements whose object is a StatementRef to `target`, from one position on. */
export async function readReferrers(database: Database, tenant: string, target: string, from: number, limit: number): Promise<number[]> {
  const found: number[] = [];
  const end = afterPrefix(tableKey(tenant, 'r', uuidBytes(target)));
  for await (const key of database.level.keys({ gte: referrerKey(tenant, target, from), lt: end, limit })) found.push(numberAtEnd(key));
  return found;
}

const grownKey = (tenant: string, id: string): Buffer => tableKey('', 'j', tenantPrefix(tenant), uuidBytes(id));

export function createInheritance(database: Database, markLate: (commit: Commit, tenant: string) => void): Inheritance {
  /**
   * One slice of the statements that refer to `id`; says which of them grew and where to go on.
   * @param begun the mark that `id` had when its first slice was walked, and where this one begins; undefined for the first
   */
  const slice = (tenant: string, id: string, begun: Begun | undefined): Promise<{ grown: string[]; next?: Begun }> =>
    database.commits.exclusive(async (commitNow) => {
      const referrers = await readReferrers(database, tenant, id, begun?.from ?? 0, SLICE);
      return commitNow((commit) => {
        const now = commit.get(grownKey(tenant, id));
        const mark = begun ? begun.mark : now;
        const entry = readIndexEntry(commit.get(idKey(tenant, id)));
        const source = entry?.kind === 'present' ? commit.get(numberedKey(tenant, 's', entry.position)) : undefined;
        const grown: string[] = [];
        for (const position of source ? referrers : []) {
          const key = numberedKey(tenant, 's', position);
          const record = commit.get(key);
          if (!record) continue;
          const missing = missingKeys(recordKeys(record), recordKeys(source!));
          if (missing.length === 0) continue;
          commit.put(key, rewriteRecord(record, recordFlags(record), Buffer.concat([recordKeys(record), ...missing])));
          for (const added of missing) commit.put(postingKey(postingPrefix(tenant, added, true), position), NOTHING);
          markLate(commit, tenant);
          noteGrown(commit, tenant, recordId(record));
          grown.push(recordId(record));
        }
        if (source && referrers.length === SLICE) return { grown, next: { from: referrers[SLICE - 1]! + 1, mark } };
        if (now && mark?.equals(now)) commit.delete(grownKey(tenant, id));
        return { grown };
      });
    });

  async function propagate(tenant: string, id: string): Promise<void> {
    const work = [id];
    for (let current = work.pop(); current !== undefined; current = work.pop()) {
      let begun: Begun | undefined;
      do {
        const { grown, next } = await slice(tenant, current, begun);
        work.push(...grown);
        begun = next;
      } while (begun);
    }
  }

  return {
    propagate,
    resume: async () => {
      const prefix = tableKey('', 'j');
      const pending: [string, string][] = [];
      for await (const key of database.level.keys({ gte: prefix, lt: afterPrefix(prefix) })) {
        pending.push([key.toString('utf8', prefix.length, key.length - 17), readUuid(key, key.length - 16)]);
      }
      for (const [tenant, id] of pending) await propagate(tenant, id);
    },
  };
}
