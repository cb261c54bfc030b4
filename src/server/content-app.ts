import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { contentPlugin, type ContentOptions } from '../cmi5/content/plugin.js';
import type { Config } from '../config.js';
import { createHttpApplication } from './http-application.js';

export interface ContentAppDeps {
  content: ContentOptions;
  config: Config;
  log: FastifyBaseLogger;
  /** Aborted when the server begins to close. */
  closing: AbortSignal;
}

/** The HTTP application of the content port. It shares nothing with the other one but the services behind it: no credentials, no API. */
export async function createContentApp({ content, config, log, closing }: ContentAppDeps): Promise<FastifyInstance> {
  const app = createHttpApplication({ config, log, closing });
  await app.register(contentPlugin, content);
  return app;
}
