import type { FastifyInstance } from 'fastify';
import { registerAboutRoutes } from './routes.js';

/** What the About Resource needs. */
export interface AboutOptions {
  /** Version of Quipu, such as `1.2.3`. */
  programVersion: string;
}

/** The About Resource; to be registered under the prefix of xAPI. */
export async function aboutPlugin(app: FastifyInstance, options: AboutOptions): Promise<void> {
  registerAboutRoutes(app, options);
}
