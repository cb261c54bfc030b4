import type { Credential, Scope } from '../auth/credential.js';
import { QuipuError } from '../xapi/errors.js';

/** Scopes that reach beyond one tenant. */
const serverWide: ReadonlySet<Scope> = new Set<Scope>(['admin', 'monitor']);

/**
 * Refuses what would raise the caller above itself. `admin` grants everything. `tenant-admin` grants whatever stays within
 * its tenant, itself included: not `admin`, and not `monitor`, whose figures are those of all tenants.
 * @throws QuipuError `forbidden` that names the scope
 */
export function checkGrant(credential: Credential, scopes: readonly Scope[]): void {
  const beyond = credential.scopes.has('admin') ? undefined : scopes.find((scope) => serverWide.has(scope));
  if (beyond === undefined) return;
  throw new QuipuError('forbidden', `The scope tenant-admin may not give or touch a key with the scope ${beyond}: it takes admin.`, { expected: 'admin', pointer: '/scopes' });
}

/**
 * Refuses to change, rotate or revoke a key that the caller could not have made: the new secret of an `admin` key would
 * make its caller an admin.
 * @returns the guard for `KeyService`
 */
export function mayTouch(credential: Credential): (key: { scopes: readonly Scope[] }) => void {
  return ({ scopes }) => checkGrant(credential, scopes);
}
