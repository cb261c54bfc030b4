import { KEY_BYTES } from '../../xapi/key-run.js';
import { NUMBER_BYTES, numberAtEnd, tenantPrefix } from './keys.js';
import { NOTHING } from './level.js';

/**
 * Posting lists: for each key (kind and hash of a filter value) the positions of the statements it finds. The newest
 * are in memory (recent-postings.ts); when they are written, that adds one entry a key, `key | first position -> further positions`, so that a
 * list is read with few reads and written with few writes. Entries never overlap, and their order is the order of positions.
 *
 * A statement that inherits a key later (its StatementRef's target arrived after it) would break that order, so such
 * postings stand in a list of their own beside it, of entries with one position each: the kind in lower case.
 */

/** Most positions of an entry: whoever reads one of them decodes all. */
export const LONGEST_ENTRY = 2048;

/** `tenant \0 p key`: the start of every entry of a list. */
export function postingPrefix(tenant: string, key: Buffer, late = false): Buffer {
  const start = tenantPrefix(tenant);
  const prefix = Buffer.allocUnsafe(start.length + 1 + KEY_BYTES);
  start.copy(prefix, 0);
  prefix[start.length] = 0x70;
  key.copy(prefix, start.length + 1);
  if (late) prefix[start.length + 1] = key[0]! | 0x20;
  return prefix;
}

/** The key of a list that does not stand beside another. */
export function keyOfList(prefix: Buffer): Buffer {
  return prefix.subarray(prefix.length - KEY_BYTES);
}

/** Whether a list is one of those that stand beside another. */
export function isLate(prefix: Buffer): boolean {
  return (prefix[prefix.length - KEY_BYTES]! & 0x20) !== 0;
}

/** Key of the entry of a list that begins at a position. */
export function postingKey(prefix: Buffer, position: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + NUMBER_BYTES);
  prefix.copy(key, 0);
  key.writeUIntBE(position, prefix.length, NUMBER_BYTES);
  return key;
}

/** Positions after the first as differences, seven bits a byte, the lowest first; `NOTHING` is a difference without end, and so none. */
export function encodeFurther(positions: readonly number[]): Buffer {
  if (positions.length === 1) return NOTHING;
  const bytes: number[] = [];
  for (let i = 1; i < positions.length; i++) {
    let difference = positions[i]! - positions[i - 1]!;
    while (difference >= 0x80) {
      bytes.push((difference % 0x80) | 0x80);
      difference = Math.floor(difference / 0x80);
    }
    bytes.push(difference);
  }
  return Buffer.from(bytes);
}

/** All positions of an entry, rising. */
export function decodeEntry(key: Buffer, value: Buffer): number[] {
  let position = numberAtEnd(key);
  const positions = [position];
  let difference = 0;
  let scale = 1;
  for (const byte of value) {
    difference += (byte & 0x7f) * scale;
    if (byte & 0x80) {
      scale *= 0x80;
    } else {
      position += difference;
      positions.push(position);
      difference = 0;
      scale = 1;
    }
  }
  return positions;
}
