import type { FastifyReply, FastifyRequest } from 'fastify';
import { QuipuError } from '../xapi/errors.js';
import { etagOf, quoteEtag } from './etags.js';
import { differs, isUnmodified, matches, readPreconditions } from './preconditions.js';

/** The answer to a GET, and what names its state. */
export interface TaggedAnswer {
  body: Buffer;
  contentType: string;
  /** Without quotes. */
  etag: string;
  /** Milliseconds since the epoch; becomes Last-Modified. */
  updated?: number;
}

/** A JSON answer with the ETag of its text (xAPI 1.0.3 Part Three 3.1: every GET of these resources gives one). */
export function jsonAnswer(value: unknown, updated?: number): TaggedAnswer {
  const body = Buffer.from(JSON.stringify(value));
  return { body, contentType: 'application/json', etag: etagOf(body), ...(updated === undefined ? {} : { updated }) };
}

/**
 * Answers a GET with ETag and Last-Modified (xAPI 1.0.3 Part Three 2.2, 3.1), or with 304 when If-None-Match names what the
 * client has. A cache must ask each time: Last-Modified alone would let a browser go on with an old state. The content type is given back exactly as it was stored. A document is a stranger's bytes on our origin: the
 * browser must neither guess another type nor run what is in it.
 * @throws QuipuError `precondition-failed` when If-Match names something else, or If-Unmodified-Since an earlier time (RFC 9110 13.1.1, 13.1.4)
 */
export function sendTagged(request: FastifyRequest, reply: FastifyReply, answer: TaggedAnswer): FastifyReply {
  const preconditions = readPreconditions(request.headers);
  if (!matches(preconditions, answer.etag)) {
    throw new QuipuError('precondition-failed', `If-Match names another state than the current one, which is ${quoteEtag(answer.etag)}.`,
      { parameter: 'If-Match', rule: 'precondition', section: 'RFC 9110 13.1.1', expected: quoteEtag(answer.etag) });
  }
  if (!isUnmodified(preconditions, answer.updated)) {
    throw new QuipuError('precondition-failed', 'What is there was stored after the time of If-Unmodified-Since.',
      { parameter: 'If-Unmodified-Since', rule: 'precondition', section: 'RFC 9110 13.1.4', expected: new Date(answer.updated!).toUTCString() });
  }
  reply.header('ETag', quoteEtag(answer.etag)).header('Cache-Control', 'no-cache');
  if (answer.updated !== undefined) reply.header('Last-Modified', new Date(answer.updated).toUTCString());
  if (!differs(preconditions, answer.etag)) return reply.code(304).send();
  return reply
    .header('Content-Type', answer.contentType)
    .header('X-Content-Type-Options', 'nosniff')
    .header('Content-Security-Policy', 'sandbox')
    .send(answer.body);
}
