import { QuipuError } from './errors.js';

/** Where a top-level member of an object stands in the object's text, in bytes. */
export interface MemberSpan {
  key: string;
  /** Offset of the quote that opens the key. */
  start: number;
  /** Offset after the last byte of the value. */
  end: number;
  /** Offset of the first byte of the value. */
  valueStart: number;
}

/** The source text of one object, UTF-8 and not copied, and its top-level members. */
export interface ScannedItem {
  text: Buffer;
  members: MemberSpan[];
}

/** What one pass over a JSON text tells. Meaningless, but harmless, when the text turns out not to be JSON. */
export interface JsonScan {
  /** The text is an array. */
  batch: boolean;
  /** Members of all objects, duplicate keys counted each time. */
  members: number;
  /** The object that the text is, or the objects directly in its array, in order. */
  items: ScannedItem[];
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Looks through a JSON text once, without building values: limits, number of members, bounds of statements and members.
 * @param text valid UTF-8, in which no byte of JSON's punctuation is part of another character
 * @param limits `maxStatements` is left out for texts that are no statements; their members' bounds are not looked for
 * @throws QuipuError `nesting-too-deep`, `too-large`
 */
export function scanJson(text: Buffer, limits: { maxDepth: number; maxStatements?: number }): JsonScan {
  const { maxDepth, maxStatements } = limits;
  const length = text.length;
  const first = skipSpace(text, 0);
  const batch = text[first] === 0x5b;
  const itemDepth = maxStatements === undefined ? -1 : batch ? 2 : 1;
  const items: ScannedItem[] = [];
  let members = 0;
  let depth = 0;
  let commas = 0;
  let itemStart = -1;
  let spans: MemberSpan[] = [];
  let keyStart = -1;
  let keyEnd = -1;
  let valueStart = -1;

  const endMember = (at: number): void => {
    if (valueStart < 0) return;
    let end = at;
    while (end > valueStart && text[end - 1]! <= 0x20) end--;
    spans.push({ key: keyOf(text.toString('utf8', keyStart, keyEnd)), start: keyStart - itemStart, end: end - itemStart, valueStart: valueStart - itemStart });
    valueStart = -1;
  };

  for (let i = first; i < length; i++) {
    switch (text[i]) {
      case quote: {
        const start = i;
        for (i++; i < length && text[i] !== quote; i++) if (text[i] === backslash) i++;
        if (depth === itemDepth && valueStart < 0) {
          keyStart = start;
          keyEnd = i + 1;
        }
        break;
      }
      case 0x3a: // :
        members++;
        if (depth === itemDepth && itemStart >= 0) valueStart = skipSpace(text, i + 1);
        break;
      case 0x2c: // ,
        if (depth === itemDepth) endMember(i);
        else if (depth === 1 && batch && maxStatements !== undefined && ++commas >= maxStatements) throw tooMany(maxStatements);
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) throw tooDeep(maxDepth, i, itemDepth === 2 ? items.length : undefined);
        if (depth === itemDepth && text[i] === 0x7b) {
          itemStart = i;
          spans = [];
        }
        break;
      case 0x7d: // }
      case 0x5d: // ]
        if (depth === itemDepth && itemStart >= 0) {
          endMember(i);
          items.push({ text: text.subarray(itemStart, i + 1), members: spans });
          itemStart = -1;
        }
        depth--;
        break;
    }
  }
  return { batch, members, items };
}

function skipSpace(text: Buffer, from: number): number {
  let at = from;
  for (let c = text[at]; c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = text[at]) at++;
  return at;
}

/** The text may still turn out to be malformed; JSON.parse will say so about the whole of it. */
function keyOf(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}

function tooDeep(maxDepth: number, at: number, statement: number | undefined): QuipuError {
  return new QuipuError('nesting-too-deep', `The JSON is nested deeper than ${maxDepth} levels at byte ${at + 1}${statement === undefined ? '' : `, in the statement at index ${statement}`}.`, {
    ...(statement === undefined ? {} : { statement }), rule: 'nesting', expected: `at most ${maxDepth} levels of objects and arrays`,
  });
}

function tooMany(maxStatements: number): QuipuError {
  return new QuipuError('too-large', `The batch holds more than ${maxStatements} statements.`, { expected: `at most ${maxStatements} statements in one request` });
}
