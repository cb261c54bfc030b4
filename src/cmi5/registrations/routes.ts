import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseAgent } from '../../auth/authority.js';
import '../../auth/request.js';
import { problem } from '../../xapi/error-schema.js';
import { QuipuError } from '../../xapi/errors.js';
import { readAgent, type Query } from '../../xapi/parameters.js';
import type { Cmi5Service } from '../service.js';
import { filteredPage } from './filtered-page.js';
import type { LaunchRequest } from './launch.js';
import { shownSession } from './live.js';
import type { Learner } from './records.js';
import { isUnderWay, type Registration } from './registration-writer.js';
import * as schema from './schema.js';
import type { Session } from './sessions.js';

export interface RegistrationRoutesOptions {
  cmi5: Cmi5Service;
  /** The tenant that a request is about. @throws QuipuError */
  tenantOf(request: FastifyRequest<{ Querystring: { tenant?: string } }>): Promise<string>;
  /** Deepest nesting of the JSON in parameters. */
  maxDepth: number;
  /** Aborted when the server closes, so that open streams end. */
  closing: AbortSignal;
}

interface Page {
  after?: string;
  limit: number;
  tenant?: string;
}

type InTenant = { Querystring: { tenant?: string } };
type WithId = InTenant & { Params: { id: string } };

/** Characters of a learner's account as a launch URL has it: servers of content take few thousand in all. */
const LONGEST_ACCOUNT = 2000;
/** Milliseconds after which a stream ends; its client comes back with its credential. */
const LONGEST_STREAM = 600_000;

/** Routes under `/v1/registrations` and `/v1/cmi5/sessions`, and the live stream. */
export function registrationRoutes(app: FastifyInstance, { cmi5, tenantOf, maxDepth, closing }: RegistrationRoutesOptions): void {
  const { enrolments, sessions, findings } = cmi5;
  const config = { scope: 'cmi5' as const };
  const tags = ['cmi5'];
  const one = { tags, params: schema.idParams, querystring: schema.tenantQuery };

  app.post<InTenant & { Body: { course: string; learner?: object; actor?: object; registration?: string } }>('/registrations', {
    config,
    schema: {
      summary: 'Enrol a learner in a course', description: 'With the id of a registration that is there for the same learner and course, gives that one. A second attempt after a pass is another registration.',
      tags, querystring: schema.tenantQuery, body: schema.newRegistration, response: { 200: schema.registration, 201: schema.registration, 400: problem, 404: problem, 409: problem },
    },
  }, async (request, reply) => {
    const { course, learner, actor, registration: id } = request.body;
    const tenant = await tenantOf(request);
    const { registration, created } = await enrolments.register(tenant, { course, learner: learnerOf(learner ?? actor), ...(id !== undefined && { registration: id }) });
    return reply.code(created ? 201 : 200).send(await shown(tenant, registration));
  });

  app.get<{ Querystring: Page & { course?: string; learner?: string } }>('/registrations', {
    config,
    schema: { summary: 'List registrations', tags, querystring: schema.registrationQuery, response: { 200: schema.registrationList, 400: problem } },
  }, async (request) => {
    const { course, after, limit } = request.query;
    const tenant = await tenantOf(request);
    const learner = readAgent(request.query as unknown as Query, 'learner', { version: '2.0.0', groups: false, maxDepth })?.identifier;
    const found = await enrolments.list(tenant, { ...(course !== undefined && { course }), ...(learner !== undefined && { learner }) }, after, limit);
    return { registrations: await Promise.all(found.map((registration) => shown(tenant, registration))) };
  });

  app.get<WithId>('/registrations/:id', {
    config, schema: { summary: 'Show a registration', ...one, response: { 200: schema.registration, 404: problem } },
  }, async (request) => {
    const tenant = await tenantOf(request);
    return shown(tenant, await enrolments.get(tenant, request.params.id));
  });

  app.post<WithId & { Body: { version: string } }>('/registrations/:id/version', {
    config,
    schema: { summary: 'Move a registration to another version of its course', description: 'AUs are the same ones by their publisher id; a session under way goes on with the version that it was launched with.', ...one, body: schema.newVersion, response: { 200: schema.registration, 400: problem, 404: problem } },
  }, async (request) => {
    const tenant = await tenantOf(request);
    return shown(tenant, await enrolments.move(tenant, request.params.id, request.body.version));
  });

  app.delete<WithId>('/registrations/:id', {
    config,
    schema: { summary: 'Forget a registration', description: 'With its sessions, findings and State. Its statements stay; a person is erased by POST /v1/erasures.', ...one, response: { 204: { type: 'null' }, 404: problem } },
  }, async (request, reply) => {
    await enrolments.forget(await tenantOf(request), request.params.id);
    return reply.code(204).send();
  });

  app.get<WithId & { Querystring: { explain?: string } }>('/registrations/:id/status', {
    config,
    schema: { summary: 'Say how far a registration is', ...one, querystring: schema.statusQuery, response: { 200: schema.status, 404: problem } },
  }, async (request) => {
    const { explain = 'false' } = request.query;
    return cmi5.status.status(await tenantOf(request), request.params.id.toLowerCase(), { explain: explain !== 'false' });
  });

  app.post<WithId & { Body: LaunchRequest }>('/registrations/:id/launch', {
    config,
    schema: {
      summary: 'Launch an AU', description: 'Ends the session of the registration that is under way, and gives the URL for the browser of the learner.',
      ...one, body: schema.newLaunch, response: { 200: schema.launch, 400: problem, 404: problem },
    },
  }, async (request, reply) => reply.header('Cache-Control', 'no-store').send(await cmi5.launching.launch(await tenantOf(request), request.params.id.toLowerCase(), request.body)));

  app.post<WithId & { Body: { unit: number | string; reason: string } }>('/registrations/:id/waive', {
    config,
    schema: { summary: 'Waive an AU', description: 'Says that its requirements are met by other means (cmi5 9.3.7), once for each AU of a registration.', ...one, body: schema.newWaiver, response: { 200: schema.waiver, 400: problem, 404: problem, 409: problem } },
  }, async (request) => cmi5.waiving.waive(await tenantOf(request), request.params.id.toLowerCase(), request.body.unit, request.body.reason));

  app.post<InTenant & { Body: LaunchRequest & { course: string } }>('/cmi5/preview', {
    config,
    schema: {
      summary: 'Launch an AU without a registration', description: 'It is judged by all rules and answered as ever; its statements are stored nowhere, and all of it is forgotten after a day.',
      tags, querystring: schema.tenantQuery, body: schema.newPreview, response: { 200: schema.launch, 400: problem, 404: problem },
    },
  }, async (request, reply) => reply.header('Cache-Control', 'no-store').send(await cmi5.previews.preview(await tenantOf(request), request.body)));

  app.get<{ Querystring: Page & { registration?: string; course?: string; active?: boolean } }>('/cmi5/sessions', {
    config,
    schema: { summary: 'List sessions', description: 'In the order of their launches.', tags, querystring: schema.sessionQuery, response: { 200: schema.sessionList, 400: problem } },
  }, async (request) => {
    const { registration, course, active, after, limit } = request.query;
    const tenant = await tenantOf(request);
    const where = registration !== undefined ? { property: 'registration', equals: registration.toLowerCase() } as const
      : active === true ? { property: 'activeIn', equals: tenant } as const
        : course !== undefined ? { property: 'course', equals: course } as const : { property: 'tenant', equals: tenant } as const;
    const keep = (session: Session): boolean => session.tenant === tenant && (course === undefined || session.course === course) && (active === undefined || active === (session.activeIn !== undefined));
    return { sessions: (await filteredPage((last, most) => sessions.list(where, last, most), keep, after, limit)).map(shownSession) };
  });

  app.get<WithId>('/cmi5/sessions/:id', {
    config, schema: { summary: 'Show a session', ...one, response: { 200: schema.session, 404: problem } },
  }, async (request) => shownSession(await sessionOf(await tenantOf(request), request.params.id)));

  app.post<WithId>('/cmi5/sessions/:id/abandon', {
    config,
    schema: { summary: 'Abandon a session', description: 'Its AU can say nothing more (cmi5 9.3.6).', ...one, response: { 200: schema.abandoned, 404: problem, 409: problem } },
  }, async (request) => cmi5.abandoning.abandon(await tenantOf(request), request.params.id.toLowerCase()));

  app.get<{ Params: { id: string }; Querystring: Page }>('/cmi5/sessions/:id/findings', {
    config,
    schema: {
      summary: 'What a session was refused', description: 'And, in a course of the mode compat, what was wrong with what it was not refused; of a preview also what was taken in. The first 200 are kept.',
      tags, params: schema.idParams, querystring: schema.findingQuery, response: { 200: schema.findingList, 404: problem },
    },
  }, async (request) => {
    const tenant = await tenantOf(request);
    const { id } = await sessionOf(tenant, request.params.id);
    return { findings: await findings.list(tenant, { property: 'session', equals: id }, request.query.after, request.query.limit) };
  });

  app.get<InTenant & { Querystring: { session?: string } }>('/cmi5/live', {
    config,
    schema: {
      summary: 'Sessions as they go on, as server-sent events', tags, produces: ['text/event-stream'], querystring: { ...schema.tenantQuery, properties: { ...schema.tenantQuery.properties, session: { type: 'string', maxLength: 40, description: 'Only this one' } } },
      description: 'From now on: `session` when one is launched, has fetched its token or has ended; `statement` for each that content or the LMS writes; `refusal` and `finding` as in the list of findings; `preview-statement` for what a preview would have stored.',
    },
  }, async (request, reply) => {
    const ended = new AbortController();
    reply.raw.once('close', () => ended.abort());
    const { session } = request.query;
    const events = cmi5.events({
      tenant: await tenantOf(request), ...(session !== undefined && { session: session.toLowerCase() }),
      signal: AbortSignal.any([ended.signal, closing, AbortSignal.timeout(LONGEST_STREAM)]),
    });
    return reply
      .headers({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
      .send(Readable.from(events, { objectMode: false, highWaterMark: 64 * 1024 }));
  });

  async function sessionOf(tenant: string, id: string): Promise<Session> {
    const session = await sessions.find(id);
    if (session?.tenant !== tenant) throw new QuipuError('not-found', `There is no session ${id}.`);
    return session;
  }

  async function shown(tenant: string, { id, course, version, learner, created, preview, state }: Registration): Promise<object> {
    const node = await cmi5.nodeOf(tenant, course);
    return {
      id, course, version, learner, created, preview, satisfied: node !== undefined && Object.hasOwn(state.satisfied, node),
      ...(isUnderWay(state.session) && { session: state.session.id }),
    };
  }
}

/** @throws QuipuError `invalid-request` unless it is an Agent with an account (cmi5 9.2) */
function learnerOf(value: object | undefined): Learner {
  if (value === undefined) throw new QuipuError('invalid-request', 'The body names no learner.', { pointer: '/learner', rule: 'required', expected: 'an Agent with an account' });
  const { account, name } = parseAgent(value, '/learner');
  if (!account) {
    throw new QuipuError('invalid-request', 'The learner has no account: cmi5 knows learners by an account alone.', { pointer: '/learner', rule: 'learner-account', section: 'cmi5 9.2', expected: '{"objectType":"Agent","account":{"homePage":"https://school.example","name":"4711"}}' });
  }
  if (encodeURIComponent(JSON.stringify(account)).length > LONGEST_ACCOUNT) {
    throw new QuipuError('invalid-request', `The account of the learner takes more than ${LONGEST_ACCOUNT} characters in a URL, and every launch URL holds it.`, { pointer: '/learner', rule: 'learner-account-length', section: 'cmi5 8.1.3', expected: 'a shorter name' });
  }
  return { objectType: 'Agent', account, ...(name !== undefined && { name }) };
}
