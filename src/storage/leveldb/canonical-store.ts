import type { Telling, ToldKind } from '../../xapi/told.js';
import type { CanonicalStore } from '../../statements/store.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { createToldLately, freshlyTold } from '../told-lately.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import { tableKey } from './keys.js';

/** The canonical store with the half that `append` uses. */
export interface LevelCanonicalStore extends CanonicalStore {
  /** Merges what a statement says of activities, verbs and agents, in the statement's own commit. */
  gather(commit: Commit, tenant: string, statement: Telling): void;
}

export function createCanonicalStore(database: Database, hash: KeyHash): LevelCanonicalStore {
  const lately = createToldLately();
  database.commits.onReset(() => lately.clear());

  const keyOf = (tenant: string, kind: ToldKind, name: string): Buffer => tableKey(tenant, kind, hash.name(name));
  const read = (tenant: string, kind: ToldKind, name: string): string | undefined => database.get(keyOf(tenant, kind, name))?.toString('utf8');

  return {
    gather: (commit, tenant, statement) => {
      for (const told of freshlyTold(lately, tenant, statement)) {
        const key = keyOf(tenant, told.kind, told.name);
        const known = commit.get(key)?.toString('utf8');
        const merged = told.merge(known);
        if (merged !== known) commit.put(key, Buffer.from(merged, 'utf8'));
      }
    },
    definitions: async (tenant, ids) => ids.map((id) => read(tenant, 'a', id)),
    displays: async (tenant, ids) => ids.map((id) => read(tenant, 'b', id)),
    names: async (tenant, agent) => JSON.parse(read(tenant, 'g', agent) ?? '[]') as string[],
    forget: async (tenant, agent) => {
      await database.commits.commit((commit) => commit.delete(keyOf(tenant, 'g', agent)));
      lately.clear();
    },
  };
}
