import type { FastifyInstance } from 'fastify';
import { takeRawBodies } from '../documents/document-routes.js';
import type { DocumentService } from '../documents/service.js';
import { registerStateRoutes } from './routes.js';

/** What the State Resource needs. */
export interface StateApiOptions {
  documents: DocumentService;
  /** Largest document in bytes. */
  maxDocumentBytes: number;
  /** Deepest nesting of the JSON in `agent`. */
  maxDepth: number;
}

/** The State Resource; to be registered under the prefix of xAPI. */
export async function stateApiPlugin(app: FastifyInstance, options: StateApiOptions): Promise<void> {
  takeRawBodies(app);
  registerStateRoutes(app, options);
}
