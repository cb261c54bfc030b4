import t from 'tap';
import { chooseLanguage } from '../../../src/xapi/language-choice.js';

const map = { 'en-US': 'color', de: 'Farbe', 'en-GB': 'colour', fr: 'couleur' };

function chosen(header: string | undefined, from: Record<string, string> = map): string {
  const keys = Object.keys(chooseLanguage(from, header));
  t.equal(keys.length, 1, 'exactly one');
  return keys[0]!;
}

t.test('exactly one entry, with its text', async (t) => {
  t.strictSame(chooseLanguage(map, 'de'), { de: 'Farbe' });
  t.strictSame(chooseLanguage({ en: 'one' }, 'de'), { en: 'one' }, 'the only one even when it is not asked for');
  t.strictSame(chooseLanguage({}, 'de'), {});
});

t.test('RFC 2616 14.4: equal or prefix, highest quality', async (t) => {
  t.equal(chosen('fr'), 'fr');
  t.equal(chosen('en-GB'), 'en-GB');
  t.equal(chosen('EN-gb'), 'en-GB', 'without regard to case');
  t.equal(chosen('en'), 'en-US', 'a prefix; the first of the map among equals');
  t.equal(chosen('e'), 'en-US', 'a prefix ends at a hyphen: this is the default');
  t.equal(chosen('da, en-GB;q=0.8, en;q=0.7'), 'en-GB', 'example of the RFC');
  t.equal(chosen('fr;q=0.3, de;q=0.5'), 'de');
  t.equal(chosen('fr ; q=0.3 ,de; q = 0.25'), 'fr', 'white space');
  t.equal(chosen('de, fr'), 'de', 'the first named among equal qualities');
  t.equal(chosen('fr, de'), 'fr');
  t.equal(chosen('en, en-US;q=0.1, fr;q=0.5'), 'en-GB', 'the longest matching range decides the quality of a tag');
  t.equal(chosen('en', { 'en-Latn-US': 'a', 'en-US': 'b', en: 'c' }), 'en', 'the nearest tag');
});

t.test('* stands for every tag that no other range matches', async (t) => {
  t.equal(chosen('*'), 'en-US');
  t.equal(chosen('en;q=0.1, *;q=0.5'), 'de');
  t.equal(chosen('*;q=0.5, fr;q=0.7'), 'fr');
  t.equal(chosen('en-AU, *;q=0.1', { fr: 'a', en: 'b' }), 'en', 'among those the nearest to a range');
});

t.test('q=0 is not acceptable', async (t) => {
  t.equal(chosen('en;q=0'), 'de', 'the default passes over what is refused');
  t.equal(chosen('*;q=0, fr;q=0.001'), 'fr');
  t.equal(chosen('*;q=0'), 'en-US', 'but there is always one');
});

t.test('RFC 4647 3.4: ranges are shortened when nothing matches', async (t) => {
  t.equal(chosen('de-CH'), 'de');
  t.equal(chosen('fr-CH-x-private'), 'fr');
  t.equal(chosen('it, de-CH;q=0.5, fr-CA;q=0.2'), 'de');
  t.equal(chosen('de-CH, fr;q=0.1'), 'fr', 'RFC 2616 goes first: de-CH does not match de');
  t.equal(chosen('zh-Hant-TW', { zh: 'a', 'zh-Hant': 'b' }), 'zh-Hant', 'no further than needed');
});

t.test('deterministic default', async (t) => {
  t.equal(chosen(undefined), 'en-US');
  t.equal(chosen(''), 'en-US');
  t.equal(chosen('it'), 'en-US');
  t.equal(chosen(undefined, { fr: 'a', en: 'b' }), 'fr');
});

t.test('broken ranges are passed over', async (t) => {
  t.equal(chosen('fr;q=2, de;q=0.1'), 'de');
  t.equal(chosen('fr;q=abc, de;q=0.1'), 'de');
  t.equal(chosen(';;,,=, fr'), 'fr');
  t.equal(chosen('fr;level=1, de;q=0.1'), 'de');
});

t.test('each map on its own, also under the same header', async (t) => {
  t.equal(chosen('fr, de', { de: 'a', en: 'b' }), 'de');
  t.equal(chosen('fr, de', { en: 'b', fr: 'a' }), 'fr');
  t.equal(chosen('de, fr', { fr: 'a', de: 'b' }), 'de');
});

t.test('__proto__ is a key like any other', async (t) => {
  t.equal(JSON.stringify(chooseLanguage(JSON.parse('{"__proto__":"a","fr":"b"}'), 'it')), '{"__proto__":"a"}');
});

t.test('a long header and a large map take no long time', async (t) => {
  const large = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`x-${index}`, 'a']));
  const header = Array.from({ length: 20_000 }, (_, index) => `x-${index};q=0.5`).join(',');
  const started = performance.now();
  chosen(header, large);
  chosen(`en${' '.repeat(50_000)}x`, large);
  t.ok(performance.now() - started < 1000);
});
