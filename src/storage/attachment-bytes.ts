import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { QuipuError } from '../xapi/errors.js';

const HASH = /^[0-9a-f]{56,128}$/;
const algorithms: Record<number, string> = { 56: 'sha224', 64: 'sha256', 96: 'sha384', 128: 'sha512' };

/** Whether a text is a hash under which bytes can be kept. Nothing else ever becomes part of a path or key. */
export function isHash(sha2: string): boolean {
  return HASH.test(sha2) && algorithms[sha2.length] !== undefined;
}

/** Bytes on their way in, hashed and counted as they pass. */
export interface ArrivingBytes {
  /** Stands between the source and where the bytes go; fails with `too-large`, or with what `refuse` gives. */
  measure: Transform;
  /** Bytes that have passed. */
  length(): number;
  /** Compares, once all have passed. @throws QuipuError `invalid-attachment` when they have another hash than declared */
  verify(): void;
}

/**
 * @param sha2 declared SHA-224, SHA-256, SHA-384 or SHA-512 in lower-case hex
 * @param refuse asked with every chunk; an error ends it
 * @throws QuipuError `invalid-attachment` when it is no such hash
 */
export function arrivingBytes(sha2: string, maxBytes: number, refuse: () => Error | null = () => null): ArrivingBytes {
  const hash = createHash(algorithmOf(sha2));
  let length = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      hash.update(chunk);
      if (length > maxBytes) done(new QuipuError('too-large', `An attachment is larger than the ${maxBytes} bytes that this server takes.`, { rule: 'attachment-size', expected: `at most ${maxBytes} bytes` }));
      else done(refuse(), chunk);
    },
  });
  return { measure, length: () => length, verify: () => compare(sha2, hash.digest('hex')) };
}

/**
 * Compares the hash of bytes that are all there with the declared one.
 * @throws QuipuError `invalid-attachment` when they have another one
 */
export function verifyBytes(sha2: string, bytes: Buffer): void {
  compare(sha2, createHash(algorithmOf(sha2)).update(bytes).digest('hex'));
}

/** The algorithm of a declared hash. @throws QuipuError `invalid-attachment` when it is none of SHA-2 in lower-case hex */
export function algorithmOf(sha2: string): string {
  const algorithm = algorithms[sha2.length];
  if (algorithm && HASH.test(sha2)) return algorithm;
  throw new QuipuError('invalid-attachment', `The hash ${sha2.slice(0, 140)} is not a SHA-224, SHA-256, SHA-384 or SHA-512 in hex.`, { rule: 'attachment-sha2', expected: '56, 64, 96 or 128 hexadecimal digits' });
}

function compare(sha2: string, digest: string): void {
  if (digest === sha2) return;
  throw new QuipuError('invalid-attachment', `The bytes of an attachment have the ${algorithmOf(sha2).toUpperCase()} ${digest}, not the declared ${sha2}.`, { rule: 'attachment-hash', section: 'xAPI 1.0.3 Part Three 1.5.2', expected: digest });
}

/** A stream that broke off before somebody listened says so no more, and a pipeline would wait for it for ever. */
export function brokeOff(): Error {
  return Object.assign(new Error('The bytes of an attachment broke off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}
