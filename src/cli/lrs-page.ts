import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Dicer } from '@fastify/busboy';
import { PIECE_BYTES, writeAttachmentLine } from '../transfer/attachment-line.js';
import { CommandError } from './command-error.js';
import { readBody } from './http-request.js';

/** One page of another LRS: a StatementResult, and the attachments that came with it, which wait in files. */
export interface LrsPage {
  /** Text of the StatementResult. */
  result: string;
  /** Lines of an export for the attachment with this hash, given once; nothing when it did not come. */
  attachmentLines(sha2: string): AsyncGenerator<Buffer>;
  /** Removes the files. */
  discard(): Promise<void>;
}

interface Part {
  path: string;
  contentType: string;
}

const mostResultBytes = 256 << 20;

/**
 * Reads an answer: `application/json`, or `multipart/mixed` with attachments (xAPI 1.0.3 Part Three 1.5.2), which are written to
 * temporary files as they come.
 */
export async function readLrsPage(answer: IncomingMessage): Promise<LrsPage> {
  const type = String(answer.headers['content-type'] ?? '');
  if (!/^multipart\/mixed\b/i.test(type)) {
    const result = (await readBody(answer, mostResultBytes)).toString('utf8');
    return { result, attachmentLines: async function* () { /* A page without parts. */ }, discard: () => Promise.resolve() };
  }
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  if (!boundary) throw new CommandError('The other LRS answered multipart/mixed without a boundary.');
  const folder = await mkdtemp(join(tmpdir(), 'quipu-import-'));
  const discard = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { result, parts } = await readParts(answer, (boundary[1] ?? boundary[2])!, folder);
    return { result, attachmentLines: (sha2) => takeLines(parts, sha2), discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function readParts(answer: IncomingMessage, boundary: string, folder: string): Promise<{ result: string; parts: Map<string, Part> }> {
  const parts = new Map<string, Part>();
  const underWay: Promise<void>[] = [];
  let result: string | undefined;
  let count = 0;
  const dicer = new Dicer({ boundary });
  const read = new Promise<void>((resolve, reject) => {
    dicer.once('finish', resolve);
    dicer.once('error', reject);
    answer.once('error', reject);
    dicer.on('part', (part) => {
      const work = takePart(part, count++);
      work.catch(reject);
      underWay.push(work);
    });
  });
  answer.pipe(dicer);

  async function takePart(part: Dicer.PartStream, number: number): Promise<void> {
    const headers = await new Promise<Record<string, string[]>>((resolve, reject) => {
      part.once('header', (header) => resolve(header as Record<string, string[]>));
      part.once('error', reject);
    });
    if (number === 0) {
      result = await readText(part as Readable);
      return;
    }
    const path = join(folder, String(number));
    await pipeline(part as Readable, createWriteStream(path, { mode: 0o600 }));
    const hash = headers['x-experience-api-hash']?.[0]?.trim().toLowerCase();
    if (hash !== undefined) parts.set(hash, { path, contentType: headers['content-type']?.[0] ?? 'application/octet-stream' });
  }

  try {
    await read;
    await Promise.all(underWay);
    // What stands after the closing boundary is of no interest, but the connection waits for its end.
    answer.unpipe(dicer);
    answer.resume();
  } catch (error) {
    answer.destroy();
    throw error;
  }
  if (result === undefined) throw new CommandError('The other LRS answered multipart/mixed without parts.');
  return { result, parts };
}

async function readText(part: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of part as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostResultBytes) throw new CommandError(`A page of the other LRS is longer than ${mostResultBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* takeLines(parts: Map<string, Part>, sha2: string): AsyncGenerator<Buffer> {
  const part = parts.get(sha2);
  if (!part) return;
  parts.delete(sha2);
  const { size: length } = await stat(part.path);
  let offset = 0;
  const piece = (bytes: Buffer): Buffer => writeAttachmentLine({ sha2, contentType: part.contentType, offset, length, last: offset + bytes.length === length, bytes }).subarray(0, -1);
  if (length === 0) yield piece(Buffer.alloc(0));
  for await (const chunk of createReadStream(part.path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    yield piece(chunk);
    offset += chunk.length;
  }
}
