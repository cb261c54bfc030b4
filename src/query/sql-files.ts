import { readdirSync, readFileSync } from 'node:fs';

/** A file of SQL. */
export interface SqlFile {
  /** Name without `.sql`. */
  readonly name: string;
  readonly text: string;
}

const read = new Map<string, SqlFile[]>();

/** The SQL of a folder beside the program's sources, in order of name; the compiler leaves it where it is. Several ask for the same: it is read once. */
export function readSqlFiles(folder: 'migrations' | 'summaries' | 'views'): readonly SqlFile[] {
  let files = read.get(folder);
  if (!files) read.set(folder, files = filesOf(folder));
  return files;
}

function filesOf(folder: string): SqlFile[] {
  const directory = new URL(`../../../src/query/${folder}/`, import.meta.url);
  return readdirSync(directory).filter((file) => file.endsWith('.sql')).sort()
    .map((file) => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(new URL(file, directory), 'utf8') }));
}

/** The statements of a file: each ends with a semicolon at the end of a line. */
export function statementsOf(text: string): string[] {
  return text.split(/;[ \t]*(?:\r?\n|$)/).filter((statement) => statement.replace(/^\s*--.*$/gm, '').trim() !== '');
}
