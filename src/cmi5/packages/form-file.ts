import { Readable } from 'node:stream';
import type { Multipart, MultipartFile } from '@fastify/multipart';
import { QuipuError } from '../../xapi/errors.js';

/**
 * The one file of a form, as it arrives; fields are passed over. Its stream fails when another file follows it.
 * @throws QuipuError `malformed-multipart` when there is none
 */
export async function formFile(parts: AsyncIterableIterator<Multipart>): Promise<{ contentType: string; source: Readable }> {
  const file = await nextFile(parts);
  if (!file) throw new QuipuError('malformed-multipart', 'The form has no file.', { rule: 'one-file', expected: 'a form with one file: the package' });
  return { contentType: file.mimetype, source: Readable.from(alone(file, parts), { objectMode: false }) };
}

async function* alone(file: MultipartFile, parts: AsyncIterableIterator<Multipart>): AsyncGenerator<Buffer> {
  yield* file.file as AsyncIterable<Buffer>;
  const another = await nextFile(parts);
  if (!another) return;
  another.file.resume();
  throw new QuipuError('malformed-multipart', 'The form has more than one file.', { rule: 'one-file', expected: 'a form with one file: the package' });
}

async function nextFile(parts: AsyncIterableIterator<Multipart>): Promise<MultipartFile | undefined> {
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    if (next.value.type === 'file') return next.value;
  }
  return undefined;
}
