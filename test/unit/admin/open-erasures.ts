import { createErasureService, type ErasureService, type ErasureServiceDeps } from '../../../src/admin/erasure-service.js';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import type { FeatureRecords } from '../../../src/admin/feature-records.js';
import { createInProcessJobs } from '../../../src/jobs/in-process-jobs.js';
import { createLeaseBook } from '../../../src/jobs/leases.js';
import type { RecordStore } from '../../../src/records/store.js';

/** Erasures and the process that carries them out. */
export interface TestErasures extends ErasureService {
  /** Stops at the next safe point and answers then. */
  close(): Promise<void>;
}

/** Of no feature. */
export const noRecords: FeatureRecords = {
  eraseOwn: () => Promise.resolve({ count: 0 }), eraseMentions: () => Promise.resolve({ count: 0 }), settle: () => Promise.resolve(), list: async function* () {},
};

const log = { error: () => undefined, warn: () => undefined };

/**
 * @param records where leases and tenants are kept, which the stores of the erasures may stand before
 * @param lifetime of leases, when other processes use the same store
 */
export function openErasures(stores: Omit<ErasureServiceDeps, 'tenants' | 'jobs' | 'leases' | 'log' | 'featureRecords'> & { featureRecords?: FeatureRecords }, records: RecordStore = stores.records, lifetime?: number): TestErasures {
  const jobs = createInProcessJobs({ log });
  const erasures = createErasureService({ featureRecords: noRecords, ...stores, tenants: createTenantService({ records }), jobs, leases: createLeaseBook({ records, shared: lifetime !== undefined, lifetime }), log });
  jobs.start();
  return { ...erasures, close: () => jobs.close() };
}
