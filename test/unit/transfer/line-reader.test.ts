import t from 'tap';
import { createLineCursor, readLines, type Line } from '../../../src/transfer/line-reader.js';

async function* chunked(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function lines(text: string, size: number, maxBytes = 100): Promise<Line[]> {
  const all: Line[] = [];
  for await (const line of readLines(chunked(text, size), maxBytes)) all.push(line);
  return all;
}

t.test('lines, their numbers and ends', async (t) => {
  const text = 'one\r\n\n  \ntwo é\nthree';
  for (const size of [1, 2, 5, 100]) {
    t.same((await lines(text, size)).map(({ number, bytes, end }) => [number, bytes!.toString(), end]), [[1, 'one\r', 5], [4, 'two é', 16], [5, 'three', 21]], `chunks of ${size}`);
  }
  t.same(await lines('', 1), []);
  t.same(await lines('\n\n', 1), []);
});

t.test('a line that is too long is counted and not held', async (t) => {
  for (const size of [1, 3, 100]) {
    t.same((await lines('ab\nabcdefgh\ncd\nabcdef', size, 5)).map(({ number, bytes, end }) => [number, bytes?.toString(), end]), [[1, 'ab', 3], [2, undefined, 12], [3, 'cd', 15], [4, undefined, 21]]);
  }
});

t.test('a line can be put back', async (t) => {
  const cursor = createLineCursor(readLines(chunked('a\nb', 10), 10));
  const first = await cursor.next();
  cursor.putBack(first!);
  t.equal(await cursor.next(), first);
  t.equal((await cursor.next())!.number, 2);
  t.equal(await cursor.next(), undefined);
});
