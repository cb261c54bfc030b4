import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Busboy } from '@fastify/busboy';
import { EngineException } from './exception.js';

/** The body of a request: bytes, or the fields of a form. */
export interface RequestBody {
  bytes: Buffer;
  /** Fields of `multipart/form-data`: the query and its parameters, when they are too long for a URL. */
  fields: ReadonlyMap<string, string>;
}

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress };

/**
 * Reads the whole body of a request, decompressed.
 * @throws EngineException when it is longer than allowed, damaged, or compressed in a way that is not known
 */
export async function readRequestBody(request: IncomingMessage, maxBytes: number): Promise<RequestBody> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  const decoder = decoders[encoding];
  if (!decoder && encoding !== 'identity') throw new EngineException(36, `Unknown compression method: ${encoding.slice(0, 40)}`);
  const source: Readable = decoder ? decompressed(request, decoder()) : request;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw new EngineException(223, `The request is longer than ${maxBytes} bytes (QUERY_IS_TOO_LARGE)`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof EngineException ? error : new EngineException(210, `The body can't be read: ${(error as Error).message}`);
  }
  const bytes = Buffer.concat(chunks, length);
  if (!/^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')) return { bytes, fields: new Map() };
  return { bytes: Buffer.alloc(0), fields: await formFields(request.headers['content-type']!, bytes) };
}

function decompressed(request: IncomingMessage, decoder: NodeJS.ReadWriteStream & Readable): Readable {
  request.on('error', (error) => decoder.destroy(error));
  request.pipe(decoder);
  return decoder;
}

function formFields(contentType: string, bytes: Buffer): Promise<Map<string, string>> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    const form = new Busboy({ headers: { 'content-type': contentType }, limits: { fields: 1000, files: 0, fieldSize: bytes.length } });
    form.on('field', (name, value) => fields.set(name, value));
    form.on('error', (error) => reject(new EngineException(36, `The form can't be read: ${(error as Error).message}`)));
    form.on('finish', () => resolve(fields));
    form.end(bytes);
  });
}
