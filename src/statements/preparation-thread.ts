import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorCode, ErrorDetails } from '../xapi/errors.js';
import { createKeyHash } from '../xapi/key-hash.js';
import { createPrepare, type PrepareLimits, type PrepareOrder } from './prepare.js';
import type { PreparedBytes } from './prepared-batch.js';

/** What a thread is started with. */
export interface ThreadData extends PrepareLimits {
  salt: string;
}

/** A body to prepare. */
export interface Errand {
  errand: number;
  body: Uint8Array;
  order: PrepareOrder;
}

/** What became of it: the batch, what is wrong with it, or a fault of the program. */
export type Answer = { errand: number } & (
  | { prepared: PreparedBytes }
  | { refused: { code: ErrorCode; message: string; details: ErrorDetails }; count: number }
  | { fault: unknown });

const { salt, ...limits } = workerData as ThreadData;
const prepare = createPrepare(createKeyHash(salt), limits);
const port = parentPort!;

port.on('message', ({ errand, body, order }: Errand) => {
  try {
    const result = prepare(Buffer.from(body.buffer, body.byteOffset, body.byteLength), order);
    if ('refused' in result) {
      const { code, message, details } = result.refused;
      port.postMessage({ errand, refused: { code, message, details }, count: result.count } satisfies Answer);
    } else {
      const { bytes, table, ids } = result;
      port.postMessage({ errand, prepared: { bytes, table, ids, salt } } satisfies Answer, [bytes.buffer as ArrayBuffer, table.buffer as ArrayBuffer]);
    }
  } catch (fault) {
    port.postMessage({ errand, fault } satisfies Answer);
  }
});
