import type { Readable } from 'node:stream';

/** The bytes of a stream in pieces of one size, the last one shorter; none for an empty stream. */
export async function* inPieces(source: Readable, size: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    for (let rest = chunk as Buffer; rest.length > 0;) {
      const taken = rest.subarray(0, size - length);
      held.push(taken);
      length += taken.length;
      rest = rest.subarray(taken.length);
      if (length < size) continue;
      yield Buffer.concat(held);
      held = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(held);
}
