import type { FastifyContextConfig, FastifyPluginCallback, FastifyRequest } from 'fastify';
import { QuipuError } from '../xapi/errors.js';
import { unauthorized } from './basic.js';
import { scopes as allScopes, type Credential, type Scope } from './credential.js';
import type { KeyService } from './key-service.js';
import { can, scopesGranting } from './permissions.js';
import type { CredentialIssuer } from './policy.js';
import './request.js';
import type { TokenVerifier } from './tokens.js';

/** What `authPlugin` needs. */
export interface AuthOptions {
  keys: KeyService;
  tokens: TokenVerifier;
  tenantExists(tenant: string): Promise<boolean>;
  /** Home page of the account that is the authority of the server's own socket: the public URL. */
  homePage: string;
  /** Sockets of connections that came by the private Unix socket; whoever reaches that owns the data folder. */
  trustedSockets: WeakSet<object>;
  /** Whose credentials are taken here as well. */
  issuer?: CredentialIssuer;
  /** Requests that need no credential here, whatever their route asks for. */
  openTo?(request: FastifyRequest): boolean;
}

/**
 * Establishes who asks, for every route of the scope it is registered in, and refuses what the caller may not do: 401
 * without a valid credential, 403 without the route's `config.permission` or `config.scope`. Each route of the scope must
 * declare one of these or `config.open`; one that forgot stops the start.
 */
export const authPlugin: FastifyPluginCallback<AuthOptions> = (app, options, done) => {
  if (!app.hasRequestDecorator('credential')) app.decorateRequest('credential');

  app.addHook('onRoute', (route) => {
    const { permission, scope, open } = route.config ?? {};
    if (permission === undefined && scope === undefined && open !== true && route.method !== 'OPTIONS') {
      throw new Error(`The route ${String(route.method)} ${route.url} declares neither config.permission, config.scope nor config.open`);
    }
  });

  app.addHook('onRequest', (request, _reply, next) => {
    const config: FastifyContextConfig = request.routeOptions.config ?? {};
    if (config.open === true || request.method === 'OPTIONS' || options.openTo?.(request)) return next();
    const header = request.headers.authorization;
    const known = header === undefined || options.trustedSockets.has(request.raw.socket) || options.issuer?.issues(header) ? undefined : cached(header, options);
    if (known) return next(admit(request, config, known));
    authenticate(request, options).then((credential) => next(admit(request, config, credential)), next);
  });
  done();
};
Object.assign(authPlugin, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'quipu-auth' });

function cached(header: string, { keys, tokens }: AuthOptions): Credential | undefined {
  return isScheme(header, 'basic') ? keys.verifyCached(header) : tokens.verifyCached(header);
}

async function authenticate(request: FastifyRequest, options: AuthOptions): Promise<Credential> {
  if (options.trustedSockets.has(request.raw.socket)) return ownSocket(request, options);
  const header = request.headers.authorization;
  if (header === undefined) {
    throw unauthorized('The request carries no Authorization header.', 'Basic authentication with a key and its secret, or a Bearer token');
  }
  if (options.issuer?.issues(header)) return options.issuer.verify(header);
  if (isScheme(header, 'bearer')) return options.tokens.verifyHeader(header);
  if (!isScheme(header, 'basic')) throw unauthorized('The Authorization header has a scheme that is not known here.', 'Basic or Bearer');
  const credential = await options.keys.verifyHeader(header, request.ip);
  if (!credential) throw unauthorized('The key is not known, or its secret is another.');
  return credential;
}

async function ownSocket(request: FastifyRequest, { tenantExists, homePage }: AuthOptions): Promise<Credential> {
  const tenant = request.headers['x-quipu-tenant'] ?? 'default';
  if (typeof tenant !== 'string' || !(await tenantExists(tenant))) {
    throw new QuipuError('invalid-header', `There is no tenant ${String(tenant)}.`, { parameter: 'X-Quipu-Tenant' });
  }
  return { tenant, id: 'quipu', scopes: new Set(allScopes), authority: { objectType: 'Agent', account: { homePage, name: 'quipu' } } };
}

/** Sets the credential, or says why it does not suffice. */
function admit(request: FastifyRequest, config: FastifyContextConfig, credential: Credential): Error | undefined {
  if (config.permission !== undefined && !can(credential, config.permission)) return forbidden(scopesGranting(config.permission));
  if (config.scope !== undefined && !hasScope(credential, config.scope)) return forbidden([config.scope].flat());
  request.credential = credential;
  return undefined;
}

function hasScope({ scopes }: Credential, wanted: Scope | Scope[]): boolean {
  return Array.isArray(wanted) ? wanted.some((scope) => scopes.has(scope)) : scopes.has(wanted);
}

function forbidden(needed: readonly Scope[]): QuipuError {
  return new QuipuError('forbidden', `The credential lacks the scope for this request: it takes ${needed.join(' or ')}.`, { expected: needed.join(' or ') });
}

/** Schemes are compared without regard to case (RFC 9110, 11.1). */
function isScheme(header: string, scheme: 'basic' | 'bearer'): boolean {
  return header.charCodeAt(scheme.length) === 32 && header.slice(0, scheme.length).toLowerCase() === scheme;
}

