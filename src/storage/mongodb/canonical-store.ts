import { ObjectId, type AnyBulkWriteOperation } from 'mongodb';
import type { Telling, Told, ToldKind } from '../../xapi/told.js';
import type { CanonicalStore } from '../../statements/store.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { createToldLately, toldAnew } from '../told-lately.js';
import { byIds } from './by-ids.js';
import type { CanonicalRow } from './collections.js';
import type { Database } from './database.js';
import { answering, isDuplicateKey } from './store-failure.js';

/** The canonical store with the half that finishes an append. */
export interface MongoCanonicalStore extends CanonicalStore {
  /** Merges what statements say of activities, verbs and agents, in their order. Repeatable. */
  gather(tenant: string, statements: readonly Telling[]): Promise<void>;
}

/** Milliseconds for which this process relies on what it merged itself, while others may merge as well. */
const REMEMBER = 10_000;
/** Times that others may come in between. */
const MOST_ATTEMPTS = 50;

export function createCanonicalStore({ collections: { canonical } }: Database, hash: KeyHash): MongoCanonicalStore {
  const lately = createToldLately(REMEMBER);
  const idOf = (tenant: string, kind: ToldKind, name: string): string => `${tenant}/${kind}/${hash.name(name).toString('hex')}`;

  async function read(tenant: string, kind: ToldKind, names: string[]): Promise<(string | undefined)[]> {
    const ids = names.map((name) => idOf(tenant, kind, name));
    const rows = new Map((await byIds(canonical, ids)).map(({ _id, text }) => [_id, text]));
    return ids.map((id) => rows.get(id));
  }

  /** One attempt; says whether everything is merged. */
  async function merge(things: Map<string, Told[]>): Promise<boolean> {
    const known = new Map((await byIds(canonical, [...things.keys()])).map((row) => [row._id, row]));
    const writes: AnyBulkWriteOperation<CanonicalRow>[] = [];
    for (const [_id, told] of things) {
      const before = known.get(_id);
      const text = told.reduce<string | undefined>((merged, one) => one.merge(merged), before?.text)!;
      if (text === before?.text) continue;
      const fresh = { x: new ObjectId(), text };
      writes.push(before ? { updateOne: { filter: { _id, x: before.x }, update: { $set: fresh } } } : { insertOne: { document: { _id, ...fresh } } });
    }
    if (writes.length === 0) return true;
    try {
      const { insertedCount, modifiedCount } = await canonical.bulkWrite(writes, { ordered: false });
      return insertedCount + modifiedCount === writes.length;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  return {
    gather: async (tenant, statements) => {
      const things = new Map<string, Told[]>();
      const anew = toldAnew(lately, tenant, statements);
      for (const { told } of anew) {
        const id = idOf(tenant, told.kind, told.name);
        const same = things.get(id);
        if (same) same.push(told);
        else things.set(id, [told]);
      }
      if (things.size === 0) return;
      for (let attempt = 1; !await merge(things); attempt++) {
        if (attempt === MOST_ATTEMPTS) throw new Error('Definitions are being changed faster than they can be merged');
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      }
      for (const { told, run, index } of anew) lately.note(tenant, run, index, told);
    },
    definitions: answering((tenant, ids) => read(tenant, 'a', ids)),
    displays: answering((tenant, ids) => read(tenant, 'b', ids)),
    names: answering(async (tenant, agent) => JSON.parse((await read(tenant, 'g', [agent]))[0] ?? '[]') as string[]),
    forget: answering(async (tenant, agent) => {
      await canonical.deleteOne({ _id: idOf(tenant, 'g', agent) });
      lately.clear();
    }),
  };
}
