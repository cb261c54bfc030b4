import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import type { Test } from 'tap';
import type { ContentStore } from '../../../src/cmi5/content-store.js';
import { createContentLinks, type ContentGrant } from '../../../src/cmi5/content/content-links.js';
import type { ContentSession } from '../../../src/cmi5/content/content-sessions.js';
import { createPackageFiles } from '../../../src/cmi5/packages/package-files.js';
import { loadConfig } from '../../../src/config.js';
import { createContentApp } from '../../../src/server/content-app.js';
import { openLevelStorage } from '../../../src/storage/leveldb/open.js';
import { send, type Answer, type RequestOptions } from '../server.js';
import { writeZip, type ZipFile } from './write-zip.js';

/** A content server on a port of its own, with one package and one session. */
export interface ContentServer {
  port: number;
  content: ContentStore;
  grant: ContentGrant;
  /** As the session is at the moment; undefined when there is none. */
  session: ContentSession | undefined;
  /** How often the AU was launched anew. */
  relaunches: number;
  /** Path of the address of a file, with query. */
  path(file: string): Promise<string>;
  get(file: string, options?: RequestOptions): Promise<Answer>;
  /** A request for a path as it stands. */
  request(path: string, options?: RequestOptions): Promise<Answer>;
}

/** The `fetch` parameter of the session's launch. */
export const fetchUrl = 'http://lrs.test/cmi5/fetch/secret';

/**
 * Starts a content server that ends with the test.
 * @param options.url public URL of the content server
 * @param options.env settings
 */
export async function startContentServer(t: Test, files: readonly ZipFile[], options: { url?: string; env?: Record<string, string>; frameAncestors?: string } = {}): Promise<ContentServer> {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-content-'));
  const storage = await openLevelStorage({ directory });
  const grant: ContentGrant = { tenant: 'default', package: randomUUID(), session: randomUUID() };
  const staged = await storage.content.stage(grant.tenant, grant.package, Readable.from([writeZip(files)]), 1 << 30);
  await staged.commit();
  const links = createContentLinks({ records: storage.records, url: () => options.url ?? `http://127.0.0.1:${server.port}` });
  const closing = new AbortController();
  const app = await createContentApp({
    config: loadConfig({ QUIPU_DATA_DIR: directory, ...options.env }), log: pino({ level: 'silent' }), closing: closing.signal,
    content: {
      links,
      frameAncestors: options.frameAncestors,
      findSession: async (tenant, session) => (tenant === grant.tenant && session === grant.session ? server.session : undefined),
      files: createPackageFiles({ content: storage.content }),
      relaunch: async () => {
        server.relaunches += 1;
        return `http://content.test/launch/${server.relaunches}`;
      },
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => {
    closing.abort();
    await app.close();
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  });
  const server: ContentServer = {
    port: (app.server.address() as AddressInfo).port,
    grant, content: storage.content, relaunches: 0,
    session: { fetched: false, startPath: 'au/index.html', ownWindow: false, isLaunch: (fetch) => fetch === fetchUrl },
    path: async (file) => {
      const { pathname, search } = new URL(await links.link(grant, file));
      return pathname + search;
    },
    get: async (file, request) => server.request(await server.path(file), request),
    request: (path, request) => send(`http://127.0.0.1:${server.port}${path}`, { version: null, ...request }),
  };
  return server;
}
