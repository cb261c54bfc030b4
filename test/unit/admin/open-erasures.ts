import { createErasureService, type ErasureService, type ErasureServiceDeps } from '../../../src/admin/erasure-service.js';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import { createInProcessJobs } from '../../../src/jobs/in-process-jobs.js';
import { createLeaseBook } from '../../../src/jobs/leases.js';
import type { RecordStore } from '../../../src/records/store.js';

/** Erasures and the process that carries them out. */
export interface TestErasures extends ErasureService {
  /** Stops at the next safe point and answers then. */
  close(): Promise<void>;
}

const log = { error: () => undefined, warn: () => undefined };

/**
 * @param records where leases and tenants are kept, which the stores of the erasures may stand before
 * @param lifetime of leases, when other processes use the same store
 */
export function openErasures(stores: Omit<ErasureServiceDeps, 'tenants' | 'jobs' | 'leases' | 'log'>, records: RecordStore = stores.records, lifetime?: number): TestErasures {
  const jobs = createInProcessJobs({ log });
  const erasures = createErasureService({ ...stores, tenants: createTenantService({ records }), jobs, leases: createLeaseBook({ records, shared: lifetime !== undefined, lifetime }), log });
  jobs.start();
  return { ...erasures, close: () => jobs.close() };
}
