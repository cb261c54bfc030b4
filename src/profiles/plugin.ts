import type { FastifyInstance } from 'fastify';
import { takeRawBodies } from '../documents/document-routes.js';
import type { DocumentService } from '../documents/service.js';
import { registerProfileRoutes } from './routes.js';
import { activityProfile, agentProfile } from './service.js';

/** What the profile resources need. */
export interface ProfilesOptions {
  documents: DocumentService;
  /** Largest document in bytes. */
  maxDocumentBytes: number;
  /** Deepest nesting of the JSON in `agent`. */
  maxDepth: number;
}

/** The Agent Profile and Activity Profile Resources; to be registered under the prefix of xAPI. */
export async function profilesPlugin(app: FastifyInstance, options: ProfilesOptions): Promise<void> {
  takeRawBodies(app);
  registerProfileRoutes(app, '/agents/profile', agentProfile, options);
  registerProfileRoutes(app, '/activities/profile', activityProfile, options);
}
