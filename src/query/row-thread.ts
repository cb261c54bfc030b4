import { parentPort } from 'node:worker_threads';
import { giveWay } from './engine/give-way.js';
import { linesOf, type LinesAnswer, type LinesErrand } from './row-lines.js';

const port = parentPort!;

// On Linux this is of the calling thread alone; elsewhere it would be of the whole process.
if (process.platform === 'linux') giveWay();

port.on('message', ({ rows, bytes, place }: LinesErrand) => {
  try {
    let start = 0;
    const made = linesOf(rows.map(({ end, ...row }) => {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
      start = end;
      return { ...row, text };
    }), place);
    // Memory of its own, not a part of Node's pool.
    const own = made.bytes.buffer.byteLength === made.bytes.byteLength ? made.bytes : Uint8Array.from(made.bytes);
    port.postMessage({ bytes: own, ends: made.ends } satisfies LinesAnswer, [own.buffer as ArrayBuffer]);
  } catch (error) {
    port.postMessage({ fault: (error as Error).message } satisfies LinesAnswer);
  }
});
