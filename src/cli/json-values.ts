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
  /** Between the brackets of an array, of which the first was read already, and of arrays that follow it. */
  | 'array'
  /** In the member `statements` of an object, and of objects that follow it. */
  | 'result'
  /** One after the other, with nothing but white space between them. */
  | 'values';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;
const braceOpen = 0x7b;
const braceClose = 0x7d;

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * What may come next outside of a value: the first or another one of an array, what separates them, or what is around arrays; in an object
 * of the layout `result` the name of a member, the colon behind it, and what the member holds.
 */
type Next = 'first' | 'value' | 'separator' | 'outside' | 'member' | 'colon' | 'held';

/**
 * Splits a JSON text of any length into its values, which are given as they stand there. Memory: one value and one chunk.
 * @param from what was read before: number of values and offset; with one or more, the stream begins right after a value
 * @param onMore called with the member `more` of each object of the layout `result`
 * @throws CommandError when there is something else between the values, or the text ends too early
 */
export async function* splitJsonValues(source: AsyncIterable<Buffer>, layout: ValueLayout, maxBytes: number, from: { number: number; offset: number }, onMore: (more: string) => void = () => undefined): AsyncGenerator<JsonValueText> {
  let { number } = from;
  let base = from.offset;
  let next = (number > 0 && layout !== 'values' ? 'separator' : layout === 'result' ? 'outside' : 'first') as Next;
  /** The member of an object of the layout `result` whose value comes. */
  let member = '';
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inValue = false;
  let bare = false;
  let parts: Buffer[] = [];
  let held = 0;

  /** The text of what has ended; undefined when it is longer than may be held. */
  const cut = (last: Buffer): Buffer | undefined => {
    held += last.length;
    const bytes = held > maxBytes ? undefined : Buffer.concat([...parts, last]);
    parts = [];
    held = 0;
    inValue = false;
    return bytes;
  };
  /** What has ended, unless it is a name or another member of an object. */
  const given = (last: Buffer, end: number): JsonValueText | undefined => {
    const bytes = cut(last);
    if (next === 'member') {
      member = textOf(bytes);
      next = 'colon';
    } else if (next === 'held') {
      if (member === 'more') onMore(textOf(bytes));
      next = 'member';
    } else {
      next = layout === 'values' ? 'first' : 'separator';
      return { number: ++number, bytes, end };
    }
    return undefined;
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
          const one = depth === 0 ? given(chunk.subarray(start, at + 1), base + at + 1) : undefined;
          if (one) yield one;
        }
        continue;
      }
      if (inValue && bare && (isSpace(byte) || byte === comma || byte === bracketClose || byte === braceClose || byte === quote || byte === braceOpen || byte === bracketOpen)) {
        const one = given(chunk.subarray(start, at), base + at);
        if (one) yield one;
      }
      if (inValue) {
        if (byte === quote) inString = true;
        else if (byte === braceOpen || byte === bracketOpen) depth++;
        else if ((byte === braceClose || byte === bracketClose) && --depth === 0) {
          const one = given(chunk.subarray(start, at + 1), base + at + 1);
          if (one) yield one;
        }
        continue;
      }
      if (isSpace(byte)) continue;
      if (next === 'separator' && byte === comma) {
        next = 'value';
      } else if ((next === 'separator' || next === 'first') && byte === bracketClose && layout !== 'values') {
        next = layout === 'result' ? 'member' : 'outside';
      } else if (next === 'outside' && byte === (layout === 'result' ? braceOpen : bracketOpen)) {
        next = layout === 'result' ? 'member' : 'first';
      } else if (next === 'member' && byte === braceClose) {
        next = 'outside';
      } else if (next === 'colon' && byte === colon) {
        next = 'held';
      } else if (next === 'held' && member === 'statements' && byte === bracketOpen) {
        next = 'first';
      } else if (next !== 'member' || byte !== comma) {
        const begins = next === 'member' ? byte === quote : next === 'held' ? member !== 'statements' : next === 'first' || next === 'value';
        if (!begins || byte === comma || byte === bracketClose || byte === braceClose) {
          throw new CommandError(`The source is not JSON: ${JSON.stringify(String.fromCharCode(byte))} was not expected at byte ${base + at + 1}, after ${number} statements.`);
        }
        inValue = true;
        start = at;
        inString = byte === quote;
        depth = byte === braceOpen || byte === bracketOpen ? 1 : 0;
        bare = !inString && depth === 0;
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
  if (inValue && bare && layout === 'values') yield given(Buffer.alloc(0), base)!;
  if (inValue || (layout !== 'values' && next !== 'outside')) throw new CommandError(`The source is cut off: it ends at byte ${base}, within ${inValue ? 'a statement' : 'the array'}, after ${number} statements.`);
}

/** The text of a JSON string; empty when it is none. */
function textOf(bytes: Buffer | undefined): string {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '""');
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}
