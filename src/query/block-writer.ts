import { Readable } from 'node:stream';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import type { RowLines, ShippedStatement } from './row-lines.js';
import { rowLine, rowOf, type RowPlace } from './rows.js';

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

/** Rows on their way into the table: lines of an INSERT, and which statements they are of. */
export interface Block {
  place: RowPlace;
  rows: Pick<ShippedStatement, 'position' | 'id'>[];
  /** Lines of the rows, in order, in as many pieces as they were made in. */
  lines: RowLines[];
}

/** Writes rows of `quipu.statement_log`. */
export interface BlockWriter {
  /**
   * Inserts rows as one block, whole or not at all; with the same token a second time nothing happens. A row that the
   * engine refuses goes in with its text alone, and the rest as they are, in blocks of their own.
   * @param fence asked before each block, and once more when its bytes go out
   * @throws anything when the engine does not take rows now; what `landed` was not told of may be there or come later
   */
  write(block: Block, steps: BlockSteps, fence: Fence): Promise<void>;
}

/** What a block writer asks and tells of the rows it writes, by their index in the block. */
export interface BlockSteps {
  /** Names the block that begins with a row. */
  tokenOf(index: number): string;
  /** The statement of a row, read again; undefined when it was erased meanwhile. */
  statementOf(index: number): Promise<ShippedStatement | undefined>;
  /** Called when all rows before `end` are dealt with, `rows` of them since the last call. */
  landed(end: number, rows: number): void;
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

export interface BlockWriterDeps {
  client: ClickHouseClient;
  /** Such as `quipu.statement_log`. */
  table: string;
  /** Called for a row that went in with its text alone. */
  onRefused(row: RefusedRow): void;
  /** Called when an INSERT was sent and not answered: it may still be at work. */
  onUncertain(): void;
}

export function createBlockWriter({ client, table, onRefused, onUncertain }: BlockWriterDeps): BlockWriter {
  async function insert(pieces: Buffer[], token: string, fence: Fence): Promise<void> {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} FORMAT JSONEachRow`, values: Readable.from(guarded(pieces, fence), { objectMode: false }),
      clickhouse_settings: { ...settings, insert_deduplication_token: token },
    });
    stream.resume();
    await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  }

  async function write(block: Block, { tokenOf, statementOf, landed }: BlockSteps, fence: Fence): Promise<void> {
    /** The rows from `start` up to and not including `end`. */
    async function writePart(start: number, end: number): Promise<void> {
      await fence.confirm();
      try {
        await insert(piecesOf(block, start, end), tokenOf(start), fence);
        return landed(end, end - start);
      } catch (error) {
        if (!(error instanceof ClickHouseError) && !neverSent.has((error as NodeJS.ErrnoException).code ?? '')) onUncertain();
        if (!(error instanceof ClickHouseError) || transient.has(error.code)) throw error;
        if (end - start === 1) {
          const statement = await statementOf(start);
          if (!statement) return landed(end, 0);
          await fence.confirm();
          await insert([Buffer.from(rowLine(rowOf(statement, block.place), false))], tokenOf(start), fence);
          onRefused({ tenant: block.place.tenant, id: statement.id, reason: `${error.type ?? 'error'} (${error.code})` });
          return landed(end, 1);
        }
      }
      const middle = (start + end) >> 1;
      await writePart(start, middle);
      await writePart(middle, end);
    }

    await writePart(0, block.rows.length);
  }

  return { write };
}

/** The lines of the rows from `start` up to and not including `end`. */
function piecesOf({ lines }: Block, start: number, end: number): Buffer[] {
  const pieces: Buffer[] = [];
  let before = 0;
  for (const { bytes, ends } of lines) {
    const [first, last] = [Math.max(0, start - before), Math.min(ends.length, end - before)];
    if (first < last) pieces.push(bytes.subarray(first === 0 ? 0 : ends[first - 1]!, ends[last - 1]!));
    before += ends.length;
  }
  return pieces;
}

/** The bytes of a request, unless the process stood still between the decision to send them and now. */
function* guarded(pieces: Buffer[], fence: Fence): Generator<Buffer> {
  if (!fence.held()) throw new Error('Another process may be filling the analytics table by now');
  yield* pieces;
}
