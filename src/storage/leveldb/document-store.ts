import type { Document, DocumentKey, DocumentScope, DocumentStore } from '../../documents/store.js';
import { holds } from '../expectation.js';
import type { Commit } from './commit-queue.js';
import type { Database } from './database.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { uuidBytes } from '../../xapi/uuids.js';
import { afterPrefix, tableKey } from './keys.js';

/**
 * Documents: `d`, resource (1), hash of the agent (16), hash of the activity (16), registration (1 + 16), id. The agent comes
 * first, so that one person's documents stand together. The value is a line of JSON with the address and headers, then the content.
 */
const resources = { state: 1, 'agent-profile': 2, 'activity-profile': 3 } as const;
const NONE = Buffer.alloc(16);

interface Header {
  key: DocumentKey;
  contentType: string;
  etag: string;
  updated: number;
}

export function createDocumentStore(database: Database, hash: KeyHash): DocumentStore {
  const agentBytes = (agent: string | undefined): Buffer => (agent === undefined ? NONE : hash.name(agent));
  const activityBytes = (activity: string | undefined): Buffer => (activity === undefined ? NONE : hash.name(activity));
  const registrationBytes = (registration: string | undefined): Buffer =>
    registration === undefined ? Buffer.alloc(17) : Buffer.concat([Buffer.from([1]), uuidBytes(registration)]);

  const keyOf = (tenant: string, key: DocumentKey): Buffer => tableKey(tenant, 'd', Buffer.from([resources[key.resource]]),
    agentBytes(key.agent), activityBytes(key.activity), registrationBytes(key.registration), Buffer.from(key.id, 'utf8'));

  /** As much of the key as the scope fixes from the left; the rest is compared document by document. */
  function prefixOf(tenant: string, scope: DocumentScope): Buffer {
    const parts: Buffer[] = [Buffer.from([resources[scope.resource]])];
    if (scope.agent === undefined && scope.resource !== 'activity-profile') return tableKey(tenant, 'd', ...parts);
    parts.push(agentBytes(scope.agent));
    if (scope.activity === undefined && scope.resource !== 'agent-profile') return tableKey(tenant, 'd', ...parts);
    parts.push(activityBytes(scope.activity));
    if (scope.registration !== undefined) parts.push(registrationBytes(scope.registration ?? undefined));
    return tableKey(tenant, 'd', ...parts);
  }

  const inScope = (key: DocumentKey, scope: DocumentScope): boolean =>
    (scope.activity === undefined || key.activity === scope.activity)
    && (scope.agent === undefined || key.agent === scope.agent)
    && (scope.registration === undefined || (key.registration ?? null) === scope.registration);

  async function* scan(tenant: string, scope: DocumentScope): AsyncGenerator<{ at: Buffer; header: Header }> {
    const prefix = prefixOf(tenant, scope);
    for await (const [at, value] of database.level.iterator({ gte: prefix, lt: afterPrefix(prefix), highWaterMarkBytes: 256 << 10 })) {
      const header = readHeader(value);
      if (inScope(header.key, scope)) yield { at, header };
    }
  }

  const current = (commit: Commit, tenant: string, key: DocumentKey): Document | undefined => toDocument(commit.get(keyOf(tenant, key)));

  return {
    get: async (tenant, key) => toDocument(await database.read(keyOf(tenant, key))),
    put: (tenant, document, expected) => database.commits.commit((commit) => {
      const known = current(commit, tenant, document.key);
      if (!holds(expected, known)) return { status: 'mismatch', current: known };
      commit.put(keyOf(tenant, document.key), writeDocument(document));
      return { status: 'stored' };
    }),
    delete: (tenant, key, expected) => database.commits.commit((commit) => {
      const known = current(commit, tenant, key);
      if (!holds(expected, known)) return { status: 'mismatch', current: known };
      if (!known) return { status: 'absent' };
      commit.delete(keyOf(tenant, key));
      return { status: 'deleted' };
    }),
    list: async (tenant, scope, since) => {
      const found: { key: DocumentKey; updated: number }[] = [];
      for await (const { header } of scan(tenant, scope)) {
        if (since === undefined || header.updated > since) found.push({ key: header.key, updated: header.updated });
      }
      return found.sort((a, b) => (a.key.id < b.key.id ? -1 : a.key.id > b.key.id ? 1 : 0));
    },
    deleteAll: (tenant, scope) => database.commits.exclusive(async (commitNow) => {
      const keys: Buffer[] = [];
      for await (const { at } of scan(tenant, scope)) keys.push(at);
      await commitNow((commit) => keys.forEach((at) => commit.delete(at)));
      return keys.length;
    }),
  };
}

function writeDocument({ content, ...header }: Document): Buffer {
  const line = Buffer.from(JSON.stringify(header satisfies Header), 'utf8');
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(line.length);
  return Buffer.concat([length, line, content]);
}

function toDocument(value: Buffer | undefined): Document | undefined {
  return value && readDocument(value);
}

function readHeader(value: Buffer): Header {
  return JSON.parse(value.toString('utf8', 4, 4 + value.readUInt32BE(0))) as Header;
}

/** The document in an entry of the table `d`. */
export function readDocument(value: Buffer): Document {
  return { ...readHeader(value), content: value.subarray(4 + value.readUInt32BE(0)) };
}
