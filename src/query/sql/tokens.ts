import { SqlFailure } from './failure.js';

/** A token of a statement in the form the engine's formatter gives it. */
export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'parameter' | 'symbol';
  /** As it stands in the text; of a quoted identifier what is between its quotes. */
  text: string;
  /** Where it begins and ends in the text. */
  start: number;
  end: number;
}

const pattern = /\s+|([A-Za-z_][A-Za-z0-9_]*)|`([^`\\]*)`|('(?:[^'\\]|\\[^])*')|(\d[0-9A-Za-z_.]*(?:(?<=[eE])[+-]\d+)?)|(\{[A-Za-z_][A-Za-z0-9_]*:[^{}]*\})|((?![A-Za-z0-9_`'"\\;$#])[!-~])/gy;

/**
 * Splits a statement that the engine's own formatter wrote. That form knows no comments, no heredocs and one way to quote; it is
 * used to find settings, formats and names of a statement whose kind the engine told, never to judge a text as it came.
 * @throws SqlFailure for what that form can't hold or no name of ours holds: escapes in an identifier, `;`, `$`, `#` outside of strings
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) throw new SqlFailure('SYNTAX_ERROR', `Syntax error: failed at position ${start + 1}: identifiers with escapes, and the characters ; $ # \\ outside of strings, are not taken here`);
    const [, word, quoted, string, number, parameter, symbol] = match;
    const end = pattern.lastIndex;
    if (word !== undefined) tokens.push({ kind: 'word', text: word, start, end });
    else if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted, start, end });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string, start, end });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, start, end });
    else if (parameter !== undefined) tokens.push({ kind: 'parameter', text: parameter, start, end });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, start, end });
  }
  return tokens;
}

/** Whether the token is this keyword; the formatter writes keywords in capitals. */
export function isKeyword(token: Token | undefined, keyword: string): boolean {
  return token?.kind === 'word' && token.text === keyword;
}

/** Whether the token is this sign. */
export function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === 'symbol' && token.text === symbol;
}

/** A list of settings in a statement: `SETTINGS a = 1, b = 'x'`. */
export interface SettingsClause {
  settings: Map<string, string>;
  /** Index of the token after it. */
  next: number;
}

/**
 * Reads the assignments that begin at a token.
 * @returns undefined when what stands there is no list of settings with plain values
 */
export function readSettings(tokens: readonly Token[], from: number): SettingsClause | undefined {
  const settings = new Map<string, string>();
  for (let at = from; ; at++) {
    const name = tokens[at];
    if ((name?.kind !== 'word' && name?.kind !== 'quoted') || !isSymbol(tokens[at + 1], '=')) return undefined;
    at += 2;
    const sign = isSymbol(tokens[at], '-') ? '-' : '';
    if (sign !== '') at++;
    const value = tokens[at];
    if (value?.kind === 'number') settings.set(name.text, sign + value.text);
    else if (value?.kind === 'string' && sign === '') settings.set(name.text, unquote(value.text));
    else if (value?.kind === 'word' && /^(true|false)$/i.test(value.text) && sign === '') settings.set(name.text, value.text.toLowerCase() === 'true' ? '1' : '0');
    else return undefined;
    at++;
    if (!isSymbol(tokens[at], ',')) return { settings, next: at };
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', 0: '\0', a: '\x07', v: '\v', e: '\x1b' };

/** The value of a string literal. */
export function unquote(literal: string): string {
  return literal.slice(1, -1).replace(/\\([^])/g, (_, one: string) => escapes[one] ?? one);
}

/** A string literal. */
export function quote(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r').replace(/\0/g, '\\0')}'`;
}
