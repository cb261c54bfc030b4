import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import jwt, { type Algorithm, type JwtHeader, type JwtPayload } from 'jsonwebtoken';
import { QuipuError } from '../xapi/errors.js';
import type { Actor } from '../xapi/types.js';
import { parseAgent } from './authority.js';
import { unauthorized } from './basic.js';
import { createCredentialCache } from './credential-cache.js';
import { scopes as knownScopes, type Credential, type Scope } from './credential.js';

/** How Bearer tokens (RFC 6750, RFC 7519) are judged. Without a secret and without a public key none is accepted. */
export interface TokenOptions {
  /** Shared secret of HS256, HS384 and HS512, 32 bytes or more. */
  jwtSecret?: string;
  /** PEM of a public key or certificate, its line ends also as `\n`: an RSA key takes RS256, RS384 and RS512, an elliptic one the ES algorithm of its curve. */
  jwtPublicKey?: string;
  /** The `iss` every token must carry. */
  jwtIssuer?: string;
  /** The `aud` every token must carry. */
  jwtAudience?: string;
  /** Whether a token may give the scope `admin`. */
  jwtAllowAdmin?: boolean;
  /** Home page of the account that is the authority of a token without issuer: the public URL. */
  homePage: string;
  tenantExists(tenant: string): Promise<boolean>;
  /** Milliseconds for which a verification is believed; as long as the token is valid when left out. */
  trust?: number;
}

/** Verifies Bearer tokens. */
export interface TokenVerifier {
  /** The credential of a header that was verified before and has not expired. */
  verifyCached(header: string): Credential | undefined;
  /**
   * @param header an Authorization header with the scheme Bearer
   * @throws QuipuError `unauthorized` that says why
   */
  verifyHeader(header: string): Promise<Credential>;
}

interface VerificationKey {
  key: KeyObject;
  algorithms: Algorithm[];
}

const curves: Record<string, Algorithm> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/**
 * The algorithms are those of the configured keys, never what a token asks for. Claims: `tenant` (must exist), `sub` and
 * `exp` are required; `scope` is a list or a text with spaces, unknown scopes are passed over, and a token without it has
 * `statements/write` and `statements/read/mine`, which xAPI 1.0.3 Part Three 4.2 assumes; `authority` may hold an Agent.
 * @throws Error with a sentence that names the setting when a key can't be used
 */
export function createTokenVerifier(options: TokenOptions): TokenVerifier {
  const keys = verificationKeys(options);
  const verified = createCredentialCache({ trust: options.trust });

  function claimsOf(token: string): JwtPayload {
    if (keys.length === 0) throw unauthorized('This server is not set up to take Bearer tokens.', 'Basic authentication with a key and its secret');
    const header = headerOf(token);
    const key = keys.find(({ algorithms }) => algorithms.some((one) => one === header?.alg));
    if (!key) {
      throw unauthorized('The Bearer token is no JWT signed with an algorithm that this server takes.', keys.flatMap(({ algorithms }) => algorithms).join(', '));
    }
    // RFC 7515 4.1.11: extensions that are not understood.
    if (header?.crit !== undefined) throw unauthorized('The Bearer token demands extensions that this server does not know.', 'a token without crit in its header');
    let claims: JwtPayload | string;
    try {
      claims = jwt.verify(token, key.key, { algorithms: key.algorithms, issuer: options.jwtIssuer, audience: options.jwtAudience });
    } catch (error) {
      throw unauthorized(`The Bearer token is not valid: ${error instanceof Error ? error.message : 'unknown reason'}.`);
    }
    if (typeof claims === 'string') throw unauthorized('The Bearer token holds no claims.');
    return claims;
  }

  return {
    verifyCached: (header) => verified.get(verified.digest(header)),
    async verifyHeader(header) {
      const claims = claimsOf(header.slice('Bearer '.length).trim());
      const { exp, sub, iss } = claims;
      const tenant: unknown = claims['tenant'];
      if (typeof exp !== 'number') throw unauthorized('The Bearer token never expires.', 'a token with the claim exp');
      if (typeof sub !== 'string' || sub === '') throw unauthorized('The Bearer token does not say whose it is.', 'a token with the claim sub');
      if (typeof tenant !== 'string' || !(await options.tenantExists(tenant))) {
        throw unauthorized('The Bearer token names no tenant of this server.', 'a token with the claim tenant');
      }
      const credential: Credential = {
        tenant,
        id: `${iss ?? ''}#${sub}`,
        scopes: scopesOf(claims['scope'], options.jwtAllowAdmin === true),
        authority: authorityOf(claims, sub),
      };
      verified.set(verified.digest(header), credential, { expires: exp * 1000 });
      return credential;
    },
  };

  function authorityOf(claims: JwtPayload, sub: string): Actor {
    const account = { objectType: 'Agent', account: { homePage: claims.iss ?? options.homePage, name: sub } };
    return agentOrNone(claims['authority']) ?? agentOrNone(account)
      ?? { objectType: 'Agent', account: { homePage: options.homePage, name: sub } };
  }
}

function agentOrNone(value: unknown): Actor | undefined {
  try {
    return value === undefined ? undefined : parseAgent(value, '');
  } catch (error) {
    if (error instanceof QuipuError) return undefined;
    throw error;
  }
}

function headerOf(token: string): JwtHeader | undefined {
  try {
    return jwt.decode(token, { complete: true })?.header;
  } catch {
    return undefined;
  }
}

function verificationKeys({ jwtSecret, jwtPublicKey }: TokenOptions): VerificationKey[] {
  const keys: VerificationKey[] = [];
  if (jwtSecret !== undefined) {
    const secret = Buffer.from(jwtSecret, 'utf8');
    if (secret.length < 32) throw new Error('QUIPU_JWT_SECRET is too short: RFC 7518, 3.2 asks for 32 bytes at least');
    keys.push({ key: createSecretKey(secret), algorithms: ['HS256', 'HS384', 'HS512'] });
  }
  if (jwtPublicKey !== undefined) keys.push(publicKey(jwtPublicKey.replaceAll('\\n', '\n')));
  return keys;
}

function publicKey(pem: string): VerificationKey {
  if (pem.includes('PRIVATE KEY')) throw new Error('QUIPU_JWT_PUBLIC_KEY holds a private key: give the public one alone');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new Error('QUIPU_JWT_PUBLIC_KEY is no public key in PEM form');
  }
  if (key.asymmetricKeyType === 'rsa') return { key, algorithms: ['RS256', 'RS384', 'RS512'] };
  const algorithm = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (key.asymmetricKeyType === 'ec' && algorithm) return { key, algorithms: [algorithm] };
  throw new Error('QUIPU_JWT_PUBLIC_KEY must be an RSA key or one of the curves P-256, P-384 and P-521');
}

function scopesOf(claim: unknown, allowAdmin: boolean): Set<Scope> {
  if (claim === undefined) return new Set<Scope>(['statements/write', 'statements/read/mine']);
  const named: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(knownScopes.filter((scope) => named.includes(scope) && (scope !== 'admin' || allowAdmin)));
}
