import type { RecordStore } from '../records/store.js';
import { QuipuError } from '../xapi/errors.js';

/** Part of the server that shares nothing with the others. */
export interface Tenant {
  /** 1 to 40 of a-z, 0-9 and hyphen. */
  id: string;
  name: string;
  /** ISO 8601 in UTC. */
  createdAt: string;
}

/**
 * Tenants are made and never deleted: an id that came back would meet what logs, checkpoints and copies still hold of the
 * old one. To close a tenant, revoke its keys.
 */
export interface TenantService {
  /** @throws QuipuError `record-conflict` when the id is taken */
  create(id: string, name: string): Promise<Tenant>;
  /** Makes the tenant unless it is there. */
  ensure(id: string, name: string): Promise<Tenant>;
  get(id: string): Promise<Tenant | undefined>;
  /** Answered from memory for every tenant seen before, or lately where another process may have changed the store. */
  exists(id: string): Promise<boolean>;
  /** In order of id, after `after`. */
  list(after?: string, limit?: number): Promise<Tenant[]>;
  /** Of all tenants, in order. */
  ids(): Promise<string[]>;
}

/** What a tenant's id may be, as a JSON Schema pattern. */
export const tenantIdPattern = '^[a-z0-9-]{1,40}$';
const tenantId = new RegExp(tenantIdPattern);

type TenantRecord = Omit<Tenant, 'id'>;

/**
 * Tenants are records of the server itself (tenant `''`).
 * @param deps.trust milliseconds for which `exists` believes what it saw; for ever when no other process can change it
 */
export function createTenantService({ records, trust = Infinity }: { records: RecordStore; trust?: number }): TenantService {
  const tenants = records.collection<TenantRecord>({ name: 'tenants', indexes: [], unique: [] });
  /** Until when a tenant is known to exist, by the monotonic clock. */
  const known = new Map<string, number>();

  async function get(id: string): Promise<Tenant | undefined> {
    if (!tenantId.test(id)) return undefined;
    const since = performance.now();
    const record = await tenants.get('', id);
    if (!record) {
      known.delete(id);
      return undefined;
    }
    known.set(id, since + trust);
    return { id, ...record.value };
  }

  async function create(id: string, name: string): Promise<Tenant> {
    if (!tenantId.test(id)) {
      throw new QuipuError('invalid-request', `${JSON.stringify(id)} can't be the id of a tenant.`, { pointer: '/id', expected: '1 to 40 of a-z, 0-9 and hyphen' });
    }
    const value: TenantRecord = { name, createdAt: new Date().toISOString() };
    if (await tenants.insert('', id, value) === 'exists') throw new QuipuError('record-conflict', `There is a tenant ${id} already.`, { pointer: '/id' });
    known.set(id, performance.now() + trust);
    return { id, ...value };
  }

  return {
    create,
    ensure: async (id, name) => {
      const found = await get(id);
      if (found) return found;
      try {
        return await create(id, name);
      } catch (error) {
        // Another process was first.
        const made = error instanceof QuipuError && error.code === 'record-conflict' ? await get(id) : undefined;
        if (!made) throw error;
        return made;
      }
    },
    get,
    exists: async (id) => performance.now() < (known.get(id) ?? -Infinity) || (await get(id)) !== undefined,
    list: async (after, limit) => (await tenants.list('', { after, limit })).map(({ id, value }) => ({ id, ...value })),
    ids: async () => {
      const ids: string[] = [];
      for (let page = await tenants.list(''); page.length > 0; page = await tenants.list('', { after: ids.at(-1) })) ids.push(...page.map(({ id }) => id));
      return ids;
    },
  };
}
