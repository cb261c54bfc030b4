import type { FastifyInstance } from 'fastify';
import type { AttachmentStore } from './attachment-store.js';
import type { PageLimits } from './list-parameters.js';
import type { MultipartLimits } from './multipart-request.js';
import { registerStatementRoutes } from './routes.js';
import type { StatementService } from './service.js';
import type { CanonicalStore } from './store.js';

/** What the Statement Resource needs. */
export interface StatementsOptions {
  service: StatementService;
  attachments: AttachmentStore;
  canonical: CanonicalStore;
  limits: MultipartLimits & PageLimits & { maxBatch: number };
  /** Path that a reverse proxy puts before ours, when it is known from the settings. */
  publicPath?: string;
  /** Whether a reverse proxy is believed that names this path in X-Forwarded-Prefix. */
  trustProxy: boolean;
}

/** The Statement Resource; to be registered under the prefix of xAPI. */
export async function statementsPlugin(app: FastifyInstance, options: StatementsOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: options.limits.maxBodyBytes }, (_request, body, done) => done(null, body));
  // Anything else is handed on as it streams in: multipart/mixed is read part by part, the rest refused.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  registerStatementRoutes(app, options);
}
