import type { FastifyInstance, FastifyRequest } from 'fastify';
import { registerDocumentRoutes } from '../documents/document-routes.js';
import type { Query } from '../xapi/parameters.js';
import type { StateApiOptions } from './plugin.js';
import { stateAddress, stateDeletion, stateKey, unconditionalStatePut } from './service.js';

/** Registers `/activities/state` (xAPI 1.0.3 Part Three 2.3, IEEE 9274.1.1 4.1.6.2). */
export function registerStateRoutes(app: FastifyInstance, { documents, maxDocumentBytes, maxDepth }: StateApiOptions): void {
  const query = (request: FastifyRequest) => request.query as Query;
  const rules = (request: FastifyRequest) => ({ version: request.xapiVersion, maxDepth });
  registerDocumentRoutes(app, {
    path: '/activities/state',
    read: 'state:read',
    write: 'state:write',
    service: documents,
    maxDocumentBytes,
    key: (request) => stateKey(query(request), rules(request)),
    address: (request) => stateAddress(query(request), rules(request)),
    deletion: (request) => stateDeletion(query(request), rules(request)),
    unconditionalPut: (request) => unconditionalStatePut(request.xapiVersion),
  });
}
