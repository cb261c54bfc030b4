import type { Actor } from '../xapi/types.js';
import type { CredentialPolicy } from './policy.js';

/** The standard's scopes (1.0.3 Part Three 4.2), then Quipu's own. `docs/configuration.md` says what each allows. */
export const scopes = [
  'all', 'all/read', 'statements/read', 'statements/read/mine', 'statements/write', 'state', 'profile', 'define',
  'admin', 'tenant-admin', 'analytics', 'cmi5', 'monitor',
] as const;

export type Scope = (typeof scopes)[number];

/** Who asks, as established by `auth/plugin.ts`: the only thing the rest of the program knows of a caller. */
export interface Credential {
  /** Tenant of everything the caller sees; `''` for the server's own socket until the request names one. */
  tenant: string;
  /** Id of the key, or issuer and subject of a token; for logs and `statements/read/mine`, never a secret. */
  id: string;
  scopes: ReadonlySet<Scope>;
  /** What `authority` becomes on statements of this caller. */
  authority: Actor;
  /** What it may do beyond its scopes, where the one who issued it has a say in that. */
  policy?: CredentialPolicy;
}

/** Something a request may do under `/xapi`. */
export type XapiPermission =
  | 'statements:write' | 'statements:read' | 'statements:read-mine' | 'define'
  | 'state:read' | 'state:write' | 'profile:read' | 'profile:write' | 'activities:read' | 'agents:read';
