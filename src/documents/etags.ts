import { createHash } from 'node:crypto';

/**
 * The ETag of a document: SHA-1 of the identity body in lower-case hex, without quotes (xAPI 1.0.3 Part Three 3.1).
 * An answer with a content coding must carry another one; Quipu's is this with `-` and the coding, such as `-gzip`.
 */
export function etagOf(content: Buffer | string): string {
  return createHash('sha1').update(content).digest('hex');
}

/** An ETag as a header carries it (RFC 9110 8.8.3). */
export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}

const codingSuffix = /-(?:gzip|br|deflate|zstd)$/;

/**
 * The ETag of the identity body that a tag of ours names: without the suffix of a content coding, hex in lower case.
 * @param tag the opaque part of an entity tag, without quotes
 */
export function identityEtag(tag: string): string {
  const bare = tag.replace(codingSuffix, '');
  return /^[0-9A-Fa-f]{40}$/.test(bare) ? bare.toLowerCase() : bare;
}
