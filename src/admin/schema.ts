// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';
import { scopes } from '../auth/credential.js';
import { tenantIdPattern } from './tenant-service.js';
import { tenantParameter } from './tenant-scope.js';

const time = { type: 'string', description: 'ISO 8601 in UTC' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const name = { type: 'string', minLength: 1, maxLength: 200 } as const;
const scopeList = { type: 'array', minItems: 1, maxItems: scopes.length, uniqueItems: true, items: { type: 'string', enum: scopes } } as const;

/** An Agent; the standard's own rules are applied after the schema. */
export const agent = { type: 'object', additionalProperties: true, description: 'An xAPI Agent with one inverse functional identifier' } as const;

/** Query string of a list: pages follow each other by the last id. */
export const listQuery = {
  type: 'object', additionalProperties: false,
  properties: { after: { type: 'string', maxLength: 200, description: 'Go on after this id' }, limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } },
} as const;

/** The same within one tenant. */
export const tenantListQuery = { ...listQuery, properties: { ...listQuery.properties, tenant: tenantParameter } } as const;

/** Query string of what is about one tenant. */
export const tenantQuery = { type: 'object', additionalProperties: false, properties: { tenant: tenantParameter } } as const;

/** Path with an id. */
export const idParams = { type: 'object', required: ['id'], properties: { id: { type: 'string', maxLength: 200 } } } as const;

/** A tenant. */
export const tenant = { type: 'object', required: ['id', 'name', 'createdAt'], properties: { id: { type: 'string' }, name: { type: 'string' }, createdAt: time } } as const;

/** Body that makes a tenant. */
export const newTenant = {
  type: 'object', required: ['id', 'name'], additionalProperties: false,
  properties: { id: { type: 'string', pattern: tenantIdPattern }, name },
} as const;

/** Statistics of a tenant. */
export const statistics = {
  type: 'object', required: ['statements', 'consistentThrough', 'attachments'],
  properties: {
    statements: { ...count, description: 'Voided ones among them' },
    newestStored: { ...time, description: 'stored of the newest statement' },
    consistentThrough: time,
    attachments: { type: 'object', required: ['count', 'bytes'], properties: { count, bytes: count } },
  },
} as const;

/** What the store says of itself. */
export const storeState = {
  type: 'object', required: ['faults'],
  properties: { faults: { type: 'array', items: { type: 'string' }, description: 'Such as an index of the database that is missing; storing and reading work, perhaps slowly' } },
} as const;

/** A key without its secret. */
export const key = {
  type: 'object', required: ['id', 'tenant', 'name', 'scopes', 'authority', 'createdAt'],
  properties: {
    id: { type: 'string', description: 'The user name' }, tenant: { type: 'string' }, name: { type: 'string' },
    scopes: { type: 'array', items: { type: 'string' } }, authority: agent, createdAt: time, rotatedAt: time, revokedAt: time,
  },
} as const;

/** A key with its secret. */
export const keyWithSecret = {
  ...key, required: [...key.required, 'secret'],
  properties: { ...key.properties, secret: { type: 'string', description: 'Shown this once and kept nowhere' } },
} as const;

/** Body that makes a key. */
export const newKey = {
  type: 'object', required: ['name', 'scopes'], additionalProperties: false,
  properties: {
    name, scopes: scopeList, authority: agent,
    id: { type: 'string', minLength: 1, maxLength: 128, description: 'A user name of your choice; takes the scope admin' },
    secret: { type: 'string', minLength: 12, maxLength: 200, description: 'A secret of your choice; takes the scope admin' },
  },
} as const;

/** Body that changes a key. */
export const keyPatch = { type: 'object', minProperties: 1, additionalProperties: false, properties: { name, scopes: scopeList, authority: agent } } as const;

/** Body that names a person to erase. */
export const newErasure = {
  type: 'object', required: ['agent'], additionalProperties: false,
  properties: { agent, dryRun: { type: 'boolean', default: false, description: 'Only say what would be erased' } },
} as const;

const idList = { type: 'array', items: { type: 'string' } } as const;

/** What an erasure did, or does. */
export const receipt = {
  type: 'object', required: ['id', 'status', 'dryRun', 'person', 'startedAt', 'counts', 'erased', 'redacted', 'attachments', 'pages'],
  properties: {
    id: { type: 'string' },
    status: { type: 'string', enum: ['running', 'purging', 'complete'] },
    dryRun: { type: 'boolean' },
    person: { type: 'string', description: 'HMAC-SHA-256 of the identifier under a key that never leaves the server' },
    startedAt: time, finishedAt: time,
    counts: {
      type: 'object', required: ['erased', 'redacted', 'attachments', 'stateDocuments', 'agentProfiles'],
      properties: { erased: count, redacted: count, attachments: count, stateDocuments: count, agentProfiles: count, records: { ...count, description: 'Registrations, sessions and findings of cmi5' } },
    },
    erased: { ...idList, description: 'Ids of the statements that are gone; the first thousand or so' },
    redacted: { ...idList, description: 'Ids of the statements that stay without the person; the first thousand or so' },
    attachments: { ...idList, description: 'SHA-2 of the attachments that went with them' },
    pages: { ...count, description: 'Number of pages that hold the complete lists' },
    problem: { type: 'string', description: 'Why it halts at the moment; it goes on by itself' },
  },
} as const;

/** One page of an erasure's lists. */
export const receiptPage = {
  type: 'object', required: ['erased', 'redacted', 'attachments'], properties: { erased: idList, redacted: idList, attachments: idList },
} as const;

/** Path of one page of a receipt. */
export const pageParams = {
  type: 'object', required: ['id', 'page'], properties: { id: { type: 'string', maxLength: 200 }, page: { type: 'integer', minimum: 1 } },
} as const;

/** Body that names a person to export. */
export const newExport = { type: 'object', required: ['agent'], additionalProperties: false, properties: { agent } } as const;
