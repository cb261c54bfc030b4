import type { Horizons } from './horizon.js';
import { unavailable } from './store-failure.js';

/** Milliseconds for which an older append may hold up what came after it: longer than it takes to notice that a process is dead. */
const PATIENCE = 40_000;
const LOOK_AGAIN = 50;

/**
 * Waits until all that a tenant's log has taken in by now can be found in lists, or never will be.
 * @throws QuipuError `store-unavailable` when that takes too long
 */
export function createSettled(horizons: Horizons): (tenant: string) => Promise<void> {
  return async (tenant) => {
    const { head } = await horizons.view(tenant);
    for (const start = performance.now(); (await horizons.view(tenant)).horizon < head;) {
      if (performance.now() - start > PATIENCE) throw unavailable();
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  };
}
