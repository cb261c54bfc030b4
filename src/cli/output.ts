/** Prints a result on standard output: as JSON, or as rows with aligned columns. */
export function printResult(json: boolean | undefined, value: unknown, rows: string[][]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : alignRows(rows));
}

/** Lines of columns, each as wide as its widest cell. */
export function alignRows(rows: string[][]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}\n`).join('');
}

/** Tells the operator something on standard error. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
