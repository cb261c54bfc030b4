import { parseStatements } from '../xapi/json-text.js';
import type { KeyHash } from '../xapi/key-hash.js';
import type { Actor } from '../xapi/types.js';
import { normalise, type Assignment } from './normalise.js';
import { createBatchWriter, readBatch } from './prepared-batch.js';
import type { NewStatement } from './store.js';

/** Deeper than any statement that was taken in. */
const MOST_DEPTH = 200;
/** Bytes that a statement takes beyond those of its text, roughly. */
const ADDED_BYTES = 400;

/** Makes statements of the program's own, or such as were prepared once, ready for the store. */
export type PrepareOwn = (texts: readonly string[]) => NewStatement[];

/**
 * Statements that Quipu makes itself are valid by construction, and are given what any other is given: version, authority, keys, and what
 * they tell of activities, verbs and agents.
 * @param authority that of all of them
 */
export function createOwnStatements(hash: KeyHash, authority: Actor): PrepareOwn {
  const assignment: Assignment = { version: '1.0.3', authority, authorityText: JSON.stringify(authority), defines: true };
  return (texts) => {
    if (texts.length === 0) return [];
    const body = Buffer.from(`[${texts.join(',')}]`, 'utf8');
    const writer = createBatchWriter(hash, body.length + texts.length * ADDED_BYTES);
    for (const item of parseStatements(body, { maxDepth: MOST_DEPTH, maxStatements: texts.length }).items) writer.add(normalise(item, assignment, hash));
    return readBatch(writer.finish());
  };
}
