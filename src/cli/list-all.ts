import type { Client } from './client.js';

const pageSize = 1000;

/** All items of a paged list of the admin API. @param member name of the array in the answer */
export async function listAll<T extends { id: string }>(client: Client, path: string, member: string, query: Record<string, string | undefined>): Promise<T[]> {
  const items: T[] = [];
  for (let after: string | undefined; ;) {
    const page = (await client.json<Record<string, T[]>>('GET', path, undefined, { ...query, after, limit: String(pageSize) }))[member]!;
    items.push(...page);
    if (page.length < pageSize) return items;
    after = page[page.length - 1]!.id;
  }
}
