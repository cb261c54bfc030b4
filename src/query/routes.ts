import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';
import '../auth/request.js';
import { QuipuError } from '../xapi/errors.js';
import { readInteger, readText, rejectUnknown, type Query } from '../xapi/parameters.js';
import { filterNames, readFilters } from './filters.js';
import type { AnalyticsOptions } from './plugin.js';
import { maxRows, viewListResponses, viewQuery, viewResponses } from './schema.js';
import type { PageStart, ViewPage } from './service.js';
import { csv, formatOf, ndjson, rowObjects, viewFormats, viewMediaTypes, type ViewFormat } from './view-answer.js';
import type { View } from './views.js';

const known = [...filterNames, 'format', 'limit', 'cursor', 'tenant'];
const tags = ['analytics'];

/** One route a view, and a list of them. */
export function analyticsRoutes(app: FastifyInstance, { analytics, maxDepth, tenantOf }: AnalyticsOptions): void {
  app.get<{ Querystring: { tenant?: string } }>('/views', {
    config: { scope: 'analytics' },
    schema: { summary: 'List the views', tags, querystring: { type: 'object', additionalProperties: false, properties: { tenant: viewQuery.properties.tenant } }, response: viewListResponses },
  }, async (request) => {
    const tenant = await tenantOf(request);
    return {
      views: [...analytics.views.values()].map((view) => {
        const { database, select, definition } = analytics.sqlOf(tenant, view);
        return { name: view.name, definition: view.definition, columns: view.columns, database, select, sql: definition };
      }),
    };
  });

  for (const view of analytics.views.values()) {
    app.get<{ Querystring: { tenant?: string } }>(`/${view.name}`, {
      config: { scope: 'analytics' },
      schema: { summary: view.definition, tags, querystring: viewQuery, response: viewResponses(view) },
      // The readers below judge the query string, so that an error says which parameter is wrong and why.
      validatorCompiler: () => () => true,
      serializerCompiler: () => JSON.stringify,
    }, async (request, reply) => {
      const query = request.query as Query;
      rejectUnknown(query, known);
      const format = readFormat(query, request.headers.accept);
      const filters = readFilters(query, maxDepth);
      const limit = readLimit(query);
      const start = readCursor(query);
      readText(query, 'tenant');
      const page = await analytics.page(await tenantOf(request), view, filters, start, limit);
      return send(request, reply, view, page, format);
    });
  }
}

function send(request: FastifyRequest, reply: FastifyReply, view: View, page: ViewPage, format: ViewFormat): FastifyReply {
  const more = moreLink(request, page.next);
  void reply.header('Cache-Control', 'no-store').header('Vary', 'Accept, Authorization').type(viewMediaTypes[format]);
  if (more !== '') void reply.header('Link', `<${more}>; rel="next"`);
  if (format === 'csv') return reply.header('Content-Disposition', `attachment; filename="${view.name}.csv"`).send(csv(page));
  if (format === 'ndjson') return reply.send(ndjson(page));
  const columns = page.columns.map(({ name, type }, index) => ({ name, type, description: view.columns[index]?.description ?? '' }));
  return reply.send(JSON.stringify({ view: view.name, definition: view.definition, columns, rows: rowObjects(page), more }));
}

function readFormat(query: Query, accept: string | undefined): ViewFormat {
  const format = readText(query, 'format');
  if (format === undefined) {
    const liked = formatOf(accept);
    if (liked !== undefined) return liked;
    throw new QuipuError('invalid-header', 'The Accept header takes none of the formats there are.', { parameter: 'Accept', rule: 'accept', expected: 'application/json, application/x-ndjson or text/csv' });
  }
  const found = viewFormats.find((name) => name === format);
  if (found !== undefined) return found;
  throw new QuipuError('invalid-parameter', `The parameter format is ${JSON.stringify(format.slice(0, 100))}.`, { parameter: 'format', rule: 'parameter-format', expected: viewFormats.join(', ') });
}

function readLimit(query: Query): number {
  const limit = readInteger(query, 'limit') ?? 1000;
  if (limit >= 1 && limit <= maxRows) return limit;
  throw new QuipuError('invalid-parameter', `The parameter limit is ${limit}.`, { parameter: 'limit', rule: 'parameter-limit', expected: `a whole number from 1 to ${maxRows}` });
}

function readCursor(query: Query): PageStart {
  const text = readText(query, 'cursor');
  if (text === undefined) return { offset: 0, now: Date.now() };
  const matched = /^([0-9a-z]{1,6})-([0-9a-z]{1,10})-([0-9a-z]{1,9})$/.exec(text);
  if (!matched) throw new QuipuError('invalid-parameter', 'The parameter cursor is not one that a page of this server gave.', { parameter: 'cursor', rule: 'cursor', expected: 'the address in more as it was given' });
  const [offset = 0, horizon = 0, now = 0] = matched.slice(1).map((part) => parseInt(part, 36));
  return { offset, horizon, now };
}

function moreLink(request: FastifyRequest, next: ViewPage['next']): string {
  if (next === undefined) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query as Query)) if (typeof value === 'string' && name !== 'cursor') parameters.append(name, value);
  parameters.append('cursor', [next.offset, next.horizon, next.now].map((part) => part.toString(36)).join('-'));
  return `${request.url.split('?')[0]}?${parameters}`;
}
