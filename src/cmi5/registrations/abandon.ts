import { QuipuError } from '../../xapi/errors.js';
import { formatTimestamp } from '../../xapi/timestamps.js';
import type { Statement } from '../../xapi/types.js';
import { abandonedStatement } from '../rules/lms-statements.js';
import type { RegistrationState, SessionState } from '../rules/state.js';
import type { Courses } from './course-facts.js';
import { factsOf, statementUnit } from './lms-facts.js';
import { isUnderWay, type Registration, type RegistrationWriter } from './registration-writer.js';
import type { Sessions } from './sessions.js';

/** How a session ended. */
export interface Abandoned {
  session: string;
  registration: string;
  /** ISO 8601 in UTC. */
  abandoned: string;
}

export interface AbandonService {
  /** What is stored when the session that is under way is abandoned, and the state after; nothing when none is. */
  follow(tenant: string, registration: Registration, at: number): Promise<{ statements: Statement[]; state: RegistrationState }>;
  /**
   * Ends a session whose AU will say nothing more (cmi5 9.3.6). Repeatable.
   * @throws QuipuError `not-found`; `record-conflict` when it has ended by itself
   */
  abandon(tenant: string, session: string): Promise<Abandoned>;
  /** Ends the session that a registration has under way, if `when` still says so. @returns whether it has ended one */
  abandonWhen(tenant: string, registration: string, when: (session: SessionState) => boolean): Promise<boolean>;
}

export interface AbandonServiceDeps {
  writer: RegistrationWriter;
  sessions: Sessions;
  courses: Courses;
}

export function createAbandonService({ writer, sessions, courses }: AbandonServiceDeps): AbandonService {
  /** The AU of a session, in the registration's version or, if that has it no more, in the one that it was launched from. */
  async function unitOf(tenant: string, { version }: Registration, { id, unit }: SessionState): ReturnType<typeof find> {
    return await find(tenant, version, unit) ?? await find(tenant, (await sessions.find(id))?.version ?? version, unit);
  }

  async function find(tenant: string, version: string, unit: string): Promise<ReturnType<typeof statementUnit> | undefined> {
    const facts = await courses.facts(tenant, version).catch(undefinedWhenGone);
    if (!facts) return undefined;
    const index = facts.version.nodes.indexOf(unit);
    return index < 0 ? undefined : statementUnit(facts, index);
  }

  async function follow(tenant: string, registration: Registration, at: number): ReturnType<AbandonService['follow']> {
    const { state } = registration;
    const { session } = state;
    if (!isUnderWay(session)) return { statements: [], state };
    const unit = await unitOf(tenant, registration, session) ?? { node: session.unit, publisherId: session.unit, title: [] };
    const duration = (session.last ?? session.launched) - session.launched;
    return { statements: [abandonedStatement(factsOf(tenant, registration, session.id, at), unit, duration)], state: { ...state, session: { ...session, abandoned: at } } };
  }

  async function end(tenant: string, id: string, when: (session: SessionState) => boolean): Promise<{ session: SessionState | undefined; ended: boolean }> {
    const changed = await writer.change(tenant, id, async (registration) => {
      const { session } = registration.state;
      if (!isUnderWay(session) || !when(session)) return { statements: [], state: registration.state, answer: false };
      const { statements, state } = await follow(tenant, registration, Date.now());
      return { statements: statements.map((lms) => ({ lms })), state, answer: true };
    });
    if (changed.status === 'conflict') throw new Error(`The statement of an abandoned session of the registration ${id} is stored with other content`);
    return { session: changed.registration.state.session, ended: changed.answer };
  }

  return {
    follow,
    abandon: async (tenant, id) => {
      const record = await sessions.find(id);
      if (!record || record.tenant !== tenant) throw new QuipuError('not-found', `There is no session ${id}.`);
      const { session } = await end(tenant, record.registration, (current) => current.id === record.id);
      // Of a session that is not the registration's last one its own record says how it ended.
      const ended = session?.id === record.id ? session.abandoned && formatTimestamp(session.abandoned) : record.how !== 'terminated' && (record.ended ?? record.launched);
      if (!ended) throw new QuipuError('record-conflict', `The session ${id} has ended by itself: the AU has sent terminated.`);
      return { session: record.id, registration: record.registration, abandoned: ended };
    },
    abandonWhen: async (tenant, registration, when) => (await end(tenant, registration, when)).ended,
  };
}

/** A course may be deleted while its registrations are there. */
function undefinedWhenGone(error: unknown): undefined {
  if (!(error instanceof QuipuError) || error.code !== 'not-found') throw error;
}
