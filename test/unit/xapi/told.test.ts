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

t.test('what is known of an activity is kept when it is long, and grows no more when it is very long', async (t) => {
  const definition = (choices: number): object => ({ name: { en: 'One' }, type: 'https://example.org/t', interactionType: 'choice', choices: Array.from({ length: choices }, (_, n) => ({ id: `c${n}`, description: { en: 'x'.repeat(180) } })) });
  const merge = (known: object, given: object): Record<string, object> => JSON.parse(toldBy(telling('https://example.org/1', '', { object: { id: 'https://example.org/1', definition: given } }).value)[0]!.merge(JSON.stringify(known))) as Record<string, object>;
  t.same(merge(definition(200), { name: { de: 'Eins' } }), { ...definition(200), name: { en: 'One', de: 'Eins' } });
  t.same(merge(definition(1000), { name: { de: 'Eins' } }), { ...definition(1000), name: { de: 'Eins' } }, 'the latest of each property');
  t.same(merge(definition(10_000), { name: { de: 'Eins' } }), { name: { de: 'Eins' } }, 'nor does one beyond all measure stay');
  t.same(merge(definition(1000), { interactionType: 'choice', choices: [{ id: 'other' }] }).choices, [{ id: 'other' }]);
});
