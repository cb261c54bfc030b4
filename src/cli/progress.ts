import { SingleBar } from 'cli-progress';

/** Shows how far a command has come. */
export interface Progress {
  /** @param done in the unit of the total @param note a few words such as `1,200 statements` */
  update(done: number, note: string): void;
  stop(): void;
}

export interface ProgressOptions {
  /** The whole of the work; unknown when left out. */
  total?: number;
  /** What is counted. */
  unit: 'bytes' | 'statements';
  stream?: NodeJS.WriteStream;
}

/** Milliseconds between two lines where there is no terminal. */
const interval = 5000;

/** A bar on a terminal, a plain line now and then elsewhere; always on standard error, so that output may be piped. */
export function createProgress({ total, unit, stream = process.stderr }: ProgressOptions): Progress {
  return stream.isTTY && total ? bar(total, unit, stream) : lines(total, stream, stream.isTTY);
}

function bar(total: number, unit: ProgressOptions['unit'], stream: NodeJS.WriteStream): Progress {
  const shown = new SingleBar({
    stream, hideCursor: true, etaBuffer: 100, barsize: 30,
    format: '{bar} {percentage}% | {note} | {duration_formatted}, {eta_formatted} to go',
    formatValue: (value) => (unit === 'bytes' ? `${Math.round(value / 1024)} KB` : String(value)),
  });
  shown.start(total, 0, { note: '' });
  return {
    update: (done, note) => shown.update(Math.min(done, total), { note }),
    stop: () => shown.stop(),
  };
}

function lines(total: number | undefined, stream: NodeJS.WriteStream, isTerminal: boolean): Progress {
  let last = Date.now();
  let drawn = false;
  return {
    update: (done, note) => {
      const now = Date.now();
      if (now - last < (isTerminal ? 200 : interval)) return;
      last = now;
      const share = total ? `${Math.floor((Math.min(done, total) / total) * 100)}%, ` : '';
      drawn = true;
      stream.write(isTerminal ? `\r${share}${note}   ` : `${share}${note}\n`);
    },
    stop: () => {
      if (drawn && isTerminal) stream.write('\n');
    },
  };
}

/** A number for people: 1,234,567. */
export function grouped(number: number): string {
  return number.toLocaleString('en-US');
}
