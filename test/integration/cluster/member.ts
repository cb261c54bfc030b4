import type { Db } from 'mongodb';
import type { ContentStore } from '../../../src/cmi5/content-store.js';
import type { DocumentStore } from '../../../src/documents/store.js';
import type { AttachmentStore } from '../../../src/statements/attachment-store.js';
import { createAttachmentStore } from '../../../src/storage/mongodb/attachment-store.js';
import { createChores } from '../../../src/storage/mongodb/chores.js';
import { createContentStore } from '../../../src/storage/mongodb/content-store.js';
import { openDatabase } from '../../../src/storage/mongodb/database.js';
import { createDocumentStore } from '../../../src/storage/mongodb/document-store.js';
import { createGridfsBlobs } from '../../../src/storage/mongodb/gridfs-blobs.js';
import { openProcesses, type Processes } from '../../../src/storage/mongodb/processes.js';
import { linkTo, type Link } from '../../services/link.js';

/** Documents, attachments and packages as one process of a cluster has them, with signs of life that are quick enough for a test. */
export interface Member {
  db: Db;
  documents: DocumentStore;
  attachments: AttachmentStore;
  content: ContentStore;
  processes: Processes;
  link: Link;
  /** Cuts the link at the command of this number, counted from 1 and from now; signs of life are not counted. Settles when it is cut. */
  cutAt(number: number, how: 'now' | 'mute'): Promise<void>;
  /** Cuts the link and gives up, as kill -9 does. */
  die(): void;
  close(): Promise<void>;
}

/** Milliseconds between two signs of life, where a test does not ask for others. */
const INTERVAL = 25;
/** Looks without one after which a member is dead. */
const LOOKS = 4;

/** Joins a database over a link of its own. @param interval milliseconds between two signs of life */
export async function join(url: string, database: string, interval = INTERVAL): Promise<Member> {
  const link = await linkTo(url);
  let left = Infinity;
  let cut = (): void => undefined;
  const opened = await openDatabase({
    url: link.url, database,
    onCommand: ({ command, commandName }) => {
      if (command[commandName] !== 'processes' && commandName !== 'endSessions' && --left === 0) cut();
    },
  });
  const { db } = opened;
  const processes = await openProcesses({ db, interval, patience: LOOKS });
  const chores = createChores();
  const documents = createDocumentStore(db, processes, chores);
  const blobs = createGridfsBlobs(db);
  const content = createContentStore({ database: opened, blobs, processes, chores });
  const attachments = createAttachmentStore({ database: opened, blobs, processes, chores, settled: async () => undefined });
  return {
    db, documents, attachments, content, processes, link,
    cutAt: (number, how) => new Promise((resolve) => {
      left = number;
      cut = () => {
        link.cut(how);
        resolve();
      };
    }),
    die: () => {
      link.cut();
      void chores.close();
      void processes.close().then(() => opened.close()).then(() => link.end());
    },
    close: async () => {
      await chores.close();
      await processes.close();
      await opened.close();
      await link.end();
    },
  };
}
