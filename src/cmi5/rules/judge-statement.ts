import { contextActivityList } from '../../xapi/context-activities.js';
import { contextRules } from './context-rules.js';
import { identityRules } from './identity-rules.js';
import { orderRules } from './order-rules.js';
import { resultRules, scoreOf } from './result-rules.js';
import type { Judged, JudgedStatement, Rule, SessionContext } from './rule.js';
import type { AuVerb, Breach, RegistrationState, SessionState, UnitState } from './state.js';
import { auVerbOf, CMI5_CATEGORY } from './vocabulary.js';

export type { JudgedStatement, SessionContext } from './rule.js';

/** The most telling first: who and into what, what may come when, then what the statement says and how. */
const rules: readonly Rule[] = [...identityRules, ...orderRules, ...resultRules, ...contextRules];

/**
 * Judges a statement of an AU by the rules of cmi5 7.1, 8.1, 9 and 10.2, and says what the registration comes to with it. Statements are
 * taken for cmi5 defined by their category and never by their verb (cmi5 7.1.3).
 *
 * @param state before the statement; it is not changed
 * @returns the rules it breaks, the most telling first, and the state for when the statement is taken in: with all of them kept, or where
 * those it breaks are tolerated. A tolerated statement that contradicts itself, its score or the launch mode has no effect on what the
 * AU has come to. `next` is `state` itself where nothing changes, as with every "cmi5 allowed" statement.
 */
export function judgeStatement(session: SessionContext, state: RegistrationState, statement: JudgedStatement): { breaches: Breach[]; next: RegistrationState } {
  const current = state.session;
  const { value } = statement;
  const defined = contextActivityList(value.context, 'category').some(({ id }) => id === CMI5_CATEGORY);
  const verb = defined ? auVerbOf(value.verb.id) : undefined;
  const over = sessionOver(session, current, verb);
  if (over || !current) return { breaches: over ? [over] : [], next: state };
  const judged: Judged = { session, state, current, statement, value, defined, ...(verb ? { verb } : {}) };
  const breaches: Breach[] = [];
  let counted = true;
  for (const { check, ...rule } of rules) {
    const found = check(judged);
    if (!found) continue;
    const { uncounted, ...details } = found;
    if (uncounted) counted = false;
    breaches.push({ ...rule, ...details });
  }
  return { breaches, next: verb ? advance(judged, counted) : state };
}

/** What has ended takes nothing in, and then nothing else matters (cmi5 9.3.6 and 9.3.8). */
function sessionOver({ sessionId }: SessionContext, current: SessionState | undefined, verb: AuVerb | undefined): Breach | undefined {
  const common = { pointer: '', status: 403, tolerable: false } as const;
  if (current?.id === sessionId && current.terminated !== undefined) {
    return { ...common, rule: 'session-terminated', requirement: '9.3.0.0-5 (d2)', section: 'cmi5 9.3.8, 7.1.2', message: `The session ${sessionId} has ended with the AU's statement terminated.`,
      hint: 'Send terminated when all other statements have been answered.' };
  }
  if (current?.id === sessionId && current.abandoned === undefined) return undefined;
  if (current && current.id !== sessionId && verb === 'terminated') {
    return { ...common, expected: true, rule: 'session-abandoned', requirement: '9.3.6.0-2 (d2)', section: 'cmi5 9.3.6',
      message: `The session ${sessionId} had ended when the page that was left said terminated: the AU was launched again meanwhile, as when a learner refreshes the page.`,
      hint: 'Nothing is to be mended: the session was ended by the launch that followed, and terminated would have changed nothing.' };
  }
  return { ...common, rule: 'session-abandoned', requirement: '9.3.6.0-2 (d2)', section: 'cmi5 9.3.6', message: `The session ${sessionId} was abandoned: it was idle for long, was ended by hand, or the course was launched again.`,
    hint: 'Launch the AU again; what it keeps in its State is still there.' };
}

function advance({ session, state, current, statement, verb, value }: Judged, counted: boolean): RegistrationState {
  if (!verb) return state;
  const after: SessionState = { ...current, said: { ...current.said, [verb]: current.said[verb] ?? statement.id }, last: statement.at };
  if (verb === 'terminated') after.terminated = statement.at;
  const before = state.units[session.unit] ?? {};
  const unit = counted ? unitAfter(before, verb, statement.id, scoreOf(value)?.scaled) : before;
  return { ...state, session: after, units: unit === before ? state.units : { ...state.units, [session.unit]: unit } };
}

function unitAfter(unit: UnitState, verb: string, id: string, score: number | undefined): UnitState {
  if (verb === 'completed') return unit.completed === undefined ? { ...unit, completed: id } : unit;
  if (verb === 'passed') return unit.passed === undefined ? scored({ ...unit, passed: id }, score) : unit;
  if (verb === 'failed') return scored({ ...unit, failed: id }, score);
  return unit;
}

function scored({ score: _before, ...unit }: UnitState, score: number | undefined): UnitState {
  return score === undefined ? unit : { ...unit, score };
}
