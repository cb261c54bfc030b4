import { formatTimestamp } from './timestamps.js';

let lastStored = Number.NaN;
let both = Buffer.alloc(0);
let storedAlone = Buffer.alloc(0);

/**
 * What only the store can add to a statement's text, as UTF-8: `stored`, before it a `timestamp` of the same instant where the
 * client gave none (xAPI 1.0.3 Part Two 2.4.7 and 2.4.8), both in UTC with three decimals, and the closing brace.
 * @param stored milliseconds since the epoch
 * @returns bytes that must not be changed
 */
export function stampOf(stored: number, timed: boolean): Buffer {
  if (stored !== lastStored) {
    const text = formatTimestamp(stored);
    storedAlone = Buffer.from(`,"stored":"${text}"}`);
    both = Buffer.from(`,"timestamp":"${text}","stored":"${text}"}`);
    lastStored = stored;
  }
  return timed ? storedAlone : both;
}
