import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asStream, type AttachmentStore } from '../../statements/attachment-store.js';
import { arrivingBytes, brokeOff, isHash, type ArrivingBytes } from '../attachment-bytes.js';
import { createAttachmentNames, type AttachmentRow, type AttachmentState, type Claim } from './attachment-names.js';
import type { Blobs } from './blobs.js';
import type { Chores } from './chores.js';
import type { Database } from './database.js';
import type { Processes } from './processes.js';
import { answering, storeFailure, unavailable } from './store-failure.js';

export interface AttachmentStoreDeps {
  database: Pick<Database, 'db'>;
  blobs: Blobs;
  processes: Processes;
  chores: Chores;
  /**
   * Waits until all that a tenant's store has taken in by now can be found.
   * @throws QuipuError `store-unavailable` when that takes too long
   */
  settled: (tenant: string) => Promise<void>;
}

/** Milliseconds for which `delete` waits for uploads of living processes to end. */
const PATIENCE = 3000;
const LOOK_AGAIN = 100;

/**
 * Attachments: the bytes in GridFS or S3 under ids of their own, and in the database one row a hash that says which of them
 * count. What an upload has begun is in the row before its bytes come in, so nothing can lie about unknown; what its process
 * leaves behind when it dies, the others clear up.
 */
export function createAttachmentStore({ database, blobs, processes, chores, settled }: AttachmentStoreDeps): AttachmentStore {
  const names = createAttachmentNames(database.db);
  /** Claims that are over, of which the database may not know yet. */
  const over = new Set<string>();
  const idOf = (tenant: string, sha2: string): string => `${tenant}/${sha2}`;

  /** Removes bytes that do not count, then their place in the row. A commit that is still on its way comes too late then. */
  async function discard(_id: string, blob: string): Promise<void> {
    let doomed = false;
    await names.change(_id, (state) => {
      doomed = state.staged.some((one) => one.blob === blob);
      return doomed ? { ...state, staged: state.staged.map((one) => (one.blob === blob ? { ...one, doomed: true } : one)) } : undefined;
    });
    if (!doomed) return;
    await blobs.remove(blob);
    await names.change(_id, (state) => ({ ...state, staged: state.staged.filter((one) => one.blob !== blob) }));
  }

  async function dropClaim(_id: string, claim: string): Promise<void> {
    await names.change(_id, (state) => (state.claims.some(({ id }) => id === claim) ? { ...state, claims: state.claims.filter(({ id }) => id !== claim) } : undefined));
    over.delete(claim);
  }

  processes.onDeath(async (dead) => {
    for (const _id of await names.namingProcess(dead)) {
      for (const { blob, process } of (await names.read(_id))?.staged ?? []) if (process === dead) await discard(_id, blob);
      await names.change(_id, (state) => ({ ...state, claims: state.claims.filter(({ process }) => process !== dead) }));
    }
  });

  /** Whether one of these claims holds: `waiting` when that may be otherwise soon. */
  async function heldBy(claims: readonly Claim[]): Promise<'nobody' | 'somebody' | 'waiting'> {
    const states = new Set<'own' | 'alive' | 'silent' | 'dead'>();
    for (const { process } of claims) states.add(process === processes.id ? 'own' : await processes.stateOf(process));
    return states.has('own') ? 'somebody' : states.has('silent') || states.has('alive') ? 'waiting' : 'nobody';
  }

  /** The row when nobody has a claim on it; waits for those of other processes to end, `patience` milliseconds or until a silent one is dead. */
  async function unclaimed(_id: string, patience: number): Promise<AttachmentRow | undefined> {
    const start = performance.now();
    for (;;) {
      // The row may have been read before a claim left it, and looked at after it left `over`.
      const overBefore = new Set(over);
      const row = await names.read(_id);
      if (row?.blob === undefined) return undefined;
      const claims = row.claims.filter(({ id }) => !over.has(id) && !overBefore.has(id));
      const held = await heldBy(claims);
      if (held === 'nobody') return row;
      if (held === 'somebody' || patience === 0) return undefined;
      if (performance.now() - start > patience && !(await Promise.all(claims.map(({ process }) => processes.stateOf(process)))).includes('silent')) return undefined;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }

  /** Removes bytes that nothing names. An upload that comes in meanwhile changes the row. */
  async function remove(tenant: string, sha2: string, patience: number, isNamed: () => Promise<boolean>): Promise<void> {
    const _id = idOf(tenant, sha2);
    for (;;) {
      const row = await unclaimed(_id, patience);
      if (row?.blob === undefined) return;
      await settled(tenant);
      if (await isNamed()) return;
      const { blob, staged } = row;
      const going: AttachmentState = { length: 0, staged: [...staged, { blob, process: processes.id, doomed: true }], claims: [] };
      if (!(await names.exchange(row, going))) continue;
      await discard(_id, blob).catch((error: unknown) => {
        chores.add(() => discard(_id, blob));
        throw error;
      });
      return;
    }
  }

  /** Names the bytes as staged, then receives them. */
  async function receive(_id: string, blob: string, source: Readable, bytes: ArrivingBytes): Promise<void> {
    try {
      await names.change(_id, (state) => ({ ...state, staged: [...state.staged, { blob, process: processes.id }] }));
      if (source.destroyed) throw brokeOff();
      const [passed, written] = await Promise.allSettled([pipeline(source, bytes.measure), blobs.write(blob, bytes.measure)]);
      if (written.status === 'rejected' || passed.status === 'rejected') throw bytes.measure.errored ?? (written as PromiseRejectedResult).reason;
      bytes.verify();
    } catch (error) {
      source.destroy();
      chores.add(() => discard(_id, blob));
      throw error;
    }
  }

  return {
    stage: answering(async (tenant, sha2, source, maxBytes) => {
      const bytes = arrivingBytes(sha2, maxBytes);
      const _id = idOf(tenant, sha2);
      const blob = blobs.newId(tenant, sha2);
      const claim = randomUUID();
      await receive(_id, blob, asStream(source), bytes);
      const length = bytes.length();
      let state: 'staged' | 'committed' | 'over' = 'staged';
      const give = (): void => {
        over.add(claim);
        chores.add(() => dropClaim(_id, claim));
        state = 'over';
      };
      return {
        sha2,
        length,
        commit: answering(async () => {
          state = 'committed';
          let spare = false;
          await names.change(_id, (row) => {
            // Others have taken this process for dead and the bytes for litter.
            if (!row.staged.some((one) => one.blob === blob && !one.doomed)) throw unavailable();
            spare = row.blob !== undefined;
            return {
              blob: row.blob ?? blob, length, claims: [...row.claims, { id: claim, process: processes.id }],
              staged: spare ? row.staged : row.staged.filter((one) => one.blob !== blob),
            };
          }).catch((error: unknown) => {
            chores.add(() => discard(_id, blob));
            throw error;
          });
          if (spare) chores.add(() => discard(_id, blob));
        }),
        release: () => {
          if (state === 'committed') give();
          state = 'over';
        },
        retract: answering(async (isNamed) => {
          if (state !== 'committed') return;
          // First, so that of several that are taken back at once the last one finds no other.
          give();
          await dropClaim(_id, claim);
          await remove(tenant, sha2, 0, isNamed);
        }),
        discard: async () => {
          if (state === 'staged') chores.add(() => discard(_id, blob));
          state = 'over';
        },
      };
    }),
    open: answering(async (tenant, sha2) => {
      if (!isHash(sha2)) return undefined;
      const row = await names.read(idOf(tenant, sha2));
      const stream = row?.blob === undefined ? undefined : await blobs.open(row.blob);
      return stream && { length: row!.length, stream };
    }),
    has: answering(async (tenant, sha2) => isHash(sha2) && (await names.read(idOf(tenant, sha2)))?.blob !== undefined),
    delete: answering(async (tenant, sha2, isNamed) => {
      if (isHash(sha2)) await remove(tenant, sha2, PATIENCE, isNamed);
    }),
    list: async function* (tenant) {
      try {
        yield* names.list(tenant);
      } catch (error) {
        throw storeFailure(error);
      }
    },
  };
}
