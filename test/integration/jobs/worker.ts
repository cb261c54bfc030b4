import { appendFileSync } from 'node:fs';
import { createCheckpoints } from '../../../src/feed/checkpoints.js';
import { createConsumer } from '../../../src/feed/consumer.js';
import { createDeadLetters } from '../../../src/feed/dead-letters.js';
import { createFeed } from '../../../src/feed/service.js';
import { createBullJobs } from '../../../src/jobs/bull-jobs.js';
import { createLeaseBook } from '../../../src/jobs/leases.js';
import { openMongoStorage } from '../../../src/storage/mongodb/open.js';

/** What a worker process of the tests is told, as JSON in its first argument. */
export interface WorkerOrders {
  mongodbUrl: string;
  database: string;
  redisUrl: string;
  tenants: string[];
  /** File to which a line `pid tenant position id` is added for each entry; the id is `-` for an erasure. */
  record: string;
  /** Milliseconds that each entry takes. */
  pace: number;
  /** Milliseconds of silence after which another takes over. */
  lifetime: number;
}

/** A process with a consumer that writes down what it was given. It lives until it is killed. */
async function work({ mongodbUrl, database, redisUrl, tenants, record, pace, lifetime }: WorkerOrders): Promise<void> {
  const log = { info: () => undefined, warn: (details: object, message: string) => console.error(message, details) };
  const { statements, records } = await openMongoStorage({ url: mongodbUrl, database });
  const jobs = createBullJobs({ url: redisUrl, log });
  createConsumer({
    name: 'recorder', batch: 10, handle: async (tenant, entries, signal) => {
      for (const entry of entries) {
        if (signal.aborted) return;
        appendFileSync(record, `${process.pid} ${tenant} ${entry.position} ${entry.kind === 'statement' ? entry.id : '-'}\n`);
        await new Promise((resolve) => setTimeout(resolve, pace));
      }
    },
  }, {
    feed: createFeed(statements), statements, checkpoints: createCheckpoints({ records, leases: createLeaseBook({ records, shared: true, lifetime }) }),
    letters: createDeadLetters({ records }), jobs, listTenants: async () => tenants, log,
  });
  jobs.start();
}

await work(JSON.parse(process.argv[2]!) as WorkerOrders);
