import type { FastifyInstance } from 'fastify';
import { jsonAnswer, sendTagged } from '../documents/conditional-answer.js';
import type { Query } from '../xapi/parameters.js';
import type { AgentsOptions } from './plugin.js';
import { findPerson } from './service.js';

/** Registers `/agents` (xAPI 1.0.3 Part Three 2.4, IEEE 9274.1.1 4.1.6.3). */
export function registerAgentRoutes(app: FastifyInstance, { canonical, maxDepth }: AgentsOptions): void {
  app.get('/agents', { config: { permission: 'agents:read' } }, async (request, reply) => {
    const rules = { version: request.xapiVersion, maxDepth };
    const person = await findPerson(canonical, request.credential, request.query as Query, rules);
    return sendTagged(request, reply, jsonAnswer(person));
  });
}
