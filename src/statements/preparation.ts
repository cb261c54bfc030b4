import { Worker } from 'node:worker_threads';
import { QuipuError } from '../xapi/errors.js';
import type { KeyHash } from '../xapi/key-hash.js';
import type { Answer, Errand, ThreadData } from './preparation-thread.js';
import { createPrepare, type PrepareLimits, type PrepareOrder, type Refusal } from './prepare.js';
import type { PreparedBytes } from './prepared-batch.js';

/** Parses, validates and normalises the statements of a request: here when it is short, in another thread when it is long. */
export interface Preparation {
  /** @param body not to be used any more afterwards */
  prepare(body: Buffer, order: PrepareOrder): Promise<PreparedBytes | Refusal>;
  /** Ends the threads; what is under way is refused. */
  close(): Promise<void>;
}

export interface PreparationOptions extends PrepareLimits {
  keyHash: KeyHash;
  /** How many; with none everything is done here. */
  threads: number;
  /** Called when a thread has ended by itself. */
  onFault(error: Error): void;
}

/** A body shorter than this takes less time to be read here than to be sent to and fro. */
const WORTH_SENDING = 8 << 10;

interface Thread {
  worker: Worker;
  waiting: Map<number, { resolve: (answer: PreparedBytes | Refusal) => void; reject: (error: Error) => void; bytes: number }>;
  /** Bytes of bodies that it has been given and not answered. */
  bytes: number;
}

/** Threads start when they are first needed, and anew after one has ended. */
export function createPreparation({ keyHash, threads: count, maxDepth, maxBatch, onFault }: PreparationOptions): Preparation {
  const here = createPrepare(keyHash, { maxDepth, maxBatch });
  const threads: (Thread | undefined)[] = Array.from({ length: count }, () => undefined);
  let errands = 0;

  function start(place: number): Thread {
    const worker = new Worker(new URL('./preparation-thread.js', import.meta.url), { workerData: { salt: keyHash.salt, maxDepth, maxBatch } satisfies ThreadData });
    const thread: Thread = { worker, waiting: new Map(), bytes: 0 };
    threads[place] = thread;
    const end = (error: Error): void => {
      if (threads[place] === thread) threads[place] = undefined;
      for (const { reject } of thread.waiting.values()) reject(new QuipuError('overloaded', 'The request could not be read to its end; send it again in a moment.', { retryAfter: 1 }));
      if (thread.waiting.size > 0) onFault(error);
      thread.waiting.clear();
    };
    worker.on('message', (answer: Answer) => {
      const asked = thread.waiting.get(answer.errand)!;
      thread.waiting.delete(answer.errand);
      thread.bytes -= asked.bytes;
      if (thread.waiting.size === 0) worker.unref();
      if ('prepared' in answer) asked.resolve(answer.prepared);
      else if ('refused' in answer) asked.resolve({ refused: new QuipuError(answer.refused.code, answer.refused.message, answer.refused.details), count: answer.count });
      else asked.reject(new Error('A statement could not be prepared', { cause: answer.fault }));
    });
    worker.on('error', end);
    worker.on('exit', () => end(new Error('The thread that prepares statements has ended')));
    worker.unref();
    return thread;
  }

  /** The thread with the least to do. */
  function idlest(): Thread {
    let best = threads[0] ?? start(0);
    for (let place = 1; place < count && best.bytes > 0; place++) {
      const other = threads[place] ?? start(place);
      if (other.bytes < best.bytes) best = other;
    }
    return best;
  }

  return {
    prepare: (body, order) => {
      if (count === 0 || body.length < WORTH_SENDING) return new Promise((resolve) => resolve(here(body, order)));
      const thread = idlest();
      const errand = errands++;
      const owned = body.byteLength === body.buffer.byteLength ? body : Buffer.from(Uint8Array.from(body).buffer);
      return new Promise((resolve, reject) => {
        thread.waiting.set(errand, { resolve, reject, bytes: owned.length });
        thread.bytes += owned.length;
        thread.worker.ref();
        thread.worker.postMessage({ errand, body: owned, order } satisfies Errand, [owned.buffer as ArrayBuffer]);
      });
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread?.worker.terminate()));
    },
  };
}
