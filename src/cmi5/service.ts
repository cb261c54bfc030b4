import type { CredentialIssuer } from '../auth/policy.js';
import type { DocumentStore } from '../documents/store.js';
import type { Feed } from '../feed/service.js';
import type { Job } from '../jobs/jobs.js';
import type { RecordStore } from '../records/store.js';
import type { NewStatement, StatementStore } from '../statements/store.js';
import { agentIdentifier } from '../xapi/actors.js';
import type { Actor } from '../xapi/types.js';
import type { ContentStore } from './content-store.js';
import { createContentLinks } from './content/content-links.js';
import type { ContentOptions } from './content/plugin.js';
import { resolveEntry } from './course/package-path.js';
import { loadedLater } from './loaded-later.js';
import type { CourseService } from './packages/service.js';
import { createAbandonService, type AbandonService } from './registrations/abandon.js';
import { createCourses, type Courses } from './registrations/course-facts.js';
import { createEnrolments, type Enrolments } from './registrations/enrolments.js';
import { createFindings, type Findings } from './registrations/findings.js';
import { createLaunchService, type LaunchService } from './registrations/launch.js';
import { createLearnerRecords, type LearnerRecords } from './registrations/learner-records.js';
import { sessionEvents, type SessionListener } from './registrations/live.js';
import { createPreviewService, type PreviewService } from './registrations/preview.js';
import { createRegistrationWriter } from './registrations/registration-writer.js';
import { createSessionPolicy } from './registrations/session-policy.js';
import { createSessionTokens } from './registrations/session-tokens.js';
import { createSessions, hasHash, type Sessions } from './registrations/sessions.js';
import { createStatusService, type StatusService } from './registrations/status.js';
import { createSweeper } from './registrations/sweeper.js';
import { createWaiveService, type WaiveService } from './registrations/waive.js';
import { contextExtensions } from './rules/vocabulary.js';

/** What the feature does, for the server and its routes. */
export interface Cmi5Service {
  courses: CourseService;
  enrolments: Enrolments;
  launching: LaunchService;
  abandoning: AbandonService;
  waiving: WaiveService;
  status: StatusService;
  previews: PreviewService;
  sessions: Sessions;
  findings: Findings;
  /** What is kept of a learner, for erasures and exports of a person. */
  learnerRecords: LearnerRecords;
  /** Work in the background: sessions that nobody ends, and packages that a dead process left half-way. */
  jobs: readonly Job[];
  /** What the content server answers from. */
  content: ContentOptions;
  /** Verifies the tokens that sessions are given. */
  tokens: CredentialIssuer;
  /** See `sessionEvents`. */
  events(listener: SessionListener): AsyncGenerator<string>;
  /** The activity id of a course; undefined when it was deleted. */
  nodeOf(tenant: string, course: string): Promise<string | undefined>;
  /** Says under which URLs browsers reach the server and its content, as soon as that is known. */
  reachedAt(publicUrl: string, contentUrl: string): void;
}

export interface Cmi5Deps {
  records: RecordStore;
  statements: StatementStore;
  documents: DocumentStore;
  content: ContentStore;
  feed: Feed;
  /** Makes statements ready for the store from their JSON, with `lmsAuthority`. */
  prepare(texts: readonly string[]): NewStatement[];
  /** The URL that ids of activities and the authority of cmi5 begin with; it does not change. */
  homePage: string;
  maxPackageBytes: number;
  /** Milliseconds after terminated for which State may be written. */
  stateGrace: number;
  /** Milliseconds without a statement after which a session counts as abandoned. */
  idle: number;
  listTenants(): Promise<string[]>;
  /** Other processes use the same store. */
  shared: boolean;
  /** Told of what failed and hinders nobody. */
  onFault(error: unknown, doing: string): void;
  /** Counts what is refused or found, for the metrics. */
  count(event: 'launch' | 'refusal' | 'finding' | 'expected'): void;
}

/** The authority of all statements of sessions and of the LMS. */
export function lmsAuthority(homePage: string): Actor {
  return { objectType: 'Agent', account: { homePage, name: 'cmi5' } };
}

const HOUR = 3_600_000;

/** Puts the feature together. */
export function createCmi5Service(deps: Cmi5Deps): Cmi5Service {
  const { records, statements, documents, content, feed, homePage, maxPackageBytes, shared, prepare, idle, listTenants } = deps;
  const reached = { publicUrl: homePage, contentUrl: homePage };
  const authority = lmsAuthority(homePage);
  const courses = createCourses(records);
  const sessions = createSessions(records);
  const findings = createFindings(records);
  const writer = createRegistrationWriter({ records, statements, prepare, shared, ended: (_tenant, session) => sessions.noteEnd(session) });
  const abandoning = createAbandonService({ writer, sessions, courses });
  const enrolments = createEnrolments({ writer, sessions, findings, courses, abandoning, documents });
  const policyDeps = {
    writer, sessions, courses, findings, stateGrace: deps.stateGrace, lmsActivities: `${homePage}/cmi5/activities/`, count: deps.count,
    stored: (tenant: string, id: string) => statements.get(tenant, id),
    onFault: (error: unknown) => deps.onFault(error, 'record a finding'),
  };
  const live = { feed, sessions, findings, filters: [[`U${agentIdentifier(authority)!}`]], sessionIdExtension: contextExtensions.sessionId };
  const links = createContentLinks({ records, url: () => reached.contentUrl });
  const launching = counted(createLaunchService({ writer, sessions, courses, abandoning, documents, links, publicUrl: () => reached.publicUrl, idle }), deps.count);
  const previews = createPreviewService({ records, enrolments, launching, documents, publicUrl: () => homePage });
  // Reading packages takes parsers of zip and XML.
  const catalogue = loadedLater<CourseService>({ maxPackageBytes }, async () => (await import('./packages/service.js')).createCourseService({
    records, content, homePage, maxPackageBytes, sharedStore: shared,
    hasRegistrations: async (tenant, course) => (await enrolments.list(tenant, { course }, undefined, 1)).length > 0,
  }));
  return {
    courses: catalogue,
    enrolments, launching, abandoning, previews, sessions, findings,
    learnerRecords: createLearnerRecords({ writer, enrolments, previews, sessions, findings }),
    waiving: createWaiveService({ writer, courses, statements }),
    status: createStatusService({ writer, courses }),
    jobs: [createSweeper({ writer, abandoning, previews, documents, listTenants, idle }), {
      name: 'cmi5-packages', subjects: listTenants, interval: HOUR,
      run: async (tenant) => {
        await catalogue.settle(tenant);
        return 'done';
      },
    }],
    content: {
      links, files: { find: (...file) => catalogue.findFile(...file) },
      findSession: (tenant, id) => contentSessionOf(sessions, courses, tenant, id),
      relaunch: async (tenant, session) => (await launching.relaunch(tenant, session)).url,
    },
    tokens: createSessionTokens(sessions, authority, (session) => createSessionPolicy(session, policyDeps)),
    events: (listener) => sessionEvents(live, listener),
    nodeOf: async (tenant, course) => (await courses.find(tenant, course))?.node,
    reachedAt: (publicUrl, contentUrl) => {
      Object.assign(reached, { publicUrl, contentUrl });
    },
  };
}

function counted(launching: LaunchService, count: Cmi5Deps['count']): LaunchService {
  return {
    launch: async (...request) => {
      const launch = await launching.launch(...request);
      count('launch');
      return launch;
    },
    relaunch: async (...session) => {
      const launch = await launching.relaunch(...session);
      count('launch');
      return launch;
    },
  };
}

/** A session as the content server needs to know it. */
async function contentSessionOf(sessions: Sessions, courses: Courses, tenant: string, id: string): ReturnType<ContentOptions['findSession']> {
  const session = await sessions.find(id);
  if (session?.tenant !== tenant) return undefined;
  const unit = (await courses.facts(tenant, session.version)).units[session.unitIndex]!;
  return {
    ...(session.ended !== undefined && { ended: Date.parse(session.ended) }), fetched: session.fetched !== undefined,
    startPath: resolveEntry(unit.url) ?? '', ownWindow: unit.launchMethod === 'OwnWindow', ...(session.returnURL !== undefined && { returnURL: session.returnURL }),
    isLaunch: (fetch) => hasHash(fetch.slice(fetch.lastIndexOf('/') + 1), session.fetchHash),
  };
}
