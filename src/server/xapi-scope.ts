import cors from '@fastify/cors';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { aboutPlugin } from '../about/plugin.js';
import { activitiesPlugin } from '../activities/plugin.js';
import { agentsPlugin } from '../agents/plugin.js';
import { alternateRequestPlugin } from '../alternate-request/plugin.js';
import type { Credential } from '../auth/credential.js';
import { authPlugin, type AuthOptions } from '../auth/plugin.js';
import type { Config } from '../config.js';
import { profilesPlugin } from '../profiles/plugin.js';
import { stateApiPlugin } from '../state-api/plugin.js';
import { statementsPlugin } from '../statements/plugin.js';
import { CONSISTENT_THROUGH_HEADER } from '../statements/routes.js';
import { QuipuError } from '../xapi/errors.js';
import { formatTimestamp } from '../xapi/timestamps.js';
import { negotiateVersion } from '../xapi/versions.js';
import type { Services } from './compose.js';
import { ALTERNATE_PREFIX, XAPI_PREFIX } from './xapi-path.js';

const VERSION_HEADER = 'X-Experience-API-Version';
const STATEMENTS = `${XAPI_PREFIX}/statements`;
const documentMethods: HTTPMethods[] = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];

/** The resources of the standard and the methods each knows. */
const resources: Record<string, HTTPMethods[]> = {
  '/statements': ['GET', 'HEAD', 'PUT', 'POST'],
  '/activities/state': documentMethods,
  '/activities/profile': documentMethods,
  '/agents/profile': documentMethods,
  '/activities': ['GET', 'HEAD'],
  '/agents': ['GET', 'HEAD'],
  '/about': ['GET', 'HEAD'],
};

/** Everything under /xapi, in the order in which a request meets it. */
export async function registerXapi(app: FastifyInstance, services: Services, config: Config, auth: AuthOptions, programVersion: string): Promise<void> {
  await app.register(async (scope) => {
    nameVersion(scope, config.defaultVersion);
    await allowOrigins(scope);
    await scope.register(alternateRequestPlugin, { maxBodyBytes: config.maxBodyBytes });
  }, { prefix: ALTERNATE_PREFIX });
  await app.register(async (scope) => {
    nameVersion(scope, config.defaultVersion);
    await allowOrigins(scope);
    negotiate(scope, config.defaultVersion);
    sayConsistentThrough(scope, services);
    // The tokens of sessions are good for the resources of the standard, and for nothing else here.
    await scope.register(authPlugin, { ...auth, issuer: services.cmi5.tokens });
    const { maxDocumentBytes, maxDepth } = config;
    const { storage: { canonical, attachments }, documents, statements } = services;
    await scope.register(statementsPlugin, {
      service: statements, attachments, canonical, limits: config,
      ...(config.publicUrl === undefined ? {} : { publicPath: new URL(config.publicUrl).pathname }),
    });
    await scope.register(stateApiPlugin, { documents, maxDocumentBytes, maxDepth });
    await scope.register(profilesPlugin, { documents, maxDocumentBytes, maxDepth });
    await scope.register(activitiesPlugin, { canonical });
    await scope.register(agentsPlugin, { canonical, maxDepth });
    await scope.register(aboutPlugin, { programVersion });
    await scope.register(refuseOtherMethods);
  }, { prefix: XAPI_PREFIX });
}

/** Content is launched from other origins, also from files (`Origin: null`); it sends its credential in a header, never in a cookie. */
async function allowOrigins(scope: FastifyInstance): Promise<void> {
  await scope.register(cors, {
    origin: true,
    methods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'],
    exposedHeaders: ['ETag', 'Last-Modified', 'Content-Length', 'X-Experience-API-Version', 'X-Experience-API-Consistent-Through', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
    maxAge: 86_400,
    strictPreflight: false,
  });
}

/** 1.0.3 Part Three 3.3: every answer names a version, preflights and errors too. To be added before any other hook. */
function nameVersion(scope: FastifyInstance, defaultVersion: Config['defaultVersion']): void {
  scope.addHook('onRequest', (_request, reply, next) => {
    void reply.header(VERSION_HEADER, defaultVersion);
    next();
  });
}

/** 1.0.3 Part Three 3.3: an answer names the version that its request speaks; a request that names none or another one is refused. About answers anybody. */
function negotiate(scope: FastifyInstance, defaultVersion: Config['defaultVersion']): void {
  scope.decorateRequest('xapiVersion', defaultVersion);
  scope.addHook('onRequest', (request, reply, next) => {
    if (request.method === 'OPTIONS') return next();
    const header = request.headers['x-experience-api-version'];
    if (request.routeOptions.config.open && header === undefined) return next();
    try {
      request.xapiVersion = negotiateVersion(Array.isArray(header) ? header[0] : header);
    } catch (error) {
      return next(error as Error);
    }
    void reply.header(VERSION_HEADER, request.xapiVersion);
    next();
  });
}

/**
 * On every answer of the Statement Resource, errors included (1.0.3 Part Three 2.1.3; IEEE 9274.1.1 4.1.6.1). One that read statements
 * has named its time already. While the store is away nothing is promised: the epoch.
 */
function sayConsistentThrough(scope: FastifyInstance, { statements }: Services): void {
  scope.addHook('onSend', (request, reply, _payload, next) => {
    if (request.routeOptions.url !== STATEMENTS || reply.hasHeader(CONSISTENT_THROUGH_HEADER)) return next();
    const credential = request.credential as Credential | undefined;
    void statements.consistentThrough(credential?.tenant).catch(() => 0)
      .then((through) => void reply.header(CONSISTENT_THROUGH_HEADER, formatTimestamp(through)))
      .then(() => next(), next);
  });
}

/** 405 with the methods that there are, 404 for what is no resource; both with the headers of every xAPI answer. */
async function refuseOtherMethods(scope: FastifyInstance): Promise<void> {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  for (const [url, known] of Object.entries(resources)) {
    const method = (['GET', 'PUT', 'POST', 'DELETE', 'PATCH'] as const).filter((other) => !known.includes(other));
    scope.route({
      method, url, config: { open: true }, schema: { hide: true },
      handler: async (request) => {
        throw new QuipuError('method-not-allowed', `${url} does not know ${request.method}.`, { expected: known.join(', '), headers: { Allow: `${known.join(', ')}, OPTIONS` } });
      },
    });
  }
  scope.all('/*', { config: { open: true }, schema: { hide: true } }, async (request) => {
    throw new QuipuError('not-found', `There is no xAPI resource at ${request.originalUrl.split('?')[0]!.slice(0, 200)}.`, { expected: Object.keys(resources).join(', ') });
  });
}
