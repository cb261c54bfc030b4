import { QuipuError } from '../xapi/errors.js';

/** One piece of an attachment's bytes in an export. The pieces of one attachment follow each other without a gap. */
export interface AttachmentPiece {
  /** SHA-2 of the whole attachment, lower-case hex. */
  sha2: string;
  contentType: string;
  /** Where this piece begins in the attachment, in bytes. */
  offset: number;
  /** Bytes of the whole attachment. */
  length: number;
  /** No piece of this attachment follows. */
  last: boolean;
  bytes: Buffer;
}

/** Bytes of one piece. */
export const PIECE_BYTES = 256 << 10;

const opening = Buffer.from('{"quipu:attachment"');

/** Whether a line of an export is a piece of an attachment: exports write these lines, and only these, in this one form. */
export function isAttachmentLine(line: Buffer): boolean {
  return line.subarray(0, opening.length).equals(opening);
}

/** Writes a piece as a line of NDJSON, with its end. */
export function writeAttachmentLine({ sha2, contentType, offset, length, last, bytes }: AttachmentPiece): Buffer {
  const piece = { sha2, contentType, offset, length, last, base64: bytes.toString('base64') };
  return Buffer.from(`${JSON.stringify({ 'quipu:attachment': piece })}\n`);
}

/**
 * Reads a piece back.
 * @throws QuipuError `invalid-attachment` when the line is not as `writeAttachmentLine` makes it
 */
export function readAttachmentLine(line: Buffer): AttachmentPiece {
  const piece = parse(line);
  const { sha2, contentType, offset, length, last, base64 } = piece;
  if (typeof sha2 !== 'string' || typeof contentType !== 'string' || typeof base64 !== 'string' || typeof last !== 'boolean'
    || !Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) {
    throw new QuipuError('invalid-attachment', 'A line with a piece of an attachment lacks a member or has one of another type.', {
      rule: 'attachment-line', expected: '{"quipu:attachment":{"sha2":"…","contentType":"…","offset":0,"length":5,"last":true,"base64":"…"}}',
    });
  }
  return { sha2: sha2.toLowerCase(), contentType, offset: offset as number, length: length as number, last, bytes: Buffer.from(base64, 'base64') };
}

function parse(line: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = (JSON.parse(line.toString('utf8')) as Record<string, unknown>)['quipu:attachment'];
  } catch (error) {
    throw new QuipuError('malformed-json', `A line with a piece of an attachment is not JSON: ${(error as Error).message}.`);
  }
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
}
