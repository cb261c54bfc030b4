import t from 'tap';
import { readByteRange } from '../../../../src/cmi5/content/byte-range.js';

t.test('a single range is read', async (t) => {
  t.strictSame(readByteRange('bytes=0-0', 10), { start: 0, end: 1 });
  t.strictSame(readByteRange('bytes=3-5', 10), { start: 3, end: 6 });
  t.strictSame(readByteRange('bytes=3-', 10), { start: 3, end: 10 });
  t.strictSame(readByteRange('bytes=3-99', 10), { start: 3, end: 10 }, 'cut at the end');
  t.strictSame(readByteRange('bytes=-4', 10), { start: 6, end: 10 });
  t.strictSame(readByteRange('bytes=-40', 10), { start: 0, end: 10 }, 'a suffix longer than the file');
  t.strictSame(readByteRange('Bytes= 0-1 ', 10), { start: 0, end: 2 });
});

t.test('the whole file is answered where no single range is asked for', async (t) => {
  for (const header of [undefined, '', 'bytes=', 'bytes=-', 'bytes=5-3', 'bytes=0-1,3-4', 'bytes=a-b', 'lines=1-2', 'bytes=1', 'bytes=0-1;x', `bytes=${'9'.repeat(40)}-`]) {
    t.equal(readByteRange(header, 10), undefined, String(header));
  }
});

t.test('a range behind the end can not be satisfied', async (t) => {
  for (const [header, length] of [['bytes=10-', 10], ['bytes=10-20', 10], ['bytes=-0', 10], ['bytes=0-', 0], ['bytes=-5', 0], ['bytes=999999999999999-', 10]] as const) {
    t.equal(readByteRange(header, length), 'unsatisfiable', header);
  }
});
