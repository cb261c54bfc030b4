import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Scope } from '../auth/credential.js';
import { problem } from '../xapi/error-schema.js';
import { readTimestamp, type Query } from '../xapi/parameters.js';
import type { TransferOptions } from './plugin.js';
import { exportQuery, importQuery, importReport } from './schema.js';

/** Header of an export's answer: how many statements the tenant has, for progress bars. */
const countHeader = 'X-Quipu-Statements';

/** Registers `/statements/import` and `/statements/export`. */
export function transferRoutes(app: FastifyInstance, { transfer, tenantOf }: TransferOptions): void {
  const tags = ['statements'];
  const config = { scope: ['admin', 'tenant-admin'] satisfies Scope[] };

  app.post<{ Querystring: { tenant?: string }; Body: Readable }>('/statements/import', {
    config,
    schema: {
      summary: 'Take in statements in bulk',
      description: 'The body is NDJSON as `GET /v1/statements/export` gives it: one statement on each line, of any number, and attachments in pieces before the statement that names them. '
        + 'Each statement is judged by itself by the rules of its `version` and keeps its id and authority. It may be sent again after an interruption.',
      tags, consumes: ['application/x-ndjson'], querystring: importQuery, response: { 200: importReport, 400: problem, 404: problem },
    },
  }, async (request) => {
    const tenant = await tenantOf(request);
    return transfer.import({ ...request.credential, tenant }, request.body ?? Readable.from([]));
  });

  app.get<{ Querystring: Query & { tenant?: string } }>('/statements/export', {
    exposeHeadRoute: false,
    config,
    schema: {
      summary: 'Give out all statements',
      description: 'NDJSON, oldest first, voided statements among them. The bytes of an attachment come in lines {"quipu:attachment":{"sha2","contentType","offset","length","last","base64"}} before the statement that names it first.',
      tags, produces: ['application/x-ndjson'], querystring: exportQuery, response: { 400: problem, 404: problem },
    },
  }, async (request, reply) => {
    const tenant = await tenantOf(request);
    const range = { since: readTimestamp(request.query, 'since'), until: readTimestamp(request.query, 'until') };
    return reply.type('application/x-ndjson').headers({ 'Cache-Control': 'no-store', [countHeader]: await transfer.count(tenant) })
      .send(Readable.from(transfer.export(tenant, range), { objectMode: false }));
  });
}
