import { Readable } from 'node:stream';
import { extract, type Extract } from 'tar-stream';
import { createTotalsCounter, LAYOUT, MANIFEST, readEntryName, TOTALS, type BackupManifest, type BackupTotals, type TotalsCounter } from './archive.js';
import type { RestoreTarget } from './store.js';

type Entry = (Extract extends AsyncIterable<infer Each> ? Each : never) & AsyncIterable<Buffer>;

/** What was restored. */
export interface RestoreReport extends BackupTotals {
  manifest: BackupManifest;
}

/**
 * Makes a store from a backup. It is none before every total was found right.
 * @param openTarget makes the new store; fails when there is one already
 * @param archive the tar as `BackupService.archive` gives it
 * @throws Error with a sentence for the operator
 */
export async function restoreBackup(openTarget: () => Promise<RestoreTarget>, archive: Readable): Promise<RestoreReport> {
  try {
    const target = await openTarget();
    try {
      const report = await load(archive, target);
      await target.complete();
      return report;
    } finally {
      await target.close();
    }
  } finally {
    archive.destroy();
  }
}

async function load(archive: Readable, target: RestoreTarget): Promise<RestoreReport> {
  const counter = createTotalsCounter();
  let manifest: BackupManifest | undefined;
  let totals: BackupTotals | undefined;
  let within = 0;
  const entries = extract();
  archive.once('error', (error) => entries.destroy(error));
  archive.pipe(entries as unknown as NodeJS.WritableStream);
  try {
    for await (const entry of entries as AsyncIterable<Entry>) {
      const { name } = entry.header;
      if (totals) throw new Error(`This backup goes on after its end, with ${name}.`);
      if (name === TOTALS) totals = JSON.parse((await readWhole(entry)).toString()) as BackupTotals;
      else if (name === MANIFEST && !manifest) manifest = readManifest(await counted(entry, counter), target);
      else if (manifest) within += await loadEntry(entry, target, counter);
      else throw new Error('This is not a backup made by quipu backup: it does not begin with a manifest.');
    }
  } catch (error) {
    throw explain(error as Error);
  }
  if (!manifest) throw new Error('This is not a backup made by quipu backup: it is empty.');
  if (!totals) throw new Error('This backup is cut off: its last entry, with the totals, is missing.');
  const found = counter.totals();
  if (found.entries !== totals.entries || found.bytes !== totals.bytes || found.sha256 !== totals.sha256) {
    throw new Error(`This backup is damaged: its totals are ${totals.entries} entries with the SHA-256 ${totals.sha256}, found were ${found.entries} with ${found.sha256}.`);
  }
  return { ...found, attachments: found.attachments + within, manifest };
}

/** @returns how many attachments were part of a chunk */
async function loadEntry(entry: Entry, target: RestoreTarget, counter: TotalsCounter): Promise<number> {
  const kind = readEntryName(entry.header.name);
  if (kind?.kind === 'chunk') {
    return target.load(await counted(entry, counter));
  }
  if (kind?.kind === 'package') {
    const size = entry.header.size ?? 0;
    counter.begin(entry.header.name, size);
    await (await target.content.stage(kind.tenant, kind.id, countedStream(entry, counter), size)).commit();
  } else if (kind) {
    const size = entry.header.size ?? 0;
    counter.begin(entry.header.name, size);
    const staged = await target.attachments.stage(kind.tenant, kind.sha2, countedStream(entry, counter), size);
    await staged.commit();
    staged.release();
  } else {
    throw new Error(`This backup holds the unknown entry ${JSON.stringify(entry.header.name.slice(0, 100))}.`);
  }
  return 0;
}

function readManifest(bytes: Buffer, target: RestoreTarget): BackupManifest {
  const manifest = JSON.parse(bytes.toString()) as BackupManifest;
  if (manifest.format !== 'quipu-backup') throw new Error('This is not a backup made by quipu backup: its manifest names another format.');
  if (manifest.layout > LAYOUT || manifest.version > target.version) {
    throw new Error(`This backup was made by a newer Quipu (layout ${manifest.layout}, data format ${manifest.version}; this one knows up to ${LAYOUT} and ${target.version}). Restore it with that version.`);
  }
  if (manifest.engine !== target.engine) throw new Error(`This backup is of the engine ${manifest.engine}, and can't be restored into ${target.engine}.`);
  return manifest;
}

/** Most bytes of an entry that is held in memory: a chunk is 4 MB and its last value. */
const mostHeld = 256 << 20;

async function readWhole(entry: Entry): Promise<Buffer> {
  if ((entry.header.size ?? 0) > mostHeld) throw new Error(`The entry ${entry.header.name} of this backup is larger than any that Quipu writes.`);
  const parts: Buffer[] = [];
  for await (const part of entry) parts.push(part);
  return Buffer.concat(parts);
}

async function counted(entry: Entry, counter: TotalsCounter): Promise<Buffer> {
  const bytes = await readWhole(entry);
  counter.begin(entry.header.name, bytes.length);
  counter.add(bytes);
  return bytes;
}

function countedStream(entry: Entry, counter: TotalsCounter): Readable {
  return Readable.from(countedParts(entry, counter), { objectMode: false });
}

async function* countedParts(entry: Entry, counter: TotalsCounter): AsyncGenerator<Buffer> {
  for await (const part of entry) {
    counter.add(part);
    yield part;
  }
}

function explain(error: Error): Error {
  if (/^(Unexpected end of data|Invalid tar header|unexpected end of file|Premature close)/i.test(error.message)) return new Error(`This backup is cut off or damaged: ${error.message}.`);
  return error;
}
