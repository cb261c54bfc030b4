import type { FastifyInstance, FastifyRequest } from 'fastify';
import { registerDocumentRoutes } from '../documents/document-routes.js';
import type { Query } from '../xapi/parameters.js';
import type { ProfilesOptions } from './plugin.js';
import { profileAddress, profileKey, unconditionalProfilePut, type ProfileResource } from './service.js';

/** Registers one profile resource at `path` (xAPI 1.0.3 Part Three 2.6 and 2.7, IEEE 9274.1.1 4.1.6.5 and 4.1.6.6). */
export function registerProfileRoutes(app: FastifyInstance, path: string, profile: ProfileResource, options: ProfilesOptions): void {
  const { documents, maxDocumentBytes, maxDepth } = options;
  const query = (request: FastifyRequest) => request.query as Query;
  const rules = (request: FastifyRequest) => ({ version: request.xapiVersion, maxDepth });
  registerDocumentRoutes(app, {
    path,
    read: 'profile:read',
    write: 'profile:write',
    service: documents,
    maxDocumentBytes,
    key: (request) => profileKey(profile, query(request), rules(request)),
    address: (request) => profileAddress(profile, query(request), rules(request)),
    deletion: (request) => ({ kind: 'document', key: profileKey(profile, query(request), rules(request)) }),
    unconditionalPut: (request) => unconditionalProfilePut(request.xapiVersion),
  });
}
