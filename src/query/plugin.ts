import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import { analyticsRoutes } from './routes.js';
import type { AnalyticsService } from './service.js';

/** What `analyticsPlugin` needs. */
export interface AnalyticsOptions {
  analytics: AnalyticsService;
  /** Deepest nesting of an Agent as JSON. */
  maxDepth: number;
  /**
   * The tenant that a request is about: the one its query names, or the caller's own.
   * @throws QuipuError `forbidden`, `not-found`
   */
  tenantOf(request: FastifyRequest<{ Querystring: { tenant?: string } }>): Promise<string>;
}

/** The query API of analytics. Register it with the prefix `/v1/analytics`, in a scope that has `authPlugin` and `jsonApiPlugin`. */
export const analyticsPlugin: FastifyPluginCallback<AnalyticsOptions> = (app, options, done) => {
  analyticsRoutes(app, options);
  done();
};
