import type { FastifyPluginCallback } from 'fastify';
import '../auth/request.js';
import type { KeyService } from '../auth/key-service.js';
import type { ErasureService } from './erasure-service.js';
import type { ExportService } from './export-service.js';
import { keyRoutes } from './key-routes.js';
import { personRoutes } from './person-routes.js';
import type { StatisticsService } from './statistics-service.js';
import { storeRoutes } from './store-routes.js';
import { tenantRoutes } from './tenant-routes.js';
import type { TenantService } from './tenant-service.js';

/** What `adminPlugin` needs. */
export interface AdminOptions {
  tenants: TenantService;
  keys: KeyService;
  statistics: StatisticsService;
  erasures: ErasureService;
  exports: ExportService;
  /** Faults of the store that only an operator can mend, each a sentence. */
  faults(): Promise<string[]>;
}

/**
 * The admin API: tenants, keys, erasure and export. Register it with the prefix `/v1`, in a scope that has `authPlugin`
 * and `jsonApiPlugin` registered before.
 */
export const adminPlugin: FastifyPluginCallback<AdminOptions> = (app, options, done) => {
  tenantRoutes(app, options);
  keyRoutes(app, options);
  personRoutes(app, options);
  storeRoutes(app, options);
  done();
};
