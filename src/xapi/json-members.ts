const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/** Where a member of an object stands in a JSON text. */
export interface Member {
  key: string;
  /** Offset of the first character of the value. */
  at: number;
  /** Offset after the value, as `skipValue` gives it. */
  end: number;
}

/**
 * Goes through the members of the object at `at` of a JSON text, without building values; a value that is no object has none.
 * @param text valid JSON; of another one the outcome means nothing, but there is one
 * @param take gets each key and the offset of its value; gives the offset after the value
 * @returns the offset after the object
 */
export function eachMember(text: string, at: number, take: (key: string, at: number) => number): number {
  if (text[at] !== '{') return skipValue(text, at);
  let next = skipSpace(text, at + 1);
  while (text.charCodeAt(next) === quote) {
    const keyEnd = skipString(text, next);
    const key = stringAt(text, next, keyEnd);
    next = skipSpace(text, take(key, skipSpace(text, skipSpace(text, keyEnd) + 1)));
    if (text[next] !== ',') break;
    next = skipSpace(text, next + 1);
  }
  return next + 1;
}

/** Goes through the items of the array at `at` as `eachMember` does through members. */
export function eachItem(text: string, at: number, take: (at: number) => number): number {
  if (text[at] !== '[') return skipValue(text, at);
  let next = skipSpace(text, at + 1);
  while (next < text.length && text[next] !== ']') {
    next = skipSpace(text, take(next));
    if (text[next] !== ',') break;
    next = skipSpace(text, next + 1);
  }
  return next + 1;
}

/** The members of the object at `at`, and the offset after it. */
export function membersAt(text: string, at: number): { members: Member[]; end: number } {
  const members: Member[] = [];
  const end = eachMember(text, at, (key, value) => {
    const valueEnd = skipValue(text, value);
    members.push({ key, at: value, end: valueEnd });
    return valueEnd;
  });
  return { members, end };
}

/** The string that stands between two offsets, its quotes among it. */
export function stringAt(text: string, at: number, end: number): string {
  const inner = text.slice(at + 1, end - 1);
  return inner.includes('\\') ? (JSON.parse(text.slice(at, end)) as string) : inner;
}

/** The offset after the value at `at`; after a number or a literal also that after the white space which follows. */
export function skipValue(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) {
      i = skipString(text, i) - 1;
      if (depth === 0) return i + 1;
    } else if (c === 0x7b || c === 0x5b) { // { [
      depth++;
    } else if (c === 0x7d || c === 0x5d) { // } ]
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (depth === 0 && c === comma) {
      return i;
    }
  }
  return text.length;
}

/** The offset after the string at `at`. */
function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

/** Whether an odd number of backslashes stands before an offset. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === backslash) first--;
  return (at - first) % 2 === 1;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (let c = text.charCodeAt(at); c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = text.charCodeAt(at)) at++;
  return at;
}
