import { parentPort, workerData } from 'node:worker_threads';
import type { ErrorCode, ErrorDetails } from '../xapi/errors.js';
import { createKeyHash } from '../xapi/key-hash.js';
import { createPrepare, type PrepareLimits, type PrepareOrder } from './prepare.js';
import type { PreparedBytes } from './prepared-batch.js';

/** What a thread is started with. */
export interface ThreadData extends PrepareLimits {
  salt: string;
}

/** Bodies to prepare, one after the other in the same memory. */
export interface Errands {
  bytes: Uint8Array;
  errands: { errand: number; end: number; order: PrepareOrder }[];
}

/** What became of a body: the batch, whose bytes end at `end` and begin where those before it end; what is wrong with it; or a fault of the program. */
export type Answer = { errand: number } & (
  | { end: number; prepared: Omit<PreparedBytes, 'bytes'> }
  | { refused: { code: ErrorCode; message: string; details: ErrorDetails }; count: number }
  | { fault: unknown });

/** The answers to bodies that came together. */
export interface Answers {
  bytes: Uint8Array;
  answers: Answer[];
}

const { salt, ...limits } = workerData as ThreadData;
const prepare = createPrepare(createKeyHash(salt), limits);
const port = parentPort!;

port.on('message', ({ bytes, errands }: Errands) => {
  const pieces: Uint8Array[] = [];
  const answers: Answer[] = [];
  let [start, made] = [0, 0];
  for (const { errand, end, order } of errands) {
    try {
      const result = prepare(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start), order);
      if ('refused' in result) {
        const { code, message, details } = result.refused;
        answers.push({ errand, refused: { code, message, details }, count: result.count });
      } else {
        pieces.push(result.bytes);
        made += result.bytes.length;
        answers.push({ errand, end: made, prepared: { table: result.table, ids: result.ids, salt, signed: result.signed } });
      }
    } catch (fault) {
      answers.push({ errand, fault });
    }
    start = end;
  }
  const all = pieces.length === 1 && isOwn(pieces[0]!) ? pieces[0]! : joined(pieces, made);
  port.postMessage({ bytes: all, answers } satisfies Answers, [all.buffer as ArrayBuffer]);
});
// To tell that it has started.
port.postMessage({ bytes: new Uint8Array(), answers: [] } satisfies Answers);

/** Whether bytes are more than a part of Node's pool, which must not be given away. */
function isOwn(bytes: Uint8Array): boolean {
  return bytes.buffer.byteLength !== Buffer.poolSize;
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
