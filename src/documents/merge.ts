import { QuipuError } from '../xapi/errors.js';
import { parseJsonStrict } from '../xapi/json-text.js';

const section = 'xAPI 1.0.3 Part Three 2.2; IEEE 9274.1.1 4.1.6.2';

/**
 * Whether a Content-Type names `application/json`: in any case, with or without parameters.
 * @param contentType value of the header
 */
export function isJsonType(contentType: string): boolean {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
}

/**
 * Checks that content is a JSON object, as a merge asks of both documents.
 * @param which how the error calls it, such as `The posted document`
 * @throws QuipuError `invalid-document`
 */
export function assertJsonObject(content: Buffer, which: string, maxDepth: number): void {
  const expected = 'a JSON object, such as {"x":"foo"}';
  let value: unknown;
  try {
    value = parseJsonStrict(content, { maxDepth });
  } catch (error) {
    if (!(error instanceof QuipuError)) throw error;
    throw new QuipuError('invalid-document', `${which} can not be parsed as a JSON object: ${error.message}`,
      { rule: 'json-object', section, expected, ...(error.details.pointer === undefined ? {} : { pointer: error.details.pointer }) });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new QuipuError('invalid-document', `${which} is JSON, but not an object.`, { rule: 'json-object', section, expected });
  }
}

/**
 * Merges one JSON object into another by its top-level properties (xAPI 1.0.3 Part Three 2.2). The text of every value stays
 * as it was sent, so numbers of any precision, and keys such as `__proto__`, come through.
 * @param existing a JSON object in UTF-8, checked by `assertJsonObject`
 * @param posted the same; its properties win
 */
export function mergeObjects(existing: Buffer, posted: Buffer): Buffer {
  const properties = new Map<string, string>();
  for (const text of [existing.toString('utf8'), posted.toString('utf8')]) {
    for (const [key, member] of members(text)) properties.set(key, member);
  }
  return Buffer.from(`{${[...properties.values()].join(',')}}`);
}

/** The top-level members of a valid JSON object: each key, decoded, with the text of the whole member. */
function* members(text: string): Generator<[key: string, member: string]> {
  let at = text.indexOf('{') + 1;
  for (;;) {
    const start = text.indexOf('"', at);
    if (start === -1) return;
    const keyEnd = stringEnd(text, start);
    const end = valueEnd(text, keyEnd);
    yield [JSON.parse(text.slice(start, keyEnd)) as string, text.slice(start, end).trimEnd()];
    if (text[end] === '}') return;
    at = end + 1;
  }
}

/** Index after the string literal that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Index of the `,` or `}` that ends the member whose value begins after `start`. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  for (;;) {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (depth === 0 && (character === ',' || character === '}')) return at;
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    at += 1;
  }
}
