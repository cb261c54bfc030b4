import type { FastifyRequest } from 'fastify';
import type { Credential } from '../auth/credential.js';
import { QuipuError } from '../xapi/errors.js';
import type { TenantService } from './tenant-service.js';

/** Query string of the routes that are about one tenant. */
export interface TenantQuery {
  tenant?: string;
}

/** JSON Schema of `TenantQuery`'s property. */
export const tenantParameter = {
  type: 'string', maxLength: 40,
  description: "The tenant this is about; the credential's own when left out. Only the scope `admin` may name another.",
} as const;

/**
 * The tenant a request is about.
 * @throws QuipuError `forbidden` for a tenant that isn't the caller's, `not-found` when there is no such tenant
 */
export async function tenantOf(request: FastifyRequest<{ Querystring: TenantQuery }>, tenants: TenantService): Promise<string> {
  const asked = request.query.tenant ?? request.credential.tenant;
  checkTenant(request.credential, asked);
  if (!(await tenants.exists(asked))) throw new QuipuError('not-found', `There is no tenant ${JSON.stringify(asked)}.`, { parameter: 'tenant' });
  return asked;
}

/** @throws QuipuError `forbidden` unless the tenant is the caller's own or the caller has the scope `admin` */
export function checkTenant(credential: Credential, tenant: string): void {
  if (tenant === credential.tenant || credential.scopes.has('admin')) return;
  throw new QuipuError('forbidden', 'The credential belongs to another tenant: it takes the scope admin.', { expected: 'admin' });
}
