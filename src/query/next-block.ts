import type { Feed } from '../feed/service.js';
import type { FeedEntry, Position } from '../statements/store.js';
import type { Block } from './block-writer.js';
import type { LineMaker } from './row-lines.js';

/** The entries of a tenant's log that go into the table next: statements, made into lines as they are read, or one erasure. */
export interface NextBlock {
  /** It holds what comes behind this position. */
  readonly after: Position;
  readonly block: Block;
  /** Set when an erasure comes next; then there are no rows. */
  readonly erasure: Extract<FeedEntry, { kind: 'erasure' }> | undefined;
  /** Reads a slice of what is there. @returns whether there may be more for this block */
  grow(): Promise<boolean>;
}

/** Most rows, and bytes of lines, that go in one block. */
const MOST_ROWS = 10_000;
const MOST_BYTES = 48 << 20;
/** Entries read at a time: few, since they are garbage as soon as their lines are made. */
const SLICE = 250;

/** Begins the block that comes behind a position. */
export function beginBlock({ feed, lines, tenant, after }: { feed: Feed; lines: LineMaker; tenant: string; after: Position }): NextBlock {
  const block: Block = { place: { tenant, erasure: 0 }, rows: [], lines: [] };
  let erasure: NextBlock['erasure'];
  let bytes = 0;
  let complete = false;
  return {
    after, block,
    get erasure() { return erasure; },
    grow: async () => {
      if (complete) return false;
      const entries = await feed.read(tenant, block.rows.at(-1)?.position ?? after, Math.min(SLICE, MOST_ROWS - block.rows.length));
      const end = entries.findIndex(({ kind }) => kind === 'erasure');
      const statements = (end === -1 ? entries : entries.slice(0, end)).filter((entry) => entry.kind === 'statement');
      if (end === 0 && block.rows.length === 0) erasure = entries[0] as typeof erasure;
      if (statements.length > 0) {
        const made = await lines.make(statements, block.place);
        block.lines.push(made);
        for (const { position, id } of statements) block.rows.push({ position, id });
        bytes += made.bytes.length;
      }
      complete = end !== -1 || block.rows.length >= MOST_ROWS || bytes >= MOST_BYTES;
      return !complete && entries.length > 0;
    },
  };
}
