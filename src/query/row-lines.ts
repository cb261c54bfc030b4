import { Worker } from 'node:worker_threads';
import type { StoredStatement } from '../statements/store.js';
import { rowLine, rowOf, type RowPlace } from './rows.js';

/** A stored statement on its way into the table. */
export type ShippedStatement = Pick<StoredStatement, 'position' | 'id' | 'stored' | 'text'>;

/** What the thread is given: statements to make lines of, their texts one after the other in the same memory. */
export interface LinesErrand {
  rows: { position: number; id: string; stored: number; end: number }[];
  bytes: Uint8Array;
  place: RowPlace;
}

/** The lines, or what went wrong. Errands are answered in order. */
export type LinesAnswer = { bytes: Uint8Array; ends: readonly number[] } | { fault: string };

/** Lines of an INSERT, one a statement. */
export interface RowLines {
  bytes: Buffer;
  /** Where each line ends. */
  ends: readonly number[];
}

/** Makes lines of statements, in a thread of its own that gives way to all that answers requests. */
export interface LineMaker {
  /** @param statements as many as another thread may be busy with while this one waits for it */
  make(statements: readonly ShippedStatement[], place: RowPlace): Promise<RowLines>;
  close(): Promise<void>;
}

/** The thread starts when it is first needed, and anew after it has ended; where the system gives none the work is done here. */
export function createLineMaker(): LineMaker {
  let thread: Thread | undefined;

  return {
    make: async (statements, place) => {
      try {
        thread ??= startThread(() => { thread = undefined; });
        return await thread.make(statements, place);
      } catch {
        return linesOf(statements, place);
      }
    },
    close: async () => {
      await thread?.end();
    },
  };
}

/** The lines of statements, made here and now. */
export function linesOf(statements: readonly ShippedStatement[], place: RowPlace): RowLines {
  const lines = statements.map((statement) => rowLine(rowOf(statement, place)));
  const bytes = Buffer.from(lines.join(''));
  let end = 0;
  return { bytes, ends: lines.map((line) => end += Buffer.byteLength(line)) };
}

interface Thread {
  make(statements: readonly ShippedStatement[], place: RowPlace): Promise<RowLines>;
  end(): Promise<unknown>;
}

/** @param onEnd called when the thread has ended, which fails what it has under way */
function startThread(onEnd: () => void): Thread {
  const worker = new Worker(new URL('./row-thread.js', import.meta.url));
  const waiting: { resolve(lines: RowLines): void; reject(error: Error): void }[] = [];
  let over = false;

  function finish(error: Error): void {
    if (over) return;
    over = true;
    onEnd();
    for (const { reject } of waiting.splice(0)) reject(error);
  }

  worker.on('message', (answer: LinesAnswer) => {
    const { resolve, reject } = waiting.shift()!;
    if (waiting.length === 0) worker.unref();
    if ('fault' in answer) reject(new Error(answer.fault));
    else resolve({ bytes: Buffer.from(answer.bytes.buffer as ArrayBuffer, answer.bytes.byteOffset, answer.bytes.byteLength), ends: answer.ends });
  });
  worker.on('error', finish);
  worker.on('exit', () => finish(new Error('The thread that makes rows has ended')));
  worker.unref();
  return {
    make: (statements, place) => new Promise((resolve, reject) => {
      let length = 0;
      const rows = statements.map(({ position, id, stored, text }) => ({ position, id, stored, end: length += text.length }));
      const bytes = new Uint8Array(length);
      statements.forEach(({ text }, index) => bytes.set(text, rows[index]!.end - text.length));
      waiting.push({ resolve, reject });
      worker.ref();
      worker.postMessage({ rows, bytes, place } satisfies LinesErrand, [bytes.buffer]);
    }),
    end: () => worker.terminate(),
  };
}
