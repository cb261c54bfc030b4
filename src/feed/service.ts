import type { FeedEntry, Position, StatementStore } from '../statements/store.js';
import type { StatementKey } from '../xapi/statement-keys.js';

/** The ordered log of what was stored, as consumers read it: each keeps the position it has dealt with and asks for what follows. */
export interface Feed {
  /** Entries after a position, oldest first, at most `limit`, and fewer when they are long; none when there are no more. */
  read(tenant: string, after: Position, limit: number): Promise<FeedEntry[]>;
  /** Position of the newest entry. */
  head(): Position;
  /** Whether an entry satisfies the filters of a list query. */
  matches(entry: FeedEntry, filters: StatementKey[][]): boolean;
  /** Calls back with the tenant after entries became visible there; a hint, not a delivery. Returns the function that ends it. */
  subscribe(listener: (tenant: string) => void): () => void;
  /**
   * Waits until the tenant may have new entries, the time is over or the signal ends it, whichever is first.
   * @param seen `head()` from before the read that found nothing: what came in during that read ends the wait at once
   */
  wait(tenant: string, seen: Position, milliseconds: number, signal: AbortSignal): Promise<void>;
}

export function createFeed(store: StatementStore): Feed {
  const waiting = new Map<string, Set<() => void>>();
  store.subscribe((tenant) => {
    const woken = waiting.get(tenant);
    waiting.delete(tenant);
    for (const wake of woken ?? []) wake();
  });

  return {
    read: (tenant, after, limit) => store.feed(tenant, after, limit),
    head: () => store.head(),
    matches: (entry, filters) => store.matches(entry, filters),
    subscribe: (listener) => store.subscribe(listener),
    wait: (tenant, seen, milliseconds, signal) => new Promise((resolve) => {
      if (signal.aborted || store.head() !== seen) return resolve();
      const set = waiting.get(tenant) ?? new Set();
      waiting.set(tenant, set);
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        set.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      signal.addEventListener('abort', wake);
      set.add(wake);
    }),
  };
}
