import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationSource } from '../../migration/store.js';
import { openLevelStorage } from './open.js';

/**
 * Opens a data folder to be moved elsewhere. Nothing is written to it but what any start does: what a crash interrupted is finished.
 * @throws Error with a sentence for the operator: no data there, in use, or of a newer Quipu
 */
export async function openLevelMigrationSource(directory: string): Promise<MigrationSource> {
  await access(join(directory, 'store', 'CURRENT')).catch(() => {
    throw new Error(`There is no store in the data folder ${directory} that could be migrated. Name it with --data-dir or QUIPU_DATA_DIR.`);
  });
  const { entries, ...storage } = await openLevelStorage({ directory });
  return { ...storage, salt: entries.salt, head: entries.head(), entries: (after) => entries.read(after) };
}
