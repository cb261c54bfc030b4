import { MongoAPIError, MongoBulkWriteError, MongoClientClosedError, MongoError, MongoNotConnectedError, MongoServerError, MongoTopologyClosedError } from 'mongodb';
import { QuipuError } from '../../xapi/errors.js';

/** Errors of the server that pass by themselves: it is starting, stopping, changing its primary or overtaxed. */
const passing = new Set([6, 7, 43, 50, 64, 79, 89, 91, 100, 112, 133, 175, 189, 202, 216, 234, 262, 290, 317, 358, 384, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436]);
/** OutOfDiskSpace, and Atlas's code for a full quota. */
const full = new Set([14031, 8000]);
const DUPLICATE_KEY = 11000;

/** What a failed command becomes for the caller; what is not the store's absence is a fault of Quipu and stays as it is. */
export function storeFailure(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  if (error instanceof MongoBulkWriteError && (error.errorResponse as unknown) instanceof Error) return storeFailure(error.errorResponse);
  if (error instanceof MongoAPIError && !isClosed(error)) return error;
  const { code } = error;
  if (typeof code === 'number' && full.has(code) && /space|quota|disk/i.test(error.message)) return storageFull();
  if (error instanceof MongoServerError && !(typeof code === 'number' && passing.has(code)) && !error.hasErrorLabel('RetryableWriteError') && !hasConcernError(error)) return error;
  return unavailable();
}

/** Whether a failure is the absence of the store, which passes by itself. */
export function isAbsence(error: unknown): boolean {
  const failure = storeFailure(error);
  return failure instanceof QuipuError && (failure.code === 'store-unavailable' || failure.code === 'storage-full');
}

/** The store does not answer. */
export function unavailable(): QuipuError {
  return new QuipuError('store-unavailable', 'The store does not answer at the moment; nothing of this request is known to be stored. Send it again.', { retryAfter: 2 });
}

/** Wraps a function of a port so that it fails with a QuipuError when the store is away. */
export function answering<A extends unknown[], R>(work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      throw storeFailure(error);
    }
  };
}

/** Whether a write failed because an `_id` or another unique value is taken, and for nothing else. */
export function isDuplicateKey(error: unknown): boolean {
  if (error instanceof MongoBulkWriteError) {
    const faults = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    return faults.length > 0 && faults.every(({ code }) => code === DUPLICATE_KEY) && !hasConcernError(error);
  }
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** Runs an upsert again that another one of the same document got in the way of. */
export async function upserting<T>(upsert: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await upsert();
    } catch (error) {
      if (attempt === 5 || !isDuplicateKey(error)) throw error;
    }
  }
}

function isClosed(error: MongoAPIError): boolean {
  return error instanceof MongoClientClosedError || error instanceof MongoNotConnectedError || error instanceof MongoTopologyClosedError;
}

function hasConcernError(error: MongoServerError): boolean {
  return error instanceof MongoBulkWriteError && error.result?.getWriteConcernError() !== undefined;
}

function storageFull(): QuipuError {
  return new QuipuError('storage-full', 'The disk of the database is full; nothing of this request was stored. It can be sent again when there is room.', { retryAfter: 5 });
}
