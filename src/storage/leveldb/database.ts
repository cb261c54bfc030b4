import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { createCommitQueue, type CommitQueue } from './commit-queue.js';
import { hasRoomToOpen, watchFreeSpace } from './free-space.js';
import { isIdKey, metaKey, numberAtEnd, numberedKey, tenantPrefix } from './keys.js';
import { levelOptions, readHead, type Level } from './level.js';
import { openIdFilter } from './id-filter.js';
import { createRecentPostings, type RecentPostings } from './recent-postings.js';
import { createPointReads, type PointRead } from './point-reads.js';
import { unavailable } from './store-failure.js';
import { bringForward } from './migrations.js';

export interface DatabaseOptions {
  /** Folder of the LevelDB files; made when missing. */
  directory: string;
  /** Free bytes on the disk below which no more is written: room for what is on its way, and for compaction. */
  minFreeBytes: number;
  /** Statements after which posting lists are written into LevelDB; for tests. */
  postingsAfter?: number;
  /** Called when the store fails and when it works again. */
  onState?: (state: 'available' | 'unavailable', reason?: Error) => void;
}

/** The embedded database: synchronous point reads, range reads, and durable commits through one queue. */
export interface Database {
  readonly level: Level;
  /** Random bytes of this store that key the hashes in its indexes, so that nobody outside can aim at a collision. */
  readonly salt: string;
  readonly commits: CommitQueue;
  readonly recentPostings: Pick<RecentPostings, 'of'>;
  /** Whether the disk has room for more. @param beside bytes that are to be left beside what always is */
  hasRoom(beside?: number): boolean;
  /** @throws QuipuError `store-unavailable` while the store is being reopened after a failure */
  get(key: Buffer): Buffer | undefined;
  /** As `get` does, but where entries come from the disk another thread waits for it: for requests. */
  readonly read: PointRead;
  /** Several at once, in another thread. @throws as `get` does */
  getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]>;
  close(): Promise<void>;
}

/**
 * Opens or makes the database and brings older data forward.
 * @throws Error with a sentence for the operator: folder in use, not writable, or data of a newer Quipu
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { directory } = options;
  await makeWritable(directory);
  const level: Level = new ClassicLevel<Buffer, Buffer>(directory, levelOptions);
  await open(level, directory);
  try {
    await bringForward(level, directory);
    return await begin(level, options);
  } catch (error) {
    await level.close();
    throw error;
  }
}

/** Makes of an open LevelDB what the stores work with. */
async function begin(level: Level, { directory, minFreeBytes, postingsAfter, onState }: DatabaseOptions): Promise<Database> {
  const salt = (level.getSync(metaKey('salt')) as Buffer).toString('hex');
  const space = await watchFreeSpace(directory, minFreeBytes);
  const ids = await openIdFilter(level, { directory, hasRoom: space.hasRoom });
  const get = (key: Buffer): Buffer | undefined => {
    if (isIdKey(key) && !ids.mayHave(key)) return undefined;
    try {
      return level.getSync(key);
    } catch (error) {
      throw unavailable(error);
    }
  };
  const recentPostings = createRecentPostings(level, postingsAfter);
  await recentPostings.load();
  const commits = createCommitQueue({
    level, postings: recentPostings, ids, get, hasRoom: space.hasRoom, head: () => readHead(level), canReopen: () => hasRoomToOpen(directory),
    reopen: async () => {
      await reopen(level, directory);
      await recentPostings.load();
      ids.fill();
    },
    onState: onState ?? (() => undefined),
  });
  const getMany = async (keys: Buffer[]): Promise<(Buffer | undefined)[]> => {
    try {
      return await level.getMany(keys);
    } catch (error) {
      throw unavailable(error);
    }
  };
  return { level, salt, commits, recentPostings, get, read: createPointReads(level), getMany, hasRoom: space.hasRoom, close: async () => {
    space.stop();
    await commits.close();
    await ids.close();
    await level.close();
  } };
}

/** First position whose `stored` is later than `time`; undefined when there is none. */
export async function firstPositionAfter(level: Level, time: number): Promise<number | undefined> {
  const end = Buffer.concat([tenantPrefix(''), Buffer.from('u')]);
  for await (const [key, value] of level.iterator({ gte: numberedKey('', 't', Math.max(0, time + 1)), lt: end, limit: 1 })) {
    return numberAtEnd(key) > time ? value.readUIntBE(0, 6) : undefined;
  }
  return undefined;
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await makeFolder(directory);
    await access(directory, constants.W_OK | constants.R_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`The data folder ${directory} can't be written: ${(error as Error).message}. Set QUIPU_DATA_DIR to a folder that Quipu may write.`);
  }
}

/** Not mkdir's own recursion, which never ends where a file system answers that an existing folder is missing, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  if (await stat(path).then((found) => found.isDirectory(), () => false)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path, { mode: 0o700 });
}

async function open(level: Level, directory: string): Promise<void> {
  try {
    await level.open();
  } catch (error) {
    const cause = (error as Error).cause as (Error & { code?: string }) | undefined;
    if (cause?.code === 'LEVEL_LOCKED') {
      throw new Error(`The data folder ${directory} is in use by another process: one Quipu at a time can open it. Stop the other one, or set QUIPU_DATA_DIR to another folder.`);
    }
    if (/permission denied|read-only/i.test(cause?.message ?? '')) {
      throw new Error(`The data folder ${directory} can't be written: ${cause?.message}. Set QUIPU_DATA_DIR to a folder that Quipu may write.`);
    }
    throw new Error(`The store in ${directory} can't be opened: ${cause?.message ?? (error as Error).message}`);
  }
}

async function reopen(level: Level, directory: string): Promise<void> {
  await level.close();
  await open(level, directory);
}
