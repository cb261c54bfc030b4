import type { Readable } from 'node:stream';

/** One part of a body. */
export interface Part {
  /** By name in lower case. */
  headers: ReadonlyMap<string, string>;
  content: Buffer;
}

/** Bytes of a body that is taken apart at once: for so few, parts as streams cost more than all else that is done with them. */
export const MOST_WHOLE_BYTES = 256 << 10;

const MOST_HEADER_BYTES = 4 << 10;
/** Most headers of a part. */
export const MOST_HEADERS = 50;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e]*)$/;
const [TAB, CR, LF, SPACE, DASH] = [9, 13, 10, 32, 45];

/**
 * Reads a source that is expected to be short.
 * @returns undefined when it has more bytes than `most`, and then all of them are still to be read, or when it breaks off
 */
export function readWhole(source: Readable, most: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const leave = (whole?: Buffer): void => {
      source.off('data', take).off('end', end).off('error', leaveBroken).off('close', leaveBroken);
      resolve(whole);
    };
    const leaveBroken = (): void => leave();
    const end = (): void => leave(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= most) return;
      source.pause();
      source.unshift(Buffer.concat(chunks));
      leave();
    };
    source.on('data', take).on('end', end).on('error', leaveBroken).on('close', leaveBroken);
    if (source.destroyed) leaveBroken();
  });
}

/**
 * Takes apart a multipart body (RFC 2046 5.1.1) of a plain form; undefined for every other, be it right or wrong. White space may follow a
 * boundary, and a part without content may do without the line end before it.
 */
export function splitWhole(body: Buffer, boundary: string): Part[] | undefined {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  if (body.indexOf(delimiter.subarray(2)) !== 0) return undefined;
  const parts: Part[] = [];
  for (let at = delimiter.length - 2; ;) {
    if (body[at] === DASH && body[at + 1] === DASH) return parts;
    while (body[at] === SPACE || body[at] === TAB) at++;
    if (body[at] !== CR || body[at + 1] !== LF) return undefined;
    const end = body.indexOf(delimiter, at);
    const headersEnd = body.subarray(at, at + MOST_HEADER_BYTES).indexOf('\r\n\r\n') + at;
    if (end < 0 || headersEnd <= at || headersEnd + 2 > end) return undefined;
    const headers = readHeaders(body.toString('latin1', at + 2, headersEnd));
    if (!headers) return undefined;
    parts.push({ headers, content: body.subarray(Math.min(headersEnd + 4, end), end) });
    at = end + delimiter.length;
  }
}

function readHeaders(text: string): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || headers.has(name.toLowerCase()) || headers.size === MOST_HEADERS) return undefined;
    headers.set(name.toLowerCase(), value!.trim());
  }
  return headers;
}
