import { definedThings, mergeDefinition, mergeLanguageMap } from '../../xapi/activity-definitions.js';
import type { ActivityDefinition, LanguageMap, Statement } from '../../xapi/types.js';
import type { CanonicalStore } from '../../statements/store.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import type { KeyHash } from '../key-hash.js';
import { tableKey } from './keys.js';

/** The canonical store with the half that `append` uses. */
export interface LevelCanonicalStore extends CanonicalStore {
  /** Merges what a statement says of activities, verbs and agents, in the statement's own commit. */
  gather(commit: Commit, tenant: string, statement: Statement): void;
}

/** What was merged lately, so that the same definition in statement after statement costs no read and no write. */
const REMEMBERED = 20_000;
const LONGEST_REMEMBERED = 4_000;
/** Names kept of one agent. */
const MOST_NAMES = 100;
/** A merged value longer than this starts again from the newest one. */
const LONGEST_VALUE = 32 << 10;

export function createCanonicalStore(database: Database, hash: KeyHash): LevelCanonicalStore {
  let merged = new Map<string, string>();
  database.commits.onReset(() => { merged = new Map(); });

  const keyOf = (tenant: string, table: 'a' | 'b' | 'g', name: string): Buffer => tableKey(tenant, table, hash.name(name));
  const read = <T>(bytes: Buffer | undefined): T | undefined => (bytes ? (JSON.parse(bytes.toString('utf8')) as T) : undefined);

  function update<T>(commit: Commit, tenant: string, table: 'a' | 'b' | 'g', name: string, given: T | string, merge: (known: T | undefined) => T): void {
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    const remembered = `${table}${tenant}\0${name}${table === 'g' ? `\0${text}` : ''}`;
    if (merged.get(remembered) === text) return;
    const key = keyOf(tenant, table, name);
    const known = commit.get(key);
    const value = Buffer.from(JSON.stringify(merge(read<T>(known))), 'utf8');
    const kept = value.length > LONGEST_VALUE && typeof given !== 'string' ? Buffer.from(text, 'utf8') : value;
    if (!known?.equals(kept)) commit.put(key, kept);
    if (text.length + name.length > LONGEST_REMEMBERED) return;
    if (merged.size >= REMEMBERED) merged = new Map();
    merged.set(remembered, text);
  }

  return {
    gather: (commit, tenant, statement) => {
      const { activities, verbs, agents } = definedThings(statement);
      for (const [id, definition] of activities) update<ActivityDefinition>(commit, tenant, 'a', id, definition, (known) => mergeDefinition(known, definition));
      for (const [id, display] of verbs) update<LanguageMap>(commit, tenant, 'b', id, display, (known) => mergeLanguageMap(known, display));
      for (const [agent, name] of agents) {
        update<string[]>(commit, tenant, 'g', agent, name, (known = []) => (known.includes(name) ? known : [...known, name].slice(-MOST_NAMES)));
      }
    },
    definitions: async (tenant, ids) => ids.map((id) => read<ActivityDefinition>(database.get(keyOf(tenant, 'a', id)))),
    displays: async (tenant, ids) => ids.map((id) => read<LanguageMap>(database.get(keyOf(tenant, 'b', id)))),
    names: async (tenant, agent) => read<string[]>(database.get(keyOf(tenant, 'g', agent))) ?? [],
    forget: async (tenant, agent) => {
      await database.commits.commit((commit) => commit.delete(keyOf(tenant, 'g', agent)));
      merged = new Map();
    },
  };
}
