/** RFC 2046 and RFC 9110: two tokens, then whatever parameters follow the semicolon, without control characters. */
const mediaType = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*(?:;[^\u0000-\u0008\u000a-\u001f\u007f]*)?$/;

/** SHA-224, SHA-256, SHA-384 or SHA-512 in hex. */
const sha2 = /^(?:[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})$/;

/** Whether a string is an Internet Media Type, as an attachment's `contentType` has to be (xAPI 1.0.3 Part Two 2.4.11, IEEE 9274.1.1 4.2.2.6). */
export function isMediaType(value: string): boolean {
  return mediaType.test(value);
}

/** Whether a string is a SHA-2 hash in hex of 224, 256, 384 or 512 bits (xAPI 1.0.3 Part Two 2.4.11, IEEE 9274.1.1 4.2.2.6). */
export function isSha2(value: string): boolean {
  return value.length <= 128 && sha2.test(value);
}
