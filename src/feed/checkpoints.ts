import type { LeaseBook, Leases } from '../jobs/leases.js';
import type { Collection, RecordStore } from '../records/store.js';
import type { Position } from '../statements/store.js';

/** An entry that a consumer could not deal with, on its way among the dead letters. */
export interface Aside {
  position: Position;
  /** Of the statement; undefined for an erasure. */
  id?: string;
  reason: string;
  attempts: number;
}

/** How far a consumer is in one tenant, and what keeps it from getting on. */
export interface Checkpoint {
  /** Position of the last entry dealt with. */
  position: Position;
  /** Counts the replays: work that was begun before one is not booked after it. */
  replays: number;
  /** Attempts at what follows `position` that failed, since the last one that did not. */
  failures: number;
  /** The entry that failed for a reason of its own, and how often. */
  fault?: Aside;
  /** Written down before they become dead letters, so that a process which dies between the two loses none. */
  aside: Aside[];
  /** Counts requests of operators to try dead letters again that were not followed yet. */
  retriesAsked: number;
  /** Statements at or below `position`, where the consumer knows. */
  statements?: number;
  lastError?: { message: string; at: string };
}

export const initialCheckpoint: Checkpoint = { position: 0, replays: 0, failures: 0, aside: [], retriesAsked: 0 };

/** What an operator has told a consumer, for all tenants. */
export interface Control {
  paused: boolean;
}

/** Where consumers keep how far they are: a lease on each pair of tenant and consumer, whose state is the checkpoint. */
export interface Checkpoints extends Leases<Checkpoint> {
  paused(consumer: string): Promise<boolean>;
  setPaused(consumer: string, paused: boolean): Promise<void>;
}

export function createCheckpoints({ records, leases }: { records: RecordStore; leases: LeaseBook }): Checkpoints {
  const controls: Collection<Control> = records.collection<Control>({ name: 'consumer-controls', indexes: [], unique: [] });
  return {
    ...leases.kind<Checkpoint>('consumer-checkpoints', initialCheckpoint),
    paused: async (consumer) => (await controls.get('', consumer))?.value.paused ?? false,
    setPaused: async (consumer, paused) => {
      for (;;) {
        const known = await controls.get('', consumer);
        const outcome = known ? await controls.update('', consumer, { paused }, known.version) : await controls.insert('', consumer, { paused });
        if (outcome === 'updated' || outcome === 'inserted') return;
      }
    },
  };
}
