import { Worker, type ResourceLimits } from 'node:worker_threads';
import { QuipuError } from '../xapi/errors.js';
import type { KeyHash } from '../xapi/key-hash.js';
import type { Answer, Answers, Errands, ThreadData } from './preparation-thread.js';
import { createPrepare, type PrepareLimits, type PrepareOrder, type Refusal } from './prepare.js';
import type { PreparedBytes } from './prepared-batch.js';

/** Parses, validates and normalises the statements of requests: here, or in another thread where there is much to do. */
export interface Preparation {
  /**
   * @param body not to be used any more afterwards
   * @param quiet whether few others are on their way into the store, so that this thread has time
   */
  prepare(body: Buffer, order: PrepareOrder, quiet: boolean): Promise<PreparedBytes | Refusal>;
  /** Ends the threads; what they have under way is refused, and what comes after is done here. */
  close(): Promise<void>;
}

export interface PreparationOptions extends PrepareLimits {
  keyHash: KeyHash;
  /** How many; with none everything is done here. */
  threads: number;
  /** Memory of a thread; as Node has it when left out. */
  resourceLimits?: ResourceLimits;
  /** Called when a thread has ended by itself, or could not be started; its work is refused, or done here. */
  onFault(error: Error): void;
}

/** Bytes of a message that is worth sending at any time: a shorter one and its answer cost about what it costs to prepare the bodies. */
const WORTH_SENDING = 32 << 10;
/** A body from this length on is worth a message of its own when this thread has others to look after. */
const WORTH_SENDING_UNDER_LOAD = 8 << 10;

/** A body from this length on waits for a thread that is still starting, which takes half a second; what is shorter is done here until then. */
const WORTH_WAITING = 256 << 10;

/**
 * Megabytes for the youngest objects of a thread, half of what Node gives. They die with their request, so more room makes nothing faster
 * (bench/README.md tells the figures), and stays resident.
 */
const YOUNG_MEGABYTES = 24;

/** A body on its way. */
interface Errand {
  body: Buffer;
  order: PrepareOrder;
  resolve(answer: PreparedBytes | Refusal): void;
  reject(error: unknown): void;
}

interface Thread {
  /** Whether it has started. */
  started: boolean;
  send(errands: Errand[]): void;
  /** Bytes of bodies that it has been given and not answered. */
  bytes: number;
  end(): Promise<unknown>;
}

/**
 * A long body goes to the thread with the least to do. Short ones that arrive together go there together where they are many, as they
 * are under load; few are done here, and what is not very long when it is quiet. Threads start when they are first needed, and anew
 * after one has ended; meanwhile only what is very long waits for them.
 */
export function createPreparation({ keyHash, threads: count, resourceLimits, maxDepth, maxBatch, onFault }: PreparationOptions): Preparation {
  const here = createPrepare(keyHash, { maxDepth, maxBatch });
  const threads: (Thread | undefined)[] = Array.from({ length: count }, () => undefined);
  let together: Errand[] = [];
  let closing = false;

  /** Starts another thread where there may be one more and the system gives it. */
  function startAnother(): void {
    const place = threads.indexOf(undefined);
    if (place < 0) return;
    try {
      threads[place] = startThread({ salt: keyHash.salt, maxDepth, maxBatch }, resourceLimits, (fault) => {
        threads[place] = undefined;
        if (fault && !closing) onFault(fault);
      });
    } catch (error) {
      onFault(error as Error);
    }
  }

  /** Of the threads that have started the one with the least to do, or else one that is starting; where all have something to do, one more starts. */
  function idlest(): Thread | undefined {
    const started = threads.filter((thread) => thread?.started);
    const best = started.reduce((one, other) => (one && one.bytes <= other!.bytes ? one : other), undefined);
    const starting = threads.find((thread) => thread && !thread.started);
    if (best?.bytes !== 0 && !starting) startAnother();
    return best ?? threads.find((thread) => thread);
  }

  function send(errands: Errand[]): void {
    const thread = closing ? undefined : idlest();
    if (thread && (thread.started || errands[0]!.body.length >= WORTH_WAITING)) thread.send(errands);
    else for (const errand of errands) doHere(errand);
  }

  function doHere({ body, order, resolve, reject }: Errand): void {
    try {
      resolve(here(body, order));
    } catch (error) {
      reject(error);
    }
  }

  /** Runs when all that has arrived by now has been looked at. */
  function sendTogether(): void {
    const errands = together;
    together = [];
    if (errands.reduce((bytes, { body }) => bytes + body.length, 0) >= WORTH_SENDING) send(errands);
    else for (const errand of errands) doHere(errand);
  }

  return {
    prepare: (body, order, quiet) => new Promise((resolve, reject) => {
      const errand = { body, order, resolve, reject };
      if (count === 0) return doHere(errand);
      if (body.length >= (quiet ? WORTH_SENDING : WORTH_SENDING_UNDER_LOAD)) return send([errand]);
      if (quiet) return doHere(errand);
      together.push(errand);
      if (together.length === 1) setImmediate(sendTogether);
    }),
    close: async () => {
      closing = true;
      await Promise.all(threads.map((thread) => thread?.end()));
    },
  };
}

/** @param onEnd called once when the thread has ended, with the reason where it left something undone or never started */
function startThread(workerData: ThreadData, resourceLimits: ResourceLimits | undefined, onEnd: (fault?: Error) => void): Thread {
  const worker = new Worker(new URL('./preparation-thread.js', import.meta.url), { workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES, ...resourceLimits } });
  const waiting = new Map<number, Errand & { bytes: number }>();
  let number = 0;
  let over = false;

  function finish(error: Error): void {
    if (over) return;
    over = true;
    for (const { reject } of waiting.values()) reject(new QuipuError('overloaded', 'The request could not be read to its end; send it again in a moment.', { retryAfter: 1 }));
    onEnd(waiting.size > 0 || !thread.started ? error : undefined);
  }

  /** @returns where the bytes of the next answer begin */
  function settle(answer: Answer, bytes: Uint8Array, start: number): number {
    const errand = waiting.get(answer.errand)!;
    waiting.delete(answer.errand);
    thread.bytes -= errand.bytes;
    if ('prepared' in answer) errand.resolve({ ...answer.prepared, bytes: bytes.subarray(start, answer.end) });
    else if ('refused' in answer) errand.resolve({ refused: new QuipuError(answer.refused.code, answer.refused.message, answer.refused.details), count: answer.count });
    else errand.reject(new Error('A statement could not be prepared', { cause: answer.fault }));
    return 'prepared' in answer ? answer.end : start;
  }

  const thread: Thread = {
    started: false,
    bytes: 0,
    send: (errands) => {
      const bytes = ownBytes(errands.map(({ body }) => body));
      let end = 0;
      const message: Errands = { bytes, errands: errands.map((errand) => {
        const { length } = errand.body;
        waiting.set(++number, { ...errand, body: NOTHING, bytes: length });
        thread.bytes += length;
        end += length;
        return { errand: number, end, order: errand.order };
      }) };
      worker.ref();
      worker.postMessage(message, [bytes.buffer as ArrayBuffer]);
    },
    end: () => worker.terminate(),
  };
  worker.on('message', ({ bytes, answers }: Answers) => {
    thread.started = true;
    let start = 0;
    for (const answer of answers) start = settle(answer, bytes, start);
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', finish);
  worker.on('exit', () => finish(new Error('The thread that prepares statements has ended')));
  worker.unref();
  return thread;
}

const NOTHING = Buffer.alloc(0);

/** The bodies one after the other, in memory that can be given away. */
function ownBytes(bodies: readonly Buffer[]): Uint8Array {
  const [first] = bodies;
  if (bodies.length === 1 && first!.byteLength === first!.buffer.byteLength) return first!;
  const bytes = new Uint8Array(bodies.reduce((length, body) => length + body.length, 0));
  let at = 0;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  return bytes;
}
