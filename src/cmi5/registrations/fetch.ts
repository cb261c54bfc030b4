import type { FastifyPluginCallback, FastifyReply } from 'fastify';
import { authToken } from './session-tokens.js';
import type { Sessions } from './sessions.js';

/** Error codes of cmi5 8.2.3.2; strings in the standard's own examples. */
const errors = {
  used: { 'error-code': '1', 'error-text': 'The authorization token has already been returned, or the session is over. Launch the AU again.' },
  unknown: { 'error-code': '2', 'error-text': 'This fetch URL is not known here. Use it exactly as the launch URL gives it.' },
  method: { 'error-code': '2', 'error-text': 'The fetch URL takes POST alone.' },
  fault: { 'error-code': '3', 'error-text': 'The server can not answer at the moment. Try again.' },
} as const;

const always = {
  'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*', 'X-Content-Type-Options': 'nosniff',
} as const;

export interface FetchOptions {
  sessions: Sessions;
  /** Told when a token could not be given for no fault of the caller. */
  onFault(error: unknown): void;
}

/**
 * `POST /cmi5/fetch/<secret>` (cmi5 8.2): gives an AU its token, once. Open to everybody who knows the address; no cookies, any origin,
 * any content type. Errors are JSON with the status 200, as the standard has them.
 */
export const fetchPlugin: FastifyPluginCallback<FetchOptions> = (app, { sessions, onFault }, done) => {
  const hidden = { config: { open: true }, schema: { hide: true } };
  const answer = (reply: FastifyReply, body: object, status = 200): FastifyReply => reply.code(status).headers(always).send(JSON.stringify(body));
  app.removeAllContentTypeParsers();
  // What comes in a body means nothing, nor what it says to be; it is read to its end, so that the connection can be used again.
  app.addHook('onRequest', (request, _reply, next) => {
    delete request.headers['content-type'];
    delete request.headers['content-encoding'];
    next();
  });
  app.addContentTypeParser('*', (_request, payload, parsed) => {
    payload.resume();
    parsed(null, undefined);
  });
  app.setErrorHandler((error, _request, reply) => {
    const { statusCode, status = statusCode } = error as { statusCode?: number; status?: number };
    if (status !== undefined && status < 500) return answer(reply.header('Connection', 'close'), errors.unknown);
    onFault(error);
    return answer(reply, errors.fault);
  });

  app.post<{ Params: { secret: string } }>('/fetch/:secret', {
    config: { open: true },
    schema: { summary: 'Give content its token (cmi5 8.2)', description: 'Called by content with the URL that its launch gave it. Answers {"auth-token"} once, and errors with the status 200.', tags: ['cmi5'] },
  }, async (request, reply) => {
    const outcome = await sessions.fetch(request.params.secret);
    if (outcome.status !== 'fetched') return answer(reply, errors[outcome.status]);
    return answer(reply, { 'auth-token': authToken(outcome.session.id, outcome.secret) });
  });
  app.options('/fetch/:secret', hidden, (_request, reply) => reply.code(204).headers({
    'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': '*, Authorization, Content-Type, X-Experience-API-Version', 'Access-Control-Max-Age': '86400',
  }).send());
  app.route({
    method: ['GET', 'PUT', 'DELETE', 'PATCH'], url: '/fetch/:secret', ...hidden,
    handler: (_request, reply) => answer(reply.header('Allow', 'POST, OPTIONS'), errors.method, 405),
  });
  done();
};
