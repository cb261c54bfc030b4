import { SqlFailure } from './failure.js';
import { isSymbol, unquote, type Token } from './tokens.js';

/** Table functions that take a structure: names of columns and their types. */
const structured: ReadonlySet<string> = new Set(['values', 'null']);

const column = /^\s*[A-Za-z_][A-Za-z0-9_]*\s+([A-Za-z0-9]+)\s*$/;
/** A type or call without another one in its parentheses. */
const innermost = /([A-Za-z0-9_]+)\s*\([A-Za-z0-9_ ,=.-]*\)/g;
const type = /^(?:U?Int(?:8|16|32|64|128|256)|B?Float(?:16|32|64)|Bool|String|FixedString|UUID|Date(?:32)?|DateTime(?:64)?|Decimal(?:32|64|128|256)?|Enum(?:8|16)?|IPv[46]|Nullable|LowCardinality|Array|Tuple|Map|Nested|JSON|Dynamic|Variant)$/;

/**
 * Judges the structures that a statement gives to table functions. To the engine they are the columns of a CREATE TABLE, and it
 * evaluates their DEFAULT, ALIAS and MATERIALIZED while it resolves the statement, whatever functions those call; no tree names
 * them. So a structure stands as a string here, with nothing but names and types in it.
 * @param tokens of the engine's own form of the statement
 * @throws SqlFailure ACCESS_DENIED
 */
export function checkStructures(tokens: readonly Token[]): void {
  tokens.forEach((token, at) => {
    if ((token.kind !== 'word' && token.kind !== 'quoted') || !structured.has(token.text.toLowerCase()) || !isSymbol(tokens[at + 1], '(')) return;
    const [structure, next] = [tokens[at + 2], tokens[at + 3]];
    if (structure?.kind === 'string' && (isSymbol(next, ',') || isSymbol(next, ')')) && isPlain(unquote(structure.text))) return;
    throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: ${token.text} takes a structure of names and types here, written as a string, such as ${token.text}('name String, points UInt8'${token.text === 'null' ? '' : ", ('Ann', 3)"})`);
  });
}

function isPlain(structure: string): boolean {
  // Quoted names become plain ones, and strings go; of quotes that are neither, something stays which no name or type holds.
  let text = structure.replace(/`[^`\\]+`|'(?:[^'\\]|\\[^])*'/g, (quoted) => (quoted.startsWith('`') ? 'quoted' : ''));
  if (text.includes('--')) return false;
  // From the inside out every pair of parentheses has to be that of a type, and goes.
  for (let before = ''; before !== text;) {
    before = text;
    text = text.replace(innermost, (whole, name: string) => (type.test(name) ? name : whole));
  }
  return text.split(',').every((one) => type.test(column.exec(one)?.[1] ?? ''));
}
