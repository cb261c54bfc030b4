import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { QuipuError } from '../../xapi/errors.js';
import { brokeOff } from '../attachment-bytes.js';
import { unavailable } from './store-failure.js';

/**
 * Writes what arrives to a new file and flushes it to disk. When that fails, nothing is left of it.
 * @param measure stands before the file, and may fail
 * @param verify has the last word, once all bytes have passed
 * @throws QuipuError when the disk fails; errors of the source, of `measure` and `verify` as they are
 */
export async function receiveFile(source: Readable, measure: Transform, path: string, verify: () => void = () => undefined): Promise<void> {
  let file: WriteStream | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    if (source.destroyed) throw source.errored ?? brokeOff();
    file = createWriteStream(path, { flush: true, mode: 0o600 });
    await pipeline(source, measure, file);
    verify();
  } catch (error) {
    await ended(file);
    await rm(path, { force: true });
    throw error instanceof QuipuError || !(error as NodeJS.ErrnoException).syscall ? error : unavailable(error);
  }
}

/** A file that is still being opened would come to be after its removal. */
async function ended(file: WriteStream | undefined): Promise<void> {
  if (file && !file.closed) await new Promise<void>((resolve) => { file.once('close', resolve); });
}

/** Makes a new name in a folder durable. */
export async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
