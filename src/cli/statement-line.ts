import { createHash } from 'node:crypto';
import type { Place, SourceItem } from './source-item.js';

/** Namespace of the ids that are made for statements without one (RFC 4122, version 5). */
const namespace = Buffer.from('6f0f6e7f1c7b4a5ea3c8d9d2b7a41e05', 'hex');

/**
 * Makes a statement of a source ready to be sent: on one line, and with an id. An id that is made depends on the source, the
 * place in it and the text alone, so that sending the statement again doubles nothing.
 * @param bytes the statement's text as it stands in the source
 * @param source name of the source
 */
export function prepareStatement(bytes: Buffer, source: string, place: Place): SourceItem {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return { kind: 'refused', place, error: 'malformed-json', message: `The statement is not JSON: ${(error as Error).message}.` };
  }
  const line = onOneLine(bytes);
  const needsId = typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, 'id');
  return { kind: 'statement', place, line: needsId ? withId(line, madeId(`${source}\n${place.line ?? place.index}\n`, line), Object.keys(value as object).length > 0) : line };
}

/** Says that a statement is too long to be sent. */
export function tooLong(place: Place, maxBytes: number): SourceItem {
  return { kind: 'refused', place, error: 'too-large', message: `The statement is longer than ${maxBytes} bytes.` };
}

/** In JSON a line's end is white space between tokens, never part of a string. */
function onOneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(0x0a) && !bytes.includes(0x0d)) return bytes;
  const line = Buffer.from(bytes);
  for (let at = 0; at < line.length; at++) if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}

function withId(line: Buffer, id: string, hasMembers: boolean): Buffer {
  const open = line.indexOf('{') + 1;
  return Buffer.concat([line.subarray(0, open), Buffer.from(`"id":"${id}"${hasMembers ? ',' : ''}`), line.subarray(open)]);
}

function madeId(place: string, line: Buffer): string {
  const hash = createHash('sha1').update(namespace).update(place).update(line).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
