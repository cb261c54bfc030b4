import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** How often the disk is looked at, in milliseconds. */
const INTERVAL = 500;

/**
 * Watches the room on the disk, so that a full one is met with a refusal and not with a failed write, after which LevelDB
 * would have to be opened again.
 */
export async function watchFreeSpace(directory: string, minFreeBytes: number): Promise<{ hasRoom(): boolean; stop(): void }> {
  let room = true;
  const look = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(directory);
    room = bavail * bsize >= minFreeBytes;
  };
  await look();
  const timer = setInterval(() => void look().catch(() => undefined), INTERVAL);
  timer.unref();
  return { hasRoom: () => room, stop: () => clearInterval(timer) };
}

/** Bytes that opening a database takes beside its logs: a manifest, a new log, and some to go on with. */
const OPENING_BYTES = 4 << 20;

/** Whether LevelDB finds the room to open a database, which writes what its logs hold into tables. */
export async function hasRoomToOpen(directory: string): Promise<boolean> {
  let needed = OPENING_BYTES;
  for (const name of await readdir(directory)) if (name.endsWith('.log')) needed += (await stat(join(directory, name))).size;
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize >= needed;
}
