import type { Document } from 'mongodb';
import { openMongoStorage, type MongoStorage, type MongoStorageOptions } from '../../../src/storage/mongodb/open.js';
import { linkTo, type Link } from '../../services/link.js';

/** All ports as one process of a cluster has them, over a link of its own. */
export interface StorageMember extends MongoStorage {
  link: Link;
  /** Does something before the command of this number is sent, counted from 1 and from now; signs of life are not counted. */
  atCommand(number: number, act: () => void): void;
}

/** Signs of life that are quick enough for a test. */
const signs = { interval: 25, patience: 4 };

/**
 * Joins a database over a link.
 * @param options.heard is told every command
 */
export async function joinStorage(url: string, database: string, { heard, ...options }: Pick<MongoStorageOptions, 'keepRolled' | 'sweepInterval'> & { heard?: (command: Document) => void } = {}): Promise<StorageMember> {
  const link = await linkTo(url);
  let left = Infinity;
  let act = (): void => undefined;
  const storage = await openMongoStorage({
    url: link.url, database, signs, pollInterval: 20, ...options,
    onCommand: ({ command, commandName }) => {
      heard?.(command);
      if (command[commandName] !== 'processes' && commandName !== 'endSessions' && --left === 0) act();
    },
  });
  return {
    ...storage, link,
    atCommand: (number, then) => {
      left = number;
      act = then;
    },
    close: async () => {
      await storage.close();
      await link.end();
    },
  };
}
