import type { Position } from '../../statements/store.js';
import type { Database } from './database.js';
import type { Horizons } from './horizon.js';

/** Tells subscribers of this process what this one and others have taken in. */
export interface Announcements {
  subscribe(listener: (tenant: string) => void): () => void;
  /** Says that everything up to the known horizon of a tenant can be read. */
  announce(tenant: string): void;
  close(): void;
}

/** @param interval milliseconds between two looks at what others have taken in, while somebody listens */
export function createAnnouncements({ collections: { heads } }: Database, horizons: Horizons, interval: number): Announcements {
  const listeners = new Set<(tenant: string) => void>();
  let announced = new Map<string, Position>();
  let timer: NodeJS.Timeout | undefined;
  /** The looks that go on; a look of others that is still under way is the last of its own. */
  let looks: object | undefined;

  function announce(tenant: string): void {
    announced.set(tenant, horizons.known(tenant));
    for (const listener of listeners) listener(tenant);
  }

  /** Whoever begins to listen looks for himself first; so from the first look on, all that is new is told. */
  async function look(): Promise<void> {
    for (const { _id: tenant, p } of await heads.find({}, { projection: { p: 1 } }).toArray()) {
      const before = announced.get(tenant) ?? 0;
      if (p > before && (await horizons.view(tenant)).horizon > (announced.get(tenant) ?? 0)) announce(tenant);
    }
  }

  function poll(mine: object): void {
    looks = mine;
    timer = setTimeout(() => {
      look().catch(() => undefined).finally(() => {
        if (looks === mine) poll(mine);
      });
    }, interval).unref();
  }

  function stop(): void {
    clearTimeout(timer);
    looks = undefined;
  }

  return {
    announce,
    subscribe: (listener) => {
      if (listeners.size === 0) announced = new Map();
      listeners.add(listener);
      if (!looks) poll({});
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      };
    },
    close: stop,
  };
}
