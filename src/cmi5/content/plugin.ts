import type { FastifyError, FastifyPluginCallback } from 'fastify';
import { QuipuError } from '../../xapi/errors.js';
import type { PackageFiles } from '../packages/package-files.js';
import type { ContentLinks } from './content-links.js';
import { isServed, rememberSessions, type FindSession } from './content-sessions.js';
import { entryAt } from './entry-at.js';
import { sendFile } from './file-answer.js';
import { isNavigation, isPrefetch } from './navigation.js';
import { sendNotice } from './notice.js';

/** What the content server takes its answers from. */
export interface ContentOptions {
  links: ContentLinks;
  findSession: FindSession;
  files: PackageFiles;
  /**
   * Launches the session's AU anew, in the same registration and mode.
   * @returns the new launch URL
   */
  relaunch(tenant: string, session: string): Promise<string>;
  /** Who may frame content, as sources of CSP such as `https://lms.example.org`; everybody when left out. */
  frameAncestors?: string;
}

/** What authoring tools make runs: inline and evaluated scripts, media and frames of anywhere, an LRS on another origin. */
const freely = "default-src * data: blob: ws: wss: 'unsafe-inline' 'unsafe-eval'";

const always = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // The address of a launch holds what its token is fetched by.
  'Referrer-Policy': 'no-referrer',
  // Where each package has a host of its own, none joins with another by document.domain.
  'Origin-Agent-Cluster': '?1',
  // A page that an LMS frames in a sandbox has no origin, and loads its own files as another's. Nobody knows them who was not given them.
  'Cross-Origin-Resource-Policy': 'cross-origin',
} as const;

const fileCache = 'private, max-age=3600';
/** Pages are asked for anew, so that one of a launch that has ended says so. */
const pageCache = 'private, no-cache';
const LONGEST_LIST = 500;

/**
 * Files of packages, for whoever has a signed address, and nothing else. To be registered at the root of an application of its own, on
 * an origin of its own: what it serves are a stranger's scripts. It knows no credentials and sets no cookies.
 */
export const contentPlugin: FastifyPluginCallback<ContentOptions> = (app, options, done) => {
  const { links, files, relaunch } = options;
  const findSession = rememberSessions(options.findSession);
  const ancestors = options.frameAncestors === undefined ? '' : `; frame-ancestors ${options.frameAncestors}`;

  app.addHook('onRequest', (request, reply, next) => {
    void reply.headers(always);
    // Before anything of a body is read.
    const known = request.method === 'GET' || request.method === 'HEAD';
    next(known ? undefined : new QuipuError('method-not-allowed', `Content is read by GET and HEAD, not by ${request.method}.`, { headers: { Allow: 'GET, HEAD', Connection: 'close' } }));
  });
  app.setErrorHandler((error: FastifyError | QuipuError, request, reply) => {
    if (error instanceof QuipuError && isNavigation(request)) return sendNotice(request, reply, error);
    throw error;
  });
  app.all('/*', { schema: { hide: true } }, async (request, reply) => {
    const address = addressOf(request.raw.url ?? '');
    const grant = address && await links.verify(address.signature, address.session);
    if (!address || !grant) throw new QuipuError('not-found', 'There is no content at this address: it is incomplete, or it was changed.');
    const host = links.hostOf(grant.package);
    if (host !== undefined && request.hostname.toLowerCase() !== host) {
      throw new QuipuError('misdirected', 'The content at this path has another host name.', { parameter: 'Host' });
    }
    const path = entryAt(address.path);
    const fetch = new URLSearchParams(address.query).get('fetch');
    const start = fetch !== null && request.method === 'GET' && isNavigation(request);
    const session = start ? await options.findSession(grant.tenant, grant.session) : await findSession(grant.tenant, grant.session);
    if (!session || !isServed(session)) {
      const error = new QuipuError('launch-ended', 'The launch that this address belongs to has ended.');
      if (isNavigation(request)) return sendNotice(request, reply, error, session?.returnURL);
      throw error;
    }

    const isStart = path === session.startPath;
    if (start && isStart && (session.fetched || session.ended !== undefined) && session.isLaunch(fetch)) {
      void reply.header('Cache-Control', 'no-store');
      // The learner has not come yet, and a launch would end the session that is under way.
      if (isPrefetch(request)) return reply.code(204).send();
      return reply.redirect(await relaunch(grant.tenant, grant.session), 302);
    }
    const file = path === undefined ? undefined : await files.find(grant.tenant, grant.package, path);
    if (path === undefined || !file) throw new QuipuError('not-found', `The package has no file ${JSON.stringify((path ?? address.path).slice(0, LONGEST_LIST))}.`);
    void reply.header('Content-Security-Policy', `${freely}${isStart && session.ownWindow ? "; frame-ancestors 'self'" : ancestors}`);
    const page = /\.x?html?$/i.test(path);
    return sendFile(request, reply, path, file, { tag: grant.package, cacheControl: isStart && fetch !== null ? 'no-store' : page ? pageCache : fileCache });
  });
  done();
};

/** `/c/<signature>/<session>/<path>?<query>`, the path as it came. */
function addressOf(url: string): { signature: string; session: string; path: string; query: string } | undefined {
  const [, signature, session, path, query = ''] = /^\/c\/([^/?]+)\/([^/?]+)\/([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  return signature === undefined ? undefined : { signature, session: session!, path: path!, query };
}
