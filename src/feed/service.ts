import type { FeedEntry, Position, StatementStore } from '../statements/store.js';
import type { StatementKey } from '../xapi/statement-keys.js';

/** The ordered log of what was stored, as consumers read it: each keeps the position it has dealt with and asks for what follows. */
export interface Feed {
  /** Entries after a position, oldest first, at most `limit`, and fewer when they are long; none when there are no more. */
  read(tenant: string, after: Position, limit: number): Promise<FeedEntry[]>;
  /** A position at or above the newest entry of a tenant that can be read. */
  head(tenant: string): Promise<Position>;
  /** Whether an entry satisfies the filters of a list query. */
  matches(entry: FeedEntry, filters: StatementKey[][]): boolean;
  /** Calls back with the tenant after entries became visible there, whichever process stored them; a hint, not a delivery. Returns the function that ends it. */
  subscribe(listener: (tenant: string) => void): () => void;
  /** Listens for new entries of a tenant until it is closed. */
  watch(tenant: string): Watch;
}

/** Ears for one tenant. */
export interface Watch {
  /** As `Feed.read`; what several listeners read at once from the same position is in memory once. Not to be changed. */
  read(after: Position, limit: number): Promise<FeedEntry[]>;
  /** To be called before a read: what comes in from then on ends the next wait at once. */
  begin(): void;
  /** Waits until the tenant may have new entries, the time is over or the signal ends it. @returns whether it was the time */
  wait(milliseconds: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export function createFeed(store: StatementStore): Feed {
  /** One subscription for all listeners, for as long as there is one. */
  const watching = new Map<string, { ears: Set<() => void>; reads: Map<string, Promise<FeedEntry[]>> }>();
  let unsubscribe: (() => void) | undefined;

  function listen(tenant: string, heard: () => void): () => void {
    unsubscribe ??= store.subscribe((changed) => {
      const listeners = watching.get(changed);
      if (!listeners) return;
      // What is read from here on has to find what came.
      listeners.reads.clear();
      for (const tell of listeners.ears) tell();
    });
    const listeners = watching.get(tenant) ?? { ears: new Set(), reads: new Map() };
    watching.set(tenant, listeners);
    listeners.ears.add(heard);
    return () => {
      listeners.ears.delete(heard);
      if (listeners.ears.size === 0) watching.delete(tenant);
      if (watching.size > 0) return;
      unsubscribe?.();
      unsubscribe = undefined;
    };
  }

  function readTogether(tenant: string, after: Position, limit: number): Promise<FeedEntry[]> {
    const reads = watching.get(tenant)?.reads;
    const name = `${after} ${limit}`;
    let entries = reads?.get(name);
    if (!entries) {
      const begun = store.feed(tenant, after, limit).finally(() => { if (reads?.get(name) === begun) reads.delete(name); });
      reads?.set(name, begun);
      entries = begun;
    }
    return entries;
  }

  return {
    read: (tenant, after, limit) => store.feed(tenant, after, limit),
    head: (tenant) => store.head(tenant),
    matches: (entry, filters) => store.matches(entry, filters),
    subscribe: (listener) => store.subscribe(listener),
    watch: (tenant) => {
      let news = false;
      let wake = (): void => undefined;
      const close = listen(tenant, () => {
        news = true;
        wake();
      });
      return {
        read: (after, limit) => readTogether(tenant, after, limit),
        begin: () => { news = false; },
        wait: (milliseconds, signal) => new Promise((resolve) => {
          if (news || signal.aborted) return resolve(false);
          const end = (over: boolean): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', wake);
            wake = () => undefined;
            resolve(over);
          };
          const timer = setTimeout(end, milliseconds, true);
          wake = () => end(false);
          signal.addEventListener('abort', wake);
        }),
        close,
      };
    },
  };
}
