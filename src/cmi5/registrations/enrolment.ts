import { randomUUID } from 'node:crypto';
import type { DocumentService } from '../../documents/service.js';
import { agentIdentifier } from '../../xapi/actors.js';
import { QuipuError } from '../../xapi/errors.js';
import type { Actor, Json } from '../../xapi/types.js';
import { isUuid } from '../../xapi/uuids.js';
import { validateActor } from '../../xapi/validation.js';
import { sessionIdOf } from '../rules/lms-statements.js';
import { satisfactionOf } from '../rules/satisfaction.js';
import type { AbandonService } from './abandon.js';
import type { Courses } from './course-facts.js';
import type { Findings } from './findings.js';
import { factsOf } from './lms-facts.js';
import type { Learner } from './records.js';
import type { Registration, RegistrationWriter } from './registration-writer.js';
import type { Sessions } from './sessions.js';

/** Who is to learn what. */
export interface EnrolmentRequest {
  /** Id of the course. */
  course: string;
  /** An Agent with an account (cmi5 9.2). */
  learner: Actor;
  /** UUID, where the caller wants to choose it; a new one when left out. */
  registration?: string;
}

/** What registrations are looked for by. */
export interface EnrolmentFilter {
  course?: string;
  learner?: Actor;
  /** Id of the last one of the page before. */
  after?: string;
  /** 1 or more. */
  limit: number;
}

/** Registrations as such: one is a learner's attempt at a course. */
export interface EnrolmentService {
  /**
   * Registers a learner for the current version of a course; whatever is satisfied from the beginning is said at once (cmi5 9.6.1). The
   * same again answers the registration that is there.
   * @throws QuipuError `not-found`, `invalid-request`; `record-conflict` when the registration is of another learner or course
   */
  create(tenant: string, request: EnrolmentRequest, options?: { preview?: boolean }): Promise<{ registration: Registration; created: boolean }>;
  /** @throws QuipuError `not-found` */
  get(tenant: string, id: string): Promise<Registration>;
  /** In order of id; previews are left out. */
  list(tenant: string, filter: EnrolmentFilter): Promise<Registration[]>;
  /**
   * Moves a registration to another version of its course. What was said stays; AUs are the same when the publisher's ids are.
   * @throws QuipuError `not-found`
   */
  move(tenant: string, id: string, version: string): Promise<Registration>;
  /** Forgets a registration with its sessions, findings and State documents; its statements stay. @throws QuipuError `not-found` */
  delete(tenant: string, id: string): Promise<void>;
}

export interface EnrolmentServiceDeps {
  writer: RegistrationWriter;
  sessions: Sessions;
  courses: Courses;
  findings: Findings;
  abandoning: Pick<AbandonService, 'abandonWhen'>;
  documents: Pick<DocumentService, 'deleteAll'>;
}

const SLICE = 200;

export function createEnrolmentService({ writer, sessions, courses, findings, abandoning, documents }: EnrolmentServiceDeps): EnrolmentService {
  async function get(tenant: string, id: string): Promise<Registration> {
    const found = isUuid(id) ? await writer.read(tenant, id.toLowerCase()) : undefined;
    if (!found) throw new QuipuError('not-found', `There is no registration ${id.slice(0, 100)}.`);
    return found;
  }

  /** Says what is satisfied and is not said to be, in a version of the course. @param cause of the session id that such statements have */
  async function evaluate(tenant: string, id: string, cause: string, version?: string): Promise<Registration> {
    const changed = await writer.change(tenant, id, async (registration) => {
      const { outline } = await courses.facts(tenant, version ?? registration.version);
      const session = sessionIdOf({ tenant, registration: id, created: registration.created }, cause);
      const { statements, state } = satisfactionOf(outline, registration.state, factsOf(tenant, registration, session, Date.now()));
      return { statements: statements.map((lms) => ({ lms })), state, ...(version === undefined ? {} : { version }), answer: undefined };
    });
    if (changed.status === 'conflict') throw new Error(`A statement of the registration ${id} is stored with other content`);
    return changed.registration;
  }

  return {
    create: async (tenant, { course, learner: given, registration: wanted }, { preview = false } = {}) => {
      const learner = learnerOf(given);
      if (wanted !== undefined && !isUuid(wanted)) throw new QuipuError('invalid-request', 'The registration is not a UUID.', { pointer: '/registration', expected: 'a UUID, or none: then one is made' });
      const id = wanted?.toLowerCase() ?? randomUUID();
      const { current } = await courses.course(tenant, course);
      const learnerKey = agentIdentifier(learner)!;
      const created = await writer.create(tenant, id, { course, version: current, learner, learnerKey, created: new Date().toISOString(), preview });
      if (!created) {
        const there = await get(tenant, id);
        if (there.course !== course || there.learnerKey !== learnerKey || there.preview !== preview) {
          throw new QuipuError('record-conflict', `The registration ${id} is that of another learner or course.`, { pointer: '/registration', section: 'cmi5 9.6.1' });
        }
      }
      return { registration: await evaluate(tenant, id, 'registration'), created };
    },
    get,
    list: async (tenant, { course, learner, after, limit }) => {
      const learnerKey = learner && agentIdentifier(learnerOf(learner));
      const where = learnerKey !== undefined ? { property: 'learnerKey', equals: learnerKey } as const : course !== undefined ? { property: 'course', equals: course } as const : undefined;
      const found: Registration[] = [];
      let from = after;
      while (found.length < limit) {
        const page = await writer.list(tenant, { ...(where && { where }), ...(from === undefined ? {} : { after: from }), limit: SLICE });
        found.push(...page.filter((one) => !one.preview && (course === undefined || one.course === course)));
        if (page.length < SLICE) break;
        from = page.at(-1)!.id;
      }
      return found.slice(0, limit);
    },
    move: async (tenant, id, version) => {
      const registration = await get(tenant, id);
      const { versions } = await courses.course(tenant, registration.course);
      if (!versions.includes(version)) throw new QuipuError('not-found', `The course ${registration.course} has no version ${version.slice(0, 100)}.`);
      return evaluate(tenant, registration.id, `version ${version}`, version);
    },
    delete: async (tenant, id) => {
      const registration = await get(tenant, id);
      await abandoning.abandonWhen(tenant, registration.id, () => true);
      await documents.deleteAll(tenant, { resource: 'state', agent: registration.learnerKey, registration: registration.id }, {});
      // The learner of a preview is nobody else.
      if (registration.preview) await documents.deleteAll(tenant, { resource: 'agent-profile', agent: registration.learnerKey }, {});
      await findings.deleteOf(tenant, registration.id);
      for (let page = await sessions.list({ property: 'registration', equals: registration.id }, undefined, SLICE); page.length > 0; page = await sessions.list({ property: 'registration', equals: registration.id }, undefined, SLICE)) {
        await Promise.all(page.map((session) => sessions.delete(session.id)));
      }
      await writer.delete(tenant, registration.id);
    },
  };
}

/** @throws QuipuError `invalid-request` unless it is an Agent with an account */
function learnerOf(learner: Actor): Learner {
  const fault = validateActor(learner as unknown as Json, '1.0.3', 'learner');
  if (fault || learner.objectType === 'Group' || !learner.account) {
    throw new QuipuError('invalid-request', `The learner is not an Agent with an account. ${fault?.message ?? ''}`.trim(),
      { pointer: '/learner', rule: 'learner-account', section: 'cmi5 9.2', expected: '{"objectType":"Agent","account":{"homePage":"https://school.example","name":"4711"}}' });
  }
  const { account, name } = learner;
  return { objectType: 'Agent', account: { homePage: account.homePage, name: account.name }, ...(name === undefined ? {} : { name }) };
}
