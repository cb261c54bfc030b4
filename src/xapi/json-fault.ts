/** What is wrong with a JSON text, and where. */
export interface JsonFault {
  kind: 'syntax' | 'duplicate' | 'range';
  /** UTF-16 offset into the text. */
  at: number;
  /** Keys and indices that lead to the place, from the root. */
  path: (string | number)[];
  /** What stands there: an unexpected character, a key or a number. */
  found: string;
}

const numberAt = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const literalAt = /true|false|null/y;
const escapeAt = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class Fault extends Error {
  constructor(readonly fault: JsonFault) {
    super();
  }
}

/**
 * Finds the first fault of a JSON text: broken syntax (RFC 8259), a key that its object has already, or a number that no
 * double can hold. Far slower than JSON.parse, so called only when the text is known to have one.
 * @param text nested no deeper than the caller allows: each level costs one call frame
 * @returns undefined when there is none
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const path: (string | number)[] = [];
  let at = 0;

  function fail(kind: JsonFault['kind'], position: number, found: string): never {
    throw new Fault({ kind, at: position, path: [...path], found });
  }

  function unexpected(position: number): never {
    const code = text.codePointAt(position);
    return fail('syntax', position, code === undefined ? 'the end' : describeCharacter(code));
  }

  function skipSpace(): void {
    for (let c = text.charCodeAt(at); c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = text.charCodeAt(at)) at++;
  }

  function readString(): string {
    const start = at;
    if (text[at] !== '"') unexpected(at);
    at++;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === 0x22) break;
      if (c === 0x5c) {
        escapeAt.lastIndex = at;
        if (!escapeAt.test(text)) unexpected(at);
        at = escapeAt.lastIndex;
      } else if (c >= 0x20) at++;
      else unexpected(at);
    }
    at++;
    return text.slice(start, at);
  }

  function readObject(): void {
    const keys = new Set<string>();
    at++;
    skipSpace();
    if (text[at] === '}') {
      at++;
      return;
    }
    for (;;) {
      skipSpace();
      const start = at;
      const key = JSON.parse(readString()) as string;
      path.push(key);
      if (keys.has(key)) fail('duplicate', start, key);
      keys.add(key);
      skipSpace();
      if (text[at] !== ':') unexpected(at);
      at++;
      readValue();
      path.pop();
      if (text[at] === ',') at++;
      else if (text[at] === '}') break;
      else unexpected(at);
    }
    at++;
  }

  function readArray(): void {
    at++;
    skipSpace();
    if (text[at] === ']') {
      at++;
      return;
    }
    for (let index = 0; ; index++) {
      path.push(index);
      readValue();
      path.pop();
      if (text[at] === ',') at++;
      else if (text[at] === ']') break;
      else unexpected(at);
    }
    at++;
  }

  function readScalar(): void {
    for (const pattern of [numberAt, literalAt]) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found === undefined) continue;
      if (pattern === numberAt && !Number.isFinite(Number(found))) fail('range', at, found);
      at += found.length;
      return;
    }
    unexpected(at);
  }

  function readValue(): void {
    skipSpace();
    const c = text[at];
    if (c === '{') readObject();
    else if (c === '[') readArray();
    else if (c === '"') readString();
    else readScalar();
    skipSpace();
  }

  try {
    readValue();
    if (at < text.length) unexpected(at);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.fault;
    throw error;
  }
}

function describeCharacter(code: number): string {
  const visible = code > 0x20 && code < 0x7f;
  return visible ? `"${String.fromCodePoint(code)}"` : `the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
