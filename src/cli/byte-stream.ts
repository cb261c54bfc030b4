import { createReadStream, createWriteStream } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { CommandError } from './command-error.js';

/** A file or standard input, decompressed. */
export interface ByteSource {
  stream: Readable;
  /** Bytes on disk; undefined for standard input. */
  size?: number;
  /** Bytes on disk that were read so far. */
  position(): number;
  compressed: boolean;
}

const gzipMagic = Buffer.from([0x1f, 0x8b]);

/**
 * Opens a file, or standard input for `-`; gzip is recognised by its first bytes and undone.
 * @param start where to begin, in bytes of the decompressed text
 * @throws CommandError when there is no such file
 */
export async function openSource(path: string, start = 0): Promise<ByteSource> {
  if (path === '-') return decompressed(process.stdin, undefined);
  let compressed: boolean;
  let size: number;
  try {
    const handle = await open(path, 'r');
    try {
      size = (await stat(path)).size;
      compressed = (await handle.read(Buffer.alloc(2), 0, 2, 0)).buffer.equals(gzipMagic);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new CommandError(`${path} can't be read: ${(error as Error).message}.`);
  }
  if (compressed) {
    const source = await decompressed(createReadStream(path), size);
    return start === 0 ? source : { ...source, stream: Readable.from(skip(source.stream, start), { objectMode: false }) };
  }
  const file = createReadStream(path, { start });
  return { stream: file, size, position: () => start + file.bytesRead, compressed: false };
}

async function decompressed(raw: Readable & { bytesRead?: number }, size: number | undefined): Promise<ByteSource> {
  let read = 0;
  const first = await firstBytes(raw);
  const whole = async function* (): AsyncGenerator<Buffer> {
    for (const part of first) {
      read += part.length;
      yield part;
    }
    for await (const part of raw as AsyncIterable<Buffer>) {
      read += part.length;
      yield part;
    }
  };
  const bytes = Readable.from(whole(), { objectMode: false });
  const compressed = Buffer.concat(first).subarray(0, 2).equals(gzipMagic);
  if (!compressed) return { stream: bytes, size, position: () => read, compressed };
  const gunzip = createGunzip();
  pipeline(bytes, gunzip).catch(() => undefined);
  return { stream: Readable.from(unzipped(gunzip), { objectMode: false }), size, position: () => read, compressed };
}

async function* unzipped(gunzip: Readable): AsyncGenerator<Buffer> {
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    throw new CommandError(`The gzip data is cut off or damaged: ${(error as Error).message}.`);
  }
}

/** The chunks that hold the first two bytes. */
async function firstBytes(raw: Readable): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  const iterator = raw.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  for await (const part of iterator) {
    parts.push(part);
    if (parts.reduce((sum, { length }) => sum + length, 0) >= 2) break;
  }
  return parts;
}

async function* skip(stream: Readable, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const part of stream as AsyncIterable<Buffer>) {
    if (left >= part.length) left -= part.length;
    else {
      yield part.subarray(left);
      left = 0;
    }
  }
}

/**
 * Writes a stream to a file, or to standard output for `-`. A file appears under its name only when it is complete and on disk; a link stays
 * one, to the new file; what is no regular file is written as it is.
 * @param onBytes sees every chunk before compression
 * @throws Error when the stream breaks off
 */
export async function writeTarget(source: Readable, path: string, gzip: boolean, onBytes: (chunk: Buffer) => void): Promise<void> {
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk);
      done(null, chunk);
    },
  });
  const write = async (target: Writable): Promise<void> => {
    if (gzip) await pipeline(source, watch, createGzip(), target, { end: target !== process.stdout });
    else await pipeline(source, watch, target, { end: target !== process.stdout });
  };
  if (path === '-') return write(process.stdout);
  const there = await stat(path).catch(() => undefined);
  // A pipe or a device takes what is written, and is not replaced.
  if (there && !there.isFile()) return write(createWriteStream(path));
  const target = there ? await realpath(path) : path;
  const partial = `${target}.partial`;
  try {
    await write(createWriteStream(partial, { flush: true, mode: 0o600 }));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
