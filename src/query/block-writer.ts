import { Readable } from 'node:stream';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { rowLine, type StatementRow } from './rows.js';

/** A row that went in with its text alone. */
export interface RefusedRow {
  tenant: string;
  id: string;
  /** The engine's words, without the statement. */
  reason: string;
}

/** Keeps whoever has lost the right to fill the table from sending more. */
export interface Fence {
  /** Makes sure, by asking the store. @throws anything when the right is another's, or can't be made sure of */
  confirm(): Promise<void>;
  /** Whether the right is certain at this moment, as far as that can be known without asking. */
  held(): boolean;
}

/** Writes rows of `quipu.statement_log`. */
export interface BlockWriter {
  /**
   * Inserts rows as one block, whole or not at all; with the same token a second time nothing happens. A row that the
   * engine refuses goes in with its text alone, and the rest as they are, in blocks of their own.
   * @param tokenOf names the block that begins with a row
   * @param landed called after each block
   * @param fence asked before each block, and once more when its bytes go out
   * @throws anything when the engine does not take rows now; what `landed` has not told may be there or come later
   */
  write(rows: StatementRow[], tokenOf: (index: number) => string, landed: (rows: number) => void, fence: Fence): Promise<void>;
}

/** Codes that say something of the engine's condition and nothing of the rows. */
const transient = new Set([
  '3', '60', '74', '75', '76', '81', '159', '160', '164', '173', '198', '202', '203', '209', '210', '216', '225', '236', '241', '242', '243', '252', '279', '319', '341', '394', '425', '439', '473', '497', '516', '999', '1000', '1002',
]);

/** Errors of a connection that did not come about. */
const neverSent = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EHOSTUNREACH']);

/** One INSERT becomes one block and one part; the JSON type keeps keys with dots apart. */
const settings = {
  async_insert: 0, input_format_parallel_parsing: 0, max_insert_block_size: '1000000', min_insert_block_size_rows: '1000000', min_insert_block_size_bytes: '0', max_insert_threads: '1',
  json_type_escape_dots_in_keys: 1, type_json_skip_duplicated_paths: 1, max_execution_time: 50, max_memory_usage: '0', insert_deduplicate: 1,
} as const;

/** Longest time in milliseconds that an INSERT may go on in the engine after its sender gave up. */
export const LONGEST_INSERT = 60_000;

/**
 * @param table such as `quipu.statement_log`
 * @param onRefused called for a row that went in with its text alone
 * @param onUncertain called when an INSERT was sent and not answered: it may still be at work
 */
export function createBlockWriter({ client, table, onRefused, onUncertain }: { client: ClickHouseClient; table: string; onRefused: (row: RefusedRow) => void; onUncertain: () => void }): BlockWriter {
  async function insert(lines: string[], token: string, fence: Fence): Promise<void> {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} FORMAT JSONEachRow`, values: Readable.from(guarded(Buffer.from(lines.join('')), fence), { objectMode: false }),
      clickhouse_settings: { ...settings, insert_deduplication_token: token },
    });
    stream.resume();
    await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  }

  async function write(rows: StatementRow[], tokenOf: (index: number) => string, landed: (rows: number) => void, fence: Fence, start = 0): Promise<void> {
    await fence.confirm();
    try {
      await insert(rows.map((row) => rowLine(row, true)), tokenOf(start), fence);
      return landed(rows.length);
    } catch (error) {
      if (!(error instanceof ClickHouseError) && !neverSent.has((error as NodeJS.ErrnoException).code ?? '')) onUncertain();
      if (!(error instanceof ClickHouseError) || transient.has(error.code)) throw error;
      if (rows.length === 1) {
        await fence.confirm();
        await insert([rowLine(rows[0]!, false)], tokenOf(start), fence);
        onRefused({ tenant: rows[0]!.tenant, id: rows[0]!.id, reason: `${error.type ?? 'error'} (${error.code})` });
        return landed(1);
      }
    }
    const half = rows.length >> 1;
    await write(rows.slice(0, half), tokenOf, landed, fence, start);
    await write(rows.slice(half), tokenOf, landed, fence, start + half);
  }

  return { write: (rows, tokenOf, landed, fence) => write(rows, tokenOf, landed, fence) };
}

/** The bytes of a request, unless the process stood still between the decision to send them and now. */
function* guarded(bytes: Buffer, fence: Fence): Generator<Buffer> {
  if (!fence.held()) throw new Error('Another process may be filling the analytics table by now');
  yield bytes;
}
