import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Refusal } from '../transfer/import-lines.js';
import { CommandError } from './command-error.js';
import { tell } from './output.js';
import type { Place } from './source-item.js';

/** A statement that was not taken in: where it stands in the source, and why. */
export type RefusedStatement = Place & Omit<Refusal, 'line'>;

/** Tells which statements were refused. */
export interface RefusalReport {
  add(refused: RefusedStatement): Promise<void>;
  close(): Promise<void>;
}

/** Refusals that are shown on the terminal when there is a file with all of them, or none. */
const shown = 50;

/**
 * Tells refusals on standard error, and writes them to a file as NDJSON.
 * @param path the file; none when left out
 * @param goOn keeps what the file holds of the same import before an interruption
 * @param source path of what is imported, or another name of it
 * @throws CommandError when the report would be written over that
 */
export async function openRefusalReport(path: string | undefined, goOn: boolean, source: string): Promise<RefusalReport> {
  if (path !== undefined && await isSameFile(path, source)) throw new CommandError(`The report would take the place of what is imported, ${source}. Name another file.`);
  const file: FileHandle | undefined = path === undefined ? undefined : await open(path, goOn ? 'a' : 'w');
  let count = 0;
  return {
    add: async (refused) => {
      count++;
      if (count <= shown) tell(lineFor(refused));
      else if (count === shown + 1) tell(path === undefined ? 'Further refusals are counted only; --report FILE keeps all of them.' : `Further refusals stand in ${path} only.`);
      await file?.appendFile(`${JSON.stringify(refused)}\n`);
    },
    close: async () => file?.close(),
  };
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}

function lineFor({ line, index, id, error, message, pointer }: RefusedStatement): string {
  const place = line !== undefined ? `line ${line}` : index !== undefined ? `statement ${index}` : 'an attachment';
  return `refused ${place}${id === undefined ? '' : ` (${id})`}: ${error}: ${message}${pointer ? ` [${pointer}]` : ''}`;
}
