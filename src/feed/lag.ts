import type { Position, StatementStore } from '../statements/store.js';
import type { Feed } from './service.js';

/** How far behind the feed a position is. */
export interface Lag {
  lagStatements: number;
  lagSeconds: number;
}

const countedOneByOne = 1000;
const slice = 200;

/**
 * Statements above a position, and how long ago the oldest of them was stored by the clock of this machine. Up to a thousand are
 * counted; more are estimated from the tenant's number of statements.
 * @param dealtWith statements at or below the position, where it is known: then the figure is exact
 */
export async function lagOf(feed: Feed, statements: Pick<StatementStore, 'count'>, tenant: string, position: Position, dealtWith?: number): Promise<Lag> {
  const [next] = await feed.read(tenant, position, 1);
  if (!next) return { lagStatements: 0, lagSeconds: 0 };
  const lagSeconds = Math.max(0, (Date.now() - next.stored) / 1000);
  if (dealtWith !== undefined) return { lagStatements: Math.max(1, await statements.count(tenant) - dealtWith), lagSeconds };
  let counted = 0;
  for (let last = position; counted < countedOneByOne;) {
    const entries = await feed.read(tenant, last, slice);
    if (entries.length === 0) return { lagStatements: counted, lagSeconds };
    counted += entries.filter(({ kind }) => kind === 'statement').length;
    last = entries.at(-1)!.position;
  }
  const [count, head] = await Promise.all([statements.count(tenant), feed.head(tenant)]);
  return { lagStatements: Math.max(counted, Math.round(count * (1 - position / Math.max(head, 1)))), lagSeconds };
}
