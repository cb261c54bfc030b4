import { problem } from '../xapi/error-schema.js';
import type { View } from './views.js';
import { verbSets } from './verb-sets.js';
import { viewFormats } from './view-answer.js';

/** Most rows of a page. */
export const maxRows = 10_000;

/** Query string of a view; `readFilters` and the routes judge it. */
export const viewQuery = {
  type: 'object',
  properties: {
    since: { type: 'string', description: 'First moment that counts: a day, or a timestamp; without an offset by the clock of `timezone`' },
    until: { type: 'string', description: 'First moment that counts no more' },
    timezone: { type: 'string', default: 'UTC', description: 'IANA time zone of days, hours and moments without an offset' },
    activity: { type: 'string', format: 'iri', description: 'Only statements about this activity' },
    descendants: { type: 'boolean', default: false, description: 'Also statements that have the activity among their parents or groupings' },
    verb: { type: 'string', description: `Only statements with this verb: an IRI, or a set of verbs: ${Object.keys(verbSets).join(', ')}` },
    agent: { type: 'string', description: 'Only statements of this actor: an Agent as JSON, or its identifier as the views show it' },
    group: { type: 'string', description: 'Only statements of this Group, in its name, or of its members: a Group as JSON, or its identifier' },
    registration: { type: 'string', format: 'uuid', description: 'Only statements of this registration' },
    format: { type: 'string', enum: viewFormats, description: 'Stands above the Accept header' },
    limit: { type: 'integer', minimum: 1, maximum: maxRows, default: 1000, description: 'Most rows of a page' },
    cursor: { type: 'string', description: 'As `more` or the Link header of the page before has it' },
    tenant: { type: 'string', description: "The tenant this is about; the credential's own when left out. Only the scope `admin` may name another." },
  },
} as const;

/** Answers of a view's route. */
export function viewResponses({ columns }: View): object {
  const row = { type: 'object', additionalProperties: true, properties: Object.fromEntries(columns.map(({ name, description }) => [name, { description }])) };
  const page = {
    type: 'object', additionalProperties: true, required: ['view', 'definition', 'columns', 'rows', 'more'],
    properties: {
      view: { type: 'string' }, definition: { type: 'string', description: 'What the view counts' },
      columns: { type: 'array', items: { type: 'object', additionalProperties: true, properties: { name: { type: 'string' }, type: { type: 'string', description: "ClickHouse's type" }, description: { type: 'string' } } } },
      rows: { type: 'array', items: row },
      more: { type: 'string', description: 'Address of the next page; empty on the last' },
    },
  };
  return {
    200: { description: 'Rows of the view', content: { 'application/json': { schema: page }, 'application/x-ndjson': { schema: row }, 'text/csv': { schema: { type: 'string' } } } },
    400: problem, 503: problem,
  };
}

/** Answer of the list of views. */
export const viewListResponses = {
  200: {
    type: 'object', required: ['views'],
    properties: {
      views: {
        type: 'array',
        items: {
          type: 'object', required: ['name', 'definition', 'columns', 'database', 'select', 'sql'],
          properties: {
            name: { type: 'string' }, definition: { type: 'string' },
            columns: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, description: { type: 'string' } } } },
            database: { type: 'string', description: "The tenant's database" },
            select: { type: 'string', description: 'The query that shows it in a BI tool' },
            sql: { type: 'string', description: 'The SELECT that the view is' },
          },
        },
      },
    },
  },
} as const;
