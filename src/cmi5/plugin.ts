import type { FastifyInstance } from 'fastify';
import { packagesPlugin } from './packages/plugin.js';
import { registrationRoutes, type RegistrationRoutesOptions } from './registrations/routes.js';

/** The API of courses, registrations and sessions. Register it with the prefix `/v1`, in a scope that has `authPlugin` and `jsonApiPlugin` registered before. */
export async function cmi5Plugin(app: FastifyInstance, options: RegistrationRoutesOptions): Promise<void> {
  registrationRoutes(app, options);
  await app.register(packagesPlugin, { courses: options.cmi5.courses, tenantOf: options.tenantOf });
}
