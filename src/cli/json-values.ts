import { CommandError } from './command-error.js';

/** One value out of a longer JSON text. */
export interface JsonValueText {
  /** Counted from 1. */
  number: number;
  /** Its text; undefined when it is longer than may be held. Not judged: it may turn out not to be JSON. */
  bytes?: Buffer;
  /** Offset in the whole of the first byte after it. */
  end: number;
}

/** How the values stand in the text. */
export type ValueLayout =
  /** Between the brackets of an array, of which the first was read already. */
  | 'array'
  /** The same, and whatever follows the array is of no interest. */
  | 'result'
  /** One after the other, with nothing but white space between them. */
  | 'values';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const braceOpen = 0x7b;
const braceClose = 0x7d;

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Splits a JSON text of any length into its values, which are given as they stand there. Memory: one value and one chunk.
 * @param from what was read before: number of values and offset; with one or more, the stream begins right after a value
 * @throws CommandError when there is something else between the values, or the text ends too early
 */
export async function* splitJsonValues(source: AsyncIterable<Buffer>, layout: ValueLayout, maxBytes: number, from: { number: number; offset: number }): AsyncGenerator<JsonValueText> {
  let { number } = from;
  let base = from.offset;
  /** What may come next outside of a value. */
  let next: 'first' | 'value' | 'separator' | 'nothing' = number === 0 || layout === 'values' ? 'first' : 'separator';
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inValue = false;
  let bare = false;
  let parts: Buffer[] = [];
  let held = 0;

  const cut = (last: Buffer, end: number): JsonValueText => {
    held += last.length;
    const bytes = held > maxBytes ? undefined : Buffer.concat([...parts, last]);
    parts = [];
    held = 0;
    inValue = false;
    next = layout === 'values' ? 'first' : 'separator';
    return { number: ++number, bytes, end };
  };

  for await (const chunk of source) {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) {
          inString = false;
          if (depth === 0) yield cut(chunk.subarray(start, at + 1), base + at + 1);
        }
        continue;
      }
      if (inValue && bare && (isSpace(byte) || byte === comma || byte === bracketClose || byte === braceClose || byte === quote || byte === braceOpen || byte === bracketOpen)) {
        yield cut(chunk.subarray(start, at), base + at);
      }
      if (inValue) {
        if (byte === quote) inString = true;
        else if (byte === braceOpen || byte === bracketOpen) depth++;
        else if ((byte === braceClose || byte === bracketClose) && --depth === 0) yield cut(chunk.subarray(start, at + 1), base + at + 1);
        continue;
      }
      if (isSpace(byte)) continue;
      if (next === 'separator' && byte === comma) {
        next = 'value';
      } else if ((next === 'separator' || next === 'first') && byte === bracketClose && layout !== 'values') {
        next = 'nothing';
        if (layout === 'result') return;
      } else if ((next === 'first' || next === 'value') && byte !== comma && byte !== bracketClose && byte !== braceClose) {
        inValue = true;
        start = at;
        inString = byte === quote;
        depth = byte === braceOpen || byte === bracketOpen ? 1 : 0;
        bare = !inString && depth === 0;
      } else {
        throw new CommandError(`The source is not JSON: ${JSON.stringify(String.fromCharCode(byte))} was not expected at byte ${base + at + 1}, after ${number} statements.`);
      }
    }
    if (inValue) {
      const rest = chunk.subarray(start);
      held += rest.length;
      if (held <= maxBytes) parts.push(rest);
      else parts = [];
    }
    base += chunk.length;
  }
  if (inValue && bare && layout === 'values') yield cut(Buffer.alloc(0), base);
  if (inValue || (layout !== 'values' && next !== 'nothing')) throw new CommandError(`The source is cut off: it ends at byte ${base}, within ${inValue ? 'a statement' : 'the array'}, after ${number} statements.`);
}
