import { NUMBER_BYTES } from './keys.js';

/**
 * What the table `i` says of a statement id: where the statement stands; or that it isn't there but awaited, because a
 * StatementRef points to it, and perhaps a voiding statement has voided it in advance. One read on the way in tells both.
 */
export type IndexEntry =
  | { kind: 'present'; position: number }
  | { kind: 'awaited'; voided: boolean };

const PRESENT = 1;
const AWAITED = 2;

export function readIndexEntry(bytes: Buffer | undefined): IndexEntry | undefined {
  if (!bytes) return undefined;
  if (bytes[0] === PRESENT) return { kind: 'present', position: bytes.readUIntBE(1, NUMBER_BYTES) };
  return { kind: 'awaited', voided: bytes[1] === 1 };
}

export function writePresent(position: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + NUMBER_BYTES);
  bytes[0] = PRESENT;
  bytes.writeUIntBE(position, 1, NUMBER_BYTES);
  return bytes;
}

export function writeAwaited(voided: boolean): Buffer {
  return Buffer.from([AWAITED, voided ? 1 : 0]);
}
