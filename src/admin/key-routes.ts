import type { FastifyInstance } from 'fastify';
import { parseAgent } from '../auth/authority.js';
import type { Credential, Scope } from '../auth/credential.js';
import type { KeyService } from '../auth/key-service.js';
import { problem } from '../xapi/error-schema.js';
import { QuipuError } from '../xapi/errors.js';
import { checkGrant, mayTouch } from './key-rules.js';
import { idParams, key, keyPatch, keyWithSecret, newKey, tenantListQuery, tenantQuery } from './schema.js';
import { tenantOf, type TenantQuery } from './tenant-scope.js';
import type { TenantService } from './tenant-service.js';

interface KeyBody {
  name: string;
  scopes: Scope[];
  authority?: object;
  id?: string;
  secret?: string;
}

/** Routes under `/v1/keys`. */
export function keyRoutes(app: FastifyInstance, { keys, tenants }: { keys: KeyService; tenants: TenantService }): void {
  const tags = ['keys'];
  const config = { scope: ['admin', 'tenant-admin'] satisfies Scope[] };
  const oneKey = { tags, params: idParams, querystring: tenantQuery };

  app.get<{ Querystring: TenantQuery & { after?: string; limit: number } }>('/keys', {
    config,
    schema: {
      summary: 'List the keys of a tenant', tags, querystring: tenantListQuery,
      response: { 200: { type: 'object', required: ['keys'], properties: { keys: { type: 'array', items: key } } } },
    },
  }, async (request) => ({ keys: await keys.list(await tenantOf(request, tenants), request.query.after, request.query.limit) }));

  app.post<{ Body: KeyBody; Querystring: TenantQuery }>('/keys', {
    config,
    schema: {
      summary: 'Make a key', description: 'The answer alone holds the secret.', tags, querystring: tenantQuery, body: newKey,
      response: { 201: keyWithSecret, 400: problem, 409: problem },
    },
  }, async (request, reply) => {
    const { body, credential } = request;
    const tenant = await tenantOf(request, tenants);
    checkGrant(credential, body.scopes);
    checkChosen(credential, body);
    const made = await keys.create({ ...body, tenant, authority: body.authority && parseAgent(body.authority, '/authority') });
    return reply.code(201).header('Cache-Control', 'no-store').send(made);
  });

  app.get<{ Params: { id: string }; Querystring: TenantQuery }>('/keys/:id', {
    config, schema: { summary: 'Show a key', ...oneKey, response: { 200: key, 404: problem } },
  }, async (request) => found(request.params.id, await keys.get(await tenantOf(request, tenants), request.params.id)));

  app.patch<{ Params: { id: string }; Body: Partial<KeyBody>; Querystring: TenantQuery }>('/keys/:id', {
    config,
    schema: { summary: 'Change the name, scopes or authority of a key', ...oneKey, body: keyPatch, response: { 200: key, 400: problem, 404: problem } },
  }, async (request) => {
    const { params, body: { name, scopes, authority }, credential } = request;
    const tenant = await tenantOf(request, tenants);
    checkGrant(credential, scopes ?? []);
    const patch = { name, scopes, authority: authority && parseAgent(authority, '/authority') };
    return found(params.id, await keys.change(tenant, params.id, patch, mayTouch(credential)));
  });

  app.post<{ Params: { id: string }; Querystring: TenantQuery }>('/keys/:id/rotate', {
    config,
    schema: {
      summary: 'Give a key a new secret', description: 'The old secret is dead at once. The answer alone holds the new one.', ...oneKey,
      response: { 200: keyWithSecret, 404: problem },
    },
  }, async (request, reply) => {
    const { params, credential } = request;
    const rotated = await keys.rotate(await tenantOf(request, tenants), params.id, mayTouch(credential));
    return reply.header('Cache-Control', 'no-store').send(found(params.id, rotated));
  });

  app.post<{ Params: { id: string }; Querystring: TenantQuery }>('/keys/:id/revoke', {
    config, schema: { summary: 'End a key for good', ...oneKey, response: { 200: key, 404: problem } },
  }, async (request) => found(request.params.id, await keys.revoke(await tenantOf(request, tenants), request.params.id, mayTouch(request.credential))));
}

/** User names are one space for all tenants and chosen secrets may be weak: only `admin` chooses. */
function checkChosen({ scopes }: Credential, { id, secret }: KeyBody): void {
  if ((id === undefined && secret === undefined) || scopes.has('admin')) return;
  throw new QuipuError('forbidden', 'Only the scope admin may choose the id or secret of a key.', { expected: 'admin', pointer: id === undefined ? '/secret' : '/id' });
}

function found<T>(id: string, value: T | undefined): T {
  if (value === undefined) throw new QuipuError('not-found', `The tenant has no live key ${JSON.stringify(id)}.`);
  return value;
}
