import type { NewStatement } from '../statements/store.js';
import { QuipuError } from '../xapi/errors.js';
import type { KeyHash } from '../xapi/key-hash.js';
import { inheritedKey } from '../xapi/statement-keys.js';
import { eachKey, KEY_BYTES, type KeyRun } from '../xapi/key-run.js';

/**
 * Most keys that a statement inherits. Real chains have a handful of links; the bound keeps a hostile one from growing the
 * index with the square of its length (ADR 0006).
 */
export const MOST_INHERITED = 4096;

/** Most keys that the statements of one batch inherit together: what is written in one commit holds up all others. */
export const MOST_INHERITED_BY_BATCH = 200_000;

/** The inheritable keys of `source` that `own` lacks. */
export function missingKeys(own: KeyRun, source: KeyRun): Buffer[] {
  const missing: Buffer[] = [];
  const held = new Set<string>();
  for (const key of eachKey(own)) held.add(key.toString('latin1'));
  for (const key of eachKey(source)) {
    if (own.length / KEY_BYTES + missing.length >= MOST_INHERITED) break;
    const kind = inheritedKinds[key[0]!];
    if (kind === undefined) continue;
    const inherited = kind === key[0] ? key : Buffer.concat([Buffer.from([kind]), key.subarray(1)]);
    const name = inherited.toString('latin1');
    if (held.has(name)) continue;
    held.add(name);
    missing.push(inherited);
  }
  return missing;
}

const inheritedKinds: (number | undefined)[] = Array.from({ length: 128 }, (_, code) => inheritedKey(String.fromCharCode(code))?.charCodeAt(0));

/**
 * Bounds what the references of a batch inherit together, before anything is written.
 * @param storedKeys number of keys of a stored statement
 */
export function createInheritanceBound(hash: KeyHash, storedKeys: (id: string) => number): { add(statement: NewStatement, index: number): void } {
  const ofBatch = new Map<string, number>();
  let total = 0;
  return {
    /** @throws QuipuError `too-large` */
    add: (statement, index) => {
      const { id, target } = statement;
      const inherited = target === undefined ? 0 : Math.min(MOST_INHERITED, ofBatch.get(target) ?? storedKeys(target));
      ofBatch.set(id, statement.keys(hash).length / KEY_BYTES + inherited);
      total += inherited;
      if (total <= MOST_INHERITED_BY_BATCH) return;
      throw new QuipuError('too-large', `Up to statement ${index} the batch refers to statements by which its own are found in more than ${MOST_INHERITED_BY_BATCH} ways; nothing of it was stored.`,
        { statement: index, pointer: '/object', rule: 'batch-references', section: 'xAPI 1.0.3 Part Three 2.1.3, Filter Conditions for StatementRefs', expected: 'smaller batches' });
    },
  };
}
