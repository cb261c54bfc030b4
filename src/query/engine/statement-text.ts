import { EngineException } from './exception.js';

/** A statement as the HTTP interface has to know it before the engine sees it. */
export interface StatementText {
  /** The statement without a semicolon at its end. */
  sql: string;
  /** First word, in capitals. */
  verb: string;
  /** The output format that the statement itself names. */
  format?: string;
}

/** Where an INSERT's inline data begins: behind the name of its format. */
const inlineData = /\bFORMAT\s+\w+\s/iy;
const lastFormat = /\bFORMAT\s+([A-Za-z0-9_]+)\s*(?:SETTINGS\b[^]{0,2000})?$/i;

/**
 * Takes one statement. ClickHouse's HTTP interface takes one at a time; the embedded engine would run all of them.
 * @throws EngineException 62 when something follows the first statement, or a string or comment has no end
 */
export function oneStatement(text: string): StatementText {
  const start = skipBlank(text, 0);
  const verb = (/^[A-Za-z]+/.exec(text.slice(start, start + 40))?.[0] ?? '').toUpperCase();
  for (let at = start; at < text.length;) {
    const char = text[at]!;
    if (char === ';') {
      if (skipBlank(text, at + 1, true) < text.length) throw new EngineException(62, `Syntax error (Multi-statements are not allowed): failed at position ${at + 1} (end of query)`);
      return { sql: text.slice(start, at), verb, format: formatOf(text.slice(start, at), verb) };
    }
    if (char === "'" || char === '"' || char === '`') {
      at = endOfQuoted(text, at);
    } else if (startsComment(text, at)) {
      at = skipBlank(text, at);
    } else {
      inlineData.lastIndex = at;
      if (verb === 'INSERT' && (char === 'F' || char === 'f') && inlineData.test(text)) break;
      at++;
    }
  }
  return { sql: text.slice(start), verb, format: formatOf(text.slice(start), verb) };
}

function formatOf(sql: string, verb: string): string | undefined {
  return verb === 'INSERT' ? undefined : lastFormat.exec(sql.slice(-4000).trimEnd())?.[1];
}

function startsComment(text: string, at: number): boolean {
  return text.startsWith('--', at) || text.startsWith('/*', at) || text[at] === '#' && (text[at + 1] === ' ' || text[at + 1] === '!');
}

/** The first place at or after `at` that is neither blank nor comment. */
function skipBlank(text: string, at: number, semicolons = false): number {
  while (at < text.length) {
    const char = text[at]!;
    if (char.trim() === '' || char === '\0' || (semicolons && char === ';')) {
      at++;
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      if (end < 0) throw new EngineException(62, 'Syntax error: multiline comment is not closed');
      at = end + 2;
    } else if (startsComment(text, at)) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end + 1;
    } else {
      break;
    }
  }
  return at;
}

function endOfQuoted(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
  }
  throw new EngineException(62, `Syntax error: the ${quote} at position ${start + 1} is not closed`);
}
