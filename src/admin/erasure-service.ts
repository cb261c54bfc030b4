import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Jobs } from '../jobs/jobs.js';
import type { Lease, LeaseBook } from '../jobs/leases.js';
import type { RecordStore } from '../records/store.js';
import { agentIdentifier } from '../xapi/actors.js';
import { QuipuError } from '../xapi/errors.js';
import type { Actor } from '../xapi/types.js';
import { createErasureRecords, type ErasureCounts, type ErasurePage, type ErasureRecord } from './erasure-records.js';
import { walkErasure, type PersonStores } from './erasure-walk.js';
import type { TenantService } from './tenant-service.js';

/** What the caller gets to see of an erasure. */
export interface ErasureReceipt extends ErasurePage {
  id: string;
  status: ErasureRecord['status'];
  dryRun: boolean;
  /** Keyed hash of the person's identifier; the identifier itself is kept nowhere once the erasure is complete. */
  person: string;
  startedAt: string;
  finishedAt?: string;
  counts: ErasureCounts;
  /** Number of pages with the complete lists; the receipt's own lists hold the first ten. */
  pages: number;
  /** Why it halts at the moment. */
  problem?: string;
}

/** Erases what a tenant holds of one person. */
export interface ErasureService {
  /**
   * Begins an erasure; it is durable when this answers and is carried out by a process that works, and by another one should that
   * one die. In a tenant one runs at a time.
   * @param agent a valid Agent
   * @param options.wait how many milliseconds to wait for it to finish
   */
  start(tenant: string, agent: Actor, options?: { dryRun?: boolean; wait?: number }): Promise<ErasureReceipt>;
  get(tenant: string, id: string): Promise<ErasureReceipt | undefined>;
  /** The page of this number, from 1. */
  page(tenant: string, id: string, page: number): Promise<ErasurePage | undefined>;
}

/** What `createErasureService` needs. */
export interface ErasureServiceDeps extends PersonStores {
  records: RecordStore;
  tenants: Pick<TenantService, 'ids'>;
  jobs: Jobs;
  leases: LeaseBook;
  log: { error(details: object, message: string): void };
}

const pagesInReceipt = 10;
const longestPause = 60_000;
/** Milliseconds between two looks for erasures that nobody carries out. */
const interval = 15_000;
/** Name of the job. */
export const ERASURES = 'erasures';

/** Erasures of a tenant run one after the other; one that fails is tried again, at growing intervals, until it is done. */
export function createErasureService({ records, tenants, jobs, leases, log, ...stores }: ErasureServiceDeps): ErasureService {
  const kept = createErasureRecords(records);
  const kind = leases.kind<object>('task-leases', {});

  jobs.define({ name: ERASURES, subjects: () => tenants.ids(), run: carryOut, concurrency: 1, interval });

  async function pending(tenant: string): Promise<string[]> {
    const ids: string[] = [];
    for (const status of ['running', 'purging']) {
      for (const { id } of await kept.erasures.list(tenant, { where: { property: 'status', equals: status } })) ids.push(id);
    }
    return ids;
  }

  async function carryOut(tenant: string, signal: AbortSignal): Promise<'done'> {
    if ((await pending(tenant)).length === 0) return 'done';
    const lease = await kind.acquire(tenant, ERASURES);
    if (!lease) return 'done';
    try {
      for (const id of await pending(tenant)) await persist(tenant, id, lease, AbortSignal.any([signal, lease.signal]));
    } finally {
      await lease.release();
    }
    return 'done';
  }

  async function persist(tenant: string, id: string, lease: Lease<object>, signal: AbortSignal): Promise<void> {
    for (let pause = 1000; !signal.aborted && lease.held(); pause = Math.min(pause * 2, longestPause)) {
      try {
        return await run(tenant, id, lease, signal);
      } catch (error) {
        log.error({ err: error, erasure: id, tenant }, 'An erasure halts and will be tried again');
        await tell(tenant, id, error instanceof QuipuError ? error.message : 'A fault of Quipu itself; the log says more').catch(() => undefined);
        await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async function run(tenant: string, id: string, lease: Lease<object>, signal: AbortSignal): Promise<void> {
    const record = await kept.erasures.get(tenant, id);
    if (!record || record.value.status === 'complete') return;
    const { problem: _problem, ...start } = record.value;
    let { version } = record;
    const save = async (state: ErasureRecord): Promise<void> => {
      if (await kept.erasures.update(tenant, id, state, version) !== 'updated') throw new Error(`Erasure ${id} was changed by somebody else`);
      version++;
    };
    // One that an earlier version has begun counts no records.
    const counts = { ...start.counts, records: start.counts.records ?? 0 };
    await walkErasure({ stores, records: kept, tenant, id, save, stopping: () => signal.aborted || !lease.held() }, { ...start, counts });
  }

  async function tell(tenant: string, id: string, problem: string): Promise<void> {
    const record = await kept.erasures.get(tenant, id);
    if (record && record.value.status !== 'complete') await kept.erasures.update(tenant, id, { ...record.value, problem }, record.version);
  }

  async function get(tenant: string, id: string): Promise<ErasureReceipt | undefined> {
    const record = await kept.erasures.get(tenant, id);
    if (!record) return undefined;
    const { status, dryRun, person, startedAt, finishedAt, counts, pages, problem } = record.value;
    const lists: ErasurePage = { erased: [], redacted: [], attachments: [] };
    for (let number = 1; number <= Math.min(pages, pagesInReceipt); number++) {
      const page = await kept.pages.get(tenant, kept.pageId(id, number));
      lists.erased.push(...(page?.value.erased ?? []));
      lists.redacted.push(...(page?.value.redacted ?? []));
      lists.attachments.push(...(page?.value.attachments ?? []));
    }
    return { id, status, dryRun, person, startedAt, finishedAt, counts, pages, ...lists, problem };
  }

  return {
    async start(tenant, agent, { dryRun = false, wait = 0 } = {}) {
      const identifier = agentIdentifier(agent);
      if (identifier === undefined) throw new QuipuError('invalid-request', 'An Anonymous Group names nobody.', { pointer: '/agent' });
      const id = randomUUID();
      await kept.erasures.insert(tenant, id, {
        status: 'running', dryRun, person: await kept.personHash(identifier), pseudonym: randomUUID(), startedAt: new Date().toISOString(),
        counts: { erased: 0, redacted: 0, attachments: 0, stateDocuments: 0, agentProfiles: 0, records: 0 }, pages: 0, changed: false, agent,
      });
      jobs.wake(ERASURES, tenant);
      for (let pause = 10, until = performance.now() + wait; performance.now() < until; pause = Math.min(pause * 2, 100)) {
        await delay(Math.min(pause, until - performance.now()));
        if ((await kept.erasures.get(tenant, id))?.value.status === 'complete') break;
      }
      const receipt = await get(tenant, id);
      if (!receipt) throw new Error(`Erasure ${id} is gone`);
      return receipt;
    },
    get,
    page: async (tenant, id, page) => (await kept.pages.get(tenant, kept.pageId(id, page)))?.value,
  };
}
