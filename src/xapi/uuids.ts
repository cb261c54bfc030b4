const uuid = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/**
 * Whether a string is a UUID in its standard form, in either case (xAPI 1.0.3 Part Two 4.4, IEEE 9274.1.1 4.2.7).
 * Variant and version are not looked at: the standard only recommends variant 2, and its own examples use others.
 */
export function isUuid(value: string): boolean {
  return value.length === 36 && uuid.test(value);
}
