import { randomUUID } from 'node:crypto';
import type { DocumentStore } from '../../documents/store.js';
import { agentIdentifier } from '../../xapi/actors.js';
import { QuipuError } from '../../xapi/errors.js';
import { sessionIdOf } from '../rules/lms-statements.js';
import { satisfactionOf } from '../rules/satisfaction.js';
import type { AbandonService } from './abandon.js';
import type { Courses } from './course-facts.js';
import { filteredPage } from './filtered-page.js';
import type { Findings } from './findings.js';
import type { Learner } from './records.js';
import type { Registration, RegistrationWriter } from './registration-writer.js';
import type { Sessions } from './sessions.js';

/** Who is to take which course. */
export interface Enrolment {
  course: string;
  learner: Learner;
  /** UUID; made when left out. */
  registration?: string;
  preview?: boolean;
}

/** Which registrations a list is about. */
export interface RegistrationFilter {
  course?: string;
  /** Canonical identifier. */
  learner?: string;
}

/** Registrations: made, moved to another version of their course, forgotten. */
export interface Enrolments {
  /**
   * Enrols a learner; with the id of a registration that is there already for the same learner and course, gives that one. What needs nothing
   * is satisfied from the beginning (cmi5 9.3.9).
   * @throws QuipuError `not-found` for the course, `record-conflict` when the id is that of another enrolment
   */
  register(tenant: string, enrolment: Enrolment): Promise<{ registration: Registration; created: boolean }>;
  /** @throws QuipuError `not-found` */
  get(tenant: string, id: string): Promise<Registration>;
  /** In order of id, previews left out. */
  list(tenant: string, filter: RegistrationFilter, after?: string, limit?: number): Promise<Registration[]>;
  /** Moves it to another version of its course. @throws QuipuError `not-found`, `invalid-request` when the version is another course's */
  move(tenant: string, id: string, version: string): Promise<Registration>;
  /**
   * Forgets it with its sessions, findings, and all State documents of the learner in it, LMS.LaunchData among them. A session under way is
   * abandoned first, so that the log tells its end. The statements stay, and so do State documents without a registration and profiles.
   * @throws QuipuError `not-found`
   */
  forget(tenant: string, id: string): Promise<void>;
  /** The same, and nothing is stored: a session under way is over without a word. Repeatable. */
  discard(tenant: string, registration: Pick<Registration, 'id' | 'learnerKey'>): Promise<void>;
}

export interface EnrolmentsDeps {
  writer: RegistrationWriter;
  sessions: Sessions;
  findings: Findings;
  courses: Courses;
  abandoning: Pick<AbandonService, 'abandonWhen'>;
  documents: Pick<DocumentStore, 'deleteAll'>;
}

const SLICE = 500;

export function createEnrolments({ writer, sessions, findings, courses, abandoning, documents }: EnrolmentsDeps): Enrolments {
  async function get(tenant: string, id: string): Promise<Registration> {
    const registration = await writer.read(tenant, id.toLowerCase());
    if (!registration) throw new QuipuError('not-found', `There is no registration ${id}.`);
    return registration;
  }

  /** Moves it to a version, and says what is satisfied by that. Repeatable. */
  async function settleAt(tenant: string, id: string, version: string, cause: string): Promise<Registration> {
    const { outline } = await courses.facts(tenant, version);
    const changed = await writer.change(tenant, id, ({ state, learner, created }) => {
      const facts = { tenant, learner, registration: id, created };
      const follows = satisfactionOf(outline, state, { ...facts, sessionId: sessionIdOf(facts, cause), at: Date.now() });
      return { statements: follows.statements.map((lms) => ({ lms })), state: follows.state, version, answer: undefined };
    });
    if (changed.status === 'conflict') throw new Error(`The registration ${id} wrote nothing of an AU and had a conflict`);
    return changed.registration;
  }

  async function clear(tenant: string, { id, learnerKey }: Pick<Registration, 'id' | 'learnerKey'>): Promise<void> {
    for (let after: string | undefined; ;) {
      const page = await sessions.list({ property: 'registration', equals: id }, after, SLICE);
      for (const session of page) if (session.tenant === tenant) await sessions.delete(session.id);
      if (page.length < SLICE) break;
      after = page.at(-1)!.id;
    }
    await findings.deleteOf(tenant, id);
    await documents.deleteAll(tenant, { resource: 'state', agent: learnerKey, registration: id });
  }

  /** The record goes when all that is found by it has gone; what a launch has added meanwhile goes after it. */
  async function discard(tenant: string, registration: Pick<Registration, 'id' | 'learnerKey'>): Promise<void> {
    await clear(tenant, registration);
    await writer.delete(tenant, registration.id);
    await clear(tenant, registration);
  }

  return {
    register: async (tenant, { course, learner, registration: given, preview = false }) => {
      const id = given?.toLowerCase() ?? randomUUID();
      const { current } = await courses.course(tenant, course);
      const learnerKey = agentIdentifier(learner)!;
      const created = await writer.create(tenant, id, { course, version: current, learner, learnerKey, created: new Date().toISOString(), preview });
      const now = await get(tenant, id);
      if (now.course !== course || now.learnerKey !== learnerKey || now.preview !== preview) {
        throw new QuipuError('record-conflict', `The registration ${id} is that of another learner or course.`, { pointer: '/registration', rule: 'registration-unique', section: 'cmi5 9.6.1', expected: 'another UUID for each enrolment' });
      }
      return { registration: await settleAt(tenant, id, now.version, 'registered'), created };
    },
    get,
    list: (tenant, { course, learner }, after, limit = 100) => {
      const where = learner !== undefined ? { property: 'learnerKey', equals: learner } as const : course !== undefined ? { property: 'course', equals: course } as const : undefined;
      return filteredPage((last, most) => writer.list(tenant, { ...(where && { where }), ...(last !== undefined && { after: last }), limit: most }),
        (one) => !one.preview && (course === undefined || one.course === course), after, limit);
    },
    move: async (tenant, id, version) => {
      const { course } = await get(tenant, id);
      await courses.course(tenant, course);
      const { version: record } = await courses.facts(tenant, version);
      if (record.course !== course) throw new QuipuError('invalid-request', `The version ${version} is one of another course.`, { pointer: '/version' });
      return settleAt(tenant, id.toLowerCase(), version, `moved ${version}`);
    },
    forget: async (tenant, id) => {
      const registration = await get(tenant, id);
      await abandoning.abandonWhen(tenant, registration.id, () => true);
      await discard(tenant, registration);
    },
    discard,
  };
}
