import type { FastifyInstance } from 'fastify';
import { problem } from '../xapi/error-schema.js';
import { QuipuError } from '../xapi/errors.js';
import { idParams, listQuery, newTenant, statistics, tenant } from './schema.js';
import type { StatisticsService } from './statistics-service.js';
import { checkTenant } from './tenant-scope.js';
import type { Tenant, TenantService } from './tenant-service.js';

/** Routes under `/v1/tenants`. */
export function tenantRoutes(app: FastifyInstance, { tenants, statistics: figures }: { tenants: TenantService; statistics: StatisticsService }): void {
  const tags = ['tenants'];

  app.get<{ Querystring: { after?: string; limit: number } }>('/tenants', {
    config: { scope: 'admin' },
    schema: {
      summary: 'List the tenants', tags, querystring: listQuery,
      response: { 200: { type: 'object', required: ['tenants'], properties: { tenants: { type: 'array', items: tenant } } } },
    },
  }, async ({ query }) => ({ tenants: await tenants.list(query.after, query.limit) }));

  app.post<{ Body: { id: string; name: string } }>('/tenants', {
    config: { scope: 'admin' },
    schema: { summary: 'Make a tenant', tags, body: newTenant, response: { 201: tenant, 400: problem, 409: problem } },
  }, async ({ body }, reply) => {
    const made = await tenants.create(body.id, body.name);
    return reply.code(201).header('Location', `/v1/tenants/${made.id}`).send(made);
  });

  app.get<{ Params: { id: string } }>('/tenants/:id', {
    config: { scope: ['admin', 'tenant-admin'] },
    schema: { summary: 'Show a tenant', tags, params: idParams, response: { 200: tenant, 404: problem } },
  }, async ({ params, credential }) => {
    checkTenant(credential, params.id);
    return existing(params.id);
  });

  app.get<{ Params: { id: string } }>('/tenants/:id/statistics', {
    config: { scope: ['admin', 'tenant-admin'] },
    schema: { summary: 'Say how much a tenant holds', tags, params: idParams, response: { 200: statistics, 404: problem } },
  }, async ({ params, credential }) => {
    checkTenant(credential, params.id);
    return figures.of((await existing(params.id)).id);
  });

  async function existing(id: string): Promise<Tenant> {
    const found = await tenants.get(id);
    if (!found) throw new QuipuError('not-found', `There is no tenant ${JSON.stringify(id)}.`);
    return found;
  }
}
