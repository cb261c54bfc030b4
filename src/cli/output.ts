/** Prints a result on standard output: as JSON, or as rows with aligned columns. */
export function printResult(json: boolean | undefined, value: unknown, rows: string[][]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : alignRows(rows));
}

/** Lines of columns, each as wide as its widest cell. Control characters are shown, not obeyed. */
export function alignRows(texts: string[][]): string {
  const rows = texts.map((row) => row.map((cell) => shown(cell)));
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}\n`).join('');
}

/** Tells the operator something on standard error. Control characters but line ends are shown, not obeyed. */
export function tell(text: string): void {
  process.stderr.write(`${text.split('\n').map((line) => shown(line)).join('\n')}\n`);
}

/**
 * Names, ids and messages are texts of strangers: what a terminal would take for a command, or for another direction of writing,
 * is shown as an escape.
 */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
