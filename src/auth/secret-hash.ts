import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { QuipuError } from '../xapi/errors.js';

/** Costs of scrypt (RFC 7914), kept with every hash so that they can be raised later. */
export interface HashParams {
  N: number;
  r: number;
  p: number;
}

/** A secret as it is stored. Salt and hash are base64. */
export interface HashedSecret {
  secretHash: string;
  salt: string;
  params: HashParams;
}

/** Hashes secrets, a few at a time. */
export interface SecretHasher {
  hash(secret: string, params?: HashParams): Promise<HashedSecret>;
  /**
   * Compares in constant time.
   * @param admit called when the turn has come, right before the work; what it throws is passed on and no work is done
   * @throws QuipuError `overloaded` when too many wait
   */
  matches(secret: string, stored: HashedSecret, admit?: () => void): Promise<boolean>;
}

/** For generated secrets: their 192 bits are beyond guessing whatever a hash costs. 16 MB, about 40 ms. */
export const generatedParams: HashParams = { N: 2 ** 14, r: 8, p: 1 };
/** For secrets that a person chose: five times the work. */
export const chosenParams: HashParams = { N: 2 ** 14, r: 8, p: 5 };

const hashBytes = 32;

/**
 * @param options.concurrency hashes at once; fewer than libuv's four threads, so that the store always has some to itself
 * @param options.waiting how many may wait for their turn
 */
export function createSecretHasher(options: { concurrency?: number; waiting?: number } = {}): SecretHasher {
  const { concurrency = 2, waiting = 256 } = options;
  const queue: (() => void)[] = [];
  let running = 0;

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running < concurrency) running++;
    else if (queue.length >= waiting) throw new QuipuError('overloaded', 'Too many credentials wait to be checked.', { retryAfter: 5 });
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  }

  return {
    hash: (secret, params = generatedParams) => turn(async () => {
      const salt = randomBytes(16);
      return { secretHash: (await derive(secret, salt, params)).toString('base64'), salt: salt.toString('base64'), params };
    }),
    matches: (secret, stored, admit) => turn(async () => {
      admit?.();
      const expected = Buffer.from(stored.secretHash, 'base64');
      const actual = await derive(secret, Buffer.from(stored.salt, 'base64'), stored.params);
      return actual.length === expected.length && timingSafeEqual(actual, expected);
    }),
  };
}

function derive(secret: string, salt: Buffer, { N, r, p }: HashParams): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, hashBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
