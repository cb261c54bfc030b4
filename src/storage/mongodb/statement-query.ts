import type { Document, Filter } from 'mongodb';
import type { StatementKey } from '../../xapi/statement-keys.js';
import type { Position, StatementPage, StatementQuery, StoredStatement } from '../../statements/store.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { idOfRow, type StatementRow } from './collections.js';
import type { Database } from './database.js';
import type { Horizons, View } from './horizon.js';

export interface QueryDeps {
  database: Database;
  hash: KeyHash;
  horizons: Horizons;
}

/** Runs a query; see `StatementStore.find`. */
export async function runQuery(deps: QueryDeps, tenant: string, query: StatementQuery): Promise<StatementPage> {
  if (query.filters.some((anyOf) => anyOf.length === 0)) return { statements: [] };
  const view = await deps.horizons.view(tenant);
  // What a cursor names was a horizon somewhere, which this process may not have seen yet.
  const horizon = query.cursor ? Math.min(query.cursor.horizon, view.head) : view.horizon;
  const { from, to } = await rangeOf(deps, tenant, query, horizon);
  if (from > to) return { statements: [] };
  const filter: Filter<StatementRow> = { t: tenant, p: { $gte: from, $lte: to }, ...keysFilter(deps.hash, query.filters), ...(!query.includeVoided && { v: false }), ...existing(view, horizon) };
  return readPage(deps, query, filter, horizon);
}

/** Positions that a query is about, both included. */
async function rangeOf(deps: QueryDeps, tenant: string, query: StatementQuery, horizon: Position): Promise<{ from: Position; to: Position }> {
  let from = 1;
  let to = horizon;
  const [since, until] = await Promise.all([query.since, query.until].map((time) => (time === undefined ? undefined : firstPositionAfter(deps, tenant, time))));
  if (query.since !== undefined) from = since ?? horizon + 1;
  if (query.until !== undefined && until !== undefined) to = Math.min(to, until - 1);
  if (query.cursor && query.ascending) from = Math.max(from, query.cursor.position + 1);
  if (query.cursor && !query.ascending) to = Math.min(to, query.cursor.position - 1);
  return { from, to };
}

/** First position whose `stored` is later than `time`; undefined when there is none. Index t, s, p of statements. */
async function firstPositionAfter({ database: { collections: { statements } } }: QueryDeps, tenant: string, time: number): Promise<Position | undefined> {
  const [first] = await statements.find({ t: tenant, s: { $gt: time } }, { projection: { _id: 0, p: 1 } }).sort({ s: 1, p: 1 }).limit(1).toArray();
  return first?.p;
}

/** Index t, k, p of statements, of which the server takes the filter with the fewest; without filters t, p, a. */
function keysFilter(hash: KeyHash, filters: StatementKey[][]): Filter<StatementRow> {
  const each = filters.map((anyOf): Document => {
    const keys = anyOf.map((key) => hash.key(key));
    return { k: keys.length === 1 ? keys[0] : { $in: keys } };
  });
  return (each.length > 1 ? { $and: each } : each[0] ?? {}) as Filter<StatementRow>;
}

/** Leaves out rows of appends of which nothing exists. At or below the horizon only one that was given up can have any. */
export function existing(view: View, upTo: Position): Filter<StatementRow> {
  const states = upTo > view.horizon ? ['open', 'rolling', 'rolled'] : ['rolled'];
  const none = view.records.filter(({ state }) => states.includes(state)).map(({ _id }) => _id);
  return none.length === 0 ? {} : { a: { $nin: none } };
}

async function readPage({ database: { collections: { statements } } }: QueryDeps, query: StatementQuery, filter: Filter<StatementRow>, horizon: Position): Promise<StatementPage> {
  const found: StoredStatement[] = [];
  let bytes = 0;
  const rows = statements.find(filter, { projection: { k: 0 } }).sort({ p: query.ascending ? 1 : -1 }).limit(query.limit + 1);
  for await (const row of rows) {
    if (found.length === query.limit || (found.length > 0 && bytes + row.text.length > (query.maxBytes ?? Infinity))) {
      return { statements: found, next: { position: found[found.length - 1]!.position, horizon } };
    }
    bytes += row.text.length;
    found.push(toStored(row));
  }
  return { statements: found };
}

/** A row as the port gives it. */
export function toStored({ _id, p, s, text, v }: Pick<StatementRow, '_id' | 'p' | 's' | 'text' | 'v'>): StoredStatement {
  return { position: p, id: idOfRow(_id), stored: s, text, voided: v };
}
