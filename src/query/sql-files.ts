import { readdirSync, readFileSync } from 'node:fs';

/** A file of SQL. */
export interface SqlFile {
  /** Name without `.sql`. */
  name: string;
  text: string;
}

/** The SQL of a folder beside the program's sources, in order of name; the compiler leaves it where it is. */
export function readSqlFiles(folder: 'migrations' | 'summaries' | 'views'): SqlFile[] {
  const directory = new URL(`../../../src/query/${folder}/`, import.meta.url);
  return readdirSync(directory).filter((file) => file.endsWith('.sql')).sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(new URL(file, directory), 'utf8') }));
}

/** The statements of a file: each ends with a semicolon at the end of a line. */
export function statementsOf(text: string): string[] {
  return text.split(/;[ \t]*(?:\r?\n|$)/).filter((statement) => statement.replace(/^\s*--.*$/gm, '').trim() !== '');
}
