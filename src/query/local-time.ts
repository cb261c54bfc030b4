const DAY = 86_400_000;

/**
 * The moment at which the clock of a time zone shows a time. Where the clock was put back over it, the first of the two; where it was put
 * forward over it, as far behind the change as it would have been, so that a day without midnight begins at its first moment.
 * (A library such as luxon does the same, and takes a twentieth of the program's start to load.)
 * @param local the time on the clock, as milliseconds since the epoch if it were UTC
 * @param timezone name in the IANA database
 * @returns milliseconds since the epoch
 */
export function momentOfLocal(local: number, timezone: string): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  const offsetAt = (moment: number): number => {
    const whole = Math.floor(moment / 1000) * 1000;
    const shown = new Map(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
    const [year, month, day, hour, minute, second] = (['year', 'month', 'day', 'hour', 'minute', 'second'] as const).map((type) => shown.get(type)!);
    return Date.UTC(year!, month! - 1, day, hour, minute, second) - whole;
  };
  const [before, after] = [local - offsetAt(local - DAY), local - offsetAt(local + DAY)];
  return offsetAt(before) !== local - before && offsetAt(after) === local - after ? after : before;
}
