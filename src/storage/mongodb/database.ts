import { randomBytes } from 'node:crypto';
import { MongoClient, type CommandStartedEvent, type Db, type MongoClientOptions } from 'mongodb';
import { collectionsOf, type Collections } from './collections.js';
import { EndingConnection } from './ending-connection.js';
import { makeIndexes } from './indexes.js';
import { upserting } from './store-failure.js';

/** The data format that this version writes. */
export const FORMAT = 1;

export interface DatabaseOptions {
  /** mongodb:// or mongodb+srv:// */
  url: string;
  /** Name of the database; that of the URL, or `quipu`, when left out. */
  database?: string;
  /** Open it for what fills it, which nobody else may do before that is complete. */
  filling?: keyof typeof unfinished;
  /** Called when the store stops answering and when it answers again. */
  onState?: (state: 'available' | 'unavailable', reason?: Error) => void;
  /** Called with every command that is sent. */
  onCommand?: (command: CommandStartedEvent) => void;
}

/** What fills a database: `_id` of its mark in the collection `meta`, and what is to be said of a database that has it. */
export const unfinished = {
  restoring: 'holds a restore that was not completed. Run quipu restore again, which begins anew.',
  migrating: 'holds a migration that was not completed. Run quipu migrate again, which goes on where it was.',
} as const;

/** Name of the database that a URL and a setting mean. */
export function databaseName(url: string, database?: string): string {
  return database ?? (/^mongodb(?:\+srv)?:\/\/[^/?]*\/([^/?]+)/.exec(url)?.[1] ?? 'quipu');
}

/** A connection to the database and what every store on it needs. */
export interface Database {
  readonly db: Db;
  readonly collections: Collections;
  /** Random bytes of this store that key the hashes in its indexes, so that nobody outside can aim at a collision. */
  readonly salt: string;
  /** Whether a server that takes writes was there when last looked. */
  available(): boolean;
  close(): Promise<void>;
}

/**
 * What was acknowledged is in the journal of a majority, what is read was, and both are asked of the primary. A server that
 * does not answer is an error within seconds, never a wait.
 */
const manners: MongoClientOptions & { connectionType: typeof EndingConnection } = {
  connectionType: EndingConnection,
  writeConcern: { w: 'majority', journal: true },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  promoteBuffers: true,
  ignoreUndefined: true,
  appName: 'quipu',
  serverSelectionTimeoutMS: 3000,
  connectTimeoutMS: 3000,
  waitQueueTimeoutMS: 5000,
};

/** Milliseconds after which a command without an answer has failed. */
const SOCKET_TIMEOUT = 10_000;
/** The same while it is being filled, and counted: nobody waits for an answer. */
const LONG_TIMEOUT = 600_000;

/**
 * Connects, makes collections and indexes that are missing and checks the format of the data.
 * @throws Error with a sentence for the operator
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const name = databaseName(options.url, options.database);
  const salt = await prepare(options.url, name, options.filling);
  const client = new MongoClient(withoutManners(options.url), { ...manners, socketTimeoutMS: options.filling ? LONG_TIMEOUT : SOCKET_TIMEOUT, heartbeatFrequencyMS: 2000, monitorCommands: options.onCommand !== undefined });
  if (options.onCommand) client.on('commandStarted', options.onCommand);
  const available = watch(client, options.onState ?? (() => undefined));
  await client.connect();
  const db = client.db(name);
  return { db, collections: collectionsOf(db), salt, available, close: () => client.close() };
}

/** Makes the database ready; without a time limit for single commands, for indexes may take long. */
async function prepare(url: string, name: string, filling: DatabaseOptions['filling']): Promise<string> {
  const client = connection(url);
  try {
    await client.connect();
    const db = client.db(name);
    const meta = db.collection<{ _id: string; format: number; salt: string }>('meta');
    for (const [mark, sentence] of Object.entries(unfinished)) {
      if (mark !== filling && await meta.findOne({ _id: mark })) throw new Error(`The database ${name} ${sentence}`);
    }
    const fresh = { format: FORMAT, salt: randomBytes(16).toString('hex') };
    const stored = await upserting(() => meta.findOneAndUpdate({ _id: 'store' }, { $setOnInsert: fresh }, { upsert: true, returnDocument: 'after' }));
    const { format, salt } = stored!;
    if (format > FORMAT) {
      throw new Error(`The database ${name} was written by a newer Quipu (data format ${format}; this one knows up to ${FORMAT}). Start that newer version, or restore a backup made by this one.`);
    }
    await makeIndexes(db);
    return salt;
  } catch (error) {
    // Names of hosts are looked up by Node, with errors of its own.
    if (!(error instanceof Error) || (!error.name.startsWith('Mongo') && (error as NodeJS.ErrnoException).code === undefined)) throw error;
    throw new Error(`The database ${name} of QUIPU_MONGODB_URL can't be used: ${error.message}`, { cause: error });
  } finally {
    await client.close();
  }
}

/** What a URL says of these would stand above the manners, whole or in part. */
const ofManners = /(?<=[?&])(?:w|j|journal|wtimeout|wtimeoutms|readconcernlevel|readpreference|readpreferencetags|maxstalenessseconds)=[^&]*(?:&|$)/gi;

function withoutManners(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark) + url.slice(mark).replace(ofManners, '');
}

function connection(url: string): MongoClient {
  try {
    return new MongoClient(withoutManners(url), manners);
  } catch (error) {
    throw new Error(`QUIPU_MONGODB_URL is not a MongoDB connection string: ${(error as Error).message}`);
  }
}

/** Follows what the driver knows of the servers. */
function watch(client: MongoClient, onState: NonNullable<DatabaseOptions['onState']>): () => boolean {
  let available = true;
  let closing = false;
  client.on('topologyClosed', () => { closing = true; });
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    const servers = [...newDescription.servers.values()];
    const now = servers.some(({ isWritable }) => isWritable);
    const unsettled = !available && !now;
    if (closing || now === available || unsettled) return;
    if (!now && servers.every(({ error }) => !error)) return;
    available = now;
    onState(now ? 'available' : 'unavailable', servers.find(({ error }) => error)?.error ?? undefined);
  });
  return () => available && !closing;
}
