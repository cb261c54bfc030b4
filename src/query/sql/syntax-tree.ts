/** What `EXPLAIN AST` tells of a statement. */
export interface SyntaxTree {
  /** Kind of the statement: the first word of the first line. */
  kind: string;
  /** The rest of the first line. */
  detail: string;
  /** The nodes right below it, first word of each. */
  children: string[];
  /** How many lists of settings the statement holds, at whatever depth. */
  settings: number;
}

/** @param lines of `EXPLAIN AST`, whose indentation is one space a level */
export function readSyntaxTree(lines: readonly string[]): SyntaxTree {
  const first = lines[0] ?? '';
  const kind = first.split(' ', 1)[0] ?? '';
  return {
    kind,
    detail: first.slice(kind.length).replace(/\(children \d+\)$/, '').trim(),
    children: lines.filter((line) => /^ \S/.test(line)).map((line) => line.trim().split(' ', 1)[0] ?? ''),
    settings: lines.filter((line) => /^\s*Set$/.test(line)).length,
  };
}

/** Everything that `EXPLAIN QUERY TREE` names. */
export interface TreeNames {
  functions: string[];
  tableFunctions: string[];
  /** As written: table, column or alias, with its parts joined by dots. */
  identifiers: string[];
  /** Tables that names were found to mean: `database.table`. */
  tables: string[];
}

/**
 * Reads the names out of a query tree. A line says what it is before anything that came from the query; an alias or name that
 * imitates another entry of its line adds names, and can hide none.
 */
export function readQueryTree(lines: readonly string[]): TreeNames {
  const names: TreeNames = { functions: [], tableFunctions: [], identifiers: [], tables: [] };
  for (const line of lines) {
    const node = /^\s*([A-Z_]+) id: /.exec(line)?.[1];
    if (node === 'FUNCTION') names.functions.push(...all(line, 'function_name'));
    if (node === 'TABLE_FUNCTION') names.tableFunctions.push(...all(line, 'table_function_name'));
    if (node === 'IDENTIFIER') names.identifiers.push(...all(line, 'identifier'));
    if (node === 'MATCHER') names.identifiers.push(...all(line, 'qualified_identifier'));
    if (node === 'TABLE') names.tables.push(...all(line, 'table_name'));
  }
  return names;
}

function all(line: string, entry: string): string[] {
  return line.split(`${entry}: `).slice(1).map((rest) => rest.split(',', 1)[0] ?? '');
}
