import t from 'tap';
import { buffer } from 'node:stream/consumers';
import { PassThrough, Readable } from 'node:stream';
import { readWhole, splitWhole } from '../../../src/statements/whole-multipart.js';

const split = (text: string) => splitWhole(Buffer.from(text, 'latin1'), 'b')?.map(({ headers, content }) => [Object.fromEntries(headers), content.toString('latin1')]);

t.test('a plain body is taken apart', async (t) => {
  t.same(split('--b\r\nA: 1\r\nb-c:2 \r\n\r\nx\r\n--b--'), [[{ a: '1', 'b-c': '2' }, 'x']]);
  t.same(split('--b\r\nA: 1\r\n\r\n\r\n--b\r\nB:\r\n\r\n\r\ny\r\n\r\n--b--\r\nanything'), [[{ a: '1' }, ''], [{ b: '' }, '\r\ny\r\n']]);
  t.same(split('--b\r\nA: 1\r\n\r\n x --b x\n--b\n\r\n--b--'), [[{ a: '1' }, ' x --b x\n--b\n']]);
  t.same(split('--b \t\r\nA: 1\r\n\r\nx\r\n--b \r\nB: 2\r\n\r\n--b--  \r\n'), [[{ a: '1' }, 'x'], [{ b: '2' }, '']]);
  t.same(split('--b\r\nA: 1\r\n\r\n--b--'), [[{ a: '1' }, '']]);
  t.same(split('--b--'), []);
});

t.test('everything else is left to whoever judges it', async (t) => {
  for (const text of [
    '', '--', '--b', '--b\r\n', 'preamble\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--', '\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--', '--b\r\nA: 1\r\n\r\nx', '--b\r\nA: 1\r\n\r\nx\r\n--b', '--b\r\nA: 1\r\n\r\nx\r\n--b-',
    '--b\r\n\r\nx\r\n--b--', '--b\r\n\r\n\r\nx\r\n--b--', '--b\r\nA: 1\r\n--b--\r\n\r\n', '--b\r\nA: 1\r\n\r\nx\r\n--bc\r\nA: 1\r\n\r\ny\r\n--b--', '--b  A: 1\r\n\r\nx\r\n--b--', '--b\r\nA: 1\r\n\r\nx\r\n--b --',
    '--b\r\nA: 1\r\n folded\r\n\r\nx\r\n--b--', '--b\r\nno header\r\n\r\nx\r\n--b--', '--b\r\nA: 1\r\na: 2\r\n\r\nx\r\n--b--', '--b\r\nA: \xe9\r\n\r\nx\r\n--b--', '--b\r\nA\0: 1\r\n\r\nx\r\n--b--', `--b\r\nA: ${'x'.repeat(5000)}\r\n\r\nx\r\n--b--`,
  ]) t.equal(split(text), undefined, JSON.stringify(text.slice(0, 60)));
});

t.test('a source is read whole, or nothing of it is lost', async (t) => {
  const source = (...chunks: string[]) => Readable.from(chunks.map((text) => Buffer.from(text)), { objectMode: false });
  t.equal((await readWhole(source('ab', 'cd'), 4))?.toString(), 'abcd');
  t.equal((await readWhole(source(), 4))?.length, 0);
  const longer = source('ab', 'cd', 'e', 'f');
  t.equal(await readWhole(longer, 3), undefined);
  t.equal((await buffer(longer)).toString(), 'abcdef');
  const broken = Readable.from((function* () { yield Buffer.from('a'); throw new Error('gone'); })(), { objectMode: false });
  t.equal(await readWhole(broken, 4), undefined);
  t.ok(broken.errored);
});

t.test('a source that has broken off before it is read is no whole one', async (t) => {
  const source = new PassThrough();
  source.destroy();
  t.equal(await readWhole(source, 100), undefined);
});

t.test('a part of many headers is left to the other way', async (t) => {
  const body = (count: number): Buffer => Buffer.from(`--b\r\n${Array.from({ length: count }, (_, index) => `X-${index}: 1\r\n`).join('')}\r\nx\r\n--b--\r\n`);
  t.equal(splitWhole(body(50), 'b')!.length, 1);
  t.equal(splitWhole(body(51), 'b'), undefined);
});
