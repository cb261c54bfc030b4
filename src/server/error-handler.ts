import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { QuipuError, type ErrorDetails } from '../xapi/errors.js';

/** An error as it is answered. */
export interface ErrorBody extends Omit<ErrorDetails, 'retryAfter' | 'headers'> {
  /** Code of the registry: docs/errors.md says what each means. */
  error: string;
  /** A sentence that names the place and the rule. */
  message: string;
  /** Id of the request, as in the log. */
  requestId: string;
}

/** Milliseconds for which the rest of a refused body is read, so that a client which sends before it reads gets to the answer. */
const LINGER = 30_000;

/** The one place that renders errors. */
export function setErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | QuipuError, request, reply) => sendError(toQuipuError(error), request, reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendError(new QuipuError('not-found', `There is nothing at ${request.method} ${request.url.split('?')[0]!.slice(0, 200)}. The xAPI resources are under /xapi, Quipu's own API under /v1.`), request, reply));
}

/** Renders an error. */
export function sendError(error: QuipuError, request: FastifyRequest, reply: FastifyReply, cause: Error = error): FastifyReply {
  const { retryAfter, headers, ...details } = error.details;
  if (error.status >= 500 && error.code === 'internal') request.log.error({ err: cause }, 'request failed');
  else request.log.debug({ code: error.code, reason: error.message }, 'request refused');
  const body: ErrorBody = { error: error.code, message: error.message, ...details, requestId: request.id };
  if (retryAfter !== undefined) void reply.header('Retry-After', String(retryAfter));
  // A body that was refused half-way would be read as the next request, or go on being decompressed for nothing.
  const compressed = request.headers['content-encoding'] !== undefined;
  const closes = error.status === 413 || error.code === 'overloaded' || (compressed && error.status === 400);
  void reply.code(error.status).header('X-Request-Id', request.id).headers(headers ?? {}).type('application/json; charset=utf-8');
  if (!closes) return reply.send(JSON.stringify(body));
  void reply.header('Connection', 'close');
  const text = Buffer.from(JSON.stringify(body));
  if (request.raw.complete !== false) return reply.send(text);
  // Compressed, it would leave when the stream ends.
  request.headers['x-no-compression'] = 'true';
  return reply.header('Content-Length', text.length).send(Readable.from(lingering(text, request.raw), { objectMode: false }));
}

/** The text at once, and its end when the rest of the request has been read: a connection closed before is reset, and the answer lost (RFC 9112 9.6). */
async function* lingering(text: Buffer, request: IncomingMessage): AsyncGenerator<Buffer> {
  yield text;
  if (request.destroyed || request.readableEnded) return;
  await new Promise<void>((resolve) => {
    const impatience = setTimeout(resolve, LINGER);
    request.once('close', () => {
      clearTimeout(impatience);
      resolve();
    }).on('error', () => undefined);
    request.unpipe();
    request.resume();
  });
}

/** What Fastify and its plugins throw, as an error of the registry. */
export function toQuipuError(error: FastifyError | QuipuError): QuipuError {
  if (error instanceof QuipuError) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new QuipuError('too-large', 'The body is larger than this server takes (docs/configuration.md names the limits).');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new QuipuError('unsupported-media-type', 'The resource does not take this Content-Type.',
        { parameter: 'Content-Type', rule: 'media-type', section: 'RFC 9110 8.3', expected: 'one media type that the resource takes, such as application/json' });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new QuipuError('invalid-header', 'The body is not as long as Content-Length says.', { parameter: 'Content-Length' });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new QuipuError('malformed-json', `The body is not JSON: ${error.message}.`);
    case 'FST_CP_ERR_INVALID_CONTENT':
      return new QuipuError('malformed-encoding', 'The body does not decompress as its Content-Encoding says.',
        { parameter: 'Content-Encoding', rule: 'content-encoding', section: 'RFC 9110 8.4', expected: 'a whole body that is compressed as Content-Encoding says, or no Content-Encoding' });
    case 'FST_ERR_VALIDATION':
      return invalidRequest(error);
    default:
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    const code = ({ 413: 'too-large', 415: 'unsupported-media-type', 404: 'not-found', 405: 'method-not-allowed', 429: 'too-many-requests' } as const)[error.statusCode];
    return new QuipuError(code ?? 'malformed-encoding', `${error.message}.`);
  }
  // A range that was being read when the store was opened anew after a failure.
  if (error.code?.startsWith('LEVEL_')) return new QuipuError('store-unavailable', 'The store does not answer at the moment. Send the request again.', { retryAfter: 1 });
  if (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') {
    return new QuipuError('malformed-encoding', `The body breaks off: ${error.message}.`, { rule: 'whole-body', expected: 'as many bytes as Content-Length says' });
  }
  return new QuipuError('internal', 'Quipu failed on this request. The log has the reason under the request id.');
}

function invalidRequest(error: FastifyError): QuipuError {
  const fault = error.validation?.[0];
  const where = error.validationContext ?? 'body';
  return new QuipuError('invalid-request', `The ${where} does not fit the route: ${error.message}.`, {
    pointer: fault?.instancePath ?? '', ...(fault ? { rule: fault.keyword } : {}),
  });
}
