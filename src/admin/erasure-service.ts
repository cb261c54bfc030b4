import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
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
   * Begins an erasure; it is durable when this answers and goes on after a crash. One runs at a time.
   * @param agent a valid Agent
   * @param options.wait how many milliseconds to wait for it to finish
   */
  start(tenant: string, agent: Actor, options?: { dryRun?: boolean; wait?: number }): Promise<ErasureReceipt>;
  get(tenant: string, id: string): Promise<ErasureReceipt | undefined>;
  /** The page of this number, from 1. */
  page(tenant: string, id: string, page: number): Promise<ErasurePage | undefined>;
  /** Goes on with what was running when the program ended; answers before it is done. */
  resumePending(): Promise<void>;
  /** Stops at the next safe point and answers then. */
  close(): Promise<void>;
}

/** What `createErasureService` needs. */
export interface ErasureServiceDeps extends PersonStores {
  records: RecordStore;
  tenants: Pick<TenantService, 'list'>;
  log: { error(details: object, message: string): void };
}

const pagesInReceipt = 10;
const longestPause = 60_000;

/** Erasures run one after the other; one that fails is tried again, at growing intervals, until it is done. */
export function createErasureService({ records, tenants, log, ...stores }: ErasureServiceDeps): ErasureService {
  const kept = createErasureRecords(records);
  const problems = new Map<string, string>();
  const stop = new AbortController();
  let queue: Promise<void> = Promise.resolve();

  function enqueue(tenant: string, id: string): Promise<void> {
    queue = queue.then(() => persist(tenant, id));
    return queue;
  }

  async function persist(tenant: string, id: string): Promise<void> {
    for (let pause = 1000; !stop.signal.aborted; pause = Math.min(pause * 2, longestPause)) {
      try {
        await run(tenant, id);
        problems.delete(id);
        return;
      } catch (error) {
        log.error({ err: error, erasure: id, tenant }, 'An erasure halts and will be tried again');
        problems.set(id, error instanceof QuipuError ? error.message : 'A fault of Quipu itself; the log says more');
        await delay(pause, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async function run(tenant: string, id: string): Promise<void> {
    const record = await kept.erasures.get(tenant, id);
    if (!record || record.value.status === 'complete') return;
    let { version } = record;
    const save = async (state: ErasureRecord): Promise<void> => {
      if (await kept.erasures.update(tenant, id, state, version) !== 'updated') throw new Error(`Erasure ${id} was changed by somebody else`);
      version++;
    };
    await walkErasure({ stores, records: kept, tenant, id, save, stopping: () => stop.signal.aborted }, record.value);
  }

  async function get(tenant: string, id: string): Promise<ErasureReceipt | undefined> {
    const record = await kept.erasures.get(tenant, id);
    if (!record) return undefined;
    const { status, dryRun, person, startedAt, finishedAt, counts, pages } = record.value;
    const lists: ErasurePage = { erased: [], redacted: [], attachments: [] };
    for (let number = 1; number <= Math.min(pages, pagesInReceipt); number++) {
      const page = await kept.pages.get(tenant, kept.pageId(id, number));
      lists.erased.push(...(page?.value.erased ?? []));
      lists.redacted.push(...(page?.value.redacted ?? []));
      lists.attachments.push(...(page?.value.attachments ?? []));
    }
    return { id, status, dryRun, person, startedAt, finishedAt, counts, pages, ...lists, problem: problems.get(id) };
  }

  return {
    async start(tenant, agent, { dryRun = false, wait = 0 } = {}) {
      const identifier = agentIdentifier(agent);
      if (identifier === undefined) throw new QuipuError('invalid-request', 'An Anonymous Group names nobody.', { pointer: '/agent' });
      const id = randomUUID();
      await kept.erasures.insert(tenant, id, {
        status: 'running', dryRun, person: await kept.personHash(identifier), pseudonym: randomUUID(), startedAt: new Date().toISOString(),
        counts: { erased: 0, redacted: 0, attachments: 0, stateDocuments: 0, agentProfiles: 0 }, pages: 0, changed: false,
      });
      await kept.subjects.insert(tenant, id, { agent });
      const done = enqueue(tenant, id);
      const pause = new AbortController();
      await Promise.race([done, delay(wait, undefined, { signal: pause.signal }).catch(() => undefined)]);
      pause.abort();
      const receipt = await get(tenant, id);
      if (!receipt) throw new Error(`Erasure ${id} is gone`);
      return receipt;
    },
    get,
    page: async (tenant, id, page) => (await kept.pages.get(tenant, kept.pageId(id, page)))?.value,
    async resumePending() {
      for (let after: string | undefined; ;) {
        const some = await tenants.list(after, 100);
        for (const tenant of some) {
          for (const status of ['running', 'purging']) {
            const pending = await kept.erasures.list(tenant.id, { where: { property: 'status', equals: status } });
            for (const { id } of pending) void enqueue(tenant.id, id);
          }
        }
        after = some.at(-1)?.id;
        if (after === undefined) return;
      }
    },
    async close() {
      stop.abort();
      await queue;
    },
  };
}
