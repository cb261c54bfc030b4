import type { FastifyInstance } from 'fastify';
import { jsonAnswer, sendTagged } from '../documents/conditional-answer.js';
import { rejectUnknown, type Query } from '../xapi/parameters.js';
import type { AboutOptions } from './plugin.js';

/** Versions that requests may name, newest first; for each major version the latest is there (xAPI 1.0.3 Part Three 2.8). */
export const servedVersions = ['2.0.0', '1.0.3', '1.0.2', '1.0.1', '1.0.0'] as const;

/** Key of what Quipu says of itself: an IRI, as every key of extensions is. */
export const aboutExtension = 'urn:quipu:about';

/** Registers `/about` (xAPI 1.0.3 Part Three 2.8, IEEE 9274.1.1 4.1.6.7): open to everybody, whatever the version header says. */
export function registerAboutRoutes(app: FastifyInstance, { programVersion }: AboutOptions): void {
  const answer = jsonAnswer({ version: servedVersions, extensions: { [aboutExtension]: { name: 'Quipu', version: programVersion } } });
  app.get('/about', { config: { open: true } }, async (request, reply) => {
    rejectUnknown(request.query as Query, [], 'xAPI 1.0.3 Part Three 2.8, 3.2; IEEE 9274.1.1 4.1.6.7');
    return sendTagged(request, reply, answer);
  });
}
