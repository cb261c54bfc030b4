import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Config } from '../config.js';
import { errorRegistry, QuipuError, type ErrorCode } from '../xapi/errors.js';
import { sendError, setErrorHandler } from './error-handler.js';
import { givenRequestId, logRequests } from './request-log.js';
import { schemaController } from './schema-compilers.js';

export interface HttpApplicationOptions {
  config: Config;
  log: FastifyBaseLogger;
  /** Aborted when the server begins to close. */
  closing: AbortSignal;
  /** Path and query by which a request is routed; those of the request line when left out. */
  routedUrl?(method: string | undefined, url: string): string;
}

/** How often requests are looked for that have not arrived in time, in milliseconds. */
const CHECK_INTERVAL = 5000;
/** Seconds for which a connection may stand still at the least: longer than a live stream is ever silent. */
const SHORTEST_SILENCE = 60;

/** An HTTP application without routes: limits, timeouts, ids of requests, their log lines, and how errors are answered. */
export function createHttpApplication({ config, log, closing, routedUrl = (_method, url) => url }: HttpApplicationOptions): FastifyInstance {
  const prefix = randomBytes(4).toString('hex');
  let requests = 0;
  const nextId = (): string => `${prefix}-${(requests++).toString(36)}`;
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (request) => givenRequestId(request) ?? nextId(),
    // Node takes the longer of both timeouts for the request, whichever is which.
    http: { maxHeaderSize: config.maxHeaderBytes, headersTimeout: Math.min(60, config.requestTimeout) * 1000, connectionsCheckingInterval: CHECK_INTERVAL, requireHostHeader: false },
    bodyLimit: config.maxBodyBytes,
    requestTimeout: config.requestTimeout * 1000,
    connectionTimeout: Math.max(config.requestTimeout, SHORTEST_SILENCE) * 1000,
    keepAliveTimeout: 72_000,
    trustProxy: config.trustProxy,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: true,
    rewriteUrl: (request) => routedUrl(request.method, request.url ?? '/'),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, nextId()),
    frameworkErrors: (error, request, reply) => void sendError(new QuipuError('invalid-request', `The request can't be routed: ${error.message}.`), request as FastifyRequest, reply as FastifyReply),
    schemaController,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
  });

  // None is left out without a word; maxHeaderSize bounds them all.
  app.server.maxHeadersCount = 0;
  // Other expectations than 100-continue may be ignored (RFC 9110 10.1.1); Node would answer without a body.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
  setErrorHandler(app);
  logRequests(app);
  // RFC 9112 3.2; Node would answer without a body.
  app.addHook('onRequest', (request, _reply, next) => {
    const { host } = request.headers;
    const fault = host === undefined ? (request.raw.httpVersion === '1.1' ? 'has no Host header' : undefined)
      : !hostPattern.test(host) ? 'has a Host header that names no host' : hasHostTwice(request.raw.rawHeaders) ? 'has more than one Host header' : undefined;
    next(fault === undefined ? undefined : new QuipuError('invalid-header', `The request ${fault}.`, { parameter: 'Host', rule: 'host', section: 'RFC 9112 3.2', expected: 'one Host header, such as lrs.example.org:8080' }));
  });
  // Answers that are ready in the same turn of the event loop leave in a row: whoever reads them is woken once, not by each (bench/README.md).
  app.addHook('onSend', (_request, _reply, _payload, next) => void setImmediate(next));
  // A connection that stays open would keep the server from ending.
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (closing.aborted) void reply.header('Connection', 'close');
    next();
  });
  return app;
}

/** A name, an IPv4 address or an IPv6 one in brackets, and perhaps a port (RFC 3986 3.2.2); it may be empty. */
const hostPattern = /^(?:\[[0-9A-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d*)?$/;

function hasHostTwice(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === 'host') count++;
  return count > 1;
}

/** Answers what is no HTTP request that a route could see. */
function refuseConnection(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const code: ErrorCode = error.code === 'HPE_HEADER_OVERFLOW' ? 'headers-too-large' : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-timeout' : 'invalid-request';
  const { status, title } = errorRegistry[code];
  // What Node's parser says: `Content-Length can't be present with Transfer-Encoding`, `Invalid method encountered`.
  const broken = code === 'invalid-request' && { message: `The request is not HTTP as RFC 9112 has it: ${(error as { reason?: string }).reason ?? error.message}.`, section: 'RFC 9112', expected: 'one well-formed HTTP/1.1 request after the other' };
  const body = JSON.stringify({ error: code, message: `${title}.`, ...broken, requestId });
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}
