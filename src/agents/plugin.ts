import type { FastifyInstance } from 'fastify';
import type { CanonicalStore } from '../statements/store.js';
import { registerAgentRoutes } from './routes.js';

/** What the Agents Resource needs. */
export interface AgentsOptions {
  canonical: CanonicalStore;
  /** Deepest nesting of the JSON in `agent`. */
  maxDepth: number;
}

/** The Agents Resource; to be registered under the prefix of xAPI. */
export async function agentsPlugin(app: FastifyInstance, options: AgentsOptions): Promise<void> {
  registerAgentRoutes(app, options);
}
