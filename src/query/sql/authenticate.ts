import type { IncomingMessage } from 'node:http';
import type { Credential } from '../../auth/credential.js';
import type { KeyService } from '../../auth/key-service.js';
import { QuipuError } from '../../xapi/errors.js';
import { SqlFailure } from './failure.js';

/** What `createSqlAuthentication` needs. */
export interface SqlAuthenticationDeps {
  keys: Pick<KeyService, 'verify' | 'verifyHeader'>;
  tokens: { verifyHeader(header: string): Promise<Credential> };
}

/**
 * Who asks, by the ways that ClickHouse's clients have: Authorization with Basic or Bearer, `X-ClickHouse-User` and
 * `X-ClickHouse-Key`, or `user` and `password` in the URL; of several the first in this order counts.
 * @returns the credential, which has the scope `analytics`
 * @throws SqlFailure AUTHENTICATION_FAILED, or ACCESS_DENIED without the scope
 */
export function createSqlAuthentication({ keys, tokens }: SqlAuthenticationDeps): (request: IncomingMessage, url: URL, address: string) => Promise<Credential> {
  async function verify(request: IncomingMessage, url: URL, address: string): Promise<Credential | undefined> {
    const authorization = request.headers.authorization;
    if (authorization !== undefined && /^bearer /i.test(authorization)) return tokens.verifyHeader(authorization);
    if (authorization !== undefined && /^basic /i.test(authorization)) return keys.verifyHeader(authorization, address);
    if (authorization !== undefined) throw new SqlFailure('AUTHENTICATION_FAILED', 'The Authorization header has a scheme that is not known here: Basic or Bearer');
    const user = request.headers['x-clickhouse-user'] ?? url.searchParams.get('user');
    const secret = request.headers['x-clickhouse-key'] ?? url.searchParams.get('password');
    if (typeof user !== 'string') {
      throw new SqlFailure('REQUIRED_PASSWORD', 'Give a key of Quipu and its secret as user and password', 194, 401);
    }
    return keys.verify(user, typeof secret === 'string' ? secret : '', address);
  }

  return async (request, url, address) => {
    const credential = await verify(request, url, address).catch((error: unknown) => {
      if (!(error instanceof QuipuError)) throw error;
      throw new SqlFailure('AUTHENTICATION_FAILED', error.message, 516, error.code === 'unauthorized' ? 403 : error.status);
    });
    if (!credential) throw new SqlFailure('AUTHENTICATION_FAILED', 'Authentication failed: password is incorrect, or there is no user with such name');
    if (!credential.scopes.has('analytics')) throw new SqlFailure('ACCESS_DENIED', 'Not enough privileges: the key lacks the scope analytics');
    return credential;
  };
}
