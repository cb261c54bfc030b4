import type { Credential, Scope } from '../../auth/credential.js';
import type { CredentialIssuer, CredentialPolicy } from '../../auth/policy.js';
import { QuipuError } from '../../xapi/errors.js';
import type { Actor } from '../../xapi/types.js';
import { hasHash, type Session, type Sessions } from './sessions.js';

/** What content may do at all; its policy says what of it. Content describes its own activities, so what it says of them counts. */
const granted: readonly Scope[] = ['statements/write', 'statements/read', 'state', 'profile', 'define'];

/** Sessions whose credential is remembered. A token stays what it is, and its policy asks for the session each time: nothing has to expire. */
const MOST_REMEMBERED = 10_000;

const user = /^cmi5-([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}):([\w-]{20,100})$/;

/** The auth token of a session, as `fetch` answers it: what follows `Basic ` in the header Authorization (cmi5 8.2.2). */
export function authToken(session: string, secret: string): string {
  return Buffer.from(`cmi5-${session}:${secret}`, 'utf8').toString('base64');
}

/** Verifies the tokens of sessions. @param policyOf makes the policy of a session */
export function createSessionTokens(sessions: Sessions, authority: Actor, policyOf: (session: Session) => CredentialPolicy): CredentialIssuer {
  const known = new Map<string, { hash: string; credential: Credential }>();

  function credentialOf(session: Session): Credential {
    return { tenant: session.tenant, id: `cmi5-${session.id}`, scopes: new Set(granted), authority, policy: policyOf(session) };
  }

  function remember(id: string, entry: { hash: string; credential: Credential }): Credential {
    known.delete(id);
    known.set(id, entry);
    if (known.size > MOST_REMEMBERED) known.delete(known.keys().next().value!);
    return entry.credential;
  }

  return {
    // The beginning of `cmi5-` in base64; what begins so and is no token of a session may be a key.
    issues: (header) => header.startsWith('Y21pNS', 6) && parse(header) !== undefined,
    verify: async (header) => {
      const { id, secret } = parse(header)!;
      const entry = known.get(id);
      if (entry && hasHash(secret, entry.hash)) return remember(id, entry);
      const session = await sessions.find(id);
      if (!session) throw refused('The token is that of a session which is not there any more.');
      if (session.tokenHash === undefined) throw refused('The token of this session was not fetched yet.');
      if (!hasHash(secret, session.tokenHash)) throw refused('The token is not the one that this session was given.');
      return remember(id, { hash: session.tokenHash, credential: credentialOf(session) });
    },
  };
}

function parse(header: string): { id: string; secret: string } | undefined {
  if (header.slice(0, 6).toLowerCase() !== 'basic ') return undefined;
  const [, id, secret] = user.exec(Buffer.from(header.slice(6), 'base64').toString('latin1')) ?? [];
  return id === undefined ? undefined : { id, secret: secret! };
}

/** Without a scheme to authenticate by: at `WWW-Authenticate: Basic` a browser opens its login box over the content. */
function refused(message: string): QuipuError {
  return new QuipuError('unauthorized', message, { parameter: 'Authorization', rule: 'session-token', requirement: '8.1.2.0-2 (d)', section: 'cmi5 8.1.2, 8.2', expected: 'Basic and the auth-token that the fetch URL of the launch gave' });
}
