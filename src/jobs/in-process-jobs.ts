import type { Jobs } from './jobs.js';
import { createRuns, type RunsDeps } from './runs.js';

/** Jobs that are woken by the process that runs them. With several processes on one store each wakes its own. */
export function createInProcessJobs(deps: RunsDeps): Jobs {
  const runs = createRuns(deps);
  return {
    define: (job) => runs.define(job),
    wake: (name, subject) => void runs.run(name, subject),
    start: (only) => runs.start(only),
    state: () => ({ transport: 'process', status: 'ok' }),
    close: () => runs.close(),
  };
}
