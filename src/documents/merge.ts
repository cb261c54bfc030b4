import { QuipuError } from '../xapi/errors.js';
import { scanJson } from '../xapi/json-scan.js';
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
    value = parseJsonStrict(content, { maxDepth }, 'It');
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
 * @param maxDepth the depth both were checked for
 */
export function mergeObjects(existing: Buffer, posted: Buffer, maxDepth: number): Buffer {
  const properties = new Map<string, Buffer>();
  for (const content of [existing, posted]) {
    const { items } = scanJson(content, { maxDepth, maxStatements: 1 });
    for (const { text, members } of items) {
      for (const { key, start, end } of members) properties.set(key, text.subarray(start, end));
    }
  }
  const pieces = [...properties.values()].flatMap((member) => [comma, member]).slice(1);
  return Buffer.concat([open, ...pieces, close]);
}

const [open, comma, close] = ['{', ',', '}'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
