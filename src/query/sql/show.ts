import { SqlFailure } from './failure.js';
import { isKeyword, quote, unquote, type Token } from './tokens.js';

/**
 * The query of `system` that a SHOW stands for: what it asks of, its LIKE, WHERE and LIMIT. The result is judged like any query.
 * @param tokens of the statement in the engine's own form
 * @throws SqlFailure for what a tenant has nothing of
 */
export function rewriteShow(text: string, tokens: readonly Token[], database: string): string {
  const words = tokens.map((token) => (token.kind === 'word' ? token.text : ''));
  let at = 1;
  const take = (word: string): boolean => words[at] === word && ++at > 0;
  take('FULL');
  take('EXTENDED');
  take('TEMPORARY');
  const what = words[at++];
  if (what === 'DATABASES') return `SELECT name FROM system.databases WHERE ${condition('name')} ORDER BY name${limit()}`;
  if (what === 'TABLES') return `SELECT name FROM system.tables WHERE database = ${quote(from() ?? database)} AND ${condition('name')} ORDER BY name${limit()}`;
  if (what === 'DICTIONARIES') return 'SELECT name FROM system.dictionaries';
  if (what === 'CLUSTERS') return 'SELECT cluster FROM system.clusters';
  if (what === 'FUNCTIONS') return `SELECT * FROM system.functions WHERE ${condition('name')} ORDER BY name`;
  if (what === 'SETTINGS') return `SELECT name, type, value FROM system.settings WHERE ${condition('name')} ORDER BY name`;
  if (what === 'CHANGED' && take('SETTINGS')) return `SELECT name, type, value FROM system.settings WHERE changed AND ${condition('name')} ORDER BY name`;
  if (what === 'COLUMNS') {
    const table = from() ?? '';
    const named = from() ?? database;
    return `SELECT name AS field, type, if(startsWith(type, 'Nullable('), 'YES', 'NO') AS \`null\`, '' AS key, CAST(NULL, 'Nullable(String)') AS default, '' AS extra
      FROM system.columns WHERE database = ${quote(named)} AND table = ${quote(table)} AND ${condition('field')} ORDER BY position${limit()}`;
  }
  throw new SqlFailure('ACCESS_DENIED', `Not enough privileges: SHOW ${what ?? ''} is not taken here`);

  function from(): string | undefined {
    if (!take('FROM')) return undefined;
    return tokens[at++]?.text;
  }

  function condition(column: string): string {
    const not = take('NOT');
    const like = take('LIKE') ? 'LIKE' : take('ILIKE') ? 'ILIKE' : undefined;
    const pattern = tokens[at];
    if (like !== undefined && pattern?.kind === 'string') {
      at++;
      return `${column} ${not ? 'NOT ' : ''}${like} ${quote(unquote(pattern.text))}`;
    }
    if (!isKeyword(tokens[at], 'WHERE')) return '1';
    const end = words.lastIndexOf('LIMIT');
    const where = text.slice(tokens[at]?.end, end > at ? tokens[end]?.start : undefined);
    at = end > at ? end : tokens.length;
    return `(${where})`;
  }

  function limit(): string {
    if (!take('LIMIT')) return '';
    const rows = tokens[at]?.text ?? '';
    if (!/^\d+$/.test(rows)) throw new SqlFailure('SYNTAX_ERROR', 'LIMIT takes a number here');
    return ` LIMIT ${rows}`;
  }
}

/** The query that an EXISTS stands for, so that what is not the tenant's does not exist. @param tokens in the engine's own form */
export function rewriteExists(tokens: readonly Token[], database: string): string {
  const [, kind, first, dot, second] = tokens;
  if (isKeyword(kind, 'DATABASE')) return `SELECT toUInt8(count() > 0) AS result FROM system.databases WHERE name = ${quote(first?.text ?? '')}`;
  const named = dot?.text === '.' ? [first?.text ?? '', second?.text ?? ''] : [database, first?.text ?? ''];
  return `SELECT toUInt8(count() > 0) AS result FROM system.tables WHERE database = ${quote(named[0] ?? '')} AND name = ${quote(named[1] ?? '')}`;
}
