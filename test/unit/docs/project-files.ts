import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout; tests run compiled, three folders below `dist`. */
export const root = findRoot(fileURLToPath(new URL('.', import.meta.url)));

function findRoot(from: string): string {
  for (let folder = from; folder !== join(folder, '..'); folder = join(folder, '..')) {
    if (readdirSync(folder).includes('tsconfig.json')) return folder;
  }
  throw new Error(`There is no checkout around ${from}`);
}

/** A file of the checkout, by its path from the root. */
export function readProjectFile(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths from the root of the files below a folder whose name ends in `ending`, in order. */
export function listProjectFiles(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}
