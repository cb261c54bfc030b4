import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { parseAgent } from '../auth/authority.js';
import type { Scope } from '../auth/credential.js';
import { problem } from '../xapi/error-schema.js';
import { QuipuError } from '../xapi/errors.js';
import type { ErasureService } from './erasure-service.js';
import type { ExportService } from './export-service.js';
import { idParams, newErasure, newExport, pageParams, receipt, receiptPage, tenantQuery } from './schema.js';
import { tenantOf, type TenantQuery } from './tenant-scope.js';
import type { TenantService } from './tenant-service.js';

/** How long a POST waits for a small erasure to finish, in milliseconds. */
const patience = 1000;

/** Routes under `/v1/erasures` and `/v1/exports`: what the law gives a person. */
export function personRoutes(app: FastifyInstance, { erasures, exports, tenants }: { erasures: ErasureService; exports: ExportService; tenants: TenantService }): void {
  const tags = ['persons'];
  const config = { scope: ['admin', 'tenant-admin'] satisfies Scope[] };

  app.post<{ Body: { agent: object; dryRun: boolean }; Querystring: TenantQuery }>('/erasures', {
    config,
    schema: {
      summary: "Erase one person's data",
      description: 'Answers 200 when it is complete already and 202 while it runs; the receipt stays at the Location.',
      tags, querystring: tenantQuery, body: newErasure, response: { 200: receipt, 202: receipt, 400: problem },
    },
  }, async (request, reply) => {
    const { body } = request;
    const tenant = await tenantOf(request, tenants);
    const made = await erasures.start(tenant, parseAgent(body.agent, '/agent'), { dryRun: body.dryRun, wait: patience });
    return reply.code(made.status === 'complete' ? 200 : 202).header('Location', `/v1/erasures/${made.id}`).send(made);
  });

  app.get<{ Params: { id: string }; Querystring: TenantQuery }>('/erasures/:id', {
    config,
    schema: { summary: 'Show the receipt of an erasure', tags, params: idParams, querystring: tenantQuery, response: { 200: receipt, 404: problem } },
  }, async (request) => found(await erasures.get(await tenantOf(request, tenants), request.params.id)));

  app.get<{ Params: { id: string; page: number }; Querystring: TenantQuery }>('/erasures/:id/pages/:page', {
    config,
    schema: { summary: 'Show one page of what an erasure took', tags, params: pageParams, querystring: tenantQuery, response: { 200: receiptPage, 404: problem } },
  }, async (request) => found(await erasures.page(await tenantOf(request, tenants), request.params.id, request.params.page)));

  app.post<{ Body: { agent: object }; Querystring: TenantQuery }>('/exports', {
    config,
    schema: {
      summary: "Give out one person's data",
      description: 'A stream of lines, each a JSON object with `kind`: `statement`, `attachment` (content in base64), `document` (content or contentBase64), `cmi5-registration`, `cmi5-session`, `cmi5-finding`, and at last `end` with the counts.',
      tags, querystring: tenantQuery, body: newExport, produces: ['application/x-ndjson'], response: { 400: problem },
    },
  }, async (request, reply) => {
    const lines = exports.export(await tenantOf(request, tenants), parseAgent(request.body.agent, '/agent'));
    return reply.type('application/x-ndjson').header('Cache-Control', 'no-store').send(Readable.from(lines, { objectMode: true }));
  });
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new QuipuError('not-found', 'The tenant has no such erasure.');
  return value;
}
