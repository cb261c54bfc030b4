import { etagOf } from '../../documents/etags.js';
import type { DocumentStore } from '../../documents/store.js';
import { agentIdentifier } from '../../xapi/actors.js';
import { QuipuError } from '../../xapi/errors.js';
import { formatTimestamp } from '../../xapi/timestamps.js';
import type { ContentLinks } from '../content/content-links.js';
import { unitOf } from '../packages/records.js';
import { launchedStatement } from '../rules/lms-statements.js';
import type { LaunchMode, RegistrationState } from '../rules/state.js';
import type { AbandonService } from './abandon.js';
import type { Courses } from './course-facts.js';
import { LAUNCH_DATA, launchDataOf } from './launch-data.js';
import { isAbsoluteUrl, launchUrl } from './launch-url.js';
import { factsOf, statementUnit } from './lms-facts.js';
import type { Change, Registration, RegistrationWriter } from './registration-writer.js';
import { timeOrderedId, type Sessions } from './sessions.js';

/** What is to be launched, and how. */
export interface LaunchRequest {
  /** Index, LMS id or publisher's id of the AU. */
  unit: number | string;
  /** When left out: Review where the AU was completed and passed and has nothing left to tell, otherwise Normal. */
  mode?: LaunchMode;
  /** Where the AU sends the learner at its end: http or https (cmi5 10.2.6). */
  returnURL?: string;
}

/** A launch that was prepared: what is left is to send a browser there. */
export interface Launch {
  registration: string;
  session: string;
  url: string;
  mode: LaunchMode;
  /** OwnWindow: never in a frame (cmi5 8.1). */
  launchMethod: 'OwnWindow' | 'AnyWindow';
  /** Index of the AU. */
  unit: number;
  /** The id that the LMS has given it. */
  activityId: string;
  /** ISO 8601 in UTC: when it is abandoned unless the AU says something. */
  expires: string;
}

export interface LaunchService {
  /**
   * Prepares a launch (cmi5 8.1, 9.3.1, 10): the session that the registration has under way is abandoned, and when it answers
   * LMS.LaunchData, the statement launched and the session are durable.
   * @throws QuipuError `not-found`, `invalid-request`
   */
  launch(tenant: string, registration: string, request: LaunchRequest): Promise<Launch>;
  /** Launches the AU of a session anew, in the same registration and mode. @throws QuipuError `not-found` */
  relaunch(tenant: string, session: string): Promise<Launch>;
}

export interface LaunchServiceDeps {
  writer: RegistrationWriter;
  sessions: Sessions;
  courses: Courses;
  abandoning: Pick<AbandonService, 'follow'>;
  documents: Pick<DocumentStore, 'put'>;
  links: Pick<ContentLinks, 'link'>;
  /** The public URL of this server. */
  publicUrl(): string;
  /** Milliseconds until an idle session is abandoned. */
  idle: number;
}

const LONGEST_URL = 4000;

export function createLaunchService({ writer, sessions, courses, abandoning, documents, links, publicUrl, idle }: LaunchServiceDeps): LaunchService {
  /** @param loadedAgain the session whose page is loaded again, if it is one */
  async function launch(tenant: string, registrationId: string, { unit: named, mode: wanted, returnURL }: LaunchRequest, loadedAgain?: string): Promise<Launch> {
    checkReturnUrl(returnURL);
    const registration = await writer.read(tenant, registrationId);
    if (!registration) throw new QuipuError('not-found', `There is no registration ${registrationId}.`);
    await courses.course(tenant, registration.course);
    const facts = await courses.facts(tenant, registration.version);
    const placed = unitOf(facts.version, named);
    if (!placed) throw new QuipuError('not-found', `The registration's version of the course has no AU ${JSON.stringify(named).slice(0, 200)}.`);
    const { unit, node } = placed;
    const mode = wanted ?? usualMode(registration.state, node);
    const sessionId = timeOrderedId();
    const address = isAbsoluteUrl(unit.url) ? unit.url : await links.link({ tenant, package: facts.version.package, session: sessionId }, unit.url);
    const begun = Date.now();

    const record = { tenant, registration: registration.id, course: registration.course, version: registration.version, unit: node, unitIndex: unit.index, mode, learner: registration.learner, preview: registration.preview, ...(returnURL === undefined ? {} : { returnURL }) };
    const content = Buffer.from(JSON.stringify(launchDataOf(sessionId, unit, mode, returnURL)), 'utf8');
    const key = { resource: 'state', activity: node, agent: agentIdentifier(registration.learner)!, registration: registration.id, id: LAUNCH_DATA } as const;
    let created: Promise<{ fetchSecret: string }> | undefined;

    async function judge(now: Registration): Promise<Change<undefined>> {
      if (now.version !== registration!.version) throw new QuipuError('record-conflict', `The registration ${now.id} was moved to another version meanwhile. Send the request again.`, { retryAfter: 1 });
      const at = Date.now();
      const before = await abandoning.follow(tenant, now, at);
      const launched = launchedStatement(factsOf(tenant, now, sessionId, at), statementUnit(facts, unit.index), { ...unit, mode, launchUrl: address });
      return {
        statements: [...before.statements, launched].map((lms) => ({ lms })),
        state: { ...before.state, session: { id: sessionId, unit: node, mode, launched: at, said: {}, ...(loadedAgain !== undefined && now.state.session?.id === loadedAgain && { follows: loadedAgain }) } },
        // In the registration's turn, so that of two launches at once LMS.LaunchData is that of the one that stays.
        beside: () => Promise.all([
          created ??= sessions.create(sessionId, record, begun),
          documents.put(tenant, { key, content, contentType: 'application/json', etag: etagOf(content), updated: at }, { kind: 'any' }),
        ]),
        answer: undefined,
      };
    }

    try {
      const changed = await writer.change(tenant, registration.id, judge);
      if (changed.status === 'conflict') throw new Error(`A statement of the launch ${sessionId} is stored with other content`);
      const { fetchSecret } = await created!;
      const base = publicUrl().replace(/\/+$/, '');
      const url = launchUrl(address, { endpoint: `${base}/xapi/`, fetch: `${base}/cmi5/fetch/${fetchSecret}`, learner: registration.learner, registration: registration.id, activityId: node });
      return { registration: registration.id, session: sessionId, url, mode, launchMethod: unit.launchMethod, unit: unit.index, activityId: node, expires: formatTimestamp(begun + idle) };
    } catch (error) {
      // A store that did not answer may yet have taken the launch in.
      if (!(error instanceof QuipuError) || error.status < 500) await created?.then(() => sessions.delete(sessionId)).catch(() => undefined);
      throw error;
    }
  }

  return {
    launch: (tenant, registration, request) => launch(tenant, registration, request),
    relaunch: async (tenant, id) => {
      const session = await sessions.find(id);
      if (!session || session.tenant !== tenant) throw new QuipuError('not-found', `There is no session ${id}.`);
      const { registration, unit, mode, returnURL } = session;
      return launch(tenant, registration, { unit, mode, ...(returnURL === undefined ? {} : { returnURL }) }, id);
    },
  };
}

/** An AU that was completed and passed may tell neither again (cmi5 9.3), and many do when they are launched in the mode Normal. */
function usualMode({ units }: RegistrationState, node: string): LaunchMode {
  const unit = Object.hasOwn(units, node) ? units[node] : undefined;
  return unit?.completed !== undefined && unit.passed !== undefined ? 'Review' : 'Normal';
}

/** A browser is sent there, so it leads to a page and does nothing else. */
function checkReturnUrl(url: string | undefined): void {
  if (url === undefined) return;
  const parsed = url.length <= LONGEST_URL && /^https?:\/\/[^\s\p{Cc}]+$/iu.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && parsed.username === '' && parsed.password === '') return;
  throw new QuipuError('invalid-request', `The returnURL ${JSON.stringify(url.slice(0, 200))} is not an address that a browser can be sent to.`,
    { pointer: '/returnURL', rule: 'return-url', section: 'cmi5 10.2.6', expected: `an absolute http or https URL without a user name, of at most ${LONGEST_URL} characters` });
}
