import t from 'tap';
import { formatTimestamp, parseTimestamp } from '../../../src/xapi/timestamps.js';

const noon = Date.UTC(2015, 10, 18, 12, 17, 0);

const accepted: [string, number][] = [
  ['2015-11-18T12:17:00Z', noon],
  ['2015-11-18T12:17:00.1Z', noon + 100],
  ['2015-11-18T12:17:00.123456Z', noon + 123],
  ['2015-11-18T12:17:00.9999999Z', noon + 999],
  ['2015-11-18T12:17:00,5Z', noon + 500],
  ['2015-11-18T12:17Z', noon],
  ['2015-11-18T12:17:00', noon],
  ['2015-11-18t12:17:00z', noon],
  ['2015-11-18T12:17:00+00:00', noon],
  ['2015-11-18T12:17:00+0000', noon],
  ['2015-11-18T14:47:00+02:30', noon],
  ['2015-11-18T14:17:00+02', noon],
  ['2015-11-18T07:17:00-0500', noon],
  ['20151118T121700Z', noon],
  ['20151118T121700.25+0000', noon + 250],
  ['20151118T1217Z', noon],
  ['2016-02-29T00:00:00Z', Date.UTC(2016, 1, 29)],
  ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
  ['1969-12-31T23:59:59.999Z', -1],
  ['1969-12-31T23:59:59.9999Z', -1],
  ['0001-01-01T00:00:00Z', Date.parse('0001-01-01T00:00:00Z')],
  ['0000-01-01T00:00:00Z', Date.parse('0000-01-01T00:00:00Z')],
  ['9999-12-31T23:59:59.999Z', Date.parse('9999-12-31T23:59:59.999Z')],
  ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ['2016-12-31T18:59:60-05:00', Date.UTC(2017, 0, 1)],
  [`2015-11-18T12:17:00.${'1'.repeat(100_000)}Z`, noon + 111],
];

const refused = [
  '', 'should fail', '01/011/2015', '2015-11-18', '2015-11-18T', '2015-11-18T12Z', '2015-11-18 12:17:00Z', ' 2015-11-18T12:17:00Z',
  '2015-11-18T12:17:00Z\n', '2015-11-18T12:17:00-00', '2008-09-15T15:53:00.601-0000', '2008-09-15T15:53:00.601-00:00',
  '2015-11-18T12:17:00.Z', '2015-11-18T12:17:00+24:00', '2015-11-18T12:17:00+01:60', '2015-11-18T12:17:00+1',
  '2015-11-18T24:00:00Z', '2015-11-18T12:60:00Z', '2015-11-18T12:17:61Z', '2015-11-18T12:17:60Z',
  '2015-00-18T12:17:00Z', '2015-13-18T12:17:00Z', '2015-11-00T12:17:00Z', '2015-11-31T12:17:00Z', '2015-02-29T12:17:00Z',
  '1900-02-29T12:17:00Z', '2015-W47-3T12:17:00Z', '2015-322T12:17:00Z', '15-11-18T12:17:00Z', '+002015-11-18T12:17:00Z',
  '2015-11-18T1217Z', '20151118T12:17Z', '0000-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00', '٢٠١٥-11-18T12:17:00Z',
  `2015-11-18T12:17:00.${'1'.repeat(100_000)}`.concat('x'),
];

t.test('accepted timestamps give milliseconds', async (t) => {
  for (const [text, ms] of accepted) t.equal(parseTimestamp(text), ms, text.slice(0, 40));
});

t.test('refused timestamps give undefined', async (t) => {
  for (const text of refused) t.equal(parseTimestamp(text), undefined, JSON.stringify(text.slice(0, 40)));
});

t.test('every day of 800 years is read as the calendar has it', async (t) => {
  let mismatches = 0;
  for (let ms = Date.UTC(1600, 0, 1); ms < Date.UTC(2400, 0, 1); ms += 86_400_000) if (parseTimestamp(formatTimestamp(ms)) !== ms) mismatches++;
  t.equal(mismatches, 0);
});

t.test('timestamps are written in UTC with three decimals', async (t) => {
  t.equal(formatTimestamp(noon), '2015-11-18T12:17:00.000Z');
  t.equal(formatTimestamp(noon + 7), '2015-11-18T12:17:00.007Z');
});
