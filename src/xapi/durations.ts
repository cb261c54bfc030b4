const weeks = /^P\d+(?:[.,]\d+)?W$/;

/** Date and time components in their order; `(?!$)` and `(?=\d)` ask for at least one after `P` and one after `T`. */
const components =
  /^P(?!$)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?D)?(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?$/;

/** A fraction anywhere but in the last component. */
const earlyFraction = /[.,]\d+[YMDH]./;

/** Digits of seconds beyond the second decimal. */
const fineSeconds = /([.,]\d\d)\d+S$/;

/**
 * Whether a string is a duration in the format with designators of ISO 8601:2004 4.4.3.2: `PnW` alone or components in
 * order, a fraction only in the last one (xAPI 1.0.3 Part Two 4.6, IEEE 9274.1.1 4.2.7). The alternative format of 4.4.3.3 is refused.
 */
export function isDuration(value: string): boolean {
  return (components.test(value) && !earlyFraction.test(value)) || weeks.test(value);
}

/**
 * Cuts the seconds of a duration to 0.01 s, never rounding, for comparison (xAPI 1.0.3 Part Two 4.6, IEEE 9274.1.1 4.2.7).
 * The rest stays as written: `PT60S` and `PT1M` are different durations to the standard.
 * @param value a valid duration
 */
export function truncateDuration(value: string): string {
  return value.replace(fineSeconds, '$1S');
}

const parts = /^P(?:([\d.,]+)Y)?(?:([\d.,]+)M)?(?:([\d.,]+)W)?(?:([\d.,]+)D)?(?:T(?:([\d.,]+)H)?(?:([\d.,]+)M)?(?:([\d.,]+)S)?)?$/;
const day = 86_400;
const year = 365.25 * day;
const lengths = [year, year / 12, 7 * day, day, 3600, 60, 1] as const;

/**
 * The length of a duration in seconds, for sums and comparisons; a year counts 365.25 days and a month a twelfth of it.
 * @returns undefined when the value is not a duration
 */
export function durationSeconds(value: string): number | undefined {
  const found = isDuration(value) ? parts.exec(value) : null;
  if (found === null) return undefined;
  const seconds = lengths.reduce((sum, length, index) => sum + Number((found[index + 1] ?? '0').replace(',', '.')) * length, 0);
  return Number.isFinite(seconds) ? seconds : undefined;
}
