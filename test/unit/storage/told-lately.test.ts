import t from 'tap';
import { createToldLately, freshlyTold, toldAnew } from '../../../src/storage/told-lately.js';
import { toldHashes, type Telling } from '../../../src/xapi/told.js';
import type { Statement } from '../../../src/xapi/types.js';

function telling(activity: string, name: string, more: Partial<Statement> = {}): Telling {
  const value: Statement = { actor: { mbox: 'mailto:ann@example.org', name: 'Ann' }, verb: { id: 'https://example.org/did', display: { en: 'did' } }, object: { id: activity, definition: { name: { en: name } } }, ...more };
  return { value, told: toldHashes(value) };
}

const names = (told: Iterable<{ name: string; given: string }>): string[] => Array.from(told, ({ name, given }) => `${name} ${given}`);

t.test('what was told lately is told once; what another has said since, again', async (t) => {
  const lately = createToldLately();
  const [one, other] = [telling('https://example.org/1', 'One'), telling('https://example.org/1', 'Other')];
  t.equal(names(freshlyTold(lately, 'a', one)).length, 3);
  t.strictSame(names(freshlyTold(lately, 'a', one)), []);
  t.strictSame(names(freshlyTold(lately, 'a', other)), ['https://example.org/1 {"name":{"en":"Other"}}']);
  t.strictSame(names(freshlyTold(lately, 'a', one)), ['https://example.org/1 {"name":{"en":"One"}}'], 'the latest counts');
  t.equal(names(freshlyTold(lately, 'b', one)).length, 3, 'tenants share nothing');
  lately.clear();
  t.equal(names(freshlyTold(lately, 'a', one)).length, 3);
});

t.test('each name of an agent is a thing of its own', async (t) => {
  const lately = createToldLately();
  const called = (name: string): Telling => telling('https://example.org/1', 'One', { actor: { mbox: 'mailto:ann@example.org', name } });
  t.equal(names(freshlyTold(lately, 'a', called('Ann'))).length, 3);
  t.strictSame(names(freshlyTold(lately, 'a', called('Ann Lee'))), ['mbox:mailto:ann@example.org Ann Lee']);
  t.strictSame(names(freshlyTold(lately, 'a', called('Ann'))), []);
});

t.test('within one statement the same thing may be told twice', async (t) => {
  const lately = createToldLately();
  const twice = telling('https://example.org/1', 'One', { context: { contextActivities: { parent: [{ id: 'https://example.org/1', definition: { name: { en: 'Two' } } }] } } });
  t.strictSame(names(freshlyTold(lately, 'a', twice)).slice(0, 2), ['https://example.org/1 {"name":{"en":"One"}}', 'https://example.org/1 {"name":{"en":"Two"}}']);
  t.strictSame(names(freshlyTold(lately, 'a', twice)).slice(0, 2), ['https://example.org/1 {"name":{"en":"One"}}', 'https://example.org/1 {"name":{"en":"Two"}}'], 'the last is what is remembered');
});

t.test('of a batch everything is told of the things of which anything is new, in order', async (t) => {
  const lately = createToldLately();
  const [one, other, second] = [telling('https://example.org/1', 'One'), telling('https://example.org/1', 'Other'), telling('https://example.org/2', 'Second')];
  for (const { told, run, index } of toldAnew(lately, 'a', [one, second])) lately.note('a', run, index, told);
  t.strictSame(toldAnew(lately, 'a', [one, second]), []);
  t.strictSame(names(toldAnew(lately, 'a', [other, one, second]).map(({ told }) => told)), ['https://example.org/1 {"name":{"en":"Other"}}', 'https://example.org/1 {"name":{"en":"One"}}']);
});

t.test('what is remembered is bounded, and the latest counts over generations', async (t) => {
  const lately = createToldLately();
  const [one, other] = [telling('https://example.org/1', 'One'), telling('https://example.org/1', 'Other')];
  names(freshlyTold(lately, 'a', one));
  for (let number = 0; number < 12_000; number++) names(freshlyTold(lately, 'a', telling(`https://example.org/many/${number}`, 'Many')));
  t.strictSame(names(freshlyTold(lately, 'a', one)), [], 'it is in the older generation');
  t.equal(names(freshlyTold(lately, 'a', other)).length, 1);
  t.equal(names(freshlyTold(lately, 'a', one)).length, 1, 'where it does not count any more');
  for (let number = 0; number < 25_000; number++) names(freshlyTold(lately, 'b', telling(`https://example.org/many/${number}`, 'Many')));
  t.equal(names(freshlyTold(lately, 'a', one)).length, 3, 'forgotten');
});

t.test('long names take no more memory than short ones', async (t) => {
  const lately = createToldLately();
  const before = process.memoryUsage().heapUsed;
  for (let number = 0; number < 300; number++) names(freshlyTold(lately, 'a', telling(`https://example.org/${'x'.repeat(1_000_000)}/${number}`, 'Long')));
  t.ok(process.memoryUsage().heapUsed - before < 150e6, 'of 300 MB');
  t.equal(names(freshlyTold(lately, 'a', telling(`https://example.org/${'x'.repeat(1_000_000)}/299`, 'Long'))).length, 0);
});
