/** Scheme, colon, and at least one character. */
const start = /^[a-zA-Z][a-zA-Z0-9+.-]*:./su;

/**
 * What RFC 3987 allows nowhere in an IRI; a percent sign starts an escape. Square brackets are let through everywhere, as browsers do,
 * because query strings carry them. One character is looked at after the other, so that no length is too long.
 */
const forbidden = /[\u0000-\u0020"<>\\^`{|}\u007f-\u009f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufff0-\uffff\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]|%(?![0-9a-fA-F]{2})/u;

const ascii = /^[\u0021-\u007e]*$/;

/**
 * Whether a string is an absolute IRI (xAPI 1.0.3 Part Two 2.2 and 4.3, IEEE 9274.1.1 4.2.7; RFC 3987). IRLs are judged by
 * the same rule. Best effort, as the standard allows: characters and scheme are checked, rules of single schemes are not.
 */
export function isIri(value: string): boolean {
  return start.test(value) && !forbidden.test(value);
}

/** Whether a string is an absolute URI, which is an IRI of ASCII characters only (`openid`; RFC 3986). */
export function isUri(value: string): boolean {
  return ascii.test(value) && isIri(value);
}
