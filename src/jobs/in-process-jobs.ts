import type { Jobs } from './jobs.js';
import { createRuns } from './runs.js';

/** Jobs that are woken by the process that runs them. With several processes on one store each wakes its own. */
export function createInProcessJobs({ log }: { log: { warn(details: object, message: string): void } }): Jobs {
  const runs = createRuns({ log });
  return {
    define: (job) => runs.define(job),
    wake: (name, subject) => void runs.run(name, subject),
    start: (only) => runs.start(only),
    state: () => ({ transport: 'process', status: 'ok' }),
    close: () => runs.close(),
  };
}
