import { statfs } from 'node:fs/promises';

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
