import type { FeedEntry, Position } from '../../statements/store.js';
import { KEY_BYTES } from '../../xapi/key-run.js';
import type { Database } from './database.js';
import type { Horizons } from './horizon.js';
import { existing, toStored } from './statement-query.js';

/** Bytes of text and keys after which a reading of the feed ends before its limit. */
const FEED_BYTES = 4 << 20;

/** Reads the log; see `StatementStore.feed`. Nothing above the horizon, so that a reader never passes what becomes visible late. */
export async function readFeed({ collections: { statements, erasures } }: Database, horizons: Horizons, tenant: string, after: Position, limit: number): Promise<FeedEntry[]> {
  const view = await horizons.view(tenant);
  if (after >= view.horizon) return [];
  const range = { t: tenant, p: { $gt: after, $lte: view.horizon } };
  // Index t, p of erasures.
  const erased = await erasures.find(range).sort({ p: 1 }).limit(limit).toArray();
  const entries: FeedEntry[] = [];
  let bytes = 0;
  const passErasures = (below: Position): void => {
    while (erased.length > 0 && erased[0]!.p < below && entries.length < limit) {
      const { p, s, erased: gone, redacted } = erased.shift()!;
      entries.push({ kind: 'erasure', position: p, stored: s, erased: gone, redacted });
    }
  };
  // Index t, p, a of statements.
  for await (const row of statements.find({ ...range, ...existing(view, view.horizon) }).sort({ p: 1 }).limit(limit)) {
    passErasures(row.p);
    if (entries.length >= limit) return entries;
    entries.push({ kind: 'statement', keys: Buffer.concat(row.k), ...toStored(row) });
    bytes += row.text.length + row.k.length * KEY_BYTES;
    if (bytes > FEED_BYTES) return entries;
  }
  passErasures(Infinity);
  return entries;
}
