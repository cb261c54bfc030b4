/**
 * Scheme, colon, then at least one character that RFC 3987 allows somewhere in an IRI; a percent sign starts an escape.
 * Square brackets are let through everywhere, as browsers do, because query strings carry them. The two alternatives share
 * no character, so the time is linear.
 */
const iri =
  /^[a-zA-Z][a-zA-Z0-9+.-]*:(?:[^\u0000-\u0020"%<>\\^`{|}\u007f-\u009f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufff0-\uffff\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]|%[0-9a-fA-F]{2})+$/u;

const ascii = /^[\u0021-\u007e]*$/;

/**
 * Whether a string is an absolute IRI (xAPI 1.0.3 Part Two 2.2 and 4.3, IEEE 9274.1.1 4.2.7; RFC 3987). IRLs are judged by
 * the same rule. Best effort, as the standard allows: characters and scheme are checked, rules of single schemes are not.
 */
export function isIri(value: string): boolean {
  return iri.test(value);
}

/** Whether a string is an absolute URI, which is an IRI of ASCII characters only (`openid`; RFC 3986). */
export function isUri(value: string): boolean {
  return ascii.test(value) && iri.test(value);
}
