/** Bytes from `start` up to and not including `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What of a file a Range header asks for (RFC 9110 14.2).
 * @param length of the file in bytes
 * @returns undefined for the whole file: no header, another unit, a malformed one, and several ranges, which a server may answer so;
 * `unsatisfiable` when the range begins behind the end
 */
export function readByteRange(header: string | undefined, length: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') return Number(last) === 0 || length === 0 ? 'unsatisfiable' : { start: Math.max(0, length - Number(last)), end: length };
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= length) return 'unsatisfiable';
  return { start, end: last === '' ? length : Math.min(length, Number(last) + 1) };
}
