const zone = '(Z|z|[+-]\\d\\d(?::?\\d\\d)?)?';
const extended = new RegExp(`^(\\d{4})-(\\d\\d)-(\\d\\d)[Tt](\\d\\d):(\\d\\d)(?::(\\d\\d)(?:[.,](\\d+))?)?${zone}$`);
const basic = new RegExp(`^(\\d{4})(\\d\\d)(\\d\\d)[Tt](\\d\\d)(\\d\\d)(?:(\\d\\d)(?:[.,](\\d+))?)?${zone}$`);

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** The calendar repeats after 400 years of this many days; years are shifted by it because Date.UTC misreads 0 to 99. */
const cycleYears = 400;
const cycle = 146_097 * day;
const earliest = Date.UTC(cycleYears, 0, 1) - cycle;
const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Reads a timestamp: a complete calendar date and a time of at least hours and minutes, in the extended or the basic format
 * of ISO 8601, which includes RFC 3339 (xAPI 1.0.3 Part Two 4.5, IEEE 9274.1.1 4.2.7). Without an offset it is taken as UTC.
 * Refused are days that no calendar has, hour 24, and the offsets -00, -0000 and -00:00, which RFC 3339 gives another meaning.
 * Second 60 is accepted in the last minute of a UTC day and counts as the first second of the next.
 * @returns milliseconds since the epoch, finer fractions cut off, or undefined when it is not a timestamp
 */
export function parseTimestamp(value: string): number | undefined {
  const match = extended.exec(value) ?? basic.exec(value);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const dayOfMonth = Number(match[3]);
  const hours = Number(match[4]);
  const minutes = Number(match[5]);
  const seconds = Number(match[6] ?? 0);
  if (month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > daysIn(month, year)) return undefined;
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const offset = parseOffset(match[8]);
  if (offset === undefined) return undefined;
  const milliseconds = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const time = Date.UTC(year + cycleYears, month - 1, dayOfMonth, hours, minutes) - cycle - offset;
  if (seconds === 60 && (((time % day) + day) % day) !== day - minute) return undefined;
  const result = time + seconds * 1000 + milliseconds;
  return result < earliest || result > latest ? undefined : result;
}

/**
 * Writes a time as Quipu writes every timestamp: UTC, three decimals, `Z`.
 * @param ms milliseconds since the epoch within the years 0000 to 9999
 */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

function daysIn(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** @returns the offset in milliseconds, or undefined when it is refused. */
function parseOffset(text: string | undefined): number | undefined {
  if (text === undefined || text === 'Z' || text === 'z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = text.length > 3 ? Number(text.slice(-2)) : 0;
  if (hours > 23 || minutes > 59) return undefined;
  const amount = hours * hour + minutes * minute;
  if (text[0] === '+') return amount;
  return amount === 0 ? undefined : -amount;
}
