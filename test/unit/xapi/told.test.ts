import t from 'tap';
import { toldBy, toldHashes, TOLD_BYTES, type Telling } from '../../../src/xapi/told.js';
import type { Statement } from '../../../src/xapi/types.js';

function telling(activity: string, name: string, more: Partial<Statement> = {}): Telling {
  const value: Statement = { actor: { mbox: 'mailto:ann@example.org', name: 'Ann' }, verb: { id: 'https://example.org/did', display: { en: 'did' } }, object: { id: activity, definition: { name: { en: name } } }, ...more };
  return { value, told: toldHashes(value) };
}

t.test('a run has an entry for each thing told, the same for the same', async (t) => {
  const one = telling('https://example.org/1', 'One');
  t.equal(one.told.length, toldBy(one.value).length * TOLD_BYTES);
  t.strictSame(telling('https://example.org/1', 'One').told, one.told);
  const other = telling('https://example.org/1', 'Other').told;
  t.notSame(other.subarray(0, TOLD_BYTES), one.told.subarray(0, TOLD_BYTES), 'something else of it');
  t.strictSame(other.subarray(TOLD_BYTES), one.told.subarray(TOLD_BYTES));
});
