import { Readable } from 'node:stream';
import type { Multipart, MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { QuipuError } from '../../xapi/errors.js';

/**
 * The one file of a form, as it arrives; fields are passed over. Its stream fails when another file follows it.
 * @throws QuipuError `malformed-multipart` when there is none, or the body is no form
 */
export async function formFile(request: FastifyRequest): Promise<{ contentType: string; source: Readable }> {
  const parts = readable(request);
  const file = await nextFile(parts);
  if (!file) throw new QuipuError('malformed-multipart', 'The form has no file.', { rule: 'one-file', expected: 'a form with one file: the package' });
  return { contentType: file.mimetype, source: Readable.from(alone(file, parts), { objectMode: false }) };
}

function readable(request: FastifyRequest): AsyncIterableIterator<Multipart> {
  try {
    return request.parts();
  } catch (error) {
    throw explained(error);
  }
}

async function* alone(file: MultipartFile, parts: AsyncIterableIterator<Multipart>): AsyncGenerator<Buffer> {
  try {
    yield* file.file as AsyncIterable<Buffer>;
  } catch (error) {
    throw explained(error);
  }
  const another = await nextFile(parts);
  if (!another) return;
  another.file.resume();
  throw new QuipuError('malformed-multipart', 'The form has more than one file.', { rule: 'one-file', expected: 'a form with one file: the package' });
}

async function nextFile(parts: AsyncIterableIterator<Multipart>): Promise<MultipartFile | undefined> {
  try {
    for (let next = await parts.next(); !next.done; next = await parts.next()) {
      if (next.value.type === 'file') return next.value;
    }
    return undefined;
  } catch (error) {
    throw explained(error);
  }
}

/** What the reader of forms says of their bytes and limits; a connection that breaks off stays that. */
function explained(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && !code.startsWith('FST_')) return error;
  return new QuipuError('malformed-multipart', `The form can't be read: ${message}.`, { rule: 'form-data', section: 'RFC 7578', expected: 'multipart/form-data with one file: the package' });
}
