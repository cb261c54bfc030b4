import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { QuipuError } from '../xapi/errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is an id under which a package can be kept. Nothing else ever becomes part of a path or key. */
export function isPackageId(id: string): boolean {
  return UUID.test(id);
}

/** A package on its way in, hashed and counted as it passes. */
export interface ArrivingPackage {
  /** Stands between the source and where the bytes go; fails with `too-large`, or with what `refuse` gives. */
  measure: Transform;
  /** Bytes that have passed. */
  length(): number;
  /** SHA-256 of all of them, once; lower-case hex. */
  sha256(): string;
}

/** @param refuse asked with every chunk; an error ends it */
export function arrivingPackage(maxBytes: number, refuse: () => Error | null = () => null): ArrivingPackage {
  const hash = createHash('sha256');
  let length = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      hash.update(chunk);
      if (length > maxBytes) {
        done(new QuipuError('too-large', `The package is larger than the ${maxBytes} bytes that this server takes (QUIPU_MAX_PACKAGE_BYTES).`, { rule: 'package-size', expected: `at most ${maxBytes} bytes` }));
      } else {
        done(refuse(), chunk);
      }
    },
  });
  return { measure, length: () => length, sha256: () => hash.digest('hex') };
}

/** There is no such package. */
export function noPackage(id: string): QuipuError {
  return new QuipuError('not-found', `There is no package ${id.slice(0, 60)}.`);
}

/** The part of a package that was asked for, within what there is. */
export function within(length: number, start: number, end: number): { start: number; end: number } {
  const first = Math.min(Math.max(0, start), length);
  return { start: first, end: Math.min(Math.max(first, end), length) };
}
