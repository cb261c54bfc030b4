import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ContentStore } from '../../cmi5/content-store.js';
import { brokeOff } from '../attachment-bytes.js';
import { arrivingPackage, isPackageId, noPackage, within } from '../package-bytes.js';
import type { Blobs } from './blobs.js';
import type { Chores } from './chores.js';
import type { Database } from './database.js';
import type { Processes } from './processes.js';
import { answering, storeFailure, unavailable } from './store-failure.js';

/** A package, or one that comes or goes. In a cluster, shard by `{ _id: 1 }`. */
interface PackageRow {
  /** `tenant/id` */
  _id: string;
  /** Where its bytes are. */
  blob: string;
  /** Present when it counts. */
  length?: number;
  /** The process that takes it in or removes it; missing when it counts. */
  by?: string;
  /** Being removed: it can't come to count any more. */
  doomed?: true;
}

export interface ContentStoreDeps {
  database: Pick<Database, 'db'>;
  blobs: Blobs;
  processes: Processes;
  chores: Chores;
}

/**
 * Packages: the bytes in GridFS or S3 under ids of their own, and in the database one row a package that says whether they count.
 * The row is there before the bytes come in and after they have gone, so what a process leaves when it dies the others clear up.
 */
export function createContentStore({ database, blobs, processes, chores }: ContentStoreDeps): ContentStore {
  const rows = database.db.collection<PackageRow>('packages');
  const idOf = (tenant: string, id: string): string => `${tenant}/${id}`;

  /** Makes a package one that does not count, removes its bytes, then its row. A commit that is still on its way comes too late then. */
  async function discard(_id: string, blob: string): Promise<void> {
    await rows.updateOne({ _id, blob }, { $set: { by: processes.id, doomed: true }, $unset: { length: '' } });
    await blobs.remove(blob);
    await rows.deleteOne({ _id, blob });
  }

  processes.onDeath(async (dead) => {
    for (const { _id, blob } of await rows.find({ by: dead }).toArray()) {
      if ((await rows.updateOne({ _id, by: dead }, { $set: { doomed: true } })).matchedCount === 1) await discard(_id, blob);
    }
  });

  /** Ids are not used twice, but a move into this store that was cut short comes again. */
  async function place(row: PackageRow): Promise<void> {
    const left = await rows.findOne({ _id: row._id });
    if (left && left.length === undefined) await discard(left._id, left.blob);
    await rows.insertOne(row);
  }

  async function find(tenant: string, id: string): Promise<(PackageRow & { length: number }) | undefined> {
    const row = isPackageId(id) ? await rows.findOne({ _id: idOf(tenant, id) }) : null;
    return row?.length === undefined ? undefined : { ...row, length: row.length };
  }

  async function open(blob: string, length: number, from: number, to: number): Promise<Readable> {
    const { start, end } = within(length, from, to);
    const stream = start === end ? Readable.from([], { objectMode: false }) : await blobs.open(blob, { start, end });
    if (!stream) throw unavailable();
    return stream;
  }

  return {
    stage: answering(async (tenant, id, source, maxBytes) => {
      if (!isPackageId(id)) throw noPackage(id);
      const bytes = arrivingPackage(maxBytes);
      const _id = idOf(tenant, id);
      const blob = blobs.newId(tenant, 'packages');
      const by = processes.id;
      try {
        await place({ _id, blob, by });
        if (source.destroyed) throw brokeOff();
        const [passed, written] = await Promise.allSettled([pipeline(source, bytes.measure), blobs.write(blob, bytes.measure)]);
        if (written.status === 'rejected' || passed.status === 'rejected') throw bytes.measure.errored ?? (written as PromiseRejectedResult).reason;
      } catch (error) {
        source.destroy();
        chores.add(() => discard(_id, blob));
        throw error;
      }
      const length = bytes.length();
      let state: 'staged' | 'committed' | 'over' = 'staged';
      return {
        length,
        sha256: bytes.sha256(),
        read: answering(async (start, end) => buffer(await open(blob, length, start, end))),
        commit: answering(async () => {
          state = 'committed';
          try {
            const { matchedCount } = await rows.updateOne({ _id, blob, by, doomed: { $exists: false } }, { $set: { length }, $unset: { by: '' } });
            // Others have taken this process for dead and the bytes for litter.
            if (matchedCount !== 1) throw unavailable();
          } catch (error) {
            chores.add(() => discard(_id, blob));
            throw error;
          }
        }),
        discard: async () => {
          if (state === 'staged') chores.add(() => discard(_id, blob));
          state = 'over';
        },
      };
    }),
    length: answering(async (tenant, id) => (await find(tenant, id))?.length),
    open: answering(async (tenant, id, start, end) => {
      const row = await find(tenant, id);
      if (!row) throw noPackage(id);
      return open(row.blob, row.length, start, end);
    }),
    delete: answering(async (tenant, id) => {
      const row = await find(tenant, id);
      if (!row) return;
      const { _id, blob } = row;
      await discard(_id, blob).catch((error: unknown) => {
        chores.add(() => discard(_id, blob));
        throw error;
      });
    }),
    list: async function* (tenant) {
      try {
        const range = { _id: { $gte: `${tenant}/`, $lt: `${tenant}0` }, length: { $exists: true } };
        for await (const { _id } of rows.find(range, { projection: { _id: 1 } }).sort({ _id: 1 })) yield _id.slice(tenant.length + 1);
      } catch (error) {
        throw storeFailure(error);
      }
    },
  };
}
