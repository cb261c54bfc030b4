import { equivalentStatements } from '../../xapi/comparison.js';
import type { Statement } from '../../xapi/types.js';
import type { AppendResult, NewStatement } from '../../statements/store.js';

/** What is stored under the ids of a group of batches. */
export interface StoredIds {
  /** Statements that exist. */
  texts: ReadonlyMap<string, Buffer>;
  /** Ids in appends of others that may yet be committed. */
  pending: ReadonlySet<string>;
}

/** What becomes of a batch once the statements that are new in its group are stored; `wait` when that can't be told yet. */
export type Judgement = AppendResult | { status: 'wait' };

/**
 * Judges the batches of a group in order, each after those before it: an id is new, or that of an equivalent statement, or of another.
 * @param fresh gets the statements to store, by id
 */
export function judge(batches: readonly (readonly NewStatement[])[], stored: StoredIds, fresh: Map<string, NewStatement>): Judgement[] {
  return batches.map((batch) => {
    if (batch.some(({ id }) => stored.pending.has(id))) return { status: 'wait' };
    const own = new Map<string, NewStatement>();
    const outcomes: ('stored' | 'duplicate')[] = [];
    for (const [index, statement] of batch.entries()) {
      const known = (own.get(statement.id) ?? fresh.get(statement.id))?.value ?? parse(stored.texts.get(statement.id));
      if (known && !equivalentStatements(known, statement.value)) return { status: 'conflict', index };
      if (!known) own.set(statement.id, statement);
      outcomes.push(known ? 'duplicate' : 'stored');
    }
    for (const [id, statement] of own) fresh.set(id, statement);
    return { status: 'stored', outcomes };
  });
}

function parse(text: Buffer | undefined): Statement | undefined {
  return text && (JSON.parse(text.toString('utf8')) as Statement);
}
