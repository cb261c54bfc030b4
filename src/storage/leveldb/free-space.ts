import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** How often the disk is looked at, in milliseconds. */
const INTERVAL = 500;

/** What is known of the room on a disk. */
export interface FreeSpace {
  /** Whether there is room to write. @param beside bytes that are to be left beside what always is */
  hasRoom(beside?: number): boolean;
  stop(): void;
}

/**
 * Watches the room on the disk, so that a full one is met with a refusal and not with a failed write, after which LevelDB
 * would have to be opened again.
 */
export async function watchFreeSpace(directory: string, minFreeBytes: number): Promise<FreeSpace> {
  let free = Infinity;
  const look = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(directory);
    free = bavail * bsize;
  };
  await look();
  const timer = setInterval(() => void look().catch(() => undefined), INTERVAL);
  timer.unref();
  return { hasRoom: (beside = 0) => free >= minFreeBytes + beside, stop: () => clearInterval(timer) };
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
