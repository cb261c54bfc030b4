import { createHash } from 'node:crypto';
import { readUuid, UUID_BYTES, uuidBytes } from '../../xapi/uuids.js';

/** Namespace of the ids that Quipu derives: random, and never to be changed. */
const namespace = uuidBytes('6f1d2c8e-3b57-4f0a-9a64-8d0b7e21c5f3');

/**
 * The UUID that belongs to a list of names: name-based, version 5 (RFC 9562 5.5). The same names always give the same id, and other
 * names another one, wherever one name ends and the next begins.
 */
export function uuid5(...names: readonly string[]): string {
  const bytes = createHash('sha1').update(namespace).update(JSON.stringify(names), 'utf8').digest().subarray(0, UUID_BYTES);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return readUuid(bytes, 0);
}
