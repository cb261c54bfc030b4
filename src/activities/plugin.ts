import type { FastifyInstance } from 'fastify';
import type { CanonicalStore } from '../statements/store.js';
import { registerActivityRoutes } from './routes.js';

/** What the Activities Resource needs. */
export interface ActivitiesOptions {
  canonical: CanonicalStore;
}

/** The Activities Resource; to be registered under the prefix of xAPI. */
export async function activitiesPlugin(app: FastifyInstance, options: ActivitiesOptions): Promise<void> {
  registerActivityRoutes(app, options);
}
