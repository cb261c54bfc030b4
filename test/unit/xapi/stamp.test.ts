import t from 'tap';
import { stampOf } from '../../../src/xapi/stamp.js';

const stamp = (stored: number, timed: boolean): string => stampOf(stored, timed).toString('utf8');

t.test('stored, then the closing brace', async (t) => {
  t.equal(stamp(Date.UTC(2026, 0, 2, 3, 4, 5, 6), true), ',"stored":"2026-01-02T03:04:05.006Z"}');
});

t.test('a missing timestamp becomes the same instant (1.0.3 Part Two 2.4.7)', async (t) => {
  t.equal(stamp(0, false), ',"timestamp":"1970-01-01T00:00:00.000Z","stored":"1970-01-01T00:00:00.000Z"}');
});

t.test('always three decimals, and every millisecond its own text', async (t) => {
  t.equal(stamp(1000, true), ',"stored":"1970-01-01T00:00:01.000Z"}');
  t.equal(stamp(1001, true), ',"stored":"1970-01-01T00:00:01.001Z"}');
  t.equal(stamp(1000, true), ',"stored":"1970-01-01T00:00:01.000Z"}');
});
