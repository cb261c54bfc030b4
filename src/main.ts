import { rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { scopes } from './auth/credential.js';
import type { Config } from './config.js';
import { createApp } from './server/app.js';
import { listenForContent, type ContentServer } from './server/content-server.js';
import { withLease } from './jobs/leases.js';
import { compose, type Services } from './server/compose.js';
import { createLog } from './server/log.js';
import { createSqlServer } from './query/sql/own-port.js';
import { answers, privateSocketPath } from './server/private-socket.js';
import { noTracing, type Tracing } from './tracing/tracing.js';
import { version } from './version.js';
import { QuipuError } from './xapi/errors.js';

/** A running Quipu. */
export interface Quipu {
  /** Where clients reach it; undefined when it listens on its private socket alone. */
  url?: string;
  /** Where browsers reach the files of courses; undefined when this process does not serve them. */
  contentUrl?: string;
  socketPath: string;
  /** The first credential, when this start has made it. */
  firstCredential?: { key: string; secret: string };
  /** Lets the requests in flight finish, for eight seconds at the most, then closes the store. */
  close(): Promise<void>;
}

/** What a running Quipu writes to `server.json` in its data folder, for the command line. */
export interface ServerFile {
  pid: number;
  socket: string;
  url?: string;
}

/** Milliseconds that requests in flight have to finish when the server closes; a client that stands still would keep it for ever. */
const GRACE = 8000;

/**
 * Starts Quipu: settings -> composition -> listening.
 * @param options.network false to listen on the private socket alone
 * @throws Error with a sentence for the operator
 */
export async function startQuipu(config: Config, options: { network?: boolean } = {}): Promise<Quipu> {
  let tracing = noTracing;
  const log = createLog(config.logLevel, config.otelUrl === undefined ? undefined : () => tracing.current());
  tracing = await openTracing(config, log);
  if (config.unknown.length > 0) log.warn({ settings: config.unknown }, 'Settings that mean nothing to this version');
  const closing = new AbortController();
  const trustedSockets = new WeakSet<object>();
  const socketPath = await privateSocketPath(config.dataDir, 'quipu.sock');
  if (config.mongodbUrl !== undefined) await refuseNeighbour(socketPath, config);
  const services = await compose(config, log, tracing);
  let app: FastifyInstance | undefined;
  let socketServer: Server | undefined;
  let sqlServer: Server | undefined;
  let contentServer: ContentServer | undefined;
  const serverFile = join(config.dataDir, 'server.json');

  async function close(): Promise<void> {
    closing.abort();
    const impatience = setTimeout(() => {
      app?.server.closeAllConnections();
      contentServer?.app.server.closeAllConnections();
      sqlServer?.closeAllConnections();
      socketServer?.closeAllConnections();
    }, GRACE);
    const sqlClosed = new Promise((resolve) => (sqlServer ? sqlServer.close(resolve).closeIdleConnections() : resolve(undefined)));
    await Promise.all([app?.close(), contentServer?.app.close(), sqlClosed]);
    if (socketServer) await new Promise((resolve) => socketServer!.close(resolve).closeIdleConnections());
    clearTimeout(impatience);
    await rm(serverFile, { force: true });
    await services.close();
    await tracing.close();
  }

  try {
    app = await createApp({ services, config, log, tracing, version, trustedSockets, closing: closing.signal });
    const first = createFirstStart(services, config, closing.signal, log);
    // Both at once: a secret of the settings is hashed in another thread, and takes as long as the application to get ready.
    await Promise.all([first.ensure(), app.ready()]);
    socketServer = await listenPrivately(app, socketPath, config, trustedSockets);
    const url = options.network === false ? undefined : await listen(app, config);
    if (options.network !== false && config.role !== 'worker' && config.clickhousePort !== undefined) sqlServer = await listenForSql(services, config);
    if (url !== undefined && config.role !== 'worker') {
      contentServer = await listenForContent({ content: services.cmi5.content, config, log, closing: closing.signal });
      services.cmi5.reachedAt(url, contentServer.url);
    }
    // Not before it listens: a start that fails has nobody to show the secret to.
    const firstCredential = await first.make();
    const file: ServerFile = { pid: process.pid, socket: socketPath, ...(url === undefined ? {} : { url }) };
    await writeFile(serverFile, JSON.stringify(file), { mode: 0o600 });
    services.work(options.network !== false);
    return { socketPath, ...(url === undefined ? {} : { url }), ...(contentServer && { contentUrl: contentServer.url }), ...(firstCredential === undefined ? {} : { firstCredential }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loaded where it is used alone: without the setting nothing of it takes memory or time. */
async function openTracing({ otelUrl: url, role }: Config, log: { warn(details: object, message: string): void }): Promise<Tracing> {
  if (url === undefined) return noTracing;
  const { createOtlpTracing } = await import('./tracing/otlp-tracing.js');
  return createOtlpTracing({ url, version, role, log });
}

/** Several processes share a database, and each has a data folder of its own. */
async function refuseNeighbour(socketPath: string, { dataDir }: Config): Promise<void> {
  if (!(await answers(socketPath))) return;
  throw new Error(`Another Quipu runs on the data folder ${dataDir}. Give each process a folder of its own by QUIPU_DATA_DIR.`);
}

/** What a start makes where it is not there. */
function createFirstStart({ tenants, keys, leases }: Services, { key: id, secret, dataDir }: Config, signal: AbortSignal, log: ReturnType<typeof createLog>) {
  const wanted = { tenant: 'default', name: 'First key', scopes: [...scopes] };
  const hasKey = async (): Promise<boolean> => (await keys.list('default', undefined, 1)).length > 0;
  /** One process at a time. */
  const alone = <T>(work: () => Promise<T>): Promise<T | undefined> => withLease(leases.kind('task-leases', {}), '', 'first-start', signal, work);

  return {
    /** Makes the default tenant, and the key that the settings name. Where the disk has no room for that, what is there can be read all the same. */
    ensure: async (): Promise<void> => {
      try {
        await alone(async () => {
          await tenants.ensure('default', 'Default tenant');
          if (id !== undefined && secret !== undefined) await keys.ensure({ ...wanted, id, secret });
        });
      } catch (error) {
        if (!(error instanceof QuipuError) || error.code !== 'storage-full') throw error;
        if (!(await hasKey())) throw new Error(`The disk of ${dataDir} has less room than QUIPU_MIN_FREE_BYTES asks for, so nothing can be stored there. Make room.`);
        log.warn({ directory: dataDir }, 'The disk has less room than QUIPU_MIN_FREE_BYTES asks for: what is stored is read, and nothing is taken in');
      }
    },
    /** Makes the first key when there is none and the settings name none. */
    make: async (): Promise<{ key: string; secret: string } | undefined> => {
      if (id !== undefined && secret !== undefined || await hasKey()) return undefined;
      return alone(async () => {
        if (await hasKey()) return undefined;
        const made = await keys.create(wanted);
        return { key: made.id, secret: made.secret };
      });
    },
  };
}

async function listen(app: FastifyInstance, config: Config): Promise<string> {
  try {
    const address = await app.listen({ host: config.host, port: config.port });
    return config.publicUrl ?? address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'another program listens there' : code === 'EACCES' ? 'this user may not listen there' : (error as Error).message;
    throw new Error(`Quipu can't listen on ${config.host}:${config.port}: ${reason}. Set QUIPU_HOST or QUIPU_PORT to another address.`);
  }
}

/** The port of BI tools. */
async function listenForSql({ sql }: Services, config: Config): Promise<Server> {
  const server = createSqlServer(sql, { maxHeaderSize: config.maxHeaderBytes, requestTimeout: config.requestTimeout * 1000 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`Quipu can't listen on ${config.host}:${config.clickhousePort}: ${error.message}. Set QUIPU_CLICKHOUSE_PORT to another port.`)));
    server.listen(config.clickhousePort, config.host, resolve);
  });
  return server;
}

/** The command line's entrance: whoever may open this socket owns the data folder. */
async function listenPrivately(app: FastifyInstance, path: string, config: Config, trusted: WeakSet<object>): Promise<Server> {
  const server = createServer({ maxHeaderSize: config.maxHeaderBytes }, (request, response) => app.routing(request, response));
  server.on('connection', (socket) => trusted.add(socket));
  await rm(path, { force: true });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  return server;
}
