import type { Collection, Document, Filter, WithId } from 'mongodb';

/** Ids asked for in one command. */
const SLICE = 1000;

/** The documents with these ids, in any order; those that are missing are left out. */
export async function byIds<T extends { _id: string }>(collection: Collection<T>, ids: readonly string[], projection?: Document): Promise<WithId<T>[]> {
  const found: WithId<T>[] = [];
  const each = [...new Set(ids)];
  for (let start = 0; start < each.length; start += SLICE) {
    const some = each.slice(start, start + SLICE);
    const filter = { _id: some.length === 1 ? some[0] : { $in: some } } as Filter<T>;
    found.push(...await collection.find(filter, projection && { projection }).toArray());
  }
  return found;
}
