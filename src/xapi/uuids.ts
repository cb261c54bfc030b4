const uuid = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/**
 * Whether a string is a UUID in its standard form, in either case (xAPI 1.0.3 Part Two 4.4, IEEE 9274.1.1 4.2.7).
 * Variant and version are not looked at: the standard only recommends variant 2, and its own examples use others.
 */
export function isUuid(value: string): boolean {
  return value.length === 36 && uuid.test(value);
}

/** Bytes of a UUID. */
export const UUID_BYTES = 16;

/** Writes the bytes of a UUID in text form, of either case. */
export function writeUuid(target: Buffer, offset: number, uuid: string): void {
  target.write(uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24), offset, UUID_BYTES, 'hex');
}

/** The bytes of a UUID in text form. */
export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.allocUnsafe(UUID_BYTES);
  writeUuid(bytes, 0, uuid);
  return bytes;
}

/** Reads a UUID back as lower-case text. */
export function readUuid(source: Buffer, offset: number): string {
  const hex = source.toString('hex', offset, offset + UUID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
