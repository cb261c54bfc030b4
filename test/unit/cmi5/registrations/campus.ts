import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { blocksOf, unitsOf, type AssignableUnit } from '../../../../src/cmi5/course/structure.js';
import { courseRecords, versionRecords, type CourseMode } from '../../../../src/cmi5/packages/records.js';
import { createAbandonService } from '../../../../src/cmi5/registrations/abandon.js';
import { createCourses } from '../../../../src/cmi5/registrations/course-facts.js';
import { createEnrolments } from '../../../../src/cmi5/registrations/enrolments.js';
import { createFindings } from '../../../../src/cmi5/registrations/findings.js';
import { createLaunchService } from '../../../../src/cmi5/registrations/launch.js';
import { createLearnerRecords } from '../../../../src/cmi5/registrations/learner-records.js';
import { createPreviewService } from '../../../../src/cmi5/registrations/preview.js';
import { createRegistrationWriter } from '../../../../src/cmi5/registrations/registration-writer.js';
import { createSessionPolicy } from '../../../../src/cmi5/registrations/session-policy.js';
import { createSessions } from '../../../../src/cmi5/registrations/sessions.js';
import { createStatusService } from '../../../../src/cmi5/registrations/status.js';
import { createSweeper } from '../../../../src/cmi5/registrations/sweeper.js';
import { createWaiveService } from '../../../../src/cmi5/registrations/waive.js';
import { createOwnStatements } from '../../../../src/statements/own-statements.js';
import type { NewStatement, StatementStore } from '../../../../src/statements/store.js';
import type { Actor, Statement } from '../../../../src/xapi/types.js';
import { openFor, type Adapter, type OpenStorage } from '../../../contract/adapters.js';
import { auStatement, sessionContext, type Sample } from '../rules/au-statements.js';
import { structureOf, type Shape } from '../rules/courses.js';

const authority: Actor = { objectType: 'Agent', account: { homePage: 'https://lrs.example', name: 'cmi5' } };

export const tenant = 'school';
export const ann = { objectType: 'Agent', account: { homePage: 'https://school.example', name: 'ann' } } as const;

/** Milliseconds of idleness after which a session is abandoned here. */
export const IDLE = 60_000;

/** All that is done with registrations, on a store of its own; with `shared` as where other processes use it as well. */
export async function openCampus(t: Test, adapter: Adapter, { shared = false } = {}) {
  const storage = (await openFor(t, adapter)).current;
  return { ...servicesOn(storage, shared), storage, another: (fault: Partial<StatementStore> = {}) => servicesOn(storage, true, fault) };
}

/** @param fault what of the store of statements does something else */
function servicesOn({ records, statements, documents }: OpenStorage, shared: boolean, fault: Partial<StatementStore> = {}) {
  const prepare = createOwnStatements(statements.keyHash, authority);
  const courses = createCourses(records);
  const sessions = createSessions(records);
  const findings = createFindings(records);
  const writer = createRegistrationWriter({ records, statements: { append: (of, batch) => statements.append(of, batch), get: (of, id) => statements.get(of, id), ...fault }, prepare, shared, ended: (_tenant, session) => sessions.noteEnd(session) });
  const abandoning = createAbandonService({ writer, sessions, courses });
  const enrolments = createEnrolments({ writer, sessions, findings, courses, abandoning, documents });
  const publicUrl = (): string => 'https://lrs.example';
  const launching = createLaunchService({
    writer, sessions, courses, abandoning, documents, publicUrl, idle: IDLE,
    links: { link: ({ package: id, session }, path) => Promise.resolve(`https://content.example/c/${id}/${session}/${path}`) },
  });
  const previews = createPreviewService({ records, enrolments, launching, documents, publicUrl });

  /** A course of this shape with one version, and what `change` makes of its AUs. */
  async function addCourse(shape: Shape, change: (unit: AssignableUnit) => void = () => undefined, mode: CourseMode = 'strict'): Promise<string> {
    const id = randomUUID();
    await records.collection(courseRecords).insert(tenant, id, { publisherId: `urn:${id}`, title: [{ text: 'Course' }], created: new Date().toISOString(), updated: new Date().toISOString(), mode, current: '', versions: [], node: `https://lrs.example/cmi5/activities/${id}` });
    await addVersion(id, shape, change);
    return id;
  }

  /** Another version; AUs and blocks with the same number are the same. */
  async function addVersion(course: string, shape: Shape, change: (unit: AssignableUnit) => void = () => undefined): Promise<string> {
    const id = randomUUID();
    const structure = structureOf(shape);
    unitsOf(structure).forEach(change);
    const record = (await records.collection(courseRecords).get(tenant, course))!;
    await records.collection(versionRecords).insert(tenant, id, {
      course, number: record.value.versions.length + 1, imported: new Date().toISOString(), by: 'test', sha256: '', length: 1, kind: 'zip', contentType: 'application/zip', package: randomUUID(), structure,
      nodes: unitsOf(structure).map(({ index }) => `https://lrs.example/cmi5/activities/${course}/au${index}`),
      blockNodes: blocksOf(structure).map((_, index) => `https://lrs.example/cmi5/activities/${course}/block${index}`),
    });
    await records.collection(courseRecords).update(tenant, course, { ...record.value, versions: [...record.value.versions, id], current: id }, record.version);
    return id;
  }

  /** All statements, oldest first. */
  async function log(): Promise<Statement[]> {
    const { statements: all } = await statements.find(tenant, { filters: [], ascending: true, limit: 1000 });
    return all.map(({ text }) => JSON.parse(text.toString('utf8')) as Statement);
  }

  /** The policy of a session's token, when the learner's preferences have been read. */
  async function policyOf(session: string) {
    await sessions.notePreferences(session);
    return createSessionPolicy((await sessions.find(session))!, {
      writer, sessions, courses, findings, lmsActivities: 'https://lrs.example/cmi5/activities/', stateGrace: 5000,
      stored: (of, id) => statements.get(of, id), onFault: (error) => { throw error; }, count: () => undefined,
    });
  }

  /** A statement of an AU in a session, without a fault. */
  async function sampleOf(session: string, verb: Parameters<typeof auStatement>[1]): Promise<Sample> {
    const { registration, unit, learner, version, unitIndex } = (await sessions.find(session))!;
    const { publisherId } = (await courses.facts(tenant, version)).units[unitIndex]!;
    const { contextTemplate: _, masteryScore: __, ...context } = sessionContext({ sessionId: session, registration, unit, learner, publisherId });
    const template = { contextActivities: { grouping: [{ id: publisherId }] }, extensions: { 'https://w3id.org/xapi/cmi5/context/extensions/sessionid': session } };
    return auStatement({ ...context, contextTemplate: template }, verb);
  }

  /** What an AU says in a session, without a fault. */
  async function say(session: string, ...verbs: Parameters<typeof auStatement>[1][]): Promise<void> {
    const batch = await Promise.all(verbs.map(async (verb) => JSON.stringify(await sampleOf(session, verb))));
    await (await policyOf(session)).append(prepare(batch) as NewStatement[]);
  }

  return {
    records, statements, documents, courses, sessions, findings, writer, enrolments, abandoning, launching, previews, addCourse, addVersion, log, say, sampleOf, policyOf, prepare,
    learnerRecords: createLearnerRecords({ writer, enrolments, previews, sessions, findings }),
    waiving: createWaiveService({ writer, courses, statements }),
    status: createStatusService({ writer, courses }),
    sweeperAt: (now: () => number) => createSweeper({ writer, abandoning, previews, documents, listTenants: () => Promise.resolve([tenant]), idle: IDLE, now }),
    /** A registration of Ann, and its id. */
    enrol: async (course: string) => (await enrolments.register(tenant, { course, learner: ann })).registration.id,
  };
}

/** The last part of each statement's verb. */
export function verbsOf(statements: readonly Statement[]): string[] {
  return statements.map(({ verb }) => verb.id.slice(verb.id.lastIndexOf('/') + 1));
}
