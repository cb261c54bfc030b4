import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { QuipuError } from '../xapi/errors.js';
import { readUuid, rejectUnknown, required, type Query } from '../xapi/parameters.js';
import { pathAndQuery } from '../xapi/request-target.js';
import { formatTimestamp } from '../xapi/timestamps.js';
import { formatStatements, multipartAnswer, statementResult } from './answer.js';
import { moreLink, readStatementsQuery, type StatementsQuery } from './list-parameters.js';
import { boundaryOf, readMultipart, type MultipartRequest } from './multipart-request.js';
import type { StatementsOptions } from './plugin.js';
import type { StoredStatement } from './store.js';

/** Names the time up to which everything stored can be read (1.0.3 Part Three 2.1.3; IEEE 9274.1.1 4.1.6.1). */
export const CONSISTENT_THROUGH_HEADER = 'X-Experience-API-Consistent-Through';

const writeSection = 'xAPI 1.0.3 Part Three 2.1.1; IEEE 9274.1.1 4.1.6.1';

/** PUT, POST, GET and HEAD of the Statement Resource. */
export function registerStatementRoutes(app: FastifyInstance, options: StatementsOptions): void {
  const { service, attachments, canonical, limits, publicPath, trustProxy } = options;

  /** Body and parts of a request that stores statements, whatever its content type. */
  async function readBody(request: FastifyRequest): Promise<MultipartRequest> {
    if (Buffer.isBuffer(request.body)) return { body: request.body, attachments: [] };
    const boundary = boundaryOf(request.headers['content-type'] ?? '');
    if (boundary === undefined || request.body === undefined || request.body === null) {
      throw new QuipuError('invalid-header', 'Statements are sent as application/json or, with attachments, as multipart/mixed.',
        { parameter: 'Content-Type', rule: 'statement-content-type', section: 'xAPI 1.0.3 Part Three 1.5; IEEE 9274.1.1 4.1.3', expected: 'application/json or multipart/mixed' });
    }
    return readMultipart(request.body as Readable, boundary, request.credential.tenant, attachments, limits, Number(request.headers['content-length'] ?? Infinity));
  }

  async function store(request: FastifyRequest, id?: string): Promise<string[]> {
    const { body, attachments: parts } = await readBody(request);
    try {
      return await service.write({ credential: request.credential, version: request.xapiVersion, body, attachments: parts, ...(id === undefined ? {} : { id }) });
    } finally {
      await Promise.all(parts.map((part) => part.discard()));
    }
  }

  app.post('/statements', { config: { permission: 'statements:write' }, schema: { summary: 'Store statements' } }, async (request, reply) => {
    rejectUnknown(request.query as Query, [], writeSection);
    return reply.code(200).send(await store(request));
  });

  app.put('/statements', { config: { permission: 'statements:write' }, schema: { summary: 'Store one statement under an id' } }, async (request, reply) => {
    const query = request.query as Query;
    rejectUnknown(query, ['statementId'], writeSection);
    await store(request, required(readUuid(query, 'statementId', writeSection), 'statementId', writeSection));
    return reply.code(204).send();
  });

  app.get('/statements', { config: { permission: 'statements:read-mine' }, schema: { summary: 'Read statements' } }, async (request, reply) => {
    const { credential } = request;
    const query = request.query as Query;
    const asked = readStatementsQuery(query, request.xapiVersion, limits);
    const through = await consistentThrough(asked, credential.tenant);
    void reply.header(CONSISTENT_THROUGH_HEADER, formatTimestamp(through));
    if (asked.format === 'canonical') void reply.header('Vary', ['Accept-Language', reply.getHeader('Vary')].flat().filter(Boolean).join(', '));
    const format = (found: StoredStatement[]): Promise<Buffer[]> =>
      formatStatements(found, asked.format, credential.tenant, canonical, request.headers['accept-language']);
    if (asked.kind === 'one') {
      const found = await service.get(credential, asked.id, asked.voided);
      if (!found) throw new QuipuError('not-found', `There is no ${asked.voided ? 'voided ' : ''}statement ${asked.id}.`, { parameter: asked.voided ? 'voidedStatementId' : 'statementId' });
      // A statement can be voided: what a browser has of it must be asked for again.
      void reply.headers({ 'Last-Modified': new Date(found.stored).toUTCString(), 'Cache-Control': 'no-cache' });
      const [text] = await format([found]);
      return send(reply, text!, [found], asked.attachments, credential.tenant);
    }
    const page = await service.list(credential, asked.list);
    const path = (publicPath ?? (trustProxy ? request.headers['x-forwarded-prefix'] : undefined)?.toString().match(/^\/(?!\/)[\w.~/-]{0,200}$/)?.[0] ?? '').replace(/\/+$/, '');
    // Two slashes at the beginning would make the next segment a host (RFC 3986 4.2).
    const more = moreLink(`${path}${pathAndQuery(request.originalUrl).split('?')[0]!.replace(/^\/+/, '/')}`, query, page.next, through);
    return send(reply, statementResult(await format(page.statements), more), page.statements, asked.attachments, credential.tenant);
  });

  /**
   * Taken before the store is read: what is stored while the answer is made is later than this, so that a reader who goes on with
   * `since` at this time misses nothing. All pages of a list hold what stood when the first was read, and so they repeat its time.
   */
  async function consistentThrough(asked: StatementsQuery, tenant: string): Promise<number> {
    const now = await service.consistentThrough(tenant);
    return asked.kind === 'list' && asked.through !== undefined ? Math.min(asked.through, now) : now;
  }

  function send(reply: FastifyReply, json: Buffer, found: StoredStatement[], withAttachments: boolean, tenant: string): FastifyReply {
    if (!withAttachments) return reply.type('application/json').send(json);
    const { contentType, body } = multipartAnswer(json, found, tenant, attachments);
    return reply.type(contentType).send(body);
  }
}
