import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { problem } from '../../xapi/error-schema.js';
import { QuipuError } from '../../xapi/errors.js';
import { courseAnswer, courseDetail, type CourseAnswer } from './answers.js';
import { formFile } from './form-file.js';
import type { PackagesOptions } from './plugin.js';
import type { CourseMode } from './records.js';
import { course, courseParams, courseQuery, courses as courseList, deleteQuery, detail, exportQuery, importQuery, imported, listQuery, modeBody, packageProblem, tenantQuery } from './schema.js';

interface TenantQuery {
  tenant?: string;
}

const config = { scope: 'cmi5' } as const;
/** Bytes that a form may take around the package. */
const FORM = 1 << 20;

/** The same bytes. When what reads them gives up, the connection stays, and the answer can say why. */
function spared(body: Readable): Readable {
  return Readable.from(body.iterator({ destroyOnReturn: false }), { objectMode: false });
}

/** Lets a client that is still sending come to its end, and to the answer. */
function passOver(body: Readable): void {
  body.unpipe();
  body.resume();
}

/** Registers `POST /cmi5/packages`, in a scope that takes packages as bodies. */
export function packageRoute(app: FastifyInstance, { courses, tenantOf }: PackagesOptions): void {
  app.post<{ Querystring: TenantQuery & { course?: string; mode?: CourseMode }; Body: Readable | undefined }>('/cmi5/packages', {
    config,
    schema: {
      summary: 'Import a course package',
      description: 'The body is a zip with cmi5.xml in its root, a course structure XML alone, or a form with one of these as its only file. A package of a course that is there becomes its new version, whose AUs are matched by '
        + "the publisher's ids. When it can't be imported, `faults` has everything that is wrong with it, and nothing is kept.",
      tags: ['cmi5'], consumes: ['application/zip', 'text/xml', 'multipart/form-data'], querystring: importQuery, response: { 200: imported, 201: imported, 400: packageProblem, 404: problem, 413: problem, 415: problem },
    },
  }, async (request, reply) => {
    const tenant = await tenantOf(request);
    const { course, mode } = request.query;
    const { maxPackageBytes } = courses;
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > maxPackageBytes + FORM) {
      throw new QuipuError('too-large', `The package has ${declared} bytes, more than the ${maxPackageBytes} that this server takes (QUIPU_MAX_PACKAGE_BYTES).`, { rule: 'package-size', expected: `at most ${maxPackageBytes} bytes` });
    }
    const form = request.isMultipart() ? await formFile(request) : undefined;
    const source = form?.source ?? (request.body && spared(request.body));
    if (!source) throw new QuipuError('invalid-request', 'The request has no body.', { pointer: '', expected: 'a package' });
    const contentType = form?.contentType ?? request.headers['content-type']!.split(';')[0]!.trim().toLowerCase();
    const outcome = await courses.import(tenant, { source, contentType, by: request.credential.id, course, mode }).catch((error: unknown) => {
      passOver(request.raw);
      throw error;
    });
    return reply.code(outcome.created ? 201 : 200).header('Location', `/v1/courses/${outcome.course}`).send(outcome);
  });
}

/** Registers the routes under `/courses`. */
export function courseRoutes(app: FastifyInstance, { courses, tenantOf }: PackagesOptions): void {
  const tags = ['cmi5'];
  const missing = (id: string): QuipuError => new QuipuError('not-found', `There is no course ${JSON.stringify(id.slice(0, 60))}.`);

  app.get<{ Querystring: TenantQuery & { after?: string; limit: number } }>('/courses', {
    config,
    schema: { summary: 'List the courses', tags, querystring: listQuery, response: { 200: courseList } },
  }, async (request) => {
    const tenant = await tenantOf(request);
    return { courses: (await courses.list(tenant, request.query.after, request.query.limit)).map(courseAnswer) };
  });

  app.get<{ Params: { id: string }; Querystring: TenantQuery & { version?: string } }>('/courses/:id', {
    config,
    schema: {
      summary: 'Show a course', description: 'With the structure of its current version, or of the one that `version` names, and with all of its versions.',
      tags, params: courseParams, querystring: courseQuery, response: { 200: detail, 404: problem },
    },
  }, async (request) => {
    const tenant = await tenantOf(request);
    const found = await courses.get(tenant, request.params.id);
    if (!found) throw missing(request.params.id);
    const versions = await courses.versions(tenant, found);
    const shown = versions.find(({ id }) => id === (request.query.version ?? found.current));
    if (!shown) throw new QuipuError('not-found', `The course ${found.id} has no version ${JSON.stringify((request.query.version ?? found.current).slice(0, 60))}.`, { parameter: 'version' });
    return courseDetail(found, shown, versions);
  });

  app.patch<{ Params: { id: string }; Querystring: TenantQuery; Body: { mode: CourseMode } }>('/courses/:id', {
    config,
    schema: {
      summary: 'Change how a course judges statements', description: '`compat` takes in what real tools get wrong and records the finding, instead of refusing.',
      tags, params: courseParams, querystring: tenantQuery, body: modeBody, response: { 200: course, 404: problem },
    },
  }, async (request): Promise<CourseAnswer> => {
    const changed = await courses.setMode(await tenantOf(request), request.params.id, request.body.mode);
    if (!changed) throw missing(request.params.id);
    return courseAnswer(changed);
  });

  app.delete<{ Params: { id: string }; Querystring: TenantQuery & { force: boolean } }>('/courses/:id', {
    config,
    schema: {
      summary: 'Delete a course with all of its versions', description: 'Refused while there are registrations, unless `force` is true. Statements about it stay.',
      tags, params: courseParams, querystring: deleteQuery, response: { 204: { type: 'null' }, 404: problem, 409: problem },
    },
  }, async (request, reply) => {
    if (!await courses.delete(await tenantOf(request), request.params.id, request.query.force)) throw missing(request.params.id);
    return reply.code(204).send();
  });

  app.get<{ Params: { id: string }; Querystring: TenantQuery & { version?: string } }>('/courses/:id/package', {
    exposeHeadRoute: false,
    config,
    schema: {
      summary: 'Give out a package as it came in', description: 'Byte for byte: that of the current version, or of the one that `version` names.',
      tags, params: courseParams, querystring: exportQuery, produces: ['application/zip', 'text/xml'], response: { 404: problem },
    },
  }, async (request, reply) => {
    const { length, contentType, fileName, stream } = await courses.export(await tenantOf(request), request.params.id, request.query.version);
    return reply.type(contentType).headers({
      'Content-Length': length, 'Content-Disposition': `attachment; filename="${fileName}"`, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': 'sandbox',
    }).send(stream);
  });
}
