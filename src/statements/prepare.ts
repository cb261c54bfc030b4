import { QuipuError } from '../xapi/errors.js';
import type { KeyHash } from '../xapi/key-hash.js';
import { parseStatements, type StatementText } from '../xapi/json-text.js';
import type { Actor, Statement, XapiVersion } from '../xapi/types.js';
import { validateStatement } from '../xapi/validation.js';
import { isSigned, matchAttachments } from './attachments.js';
import { normalise } from './normalise.js';
import { createBatchWriter, type PreparedBytes } from './prepared-batch.js';

/** What has to be known of a request to judge its statements and to make of them what is stored. */
export interface PrepareOrder {
  version: XapiVersion;
  /** The authority that the statements are given, as JSON. */
  authority: string;
  /** The credential has the scope `define`. */
  defines: boolean;
  /** The statementId of a PUT. */
  id?: string;
  /** SHA-2 of the parts that came along, in lower case. */
  parts: readonly string[];
}

/** Bounds of a request. */
export interface PrepareLimits {
  maxDepth: number;
  /** Most statements of one request. */
  maxBatch: number;
}

/** A batch that is refused, and how many statements it has. */
export interface Refusal {
  refused: QuipuError;
  count: number;
}

/** Turns the body of a request into what the store takes, or says what is wrong with it. */
export type Prepare = (body: Buffer, order: PrepareOrder) => (PreparedBytes & { values: readonly Statement[] }) | Refusal;

/** Bytes that a statement takes beyond those of the body, roughly. */
const ADDED_BYTES = 400;

/**
 * The part of the way of a statement that needs neither the store nor the disk: parse, validate, normalise. It works on a whole batch, in
 * whichever thread it is called (see preparation.ts).
 */
export function createPrepare(hash: KeyHash, { maxDepth, maxBatch }: PrepareLimits): Prepare {
  let lastAuthority: { text: string; actor: Actor } | undefined;

  function authorityOf(text: string): Actor {
    if (lastAuthority?.text !== text) lastAuthority = { text, actor: JSON.parse(text) as Actor };
    return lastAuthority.actor;
  }

  return (body, { version, authority: authorityText, defines, id, parts }) => {
    let count = 0;
    try {
      const { single, items } = parseStatements(body, { maxDepth, maxStatements: maxBatch });
      count = items.length;
      judge(items, single, version, id);
      const values = items.map(({ value }) => value as unknown as Statement);
      matchAttachments(values, parts);
      const writer = createBatchWriter(hash, body.length + items.length * ADDED_BYTES);
      const assignment = { version, authority: authorityOf(authorityText), authorityText, defines, ...(id === undefined ? {} : { id }) };
      for (const [index, item] of items.entries()) {
        const parts = normalise(item, assignment, hash);
        writer.add(parts);
        values[index]!.id = parts.id;
      }
      return { ...writer.finish(), signed: values.some(isSigned), values };
    } catch (error) {
      if (error instanceof QuipuError) return { refused: error, count };
      throw error;
    }
  };
}

/** Every rule of the standard, for the whole batch. @throws QuipuError that names the first statement at fault */
function judge(statements: readonly StatementText[], single: boolean, version: XapiVersion, id: string | undefined): void {
  if (id !== undefined && !single) {
    throw new QuipuError('invalid-statement', 'A PUT stores one statement, not an array.', { pointer: '', rule: 'put-single', section: 'xAPI 1.0.3 Part Three 2.1.1; IEEE 9274.1.1 4.1.6.1', expected: 'a JSON object' });
  }
  for (const [index, { value }] of statements.entries()) {
    const fault = validateStatement(value, version, index);
    if (fault) throw fault;
  }
  refuseRepeatedIds(statements);
  const own = (statements[0]?.value as { id?: string } | undefined)?.id;
  if (id !== undefined && own !== undefined && own.toLowerCase() !== id.toLowerCase()) {
    throw new QuipuError('invalid-statement', `The statement's id ${own} is not the statementId ${id} of the request.`,
      { statement: 0, pointer: '/id', rule: 'put-id', section: 'xAPI 1.0.3 Part Three 2.1.1; IEEE 9274.1.1 4.1.6.1', expected: id });
  }
}

/** 1.0.3 Part Three 2.1.2: a batch with the same id twice is refused. */
function refuseRepeatedIds(statements: readonly StatementText[]): void {
  if (statements.length < 2) return;
  const seen = new Map<string, number>();
  for (const [index, { value }] of statements.entries()) {
    const id = (value as { id?: string }).id?.toLowerCase();
    if (id === undefined) continue;
    const before = seen.get(id);
    if (before !== undefined) {
      throw new QuipuError('invalid-statement', `Statement ${index}: the id ${id} is that of statement ${before} of the same batch.`,
        { statement: index, pointer: '/id', rule: 'batch-unique-ids', section: 'xAPI 1.0.3 Part Three 2.1.2; IEEE 9274.1.1 4.1.6.1', expected: 'another UUID for each statement' });
    }
    seen.set(id, index);
  }
}
