import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import '../../auth/request.js';
import { courseRoutes, packageRoute } from './routes.js';
import type { CourseService } from './service.js';

/** What `packagesPlugin` needs. */
export interface PackagesOptions {
  courses: CourseService;
  /**
   * The tenant that a request is about: the one its query names, or the caller's own.
   * @throws QuipuError `forbidden`, `not-found`
   */
  tenantOf(request: FastifyRequest<{ Querystring: { tenant?: string } }>): Promise<string>;
}

/** Media types that packages come with, besides in a form. What a package is its bytes say. */
export const packageTypes = ['application/zip', 'application/x-zip-compressed', 'application/x-zip', 'application/octet-stream', 'text/xml', 'application/xml'] as const;

/** Import of packages and the catalogue of courses; to be registered with the prefix `/v1`, where `authPlugin` and `jsonApiPlugin` are. */
export async function packagesPlugin(app: FastifyInstance, options: PackagesOptions): Promise<void> {
  courseRoutes(app, options);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...packageTypes], (_request, payload: Readable, done) => done(null, payload));
    // The store bounds the file as it passes; nothing else of a form is of use.
    await scope.register(multipart, { limits: { fileSize: Infinity, fields: 20, fieldSize: 4096, files: 2, parts: 25 }, throwFileSizeLimit: false });
    packageRoute(scope, options);
  });
}
