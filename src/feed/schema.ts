// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';

const time = { type: 'string', description: 'ISO 8601 in UTC' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const position = { ...count, description: 'Position in the log' } as const;
const lastError = { type: 'object', required: ['message', 'at'], properties: { message: { type: 'string' }, at: time } } as const;

/** A consumer of the feed. */
export const consumer = {
  type: 'object', required: ['name', 'status', 'tenants', 'deadLetters', 'refusedCount', 'refused'],
  properties: {
    name: { type: 'string' },
    status: { type: 'string', enum: ['off', 'running', 'waiting', 'paused'], description: 'waiting: what it feeds does not work' },
    tenants: {
      type: 'array',
      items: {
        type: 'object', required: ['tenant', 'position', 'lagStatements', 'lagSeconds', 'deadLetters'],
        properties: {
          tenant: { type: 'string' }, position: { ...position, description: 'Position in the log of the last entry dealt with' },
          lagStatements: { ...count, description: 'Statements not dealt with yet; above a thousand it may be an estimate' }, lagSeconds: { type: 'number', minimum: 0, description: 'Since the oldest of them was stored' },
          lastError, deadLetters: { ...count, description: 'Entries put aside, counted up to a thousand' },
        },
      },
    },
    lastError, deadLetters: { ...count, description: 'Of all tenants' },
    refusedCount: { ...count, description: 'Statements that it took in part only' },
    refused: {
      type: 'array', description: 'The newest of them',
      items: { type: 'object', required: ['tenant', 'id', 'reason'], properties: { tenant: { type: 'string' }, id: { type: 'string' }, reason: { type: 'string' } } },
    },
  },
} as const;

/** An entry that a consumer has put aside. */
export const deadLetter = {
  type: 'object', required: ['id', 'tenant', 'consumer', 'position', 'reason', 'attempts', 'at', 'status'],
  properties: {
    id: { type: 'string' }, tenant: { type: 'string' }, consumer: { type: 'string' }, position, statement: { type: 'string', description: 'Id of the statement; none for an erasure' },
    reason: { type: 'string', description: 'In the words of the consumer' }, attempts: count, at: time,
    status: { type: 'string', enum: ['dead', 'retrying'], description: 'retrying: another attempt was asked for and not made yet' },
  },
} as const;

/** Path of a consumer. */
export const nameParams = { type: 'object', required: ['name'], properties: { name: { type: 'string', maxLength: 100 } } } as const;

/** Path of a dead letter. */
export const letterParams = { type: 'object', required: ['name', 'id'], properties: { name: { type: 'string', maxLength: 100 }, id: { type: 'string', maxLength: 200 } } } as const;

const tenant = { type: 'string', maxLength: 40, description: "The tenant this is about; the credential's own when left out" } as const;

/** Query string of what is about one tenant. */
export const tenantQuery = { type: 'object', additionalProperties: false, properties: { tenant } } as const;

/** Query string of the list of dead letters. */
export const letterQuery = {
  type: 'object', additionalProperties: false,
  properties: { tenant, after: { type: 'string', maxLength: 200, description: 'Go on after this id' }, limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } },
} as const;

/** Body of a replay. */
export const replay = {
  type: 'object', required: ['position'], additionalProperties: false,
  properties: {
    position: { ...count, maximum: Number.MAX_SAFE_INTEGER, description: 'Position of the last entry that is not dealt with again; 0 begins anew' },
    tenant: { type: 'string', maxLength: 40, description: 'All tenants when left out' },
  },
} as const;
