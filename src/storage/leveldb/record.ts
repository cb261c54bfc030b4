import type { NewStatement } from '../../statements/store.js';
import type { KeyHash } from '../../xapi/key-hash.js';
import { KEY_BYTES, type KeyRun } from '../../xapi/key-run.js';
import { stampOf } from '../../xapi/stamp.js';
import { readUuid, UUID_BYTES } from '../../xapi/uuids.js';
import { NUMBER_BYTES } from './keys.js';

/**
 * A record of the log, as bytes: flags (1), stored (6), id (16), number of keys (4), the keys (9 each: kind and hash),
 * then the statement's text. An erasure has the flag ERASURE, a zero id, no keys and a JSON text that lists the ids.
 */
export const VOIDED = 1;
export const VOIDING = 2;
export const ERASURE = 4;

const UUID_AT = 1 + NUMBER_BYTES;
const HEAD_BYTES = UUID_AT + UUID_BYTES + 4;

/** Builds a record. */
export function writeRecord(flags: number, stored: number, uuid: Buffer, keys: KeyRun, text: Buffer): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + keys.length + text.length);
  writeHead(record, flags, stored, uuid, keys.length);
  keys.copy(record, HEAD_BYTES);
  text.copy(record, HEAD_BYTES + keys.length);
  return record;
}

/** The record of a new statement, made in the statement's own memory: to be written at once. */
export function recordOf(statement: NewStatement, hash: KeyHash, flags: number, stored: number): Buffer {
  const record = statement.framed(hash, HEAD_BYTES, stampOf(stored, statement.timed));
  writeHead(record, flags, stored, statement.uuid, statement.keys(hash).length);
  return record;
}

function writeHead(record: Buffer, flags: number, stored: number, uuid: Buffer, keyBytes: number): void {
  record[0] = flags;
  record.writeUIntBE(stored, 1, NUMBER_BYTES);
  uuid.copy(record, UUID_AT);
  record.writeUInt32BE(keyBytes / KEY_BYTES, UUID_AT + UUID_BYTES);
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
  return readUuid(record, UUID_AT);
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
  return writeRecord(flags, recordStored(record), record.subarray(UUID_AT, UUID_AT + UUID_BYTES), keys, recordText(record));
}

function textStart(record: Buffer): number {
  return HEAD_BYTES + record.readUInt32BE(UUID_AT + UUID_BYTES) * KEY_BYTES;
}
