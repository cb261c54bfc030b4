import type { FastifyPluginCallback } from 'fastify';
// The types of summary, tags and the like in route schemas.
import type {} from '@fastify/swagger';
import { problem } from '../xapi/error-schema.js';
import type { EngineService } from './engine-service.js';

const count = { type: 'integer', minimum: 0 } as const;
const time = { type: 'string', description: 'ISO 8601 in UTC' } as const;

const rebuild = {
  type: 'object', required: ['status', 'done', 'total'],
  properties: {
    status: { type: 'string', enum: ['none', 'running', 'complete', 'failed'], description: 'Of the last rebuild: none when there was never one' },
    done: { ...count, description: 'Statements in the new table' }, total: { ...count, description: 'Statements in the store' },
    startedAt: time, finishedAt: time, problem: { type: 'string' },
  },
} as const;

const status = {
  type: 'object', required: ['status', 'engine', 'rebuild'],
  properties: {
    status: { type: 'string', enum: ['off', 'missing', 'waiting', 'running'], description: 'missing: the optional package chdb is not installed' },
    engine: { type: 'string', enum: ['server', 'embedded'] }, pid: { ...count, description: 'Process of the embedded engine' }, problem: { type: 'string' }, rebuild,
  },
} as const;

/**
 * The operator's side of analytics. Register it with the prefix `/v1/analytics`, in a scope that has `authPlugin` and
 * `jsonApiPlugin`.
 */
export const enginePlugin: FastifyPluginCallback<{ engine: EngineService }> = (app, { engine }, done) => {
  const tags = ['analytics'];
  app.get('/status', {
    config: { scope: 'admin' }, schema: { summary: 'Say how the analytics engine is', tags, response: { 200: status } },
  }, () => engine.status());
  app.post('/rebuild', {
    config: { scope: 'admin' },
    schema: { summary: 'Fill the analytics database anew from the store, or go on with it', tags, response: { 202: rebuild, 409: problem, 503: problem } },
  }, async (_request, reply) => reply.code(202).send(await engine.rebuild()));
  done();
};
