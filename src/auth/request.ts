import type { XapiVersion } from '../xapi/types.js';
import type { Credential, Scope, XapiPermission } from './credential.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Set by `auth/plugin.ts` before any handler of its scope runs; unset only on routes that are `open`. */
    credential: Credential;
    /** The version of the standard this request speaks, as negotiated from its header. */
    xapiVersion: XapiVersion;
  }

  interface FastifyReply {
    /**
     * Sets memory aside for what waits for the reader of this answer.
     * @returns what gives it back, once; undefined when there is not so much left, or the tenant has its share
     */
    holdBytes(bytes: number): (() => void) | undefined;
  }

  interface FastifyContextConfig {
    /** What the caller must be allowed to do under `/xapi`. */
    permission?: XapiPermission;
    /** The scope, or any one of the scopes, that a caller must have under `/v1`. */
    scope?: Scope | Scope[];
    /** The route asks for no credential. */
    open?: boolean;
  }
}
