import { X509Certificate, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { signatureUsageType } from '../xapi/attachments.js';
import { equivalentStatements } from '../xapi/comparison.js';
import { QuipuError } from '../xapi/errors.js';
import { parseJsonStrict } from '../xapi/json-text.js';
import type { Attachment, Json, Statement } from '../xapi/types.js';
import { validateStatement } from '../xapi/validation.js';


const section = 'xAPI 1.0.3 Part Two 2.6; IEEE 9274.1.1 4.2.6';
const algorithms = ['RS256', 'RS384', 'RS512'] as const;
const compactForm = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const maxDepth = 100;

/** A rule of signed statements that does not hold. */
class Refused extends Error {
  constructor(readonly rule: string, fault: string, readonly expected: string) {
    super(fault);
  }
}

/**
 * Checks a signature of a signed statement (xAPI 1.0.3 Part Two 2.6, IEEE 9274.1.1 4.2.6): a JWS in compact serialization, signed
 * with RS256, RS384 or RS512, whose payload is a statement equivalent to the one received. With `x5c` in its header it is
 * verified against the first certificate; neither the chain nor any date is looked at, as the standard wants to catch mistakes, not
 * to establish trust. Without `x5c` there is no key to verify it with, and its form alone is judged.
 * @param statement one that has been validated
 * @param attachment its attachment with `signatureUsageType`
 * @param bytes the attachment's data
 * @returns `invalid-signature`, or undefined when the signature holds
 */
export function verifySignature(statement: Statement, attachment: Attachment, bytes: Buffer): QuipuError | undefined {
  try {
    check(statement, attachment, bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { rule, expected, message } = error;
    return new QuipuError('invalid-signature', `The signature breaks the rule ${rule} (${section}): ${message}; right would be: ${expected}.`, {
      pointer: '/attachments', rule, section, expected,
    });
  }
}

function check(statement: Statement, attachment: Attachment, bytes: Buffer): void {
  if (mediaTypeOf(attachment.contentType) !== 'application/octet-stream') {
    throw new Refused('signature-content-type', `its contentType is ${excerpt(attachment.contentType)}`, 'application/octet-stream');
  }
  const jws = bytes.toString('latin1').trim();
  const parts = compactForm.exec(jws);
  if (parts === null) throw new Refused('signature-compact-serialization', 'the data is not a JWS in compact serialization', 'header.payload.signature in base64url');
  const header = decodeObject(parts[1] as string, 'signature-header', 'the JWS header');
  const algorithm = algorithms.find((known) => known === header['alg']);
  if (algorithm === undefined) {
    throw new Refused('signature-algorithm', `its algorithm is ${excerpt(header['alg'])}`, algorithms.join(', '));
  }
  if (header['crit'] !== undefined) throw new Refused('signature-crit', 'its header demands extensions of JWS', 'no crit in the header');
  const signed = decodeObject(parts[2] as string, 'signature-payload', 'the JWS payload');
  const { x5c } = header;
  if (x5c !== undefined) verifyWith(firstKey(x5c), jws, algorithm);
  const payload = requireStatement(signed);
  // A timestamp that the signer left out is one that an LRS on the way has set (1.0.3 Part Two 2.3.1).
  const received = payload.timestamp === undefined ? { ...statement, timestamp: undefined } : statement;
  if (!equivalentStatements(withoutSignatures(received), withoutSignatures(payload))) {
    throw new Refused('signature-equivalent', 'the signed statement is another one than the statement received', 'the serialization of this statement as payload');
  }
}

function decodeObject(part: string, rule: string, subject: string): Record<string, Json> {
  let value: Json;
  try {
    value = parseJsonStrict(Buffer.from(part, 'base64url'), { maxDepth }, 'It');
  } catch (error) {
    if (!(error instanceof QuipuError)) throw error;
    throw new Refused(rule, `${subject} does not parse: ${error.message.replace(/\.$/, '')}`, 'a JSON object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused(rule, `${subject} is no object`, 'a JSON object');
  return value;
}

/** RFC 7515 4.1.6: the first item is the certificate of the signing key, in base64 DER. */
function firstKey(x5c: Json): KeyObject {
  const first = Array.isArray(x5c) ? x5c[0] : undefined;
  const expected = 'an array of base64 certificates, the signing one first';
  if (typeof first !== 'string' || !base64.test(first)) throw new Refused('signature-x5c', 'x5c does not start with a certificate', expected);
  try {
    return new X509Certificate(Buffer.from(first, 'base64')).publicKey;
  } catch {
    throw new Refused('signature-x5c', 'the first certificate of x5c can not be read', expected);
  }
}

function verifyWith(key: KeyObject, jws: string, algorithm: (typeof algorithms)[number]): void {
  try {
    jwt.verify(jws, key, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true });
  } catch {
    throw new Refused('signature-verifies', 'it does not verify against the first certificate of x5c', `a signature made with that certificate's private key by ${algorithm}`);
  }
}

/** The rules of 2.0 admit every statement of 1.0.3, so they tell for both versions whether the payload has a statement's shape. */
function requireStatement(signed: Record<string, Json>): Statement {
  const fault = validateStatement(signed, '2.0.0');
  if (fault !== undefined) throw new Refused('signature-payload', `the JWS payload is no statement: ${fault.message.replace(/\.$/, '')}`, 'the signed statement');
  return signed as unknown as Statement;
}

/** The payload is the statement before the signature was added; other attachments were there already. */
function withoutSignatures(statement: Statement): Statement {
  if (statement.attachments === undefined) return statement;
  const { attachments, ...rest } = statement;
  const others = attachments.filter(({ usageType }) => usageType !== signatureUsageType);
  return others.length === 0 ? rest : { ...rest, attachments: others };
}

function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase();
}

function excerpt(value: Json | undefined): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : 'missing or no string';
}
