import { QuipuError } from '../xapi/errors.js';
import { identityEtag } from './etags.js';
import type { Expectation } from './store.js';

/** What a request says of the document it was made for. An absent property asks nothing. */
export interface Preconditions {
  /** `*`: there is a document; otherwise it has one of these ETags. */
  ifMatch?: '*' | string[];
  /** `*`: there is no document; otherwise it has none of these ETags. */
  ifNoneMatch?: '*' | string[];
  /** Milliseconds since the epoch: what is there was stored in that second or before (RFC 9110 13.1.4). Not beside If-Match, which says more. */
  unmodifiedSince?: number;
}

const section = 'xAPI 1.0.3 Part Three 3.1; IEEE 9274.1.1 4.1.4; RFC 9110 13.1';

/**
 * Reads If-Match, If-None-Match and If-Unmodified-Since (RFC 9110 13.1.1, 13.1.2, 13.1.4): `*`, or a list of entity tags. More is taken than the RFC says:
 * - A weak tag counts as strong. Our tags are digests, and a proxy that compresses an answer makes them weak though they
 *   still name the content byte for byte.
 * - A SHA-1 in hex without quotes: TinCanJS sends it so.
 * - The tag of a compressed answer stands for that of the identity body.
 * @throws QuipuError `invalid-header` when a header is neither
 */
export function readPreconditions(headers: { 'if-match'?: string; 'if-none-match'?: string; 'if-unmodified-since'?: string }): Preconditions {
  // What is no date is as if it were not there (RFC 9110 13.1.4).
  const unmodifiedSince = headers['if-match'] === undefined ? Date.parse(headers['if-unmodified-since'] ?? '') : NaN;
  return {
    ...(Number.isNaN(unmodifiedSince) ? {} : { unmodifiedSince }),
    ...(headers['if-match'] === undefined ? {} : { ifMatch: readTags('If-Match', headers['if-match']) }),
    ...(headers['if-none-match'] === undefined ? {} : { ifNoneMatch: readTags('If-None-Match', headers['if-none-match']) }),
  };
}

/** Whether what was stored at that time, in milliseconds since the epoch, has not been modified since the time of If-Unmodified-Since, which has whole seconds. */
export function isUnmodified({ unmodifiedSince }: Preconditions, updated: number | undefined): boolean {
  return unmodifiedSince === undefined || updated === undefined || Math.floor(updated / 1000) * 1000 <= unmodifiedSince;
}

/** Whether the request carries If-Match or If-None-Match. */
export function isConditional(preconditions: Preconditions): boolean {
  return preconditions.ifMatch !== undefined || preconditions.ifNoneMatch !== undefined;
}

/** Whether If-Match holds for the document with this ETag (undefined: there is none). */
export function matches(preconditions: Preconditions, etag: string | undefined): boolean {
  const { ifMatch } = preconditions;
  return ifMatch === undefined || (etag !== undefined && (ifMatch === '*' || ifMatch.includes(etag)));
}

/** Whether If-None-Match holds for the document with this ETag (undefined: there is none). */
export function differs(preconditions: Preconditions, etag: string | undefined): boolean {
  const { ifNoneMatch } = preconditions;
  return ifNoneMatch === undefined || etag === undefined || (ifNoneMatch !== '*' && !ifNoneMatch.includes(etag));
}

/**
 * The same, for the store to judge in one step with the write.
 * @throws QuipuError `invalid-header` when both headers are there: RFC 2616, which the standard names, leaves that undefined
 */
export function expectationOf({ ifMatch, ifNoneMatch }: Preconditions): Expectation {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new QuipuError('invalid-header', 'The request carries both If-Match and If-None-Match; a write takes one of them.',
      { parameter: 'If-None-Match', rule: 'one-precondition', section: `${section}; RFC 2616 14.24`, expected: 'If-Match to replace a known document, or If-None-Match: * to create one' });
  }
  if (ifMatch !== undefined) return ifMatch === '*' ? { kind: 'present' } : { kind: 'etag', etags: ifMatch };
  if (ifNoneMatch !== undefined) return ifNoneMatch === '*' ? { kind: 'absent' } : { kind: 'not-etag', etags: ifNoneMatch };
  return { kind: 'any' };
}

/** One entity tag or bare SHA-1, or none (RFC 9110 5.6.1.2), with what separates it from the next. Sticky: each match starts where the last ended. */
const tag = /[ \t]*(?:,|$|(?:(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"|([0-9A-Fa-f]{40}(?:-[a-z]+)?))[ \t]*(?:,|$))/y;

function readTags(header: string, value: string): '*' | string[] {
  if (value.trim() === '*') return '*';
  const tags: string[] = [];
  let end = 0;
  while (end < value.length) {
    tag.lastIndex = end;
    const found = tag.exec(value);
    if (found === null) break;
    const named = found[1] ?? found[2];
    if (named !== undefined) tags.push(identityEtag(named));
    end = tag.lastIndex;
  }
  if (tags.length > 0 && end === value.length) return tags;
  throw new QuipuError('invalid-header', `The header ${header} is neither * nor a list of quoted entity tags.`,
    { parameter: header, rule: 'entity-tags', section, expected: '*, or a quoted ETag such as "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"' });
}
