import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
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
import { badEscape } from '../xapi/request-target.js';
import { formatTimestamp } from '../xapi/timestamps.js';
import { isFirstLineVersion, negotiateVersion } from '../xapi/versions.js';
import type { Services } from './compose.js';
import { ALTERNATE_PREFIX, XAPI_PREFIX } from './xapi-path.js';

const VERSION_HEADER = 'X-Experience-API-Version';
const STATEMENTS = [`${XAPI_PREFIX}/statements`, `${ALTERNATE_PREFIX}/statements`];
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
    nameVersionOfHeader(scope, config.defaultVersion);
    await allowOrigins(scope);
    sayConsistentThrough(scope, services);
    await scope.register(alternateRequestPlugin, { maxBodyBytes: config.maxBodyBytes });
  }, { prefix: ALTERNATE_PREFIX });
  await app.register(async (scope) => {
    nameVersion(scope, config.defaultVersion);
    await allowOrigins(scope);
    refuseBadEscapes(scope);
    negotiate(scope, config.defaultVersion);
    sayConsistentThrough(scope, services);
    // The tokens of sessions are good for the resources of the standard, and for nothing else here.
    await scope.register(authPlugin, { ...auth, issuer: services.cmi5.tokens });
    const { maxDocumentBytes, maxDepth } = config;
    const { storage: { canonical, attachments }, documents, statements } = services;
    await scope.register(statementsPlugin, {
      service: statements, attachments, canonical, limits: config, trustProxy: config.trustProxy,
      ...(config.publicUrl === undefined ? {} : { publicPath: new URL(config.publicUrl).pathname }),
    });
    await scope.register(stateApiPlugin, { documents, maxDocumentBytes, maxDepth });
    await scope.register(profilesPlugin, { documents, maxDocumentBytes, maxDepth });
    await scope.register(activitiesPlugin, { canonical });
    await scope.register(agentsPlugin, { canonical, maxDepth });
    await scope.register(aboutPlugin, { programVersion });
    await scope.register(refuseOthers);
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

/** The same for requests whose version may stand in their form: that of the header, where it has one. */
function nameVersionOfHeader(scope: FastifyInstance, defaultVersion: Config['defaultVersion']): void {
  scope.addHook('onRequest', (request, reply, next) => {
    const header = request.headers['x-experience-api-version'];
    void reply.header(VERSION_HEADER, typeof header === 'string' && isFirstLineVersion(header.trim()) ? '1.0.3' : defaultVersion);
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

function refuseBadEscapes(scope: FastifyInstance): void {
  scope.addHook('onRequest', (request, _reply, next) => {
    const mark = request.url.indexOf('?');
    next(mark < 0 ? undefined : badEscape(request.url.slice(mark + 1)));
  });
}

/**
 * On every answer of the Statement Resource, errors included (1.0.3 Part Three 2.1.3; IEEE 9274.1.1 4.1.6.1). One that read statements
 * has named its time already. While the store is away nothing is promised: the epoch.
 */
function sayConsistentThrough(scope: FastifyInstance, { statements }: Services): void {
  scope.addHook('onSend', (request, reply, _payload, next) => {
    if (!STATEMENTS.includes(pathOf(request)) || reply.hasHeader(CONSISTENT_THROUGH_HEADER)) return next();
    const credential = request.credential as Credential | undefined;
    void statements.consistentThrough(credential?.tenant).catch(() => 0)
      .then((through) => void reply.header(CONSISTENT_THROUGH_HEADER, formatTimestamp(through)))
      .then(() => next(), next);
  });
}

/** 405 with the methods that there are, 404 for what is no resource; both with the headers of every xAPI answer. */
async function refuseOthers(scope: FastifyInstance): Promise<void> {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  // Its types don't know that a config is taken.
  const open: object = { config: { open: true } };
  scope.setNotFoundHandler(open, async (request) => {
    const path = pathOf(request).slice(XAPI_PREFIX.length);
    const known = Object.hasOwn(resources, path) ? resources[path]! : undefined;
    if (known) throw new QuipuError('method-not-allowed', `${path} does not know ${request.method}.`, { expected: known.join(', '), headers: { Allow: `${known.join(', ')}, OPTIONS` } });
    throw new QuipuError('not-found', `There is no xAPI resource at ${request.originalUrl.split('?')[0]!.slice(0, 200)}.`, { expected: Object.keys(resources).join(', ') });
  });
}

/** The path by which a request is routed. */
function pathOf(request: FastifyRequest): string {
  const mark = request.url.indexOf('?');
  return mark < 0 ? request.url : request.url.slice(0, mark);
}
