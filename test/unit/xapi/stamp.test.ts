import t from 'tap';
import { stampStatement } from '../../../src/xapi/stamp.js';

t.test('stored goes before the closing brace', async (t) => {
  t.equal(stampStatement('{"id":"x"}', Date.UTC(2026, 0, 2, 3, 4, 5, 6), false), '{"id":"x","stored":"2026-01-02T03:04:05.006Z"}');
});

t.test('a missing timestamp becomes the same instant (1.0.3 Part Two 2.4.7)', async (t) => {
  t.equal(stampStatement('{"id":"x"}', 0, true), '{"id":"x","timestamp":"1970-01-01T00:00:00.000Z","stored":"1970-01-01T00:00:00.000Z"}');
});

t.test('always three decimals, and every millisecond its own text', async (t) => {
  t.equal(stampStatement('{"a":1}', 1000, false), '{"a":1,"stored":"1970-01-01T00:00:01.000Z"}');
  t.equal(stampStatement('{"a":1}', 1001, false), '{"a":1,"stored":"1970-01-01T00:00:01.001Z"}');
  t.equal(stampStatement('{"a":1}', 1000, false), '{"a":1,"stored":"1970-01-01T00:00:01.000Z"}');
});

t.test('the text stays as it is, byte for byte', async (t) => {
  const text = '{ "id" : "x", "extra": {"__proto__":1, "n": 1.50e+03, "s":"}\\u007d\\ud800"}}';
  t.equal(stampStatement(text, 1, false), `${text.slice(0, -1)},"stored":"1970-01-01T00:00:00.001Z"}`);
  t.strictSame(JSON.parse(stampStatement('{"a":{"b":"}"} } \n', 1, true)), { a: { b: '}' }, timestamp: '1970-01-01T00:00:00.001Z', stored: '1970-01-01T00:00:00.001Z' }, 'white space at the end');
});
