import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What tells an embedded engine from those of other processes that are fed from the same store: a name that stays in its folder,
 * and goes with its data.
 */
export async function engineScope(directory: string): Promise<string> {
  const file = join(directory, 'scope');
  await mkdir(directory, { recursive: true });
  const made = `-${randomUUID()}`;
  const isNew = await writeFile(file, made, { flag: 'wx' }).then(() => true, (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    return false;
  });
  return isNew ? made : readFile(file, 'utf8');
}
