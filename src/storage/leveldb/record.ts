import { KEY_BYTES, type KeyRun } from '../key-run.js';
import { NUMBER_BYTES, readUuid, writeUuid } from './keys.js';

/**
 * A record of the log, as bytes: flags (1), stored (6), id (16), number of keys (4), the keys (9 each: kind and hash),
 * then the statement's text. An erasure has the flag ERASURE, a zero id, no keys and a JSON text that lists the ids.
 */
export const VOIDED = 1;
export const VOIDING = 2;
export const ERASURE = 4;

const HEAD_BYTES = 1 + NUMBER_BYTES + 16 + 4;

/** Builds a record. */
export function writeRecord(flags: number, stored: number, id: string, keys: KeyRun, text: string | Buffer): Buffer {
  const textBytes = typeof text === 'string' ? Buffer.byteLength(text, 'utf8') : text.length;
  const record = Buffer.allocUnsafe(HEAD_BYTES + keys.length + textBytes);
  record[0] = flags;
  record.writeUIntBE(stored, 1, NUMBER_BYTES);
  writeUuid(record, 1 + NUMBER_BYTES, id);
  record.writeUInt32BE(keys.length / KEY_BYTES, 1 + NUMBER_BYTES + 16);
  keys.copy(record, HEAD_BYTES);
  if (typeof text === 'string') record.write(text, HEAD_BYTES + keys.length, 'utf8');
  else text.copy(record, HEAD_BYTES + keys.length);
  return record;
}

/** The flags of a record. */
export function recordFlags(record: Buffer): number {
  return record[0]!;
}

/** `stored` in milliseconds since the epoch. */
export function recordStored(record: Buffer): number {
  return record.readUIntBE(1, NUMBER_BYTES);
}

/** The statement's id in lower case. */
export function recordId(record: Buffer): string {
  return readUuid(record, 1 + NUMBER_BYTES);
}

/** The keys of a record, without copying. */
export function recordKeys(record: Buffer): KeyRun {
  return record.subarray(HEAD_BYTES, textStart(record));
}

/** The statement's text, without copying. */
export function recordText(record: Buffer): Buffer {
  return record.subarray(textStart(record));
}

/** The same record with other flags and keys. */
export function rewriteRecord(record: Buffer, flags: number, keys: KeyRun): Buffer {
  return writeRecord(flags, recordStored(record), recordId(record), keys, recordText(record));
}

function textStart(record: Buffer): number {
  return HEAD_BYTES + record.readUInt32BE(1 + NUMBER_BYTES + 16) * KEY_BYTES;
}
