import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { RestoreTarget } from '../../backup/store.js';
import { createAttachmentFiles } from './attachment-files.js';
import { createAttachmentStore } from './attachment-store.js';
import { engine, pairs } from './backup.js';
import { tellsOfAttachment } from './attachment-rows.js';
import { createContentStore } from './content-store.js';
import { tableOf } from './keys.js';
import { levelOptions, NOTHING, type Level } from './level.js';
import { FORMAT } from './migrations.js';

/** Where a restore works until it is complete; a data folder that holds it holds nothing else of worth. */
const WORK = '.restoring';
/** What a complete restore moves into the data folder; the store comes last, because it makes the folder one. */
const moved = ['attachments', 'content', 'store'] as const;

/**
 * Makes a new data folder, to be filled from a backup. Nothing stands in it under its name before `complete`.
 * @param directory missing, empty, or left by an interrupted restore
 * @throws Error with a sentence for the operator
 */
export async function openRestoreTarget(directory: string): Promise<RestoreTarget> {
  const work = await prepare(directory);
  const path = join(work, 'store');
  await mkdir(path, { mode: 0o700 });
  const level: Level = new ClassicLevel<Buffer, Buffer>(path, { ...levelOptions, errorIfExists: true });
  await level.open();
  const files = createAttachmentFiles(join(work, 'attachments'), () => true);
  const content = createContentStore(join(work, 'content'));
  return {
    engine,
    version: FORMAT,
    load: async (chunk) => {
      const entries = [...pairs(chunk)];
      // In a backup of older data values may be empty that are not written so any more; the bytes of an attachment still may.
      await level.batch(entries.map(([key, value]) => ({ type: 'put', key, value: value.length === 0 && tableOf(key) !== 'f' ? NOTHING : value })), { sync: true });
      return entries.filter(([key]) => tellsOfAttachment(key)).length;
    },
    attachments: createAttachmentStore(files),
    content,
    complete: async () => {
      await level.close();
      await files.clean();
      await content.clean();
      for (const name of moved) {
        await flushFolder(join(work, name));
        await rename(join(work, name), join(directory, name));
      }
      await flushFolder(directory);
    },
    close: async () => {
      await level.close();
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** Makes sure that nothing is overwritten, and clears what an interrupted restore left. */
async function prepare(directory: string): Promise<string> {
  const work = join(directory, WORK);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const present = (await readdir(directory)).filter((name) => name !== 'lost+found');
  const unfinished = present.includes(WORK) && !present.includes('store');
  const foreign = present.find((name) => !(unfinished && (name === WORK || (moved as readonly string[]).includes(name))));
  if (foreign !== undefined) {
    throw new Error(`The data folder ${directory} is not empty (it holds ${foreign}): a backup is restored into an empty or missing folder only.`);
  }
  for (const name of present) await rm(join(directory, name), { recursive: true, force: true });
  await mkdir(work, { mode: 0o700 });
  await flushFolder(dirname(directory));
  return work;
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
