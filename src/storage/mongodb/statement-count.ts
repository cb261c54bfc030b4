import type { Database } from './database.js';
import type { Horizons } from './horizon.js';
import { existing } from './statement-query.js';

/** Positions counted in one command, so that none takes longer than a command may. */
const STRIDE = 500_000;
/** A count that goes on less far than this is not written down. */
const WORTH_NOTING = 1000;

/**
 * How many statements a tenant has that can be read. What was counted is written down with the position up to which, so that
 * only what came since has to be counted; an erasure voids the note.
 */
export async function countStatements({ collections: { statements, heads } }: Database, horizons: Horizons, tenant: string): Promise<number> {
  const head = await heads.findOne({ _id: tenant });
  if (!head) return 0;
  const view = await horizons.view(tenant);
  let [through, count] = [head.cp, head.cn];
  while (through < view.horizon) {
    const to = Math.min(view.horizon, through + STRIDE);
    // Index t, p, a of statements.
    count += await statements.countDocuments({ t: tenant, p: { $gt: through, $lte: to }, ...existing(view, to) });
    if (to - head.cp >= WORTH_NOTING) await heads.updateOne({ _id: tenant, e: head.e, cp: { $lt: to } }, { $set: { cp: to, cn: count } });
    through = to;
  }
  return count;
}
