import { Readable } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import type { PackageFault } from '../course/fault.js';
import { windowed, type ByteSource } from './byte-source.js';
import { shown } from './entry-name.js';
import { LOCAL_HEADER, MOST_FAULTS, overlap, zipFault, type ZipEntry } from './zip-directory.js';

const SIGNATURE = 0x04034b50;
/** Bytes that are read at once, and those up to which an entry is unpacked in one go. */
const PIECE = 1 << 20;
const SMALL = 64 << 10;
/** Unpacked bytes after which others get their turn; an entry counts a little by itself. */
const TURN = 512 << 10;
const ENTRY = 8 << 10;

/** Thrown when an entry is not what the zip says of it. */
export class Untrue extends Error {}

/**
 * Where the bytes of an entry begin.
 * @returns undefined when there is no local header of that name, or it says other than the central directory
 */
export async function dataStart(source: ByteSource, { headerAt, rawName, method }: Pick<ZipEntry, 'headerAt' | 'rawName' | 'method'>): Promise<number | undefined> {
  const header = await source.read(headerAt, headerAt + LOCAL_HEADER + rawName.length);
  if (header.length < LOCAL_HEADER + rawName.length || header.readUInt32LE(0) !== SIGNATURE) return undefined;
  const same = header.readUInt16LE(26) === rawName.length && header.subarray(LOCAL_HEADER).equals(rawName) && header.readUInt16LE(8) === (method === 'stored' ? 0 : 8);
  return same ? headerAt + LOCAL_HEADER + rawName.length + header.readUInt16LE(28) : undefined;
}

/**
 * Reads every file of a zip once, from its beginning to its end, and finds whether each is what the directory says: header, place,
 * length and CRC-32. With constant memory.
 * @param entries a directory without faults
 * @param directoryAt where the last one has to end
 */
export async function checkZipData(source: ByteSource, entries: readonly ZipEntry[], directoryAt: number): Promise<PackageFault[]> {
  const inOrder = [...entries].sort((one, other) => one.headerAt - other.headerAt);
  const near = windowed(source);
  const faults: PackageFault[] = [];
  let done = 0;
  for (const [index, entry] of inOrder.entries()) {
    done += ENTRY + entry.length;
    if (done > TURN) {
      await new Promise(setImmediate);
      done = 0;
    }
    const fault = await checkEntry(source, near, entry, inOrder[index + 1], directoryAt);
    if (fault) faults.push(fault);
    if (faults.length === MOST_FAULTS) break;
  }
  return faults;
}

async function checkEntry(source: ByteSource, near: ByteSource, entry: ZipEntry, next: ZipEntry | undefined, directoryAt: number): Promise<PackageFault | undefined> {
  const damaged = (what: string): PackageFault => zipFault('zip-damaged', `The entry ${shown(entry.path)} is damaged: ${what}.`, 'Make the zip anew, and see that all of it is uploaded.', entry.path);
  const start = await dataStart(near, entry);
  if (start === undefined) return damaged('its own header does not fit the directory of the zip');
  const end = start + entry.packedLength;
  if (next && end > next.headerAt) return overlap(next, entry.path);
  if (end > directoryAt) return damaged('it reaches into the directory of the zip');
  if (entry.folder) return undefined;
  try {
    const small = entry.packedLength <= SMALL && entry.length <= SMALL * 4;
    const sum = small ? checksumAtOnce(await near.read(start, end), entry) : await checksum(unpackedPart(source, start, entry));
    return sum === entry.crc32 ? undefined : damaged('its CRC-32 is another one');
  } catch (error) {
    if (error instanceof Untrue || isZlibFault(error)) return damaged((error as Error).message);
    throw error;
  }
}

function checksumAtOnce(bytes: Buffer, { method, length }: ZipEntry): number {
  if (method === 'stored') return crc32(bytes);
  const { buffer, engine } = inflateRawSync(bytes, { info: true, maxOutputLength: Math.max(1, length) }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  if (buffer.length !== length) throw new Untrue(`it has ${buffer.length} bytes and not ${length}`);
  if (engine.bytesWritten !== bytes.length) throw new Untrue('it goes on after its end');
  return crc32(buffer);
}

async function checksum(bytes: AsyncIterable<Buffer>): Promise<number> {
  let sum = 0;
  for await (const piece of bytes) sum = crc32(piece, sum);
  return sum;
}

/** Bytes of a source in pieces. */
async function* piecesOf(source: ByteSource, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const piece = await source.read(at, Math.min(end, at + PIECE));
    if (piece.length === 0) throw new Untrue('it is cut off');
    at += piece.length;
    yield piece;
  }
}

/** All of an entry, unpacked and never more than was said. @throws Error when it is not as long as was said, or not compressed as was said */
async function* unpackedPart(source: ByteSource, start: number, { method, packedLength, length }: ZipEntry): AsyncGenerator<Buffer> {
  const packed = piecesOf(source, start, start + packedLength);
  if (method === 'stored') yield* packed;
  else yield* inflated(Readable.from(packed, { objectMode: false }), length, packedLength);
}

/**
 * The bytes of a raw deflate stream, `length` of them. What it is read from ends with it.
 * @param packedLength bytes that the stream should take; not asked when left out
 * @throws Error when there are more or fewer
 */
export async function* inflated(packed: Readable, length: number, packedLength?: number): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw();
  packed.once('error', (error) => inflate.destroy(error));
  packed.once('close', () => {
    if (!packed.readableEnded && !packed.errored) inflate.destroy(new Error('The bytes of an entry broke off.'));
  });
  packed.pipe(inflate);
  let seen = 0;
  try {
    for await (const piece of inflate as AsyncIterable<Buffer>) {
      seen += piece.length;
      if (seen > length) throw new Untrue(`it has more than the ${length} bytes that it is said to have`);
      yield piece;
    }
    if (seen < length) throw new Untrue(`it has ${seen} bytes and not ${length}`);
    if (packedLength !== undefined && inflate.bytesWritten !== packedLength) throw new Untrue('it goes on after its end');
  } finally {
    packed.destroy();
    inflate.destroy();
  }
}

/** Whether zlib has refused bytes. */
export function isZlibFault(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE');
}
