import { RandomAccessReader } from 'yauzl';

/** Bytes that can be read in any order. */
export interface ByteSource {
  length: number;
  /** Those from `start` up to and not including `end`, fewer where they end. */
  read(start: number, end: number): Promise<Buffer>;
}

const WINDOW = 1 << 20;

/** The same bytes, for whoever reads a little at a time and mostly forwards: a piece of some size is held, and read once. */
export function windowed(source: ByteSource): ByteSource {
  let held: Buffer = Buffer.alloc(0);
  let from = 0;
  return {
    length: source.length,
    read: async (start, end) => {
      if (start < from || end > from + held.length) {
        held = await source.read(start, Math.min(source.length, Math.max(end, start + WINDOW)));
        from = start;
      }
      return held.subarray(start - from, end - from);
    },
  };
}

/** The bytes as yauzl reads them. A fault in whoever is called back becomes a call of `fail` instead of ending the process. */
export class SourceReader extends RandomAccessReader {
  private readonly source: ByteSource;
  private readonly fail: (error: unknown) => void;

  constructor(source: ByteSource, fail: (error: unknown) => void) {
    super();
    this.source = windowed(source);
    this.fail = fail;
  }

  override read(target: Buffer, offset: number, length: number, position: number, callback: (error: Error | null, bytesRead?: number) => void): void {
    const inside = position >= 0 && position + length <= this.source.length;
    const reading = inside ? this.source.read(position, position + length) : Promise.resolve(Buffer.alloc(0));
    reading.then((bytes) => callback(null, bytes.copy(target, offset)), (error: unknown) => callback(error as Error)).catch(this.fail);
  }
}
