import type { FastifyInstance } from 'fastify';
import { jsonAnswer, sendTagged } from '../documents/conditional-answer.js';
import type { Query } from '../xapi/parameters.js';
import type { ActivitiesOptions } from './plugin.js';
import { findActivity } from './service.js';

/** Registers `/activities` (xAPI 1.0.3 Part Three 2.5, IEEE 9274.1.1 4.1.6.4). */
export function registerActivityRoutes(app: FastifyInstance, { canonical }: ActivitiesOptions): void {
  app.get('/activities', { config: { permission: 'activities:read' } }, async (request, reply) => {
    const activity = await findActivity(canonical, request.credential.tenant, request.query as Query);
    return sendTagged(request, reply, jsonAnswer(activity));
  });
}
