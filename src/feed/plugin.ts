import type { FastifyPluginCallback } from 'fastify';
// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';
import type { Consumer } from './consumers.js';

const time = { type: 'string', description: 'ISO 8601 in UTC' } as const;
const count = { type: 'integer', minimum: 0 } as const;

const consumer = {
  type: 'object', required: ['name', 'status', 'tenants', 'refusedCount', 'refused'],
  properties: {
    name: { type: 'string' },
    status: { type: 'string', enum: ['off', 'running', 'waiting'], description: 'waiting: what it feeds does not answer' },
    tenants: {
      type: 'array',
      items: {
        type: 'object', required: ['tenant', 'position', 'lagStatements', 'lagSeconds'],
        properties: {
          tenant: { type: 'string' }, position: { ...count, description: 'Position in the log of the last entry dealt with' },
          lagStatements: { ...count, description: 'Statements not dealt with yet' }, lagSeconds: { type: 'number', minimum: 0, description: 'Since the oldest of them was stored' },
        },
      },
    },
    lastError: { type: 'object', required: ['message', 'at'], properties: { message: { type: 'string' }, at: time } },
    refusedCount: { ...count, description: 'Statements that it took in part only, since the start' },
    refused: {
      type: 'array', description: 'The newest of them',
      items: { type: 'object', required: ['tenant', 'id', 'reason'], properties: { tenant: { type: 'string' }, id: { type: 'string' }, reason: { type: 'string' } } },
    },
  },
} as const;

/** `GET /v1/consumers`. Register it with the prefix `/v1`, in a scope that has `authPlugin`. */
export const feedPlugin: FastifyPluginCallback<{ consumers: readonly Consumer[] }> = (app, { consumers }, done) => {
  app.get('/consumers', {
    config: { scope: ['admin', 'monitor'] },
    schema: {
      summary: 'Say how far the consumers of the feed are', tags: ['operations'],
      response: { 200: { type: 'object', required: ['consumers'], properties: { consumers: { type: 'array', items: consumer } } } },
    },
  }, async () => ({ consumers: await Promise.all(consumers.map((one) => one.state())) }));
  done();
};
