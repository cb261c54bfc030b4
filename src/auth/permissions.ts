import type { Credential, Scope, XapiPermission } from './credential.js';

/**
 * Which of the standard's scopes give each permission (xAPI 1.0.3 Part Three 4.2). Reading statements shows activities and
 * persons anyway, so `statements/read` reads those two resources as well; `statements/read/mine` does not, because both
 * gather what others have said. `define` alone reads and writes nothing: it adds to `statements/write`.
 */
const grantedBy: Record<XapiPermission, readonly Scope[]> = {
  'statements:write': ['all', 'statements/write'],
  'statements:read': ['all', 'all/read', 'statements/read'],
  'statements:read-mine': ['all', 'all/read', 'statements/read', 'statements/read/mine'],
  'define': ['all', 'define'],
  'state:read': ['all', 'all/read', 'state'],
  'state:write': ['all', 'state'],
  'profile:read': ['all', 'all/read', 'profile'],
  'profile:write': ['all', 'profile'],
  'activities:read': ['all', 'all/read', 'statements/read'],
  'agents:read': ['all', 'all/read', 'statements/read'],
};

/** The scopes of which any one gives the permission, widest first. */
export function scopesGranting(permission: XapiPermission): readonly Scope[] {
  return grantedBy[permission];
}

/**
 * Whether a caller may do something under `/xapi`. Whoever may read all statements may also read their own; a caller with
 * `statements:read-mine` and without `statements:read` sees only statements whose authority equals the credential's
 * (xAPI 1.0.3 Part Three 4.2).
 */
export function can(credential: Credential, permission: XapiPermission): boolean {
  for (const scope of grantedBy[permission]) if (credential.scopes.has(scope)) return true;
  return false;
}
