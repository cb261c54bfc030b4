/**
 * `mailto:`, one address, nothing after it. The local part is any run of characters that need no quoting; the domain is
 * labels of letters, digits, hyphen, underscore and non-ASCII characters, or an address in brackets (RFC 5321 4.1.3). No class overlaps its delimiter: linear time, and no
 * groups that repeat, of which each turn would be remembered: no length is too long.
 */
const mailto = /^mailto:[^\u0000-\u0020"#(),:;<>?@[\\\]\u007f-\u009f\ud800-\udfff]+@(?:[^\u0000-\u002c/:-@[-^`{-\u009f\ud800-\udfff]+|\[[0-9A-Za-z.:]+\])$/u;

/** A label that is empty, in a domain. */
const emptyLabel = /^\.|\.\.|\.$/;

const sha1 = /^[0-9a-fA-F]{40}$/;

/** Whether a string has the form `mailto:email address` (xAPI 1.0.3 Part Two 2.4.2.3, IEEE 9274.1.1 4.2.2.1). */
export function isMailtoIri(value: string): boolean {
  return mailto.test(value) && !emptyLabel.test(value.slice(value.indexOf('@') + 1));
}

/** Whether a string is a SHA-1 in hex, as `mbox_sha1sum` asks for (xAPI 1.0.3 Part Two 2.4.2.3, IEEE 9274.1.1 4.2.2.1). */
export function isSha1Sum(value: string): boolean {
  return value.length === 40 && sha1.test(value);
}
