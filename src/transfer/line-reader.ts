/** One line of a text. */
export interface Line {
  /** Counted from 1, empty lines among them. */
  number: number;
  /** The bytes without the line's end; undefined when there were more than may be held. */
  bytes?: Buffer;
  /** Offset in the text of the first byte after this line. */
  end: number;
}

/** Where to go on in a text: what was already read of it. */
export interface LinePosition {
  number: number;
  offset: number;
}

const newline = 0x0a;

/**
 * Splits a stream into lines that end in LF or CRLF; the last one may lack its end. Lines of white space alone are passed over.
 * Memory: one line and one chunk.
 * @param maxBytes longest line that is held; of a longer one only number and end are given
 * @param from where the stream begins in the text it belongs to
 */
export async function* readLines(source: AsyncIterable<Buffer>, maxBytes: number, from: LinePosition = { number: 0, offset: 0 }): AsyncGenerator<Line> {
  let { number, offset } = from;
  let parts: Buffer[] = [];
  let held = 0;
  const take = (last: Buffer): Line | undefined => {
    number++;
    const whole = held + last.length;
    const bytes = whole > maxBytes ? undefined : parts.length === 0 ? last : Buffer.concat([...parts, last]);
    parts = [];
    held = 0;
    return bytes && isBlank(bytes) ? undefined : { number, bytes, end: offset };
  };
  for await (const chunk of source) {
    let start = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
      offset += at + 1 - start;
      const line = take(chunk.subarray(start, at));
      start = at + 1;
      if (line) yield line;
    }
    const rest = chunk.subarray(start);
    offset += rest.length;
    held += rest.length;
    if (held <= maxBytes && rest.length > 0) parts.push(rest);
    else if (held > maxBytes) parts = [];
  }
  if (held === 0) return;
  const line = take(Buffer.alloc(0));
  if (line) yield line;
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}

/** Lines one by one, of which the last can be put back. */
export interface LineCursor {
  /** The next line, or undefined at the end. */
  next(): Promise<Line | undefined>;
  /** Gives the line again at the next call. */
  putBack(line: Line): void;
}

export function createLineCursor(lines: AsyncGenerator<Line>): LineCursor {
  let back: Line | undefined;
  return {
    next: async () => {
      if (back) {
        const line = back;
        back = undefined;
        return line;
      }
      const { value } = await lines.next() as { value?: Line };
      return value;
    },
    putBack: (line) => {
      back = line;
    },
  };
}
