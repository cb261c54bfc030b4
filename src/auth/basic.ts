import { QuipuError } from '../xapi/errors.js';

/** What the user agent is told when a credential is missing or wrong (RFC 7617, sections 2 and 2.1). */
export const challenge = { 'WWW-Authenticate': 'Basic realm="Quipu", charset="UTF-8"' };

/** A 401 with the challenge that RFC 9110, 11.6.1 asks for. */
export function unauthorized(message: string, expected?: string): QuipuError {
  return new QuipuError('unauthorized', message, { parameter: 'Authorization', expected, headers: challenge });
}

const token68 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads `Basic base64(key:secret)` as RFC 7617 writes it; both parts are UTF-8 (section 2.1).
 * @throws QuipuError `unauthorized` that says what is wrong with the header
 */
export function parseBasic(header: string): { key: string; secret: string } {
  const expected = 'Authorization: Basic followed by base64(key:secret)';
  const encoded = header.slice('Basic '.length).trim();
  if (!token68.test(encoded)) throw unauthorized('The Authorization header says Basic but does not hold base64.', expected);
  let decoded: string;
  try {
    decoded = utf8.decode(Buffer.from(encoded, 'base64'));
  } catch {
    throw unauthorized('The user name and password of the Authorization header are not UTF-8.', expected);
  }
  const colon = decoded.indexOf(':');
  if (colon < 0) throw unauthorized('The Authorization header holds no colon between key and secret.', expected);
  if (decoded === ':') throw unauthorized('The Authorization header names no key.', expected);
  return { key: decoded.slice(0, colon), secret: decoded.slice(colon + 1) };
}

/** The header of a key and secret in its canonical form. */
export function basicHeader(key: string, secret: string): string {
  return `Basic ${Buffer.from(`${key}:${secret}`, 'utf8').toString('base64')}`;
}
