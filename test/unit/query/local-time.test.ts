import t from 'tap';
import { momentOfLocal } from '../../../src/query/local-time.js';

const at = (local: string, timezone: string): string => new Date(momentOfLocal(Date.parse(`${local}Z`), timezone)).toISOString();

t.test('the moment of a time on the clock', async (t) => {
  t.equal(at('2026-06-01T12:00:00', 'UTC'), '2026-06-01T12:00:00.000Z');
  t.equal(at('2026-06-01T12:00:00.123', 'Europe/Berlin'), '2026-06-01T10:00:00.123Z');
  t.equal(at('2026-01-01T00:00:00', 'Asia/Kathmandu'), '2025-12-31T18:15:00.000Z');
  t.equal(at('1950-06-01T00:00:00.5', 'America/New_York'), '1950-06-01T04:00:00.500Z');
  t.equal(at('1905-06-01T00:00:00', 'Africa/Monrovia'), '1905-06-01T00:43:08.000Z', 'an offset with seconds');
});

t.test('where clocks go forward, what is behind it', async (t) => {
  t.equal(at('2026-03-29T02:30:00', 'Europe/Berlin'), '2026-03-29T01:30:00.000Z', '03:30 on the clock');
  t.equal(at('2026-04-24T00:00:00', 'Africa/Cairo'), '2026-04-23T22:00:00.000Z', 'a day without midnight begins at 01:00');
  t.equal(at('2011-12-30T00:00:00', 'Pacific/Apia'), '2011-12-30T10:00:00.000Z', 'a day that was left out');
});

t.test('where clocks go back, the first of the two', async (t) => {
  t.equal(at('2026-10-25T02:30:00', 'Europe/Berlin'), '2026-10-25T00:30:00.000Z');
  t.equal(at('2026-10-25T03:00:00', 'Europe/Berlin'), '2026-10-25T02:00:00.000Z');
});
