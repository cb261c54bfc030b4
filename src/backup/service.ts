import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pack, type Pack } from 'tar-stream';
import type { ContentStore } from '../cmi5/content-store.js';
import type { AttachmentStore } from '../statements/attachment-store.js';
import type { StatementStore } from '../statements/store.js';
import { QuipuError } from '../xapi/errors.js';
import { attachmentName, chunkName, createTotalsCounter, LAYOUT, MANIFEST, packageName, TOTALS, type BackupManifest } from './archive.js';
import type { BackupStore } from './store.js';

/** What `createBackupService` needs. */
export interface BackupDeps {
  store: BackupStore;
  statements: StatementStore;
  attachments: AttachmentStore;
  content: ContentStore;
  /** Ids of all tenants, in order. */
  listTenants(): Promise<string[]>;
}

/** Backups of the server while it runs. */
export interface BackupService {
  /** What a backup begun now would say of itself. */
  manifest(): Promise<BackupManifest>;
  /**
   * A tar with the manifest, the store as it is at one moment, the attachments, the packages and the totals. Whatever was answered
   * before the call is in it. Attachments that are erased and packages that are deleted meanwhile may be left out. Memory: one chunk of 4 MB.
   * The stream fails, and the tar lacks its totals, when the store becomes unavailable.
   */
  archive(manifest: BackupManifest): Readable;
}

export function createBackupService({ store, statements, attachments, content, listTenants }: BackupDeps): BackupService {
  async function write(tar: Pack, manifest: BackupManifest): Promise<void> {
    const counter = createTotalsCounter();
    const whole = async (name: string, bytes: Buffer): Promise<void> => {
      counter.begin(name, bytes.length);
      counter.add(bytes);
      await written(tar, name, bytes);
    };
    // First of all: an answer that has begun can't be refused any more.
    for (const tenant of await listTenants()) await statements.settled(tenant);
    await whole(MANIFEST, Buffer.from(JSON.stringify(manifest)));
    let chunks = 0;
    for await (const chunk of store.dump()) await whole(chunkName(++chunks), chunk);
    for (const tenant of await listTenants()) {
      for await (const { sha2 } of (store.attachments ?? attachments.list)(tenant)) {
        const found = await attachments.open(tenant, sha2);
        if (!found || !(await opened(found.stream))) continue;
        const name = attachmentName(tenant, sha2);
        counter.begin(name, found.length);
        found.stream.on('data', counter.add);
        await streamed(tar, name, found.length, found.stream);
      }
    }
    for (const tenant of await listTenants()) {
      for await (const id of content.list(tenant)) {
        const length = await content.length(tenant, id);
        const stream = length === undefined ? undefined : await openPackage(content, tenant, id, length);
        if (!stream) continue;
        const name = packageName(tenant, id);
        counter.begin(name, length!);
        stream.on('data', counter.add);
        await streamed(tar, name, length!, stream);
      }
    }
    await written(tar, TOTALS, Buffer.from(JSON.stringify(counter.totals())));
    tar.finalize();
  }

  return {
    manifest: async () => {
      const counts: BackupManifest['tenants'] = [];
      for (const id of await listTenants()) counts.push({ id, statements: await statements.count(id) });
      return { format: 'quipu-backup', layout: LAYOUT, engine: store.engine, version: store.version, started: new Date().toISOString(), tenants: counts };
    },
    archive: (manifest) => {
      const tar = pack();
      write(tar, manifest).catch((error: Error) => tar.destroy(error));
      return Readable.from(tar, { objectMode: false });
    },
  };
}

/** A package, unless it has gone since it was listed. */
async function openPackage(content: ContentStore, tenant: string, id: string, length: number): Promise<Readable | undefined> {
  try {
    const stream = await content.open(tenant, id, 0, length);
    return length === 0 || await opened(stream) ? stream : undefined;
  } catch (error) {
    if (error instanceof QuipuError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Whether a stream gives anything: an attachment may have gone between its listing and its reading. */
async function opened(stream: Readable): Promise<boolean> {
  try {
    await once(stream, 'readable');
    return true;
  } catch (error) {
    stream.destroy();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function written(tar: Pack, name: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry({ name, size: bytes.length }, bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function streamed(tar: Pack, name: string, size: number, source: Readable): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const entry = tar.entry({ name, size }, (error) => (error ? reject(error) : resolve()));
    source.once('error', (error) => entry.destroy(error));
    source.pipe(entry);
  }).finally(() => source.destroy());
}
