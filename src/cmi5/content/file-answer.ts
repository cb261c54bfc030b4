import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { QuipuError } from '../../xapi/errors.js';
import type { PackageFile } from '../packages/package-files.js';
import { readByteRange } from './byte-range.js';
import { contentTypeOf } from './content-type.js';

/** The header of a gzip stream that names neither file nor time nor system (RFC 1952 2.3). */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const GZIP_FRAME = gzipHeader.length + 8;

/**
 * Answers with a file: conditional by its ETag, a range of it, or compressed as it lies in the package (RFC 9110 8.8.3, 13, 14).
 * @param tag what makes an ETag that no other package has
 * @param cacheControl of the answer
 */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, path: string, file: PackageFile, { tag, cacheControl }: { tag: string; cacheControl: string }): Promise<FastifyReply> {
  const { headers } = request;
  const plain = `"${tag}-${file.crc32.toString(16).padStart(8, '0')}-${file.length.toString(16)}"`;
  const packed = `${plain.slice(0, -1)}-gzip"`;
  const range = request.method === 'GET' && (headers['if-range'] ?? plain) === plain ? readByteRange(headers.range, file.length) : undefined;
  const compressed = range === undefined && file.deflatedLength !== undefined && takesGzip(headers['accept-encoding']);
  const shared = {
    'Cache-Control': cacheControl, 'Accept-Ranges': 'bytes', ETag: compressed ? packed : plain, ...(file.deflatedLength === undefined ? {} : { Vary: 'Accept-Encoding' }),
  };
  if (matches(headers['if-none-match'], [plain, packed])) return reply.code(304).headers(shared).send();
  if (range === 'unsatisfiable') {
    throw new QuipuError('range-not-satisfiable', `The file has ${file.length} bytes, and the range begins behind them.`, { parameter: 'Range', headers: { 'Content-Range': `bytes */${file.length}` } });
  }

  const body = request.method === 'HEAD' ? '' : compressed ? gzipped(await file.openDeflated(), file) : await file.open(range);
  return reply.code(range ? 206 : 200).headers({
    ...shared, 'Content-Type': contentTypeOf(path),
    'Content-Length': range ? range.end - range.start : compressed ? file.deflatedLength! + GZIP_FRAME : file.length,
    ...(compressed && { 'Content-Encoding': 'gzip' }),
    ...(range && { 'Content-Range': `bytes ${range.start}-${range.end - 1}/${file.length}` }),
  }).send(body);
}

/** A raw deflate stream as a gzip stream: between header and trailer (RFC 1952 2.3.1). */
function gzipped(deflated: Readable, { crc32, length }: PackageFile): Readable {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return Readable.from((async function* () {
    yield gzipHeader;
    yield* deflated as AsyncIterable<Buffer>;
    yield trailer;
  })(), { objectMode: false });
}

/** Whether Accept-Encoding takes gzip (RFC 9110 12.5.3). */
function takesGzip(header: string | string[] | undefined): boolean {
  const weights = new Map(String(header ?? '').toLowerCase().split(',').map((item) => {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return [coding, weight === undefined ? 1 : Number(weight.slice(2))] as const;
  }));
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
}

/** Whether If-None-Match has one of these tags, compared weakly (RFC 9110 13.1.2). */
function matches(header: string | undefined, tags: string[]): boolean {
  return header !== undefined && header.split(',').some((item) => item.trim() === '*' || tags.includes(item.trim().replace(/^W\//, '')));
}
