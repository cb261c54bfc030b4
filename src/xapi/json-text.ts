import { isUtf8 } from 'node:buffer';
import { QuipuError, type ErrorDetails } from './errors.js';
import { findJsonFault } from './json-fault.js';
import { toPointer } from './json-pointer.js';
import { scanJson, type ScannedItem } from './json-scan.js';
import type { Json } from './types.js';

const theBody = 'The body';
const formatting = 'xAPI 1.0.3 Part Two 2.2; IEEE 9274.1.1 4.2.1';

/** One statement as it was sent: the value, and the text it was read from, UTF-8 and part of the body. */
export interface StatementText extends ScannedItem {
  value: Json;
}

/**
 * Reads the body of a request that stores statements: one object, or an array of them.
 * The text of each statement is kept as sent, so that nothing is lost by writing it again; `members` are the spans of its
 * top-level members. Duplicate keys, which leave the standard undefined (xAPI 1.0.3 Part Two 2.2; IEEE 9274.1.1 4.2.1 refuses them),
 * and numbers beyond a double are refused. A byte order mark is dropped. An empty array gives no items.
 * @throws QuipuError `malformed-encoding`, `malformed-json`, `duplicate-key`, `number-out-of-range`, `nesting-too-deep`,
 *   `too-large` (more than `maxStatements`), `invalid-statement` (an item that is no object)
 */
export function parseStatements(
  body: Buffer,
  limits: { maxDepth: number; maxStatements: number },
): { single: boolean; items: StatementText[] } {
  const text = checked(body);
  const scan = scanJson(text, limits);
  const value = parse(text, scan.members, scan.batch);
  const values = scan.batch ? (value as Json[]) : [value];
  if (scan.items.length !== values.length) refuseNonObject(values, scan.batch);
  const items = scan.items.map(({ text: source, members }, index): StatementText => ({ value: values[index] as Json, text: source, members }));
  return { single: !scan.batch, items };
}

/**
 * Reads any other JSON body or parameter as strictly as `parseStatements` reads statements.
 * @param subject how errors call the text; the start of a sentence
 * @throws QuipuError `malformed-encoding`, `malformed-json`, `duplicate-key`, `number-out-of-range`, `nesting-too-deep`
 */
export function parseJsonStrict(body: Buffer, limits: { maxDepth: number }, subject = theBody): Json {
  const text = checked(body, subject);
  const scan = scanJson(text, { maxDepth: limits.maxDepth });
  return parse(text, scan.members, false, subject);
}

/** The body without a byte order mark. @throws QuipuError `malformed-encoding` */
function checked(body: Buffer, subject = theBody): Buffer {
  if (!isUtf8(body)) {
    throw new QuipuError('malformed-encoding', `${subject} is not valid UTF-8.`, { rule: 'utf-8', section: 'xAPI 1.0.3 Part Three 1.4; RFC 8259 8.1', expected: 'JSON encoded as UTF-8' });
  }
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

function parse(bytes: Buffer, members: number, batch: boolean, subject = theBody): Json {
  const text = bytes.toString('utf8');
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw faultOf(text, batch, subject);
  }
  if (countMembers(value) !== members) throw faultOf(text, batch, subject);
  return value;
}

/**
 * Counts the members of all objects in a value, which is less than the text had when a key came twice.
 * @returns -1 or less, which no text has, when a number did not fit into a double
 */
function countMembers(value: Json): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : -Infinity;
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' || typeof item === 'number') count += countMembers(item);
    return count;
  }
  for (const key in value) {
    count++;
    const member = value[key] as Json;
    if (typeof member === 'object' || typeof member === 'number') count += countMembers(member);
  }
  return count;
}

function faultOf(text: string, batch: boolean, subject: string): QuipuError {
  const fault = findJsonFault(text) ?? { kind: 'syntax' as const, at: 0, path: [], found: 'something' };
  const [first, ...rest] = fault.path;
  const inStatement = batch && typeof first === 'number';
  const pointer = toPointer(inStatement ? rest : fault.path);
  const details: ErrorDetails = inStatement ? { statement: first, pointer } : { pointer };
  const place = `${inStatement ? `statement ${first}, ` : ''}${pointer === '' ? '' : `${pointer}, `}${linePosition(text, fault.at)}`;
  if (fault.kind === 'duplicate') {
    return new QuipuError('duplicate-key', `An object names the key ${excerpt(fault.found)} twice (${place}).`, {
      ...details, rule: 'unique-keys', section: formatting, expected: 'every key once in its object',
    });
  }
  if (fault.kind === 'range') {
    return new QuipuError('number-out-of-range', `The number ${excerpt(fault.found)} does not fit into a double (${place}).`, {
      ...details, rule: 'number-range', section: formatting, expected: 'a number within ±1.7976931348623157e308, or a string',
    });
  }
  const found = text.trim() === '' ? `${subject} is empty` : `${subject} is not JSON: ${fault.found} was not expected`;
  return new QuipuError('malformed-json', `${found} (${place}).`, { ...details, rule: 'json', section: `${formatting}; RFC 8259`, expected: 'JSON as RFC 8259 defines it' });
}

function linePosition(text: string, at: number): string {
  let line = 1;
  let lineStart = 0;
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', next + 1)) {
    line++;
    lineStart = next + 1;
  }
  return `line ${line}, column ${at - lineStart + 1}`;
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function refuseNonObject(values: Json[], batch: boolean): never {
  const index = values.findIndex((value) => typeof value !== 'object' || value === null || Array.isArray(value));
  const subject = batch ? `Item ${index} of the batch` : 'The body';
  throw new QuipuError('invalid-statement', `${subject} is not a statement: a statement is a JSON object.`, {
    ...(batch ? { statement: index } : {}),
    pointer: '',
    rule: 'statement-object',
    section: 'xAPI 1.0.3 Part Two 2.4; IEEE 9274.1.1 4.2.2',
    expected: batch ? 'an array of statement objects' : 'a statement object or an array of them',
  });
}
