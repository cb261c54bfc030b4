import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { XapiPermission } from '../auth/credential.js';
import type { DocumentAccess } from '../auth/policy.js';
import { QuipuError } from '../xapi/errors.js';
import { jsonAnswer, sendTagged } from './conditional-answer.js';
import { readPreconditions } from './preconditions.js';
import type { DocumentAddress, DocumentService, NewDocument, UnconditionalPut } from './service.js';
import type { DocumentKey, DocumentScope } from './store.js';

/** One of the three document resources, as its routes need to know it. */
export interface DocumentResourceRoutes {
  /** Path below the prefix of xAPI, such as `/activities/state`. */
  path: string;
  read: XapiPermission;
  write: XapiPermission;
  service: DocumentService;
  /** Largest body in bytes. */
  maxDocumentBytes: number;
  /** What a GET is about. */
  address(request: FastifyRequest): DocumentAddress;
  /** What a PUT or POST is about. @throws QuipuError when the id is missing */
  key(request: FastifyRequest): DocumentKey;
  /** What a DELETE is about. @throws QuipuError when the id is missing and the resource deletes no more than one */
  deletion(request: FastifyRequest): DocumentAddress;
  unconditionalPut(request: FastifyRequest): UnconditionalPut;
}

/** Lets the bodies of a plugin arrive as raw bytes, whatever their type: a document is arbitrary binary data (xAPI 1.0.3 Part Three 2.2). */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

/** Registers PUT, POST, GET (with it HEAD) and DELETE of a document resource (xAPI 1.0.3 Part Three 2.2) in a plugin that takes raw bodies. */
export function registerDocumentRoutes(app: FastifyInstance, resource: DocumentResourceRoutes): void {
  const { path, service, maxDocumentBytes } = resource;
  const reading = { config: { permission: resource.read } };
  const writing = { config: { permission: resource.write }, bodyLimit: maxDocumentBytes };

  app.put(path, writing, async (request, reply) => {
    const key = resource.key(request);
    const document = readDocument(request);
    await admit(request, 'PUT', key, document);
    await service.put(request.credential.tenant, key, document, readPreconditions(request.headers), resource.unconditionalPut(request));
    return noContent(reply);
  });

  app.post(path, writing, async (request, reply) => {
    const key = resource.key(request);
    const document = readDocument(request);
    await admit(request, 'POST', key, document);
    await service.post(request.credential.tenant, key, document, readPreconditions(request.headers));
    return noContent(reply);
  });

  app.get(path, reading, async (request, reply) => {
    const { tenant } = request.credential;
    const address = resource.address(request);
    await admit(request, 'GET', address.kind === 'scope' ? address.scope : address.key);
    if (address.kind === 'scope') {
      const { ids, updated } = await service.list(tenant, address.scope, address.since);
      return sendTagged(request, reply, jsonAnswer(ids, updated));
    }
    const document = await service.get(tenant, address.key);
    if (document === undefined) throw new QuipuError('not-found', 'There is no document with this id in this context.');
    return sendTagged(request, reply, { ...document, body: document.content });
  });

  app.delete(path, writing, async (request, reply) => {
    const { tenant } = request.credential;
    const address = resource.deletion(request);
    await admit(request, 'DELETE', address.kind === 'scope' ? address.scope : address.key);
    const preconditions = readPreconditions(request.headers);
    if (address.kind === 'scope') await service.deleteAll(tenant, address.scope, preconditions);
    else await service.delete(tenant, address.key, preconditions);
    return noContent(reply);
  });
}

/** Asks the policy of the credential, where it has one. @throws QuipuError unless it may do this */
async function admit({ credential: { policy } }: FastifyRequest, method: DocumentAccess['method'], about: DocumentKey | DocumentScope, document?: NewDocument): Promise<void> {
  if (!policy) return;
  const { resource, agent, activity, registration } = about;
  await policy.admitDocument({
    resource, method, ...(agent !== undefined && { agent }), ...(activity !== undefined && { activityId: activity }),
    ...(typeof registration === 'string' && { registration }), ...('id' in about && { id: about.id }), ...document,
  });
}

/**
 * The document in a request. Without a Content-Type it is bytes of no known type (RFC 9110 8.3); without a body it is empty.
 * @throws QuipuError `invalid-header` for a content type that no answer could carry
 */
function readDocument(request: FastifyRequest): NewDocument {
  const contentType = request.headers['content-type'] ?? 'application/octet-stream';
  if (!/^[\t\x20-\x7e]*$/.test(contentType)) {
    throw new QuipuError('invalid-header', 'The Content-Type holds characters outside of printable ASCII.',
      { parameter: 'Content-Type', rule: 'content-type-ascii', section: 'RFC 9110 5.5, 8.3', expected: 'a media type such as application/json' });
  }
  return { content: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0), contentType };
}

function noContent(reply: FastifyReply): FastifyReply {
  return reply.code(204).send();
}
