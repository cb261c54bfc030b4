import type { ClickHouseClient } from '@clickhouse/client';
import type { Feed } from '../feed/service.js';
import type { FeedEntry, StatementStore, StoredStatement } from '../statements/store.js';
import { createBlockWriter, type Fence, type RefusedRow } from './block-writer.js';
import { beginBlock, type NextBlock } from './next-block.js';
import type { LineMaker } from './row-lines.js';
import type { Summaries } from './summaries.js';

/** The table holds what the store does not, as after the restore of an older backup. */
export class AheadOfStore extends Error {
  constructor(tenant: string) {
    super(`The analytics database has statements of ${tenant} that the store does not have, as after the restore of an older backup: run "quipu analytics rebuild".`);
  }
}

/** What is needed to fill a table from the store. */
export interface TenantShipperDeps {
  client: ClickHouseClient;
  feed: Feed;
  statements: StatementStore;
  /** Such as `quipu.statement_log`. */
  table: string;
  lines: LineMaker;
  onRefused: (row: RefusedRow) => void;
  /** Called when an INSERT was sent and not answered: it may still be at work. */
  onUncertain: () => void;
  /** What is derived from the table's rows, where something is. */
  summaries?: Pick<Summaries, 'takeAway' | 'allow'>;
  /** Milliseconds for which the table may be ahead of the store: where several processes append, one may see the end of the log later than another. */
  aheadPatience?: number;
}

/** Brings the statements of one tenant into the table, in the order of the log. */
export interface TenantShipper {
  /** Position of the last entry dealt with, and rows in the table, as last known. */
  readonly at: { position: number; rows: number } | undefined;
  /** Whether there is something to deal with. */
  pending(): Promise<boolean>;
  /** Deals with the next entries. @returns how many; 0 when there are none */
  step(fence: Fence): Promise<number>;
  /** Takes the place from the table before the next step: after a failure, or when the table was put in another's place. */
  forget(): void;
}

/** Ids in one command of an erasure. */
const slice = 1000;
/** Milliseconds between two looks for statements that have come while a block is on its way. */
const GATHER_EVERY = 50;

/**
 * Exactness. The table itself says where to go on: behind the highest position it holds. A block is one INSERT with a token
 * made of the position before it, so that of two blocks that begin at the same place the engine keeps the first to arrive,
 * whichever that is. An erasure removes rows of an older version and adds the rewritten ones under a token of its own; it
 * has no row, so it may be dealt with again after a restart, which changes nothing.
 */
export function createTenantShipper(tenant: string, { client, feed, statements, table, lines, onRefused, onUncertain, summaries, aheadPatience = 0 }: TenantShipperDeps): TenantShipper {
  const writer = createBlockWriter({ client, table, onRefused, onUncertain });
  let at: { position: number; rows: number } | undefined;
  let sure = false;
  let aheadSince: number | undefined;
  let next: NextBlock | undefined;

  async function settle(): Promise<{ position: number; rows: number }> {
    const here = sure && at ? at : await place();
    if (here.position > await feed.head(tenant)) {
      at = undefined;
      aheadSince ??= performance.now();
      if (performance.now() - aheadSince >= aheadPatience) throw new AheadOfStore(tenant);
      return here;
    }
    aheadSince = undefined;
    at = here;
    sure = true;
    return here;
  }

  async function place(): Promise<{ position: number; rows: number }> {
    const found = await client.query({ query: `SELECT max(position) AS position, count() AS rows FROM ${table} WHERE tenant = {tenant:String}`, query_params: { tenant }, format: 'JSONEachRow' });
    const { position, rows } = (await found.json<{ position: string; rows: string }>())[0]!;
    return { position: Number(position), rows: Number(rows) };
  }

  async function step(fence: Fence): Promise<number> {
    const { position: before } = await settle();
    const current = next?.after === before ? next : beginBlock({ feed, lines, tenant, after: before });
    while (await current.grow());
    const { rows } = current.block;
    if (current.erasure) {
      next = undefined;
      await summaries?.takeAway([tenant]);
      await erase(current.erasure, fence);
      await summaries?.allow([tenant]);
      at = { position: current.erasure.position, rows: (await place()).rows };
      return 1;
    }
    if (rows.length === 0) return 0;
    const following = beginBlock({ feed, lines, tenant, after: rows.at(-1)!.position });
    next = following;
    await meanwhile(following, writer.write(current.block, {
      tokenOf: (index) => `${tenant}:${index === 0 ? before : rows[index - 1]!.position}`,
      statementOf: async (index) => {
        const [entry] = await feed.read(tenant, rows[index]!.position - 1, 1);
        return entry?.kind === 'statement' && entry.position === rows[index]!.position ? entry : undefined;
      },
      landed: (end, count) => {
        at = { position: rows[end - 1]!.position, rows: at!.rows + count };
      },
    }, fence));
    return rows.length;
  }

  /** Gathers the block that comes next while work is under way. */
  async function meanwhile(following: NextBlock, work: Promise<void>): Promise<void> {
    let over = false;
    const ended = work.finally(() => { over = true; });
    const gathered = (async () => {
      while (!over) if (!await following.grow()) await Promise.race([new Promise((resolve) => setTimeout(resolve, GATHER_EVERY)), ended.catch(() => undefined)]);
    })();
    await Promise.all([ended, gathered]);
  }

  async function erase({ position, erased, redacted }: Extract<FeedEntry, { kind: 'erasure' }>, fence: Fence): Promise<void> {
    const ids = [...erased, ...redacted];
    for (let start = 0; start < ids.length; start += slice) {
      await fence.confirm();
      await client.command({
        query: `DELETE FROM ${table} WHERE tenant = {tenant:String} AND erasure < {position:UInt64} AND id IN {ids:Array(UUID)}`,
        query_params: { tenant, position, ids: ids.slice(start, start + slice) }, clickhouse_settings: { lightweight_deletes_sync: '2', mutations_sync: '2', max_execution_time: 0 },
      });
    }
    for (let start = 0; start < redacted.length; start += slice) {
      const present = await rewritten(position, redacted.slice(start, start + slice));
      const kept = await Promise.all(redacted.slice(start, start + slice).filter((id) => !present.has(id)).map((id) => statements.get(tenant, id)));
      const found = kept.filter((one): one is StoredStatement => one !== undefined);
      if (found.length === 0) continue;
      const place = { tenant, erasure: position };
      await writer.write({ place, rows: found, lines: [await lines.make(found, place)] }, {
        tokenOf: (index) => `${tenant}:erasure:${position}:${found[index]!.id}`, statementOf: async (index) => found[index], landed: () => undefined,
      }, fence);
    }
    // Takes the removed rows from the disk as well, in the engine's own time.
    await client.command({ query: `ALTER TABLE ${table} APPLY DELETED MASK`, clickhouse_settings: { mutations_sync: '0', alter_sync: '0' } });
  }

  /** Which of these the erasure has rewritten already. */
  async function rewritten(position: number, ids: string[]): Promise<Set<string>> {
    const found = await client.query({
      query: `SELECT id FROM ${table} WHERE tenant = {tenant:String} AND erasure = {position:UInt64} AND id IN {ids:Array(UUID)}`, query_params: { tenant, position, ids }, format: 'JSONEachRow',
    });
    return new Set((await found.json<{ id: string }>()).map(({ id }) => id));
  }

  return {
    get at() { return at; },
    pending: async () => (await feed.read(tenant, (await settle()).position, 1)).length > 0,
    step,
    forget: () => {
      sure = false;
      next = undefined;
    },
  };
}
