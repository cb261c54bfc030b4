import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import '../auth/request.js';
import { transferRoutes } from './routes.js';
import type { TransferService } from './service.js';

/** What `transferPlugin` needs. */
export interface TransferOptions {
  transfer: TransferService;
  /**
   * The tenant that a request is about: the one its query names, or the caller's own.
   * @throws QuipuError `forbidden`, `not-found`
   */
  tenantOf(request: FastifyRequest<{ Querystring: { tenant?: string } }>): Promise<string>;
}

/** Bulk import and export; to be registered with the prefix `/v1`, where `authPlugin` is. */
export async function transferPlugin(app: FastifyInstance, options: TransferOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/x-ndjson', 'application/ndjson', 'application/jsonl'], (_request, payload: Readable, done) => done(null, payload));
  transferRoutes(app, options);
}
