import type { CredentialPolicy, DocumentAccess } from '../../auth/policy.js';
import { withoutDefinitions, type NewStatement, type StoredStatement } from '../../statements/store.js';
import { definedThings } from '../../xapi/activity-definitions.js';
import { agentIdentifier } from '../../xapi/actors.js';
import { QuipuError, type ErrorCode } from '../../xapi/errors.js';
import { keyValues } from '../../xapi/statement-keys.js';
import type { Statement } from '../../xapi/types.js';
import { judgeDocument, LEARNER_PREFERENCES } from '../rules/document-rules.js';
import { judgeStatement, type SessionContext } from '../rules/judge-statement.js';
import { contextTemplateOf, type LmsFacts } from '../rules/lms-statements.js';
import { satisfactionOf } from '../rules/satisfaction.js';
import type { Breach } from '../rules/state.js';
import type { Courses } from './course-facts.js';
import type { Findings, NewFinding } from './findings.js';
import { isUnderWay, type Change, type ChangeStatement, type Registration, type RegistrationWriter } from './registration-writer.js';
import type { Session, Sessions } from './sessions.js';

export interface SessionPolicyDeps {
  writer: RegistrationWriter;
  sessions: Sessions;
  courses: Courses;
  findings: Findings;
  /** What the activity ids begin with that the LMS gives. */
  lmsActivities: string;
  /** Milliseconds after terminated for which State may be written. */
  stateGrace: number;
  /** The statement that is stored under an id. */
  stored(tenant: string, id: string): Promise<StoredStatement | undefined>;
  /** Told when a finding could not be recorded. */
  onFault(error: unknown): void;
  count(outcome: 'refusal' | 'finding' | 'expected'): void;
}

/** A statement that is refused. */
class Refusal extends Error {
  constructor(readonly index: number, readonly statement: NewStatement, readonly breach: Breach) {
    super('A statement is refused');
  }
}

/**
 * What the token of a session may do (cmi5 8 to 12): write statements that keep its rules, read those of its learner and registration, and
 * use its own documents. Each question is judged by the registration as it is at that moment, whichever process has changed it.
 */
export function createSessionPolicy(session: Session, deps: SessionPolicyDeps): CredentialPolicy {
  const { writer, sessions, courses, findings } = deps;
  const { id, tenant } = session;
  const learnerKey = agentIdentifier(session.learner)!;
  let preferencesRead = session.preferences !== undefined;

  /** Another process may have answered for the preferences; who has read them has read them. */
  async function readPreferences(registration: Registration): Promise<boolean> {
    if (!preferencesRead && registration.state.session?.said.initialized === undefined) preferencesRead = (await sessions.find(id))?.preferences !== undefined;
    return preferencesRead;
  }

  async function contextOf(registration: Registration): Promise<SessionContext> {
    const { publisherId, moveOn, masteryScore } = (await courses.facts(tenant, session.version)).units[session.unitIndex]!;
    return {
      registration: session.registration, sessionId: id, learner: session.learner, unit: session.unit, publisherId, mode: session.mode, moveOn,
      ...(masteryScore !== undefined && { masteryScore }), contextTemplate: contextTemplateOf(id, publisherId), preferencesRead: await readPreferences(registration),
    };
  }

  /** Whether a statement is one of the learner's that is stored already: sent again, because its answer was lost. */
  async function isRepeat({ preview, state }: Registration, { id: statement }: NewStatement): Promise<boolean> {
    if (preview) return Object.values(state.session?.said ?? {}).includes(statement);
    const stored = await deps.stored(tenant, statement);
    return stored !== undefined && mayRead(stored);
  }

  function definesOurs({ defines, value }: NewStatement): boolean {
    return defines && definedThings(value).activities.some(([activity]) => activity.startsWith(deps.lmsActivities));
  }

  function mayRead({ text }: StoredStatement): boolean {
    const { actor, context } = JSON.parse(text.toString('utf8')) as Statement;
    return agentIdentifier(actor) === learnerKey && context?.registration?.toLowerCase() === session.registration;
  }

  /** Judges a batch in its order. @throws Refusal at the first statement that breaks a rule which is not tolerated */
  async function judge(registration: Registration, batch: readonly NewStatement[], found: NewFinding[]): Promise<Change<undefined>> {
    const context = await contextOf(registration);
    const { outline } = await courses.facts(tenant, registration.version);
    const at = Date.now();
    const facts: LmsFacts = { tenant, learner: session.learner, registration: session.registration, created: registration.created, sessionId: id, at };
    const statements: ChangeStatement[] = [];
    let { state } = registration;
    for (const [index, statement] of batch.entries()) {
      const { breaches, next } = judgeStatement(context, state, { id: statement.id, hasOwnId: statement.named, value: statement.value, at });
      // What the activities of the LMS are called, the LMS says (cmi5 9.4).
      statements.push({ au: definesOurs(statement) ? withoutDefinitions(statement) : statement });
      if (breaches.length > 0) {
        if (isOpen(state.session, id) && await isRepeat(registration, statement)) continue;
        const tolerant = await courses.mode(tenant, session.course) === 'compat';
        const refused = breaches.find(({ tolerable }) => !tolerant || !tolerable);
        if (refused) throw new Refusal(index, statement, refused);
        found.push(...breaches.map((breach): NewFinding => ({ kind: 'finding', breach, ...requestOf(statement), index })));
      }
      if (registration.preview) found.push({ kind: 'statement', ...requestOf(statement), index });
      const follows = next.units === state.units ? { statements: [], state: next } : satisfactionOf(outline, next, facts);
      statements.push(...follows.statements.map((lms) => ({ lms })));
      state = follows.state;
    }
    // That it came is what counts: a resent statement shows that the learner is there as well.
    if (isOpen(state.session, id)) state = { ...state, session: { ...state.session!, last: at } };
    return { statements, state, answer: undefined };
  }

  async function record(found: readonly NewFinding[]): Promise<void> {
    for (const { kind, breach } of found) if (kind !== 'statement') deps.count(breach?.expected ? 'expected' : kind);
    await findings.record(tenant, session, found).catch(deps.onFault);
  }

  /** Refuses for what the registration has come to. */
  async function admitWhileOpen(access: Pick<NewFinding, 'request' | 'people'>): Promise<Registration> {
    const registration = await writer.read(tenant, session.registration);
    if (registration && isOpen(registration.state.session, id)) return registration;
    const breach = overBreach(id);
    // Of a registration that is gone nothing is kept.
    if (registration) await record([{ kind: 'refusal', breach, ...access }]);
    throw refusal(breach);
  }

  /**
   * State may still be written for a moment after terminated, because authoring tools send both at once and the order is chance; and after
   * the AU's page was loaded again, because what a page writes as it goes away arrives when the next one has begun.
   */
  async function isWithinGrace({ resource, method }: DocumentAccess): Promise<boolean> {
    if (resource !== 'state' || (method !== 'PUT' && method !== 'POST')) return false;
    const last = (await writer.read(tenant, session.registration))?.state.session;
    const ended = last?.id === id ? last.terminated : last?.follows === id ? last.launched : undefined;
    return ended !== undefined && Date.now() - ended <= deps.stateGrace;
  }

  return {
    filters: [[`A${learnerKey}`], [`G${session.registration}`]],
    mayRead,
    admitReading: async () => {
      await admitWhileOpen({ request: 'GET /xapi/statements', people: [] });
    },
    append: async (batch) => {
      let found: NewFinding[] = [];
      try {
        const changed = await writer.change(tenant, session.registration, (registration) => {
          found = [];
          return judge(registration, batch, found);
        });
        if (changed.status === 'conflict') return changed;
        await record(found);
        return { status: 'stored', outcomes: changed.outcomes };
      } catch (error) {
        if (error instanceof QuipuError && error.code === 'not-found') throw refusal(overBreach(id));
        if (!(error instanceof Refusal)) throw error;
        await record([{ kind: 'refusal', breach: error.breach, ...requestOf(error.statement), index: error.index }]);
        throw refusal(error.breach, error.index);
      }
    },
    admitDocument: async (access) => {
      const request = describe(access);
      if (!await isWithinGrace(access)) await admitWhileOpen(request);
      const { publisherId } = (await courses.facts(tenant, session.version)).units[session.unitIndex]!;
      const breach = judgeDocument({ learnerKey, registration: session.registration, unit: session.unit, publisherId, lmsActivities: deps.lmsActivities }, access);
      if (breach) {
        await record([{ kind: 'refusal', breach, ...request }]);
        throw refusal(breach);
      }
      if (preferencesRead || access.resource !== 'agent-profile' || access.method !== 'GET' || access.id !== LEARNER_PREFERENCES) return;
      await sessions.notePreferences(id);
      preferencesRead = true;
    },
  };
}

function isOpen(session: Registration['state']['session'], id: string): boolean {
  return session?.id === id && isUnderWay(session);
}

/** What a token is told that is not good any more (cmi5 8.1.2). */
function overBreach(id: string): Breach {
  return {
    rule: 'session-over', requirement: '8.1.2.0-2 (d)', section: 'cmi5 8.1.2, 8.2.1', pointer: '', status: 401, tolerable: false,
    message: `The session ${id} is over: it was terminated or abandoned, or the course was launched again.`, hint: 'Launch the AU again; what it keeps in its State is still there.',
  };
}

const codes = { 400: 'invalid-statement', 401: 'unauthorized', 403: 'rule-broken' } as const satisfies Record<Breach['status'], ErrorCode>;

/** A breach as it is answered. It names no scheme to authenticate by: a browser would open its login box over the content. */
function refusal({ status, rule, requirement, section, message, hint, pointer }: Breach, index?: number): QuipuError {
  const place = index === undefined ? '' : `Statement ${index}: `;
  return new QuipuError(codes[status], `${place}${message} ${hint} (${section}${requirement === undefined ? '' : `, requirement ${requirement}`})`, {
    ...(index === undefined ? {} : { statement: index, pointer }), rule, ...(requirement !== undefined && { requirement }), section, expected: hint,
  });
}

/** A statement as a finding shows it, and whom it names: the authority is always the LMS. */
function requestOf({ text, value }: NewStatement): Pick<NewFinding, 'request' | 'people'> {
  const people = [...keyValues(value)].filter(([, kinds]) => /[AR]/.test(kinds)).map(([identifier]) => identifier);
  return { request: `${text.toString('utf8')}}`, people };
}

/** A request for a document, as a finding shows it. */
function describe({ resource, method, id, agent, activityId, registration, content }: DocumentAccess): Pick<NewFinding, 'request' | 'people'> {
  const request = JSON.stringify({ method, resource, id, agent, activityId, registration, ...(content && { content: content.toString('utf8', 0, 4096) }) });
  return { request, people: agent === undefined ? [] : [agent] };
}
