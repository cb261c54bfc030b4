import { QuipuError } from './errors.js';
import type { XapiVersion } from './types.js';

const firstLine = /^1\.0(?:\.\d{1,9})?$/;
const secondLine = /^2\.0(?:\.\d{1,9})?$/;

/**
 * Chooses the version of the standard that a request speaks.
 * xAPI 1.0.3 Part Three 3.3 and IEEE 9274.1.1 4.1.7: `1.0` and `2.0` count as their `.0`, every patch of a served line is
 * accepted, anything else is refused.
 * @param header value of X-Experience-API-Version
 * @throws QuipuError `invalid-version` when it is missing or names another version
 */
export function negotiateVersion(header: string | undefined): XapiVersion {
  if (header !== undefined) {
    const value = header.trim();
    if (firstLine.test(value)) return '1.0.3';
    if (secondLine.test(value)) return '2.0.0';
  }
  const fault =
    header === undefined ? 'The request has no X-Experience-API-Version header' : `This server does not speak xAPI version ${JSON.stringify(header.slice(0, 40))}`;
  throw new QuipuError('invalid-version', `${fault}; send 1.0.3 or 2.0.0 (any 1.0.x or 2.0.x is accepted).`, {
    parameter: 'X-Experience-API-Version',
    rule: 'request-version',
    section: 'xAPI 1.0.3 Part Three 3.3; IEEE 9274.1.1 4.1.7',
    expected: '1.0.3 or 2.0.0',
  });
}

/** Whether a statement's `version` property is one that 1.0.3 admits: 1.0 or 1.0.x (xAPI 1.0.3 Part Two 2.4.10). */
export function isFirstLineVersion(value: string): boolean {
  return firstLine.test(value);
}

/** Whether a statement's `version` property is one that Quipu admits under 2.0: 1.0, 1.0.x, 2.0 or 2.0.x (IEEE 9274.1.1 4.2.2). */
export function isKnownLineVersion(value: string): boolean {
  return firstLine.test(value) || secondLine.test(value);
}
