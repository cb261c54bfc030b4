import { Readable } from 'node:stream';
import { startEngine, tenant, type Engine } from '../analytics/engine.js';
import { insertOf, rowLine, rowOf } from '../../src/query/rows.js';

/** A row of the log with what it was made of. */
export interface LoggedStatement {
  position: number;
  id: string;
  /** Milliseconds since the epoch. */
  stored: number;
  text: string;
}

/** The floor of shipping: ClickHouse itself, that takes the rows that Quipu's shipper has made and does nothing else. */
export interface ClickHouseFloor {
  /** Makes the lines of an INSERT of these rows; not part of what is measured. */
  prepare(rows: readonly LoggedStatement[]): void;
  /** Empties the table and inserts the prepared lines, one block after another. @returns seconds that the inserts took, and rows that the table has then */
  insert(): Promise<{ seconds: number; rows: number }>;
  close(): Promise<void>;
}

/** Rows of a block, as the shipper's. */
const blockRows = 10_000;

/** Starts a second engine with the program's own table. @param folder its data, which is emptied */
export async function startClickHouseFloor(folder: string, memoryBytes: number): Promise<ClickHouseFloor> {
  const engine = await startEngine(folder, memoryBytes);
  let blocks: Buffer[] = [];
  return {
    prepare: (rows) => {
      blocks = [];
      for (let start = 0; start < rows.length; start += blockRows) {
        const lines = rows.slice(start, start + blockRows).map(({ position, id, stored, text }) => rowLine(rowOf({ position, id, stored, text: Buffer.from(text) }, { tenant, erasure: 0 })));
        blocks.push(Buffer.from(lines.join('')));
      }
    },
    insert: async () => {
      await engine.client.command({ query: 'TRUNCATE TABLE quipu.statement_log SYNC' });
      const begun = performance.now();
      for (const block of blocks) await insertBlock(engine, block);
      const seconds = (performance.now() - begun) / 1000;
      const found = await engine.client.query({ query: 'SELECT count() AS rows FROM quipu.statement_log', format: 'JSONEachRow' });
      return { seconds, rows: Number((await found.json<{ rows: string }>())[0]!.rows) };
    },
    close: () => engine.close(),
  };
}

async function insertBlock({ client }: Engine, block: Buffer): Promise<void> {
  const { stream } = await client.exec({
    query: insertOf('quipu.statement_log'), values: Readable.from([block], { objectMode: false }),
    // Without deduplication, since the same rows come in every round; the rest is what the statements' JSON needs.
    clickhouse_settings: { insert_deduplicate: 0, json_type_escape_dots_in_keys: 1, type_json_skip_duplicated_paths: 1 },
  });
  stream.resume();
  await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
}
