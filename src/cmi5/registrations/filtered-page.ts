const SLICE = 500;

/**
 * A page of those records of an ordered list that satisfy a condition for which there is no index.
 * @param read gives the records after an id, at most `limit`, fewer when there are no more
 */
export async function filteredPage<T extends { id: string }>(read: (after: string | undefined, limit: number) => Promise<T[]>, keep: (one: T) => boolean, after: string | undefined, limit: number): Promise<T[]> {
  const found: T[] = [];
  for (let last = after; found.length < limit;) {
    const page = await read(last, SLICE);
    found.push(...page.filter(keep));
    if (page.length < SLICE) break;
    last = page.at(-1)!.id;
  }
  return found.slice(0, limit);
}
