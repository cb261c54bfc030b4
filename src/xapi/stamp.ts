import { formatTimestamp } from './timestamps.js';

let lastStored = Number.NaN;
let lastText = '';

/**
 * Adds what only the store can know to a statement's text: `stored`, and a `timestamp` of the same instant where the
 * client gave none (xAPI 1.0.3 Part Two 2.4.7 and 2.4.8). Both in UTC with three decimals.
 *
 * @param text a complete JSON object that isn't empty and has neither property yet
 * @param stored milliseconds since the epoch
 */
export function stampStatement(text: string, stored: number, withTimestamp: boolean): string {
  if (stored !== lastStored) {
    lastText = formatTimestamp(stored);
    lastStored = stored;
  }
  const open = text.slice(0, text.lastIndexOf('}'));
  return withTimestamp
    ? `${open},"timestamp":"${lastText}","stored":"${lastText}"}`
    : `${open},"stored":"${lastText}"}`;
}
