import { createCheckpoints, type Checkpoints } from '../../../src/feed/checkpoints.js';
import { createConsumer, type ConsumerSpec } from '../../../src/feed/consumer.js';
import { createConsumerService, type ConsumerService } from '../../../src/feed/consumer-service.js';
import type { Consumer } from '../../../src/feed/consumers.js';
import { createDeadLetters, type DeadLetters } from '../../../src/feed/dead-letters.js';
import { createFeed } from '../../../src/feed/service.js';
import { createInProcessJobs } from '../../../src/jobs/in-process-jobs.js';
import type { Jobs } from '../../../src/jobs/jobs.js';
import { createLeaseBook } from '../../../src/jobs/leases.js';
import type { RecordStore } from '../../../src/records/store.js';
import type { FeedEntry, StatementStore } from '../../../src/statements/store.js';

/** A worker with one consumer. */
export interface TestWorker {
  consumer: Consumer;
  service: ConsumerService;
  checkpoints: Checkpoints;
  letters: DeadLetters;
  jobs: Jobs;
}

export interface TestWorkerOptions extends Partial<ConsumerSpec> {
  statements: StatementStore;
  records: RecordStore;
  handle: ConsumerSpec['handle'];
  tenants?: string[];
  /** Whether other workers stand beside this one; alone when left out. */
  shared?: boolean;
  lifetime?: number;
  jobs?: Jobs;
}

/** A worker on a store; its jobs are to be started and closed by the test. */
export function openWorker({ statements, records, tenants = ['one'], shared = false, lifetime = 400, jobs = createInProcessJobs({ log: { warn: () => undefined } }), ...spec }: TestWorkerOptions): TestWorker {
  const checkpoints = createCheckpoints({ records, leases: createLeaseBook({ records, shared, lifetime }) });
  const letters = createDeadLetters({ records });
  const listTenants = async (): Promise<string[]> => tenants;
  const consumer = createConsumer({ name: 'recorder', backOff: 5, ...spec }, { feed: createFeed(statements), statements, checkpoints, letters, jobs, listTenants, log: { warn: () => undefined } });
  return { consumer, checkpoints, letters, jobs, service: createConsumerService({ consumers: [consumer], checkpoints, letters, listTenants }) };
}

/** The positions of entries. */
export function positionsOf(entries: readonly FeedEntry[]): number[] {
  return entries.map(({ position }) => position);
}

/** Waits for something. @throws Error when it does not come about within ten seconds */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const start = Date.now(); Date.now() - start < 10_000;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Within ten seconds it did not come about that ${what}.`);
}
