import { randomUUID } from 'node:crypto';
import type { SessionContext, JudgedStatement } from '../../../../src/cmi5/rules/judge-statement.js';
import { contextTemplateOf } from '../../../../src/cmi5/rules/lms-statements.js';
import type { AuVerb, RegistrationState } from '../../../../src/cmi5/rules/state.js';
import { auVerbIds, CMI5_CATEGORY, contextExtensions, MOVE_ON_CATEGORY } from '../../../../src/cmi5/rules/vocabulary.js';
import type { Context, Json, Statement } from '../../../../src/xapi/types.js';

/** A session as launched, with a mastery score. */
export function sessionContext(changes: Partial<SessionContext> = {}): SessionContext {
  const sessionId = changes.sessionId ?? 'a1a1a1a1-1111-4111-8111-111111111111';
  return {
    registration: '0e6a2f04-4f4c-4a44-a1d5-3b0f8ad4c001', sessionId, learner: { objectType: 'Agent', account: { homePage: 'https://lms.example', name: 'ann' } },
    unit: 'https://lrs.example/cmi5/activities/u1', publisherId: 'urn:course:au1', mode: 'Normal', moveOn: 'CompletedAndPassed', masteryScore: 0.8,
    contextTemplate: contextTemplateOf(sessionId, 'urn:course:au1'), preferencesRead: true, ...changes,
  };
}

/** The state of a registration whose session is under way and said these verbs; by default initialized. */
export function stateOf(session: SessionContext, said: Partial<Record<AuVerb, string>> = { initialized: 'first' }, units: RegistrationState['units'] = {}): RegistrationState {
  return { units, satisfied: {}, session: { id: session.sessionId, unit: session.unit, mode: session.mode, launched: 1000, said } };
}

/** A statement parsed, that a test may change at will. */
export type Sample = Statement & { context: Context & { extensions: Record<string, Json> }; result: Record<string, Json> };

/** A statement of an AU without a fault: cmi5 defined with one of the verbs, otherwise cmi5 allowed. */
export function auStatement(session: SessionContext, verb: AuVerb | 'experienced', score?: Record<string, number>): Sample {
  const judged = verb === 'completed' || verb === 'passed' || verb === 'failed';
  const template = structuredClone(session.contextTemplate);
  const category = [...(verb === 'experienced' ? [] : [CMI5_CATEGORY]), ...(judged ? [MOVE_ON_CATEGORY] : [])].map((id) => ({ id }));
  const result = {
    ...(judged || verb === 'terminated' ? { duration: 'PT1M' } : {}), ...(verb === 'completed' ? { completion: true } : {}),
    ...(verb === 'passed' || verb === 'failed' ? { success: verb === 'passed' } : {}), ...(score ? { score } : {}),
  };
  return {
    id: randomUUID(), actor: structuredClone(session.learner),
    verb: { id: verb === 'experienced' ? 'http://adlnet.gov/expapi/verbs/experienced' : auVerbIds[verb], display: { en: verb } },
    object: { id: session.unit },
    ...(Object.keys(result).length > 0 ? { result } : {}),
    context: {
      ...template, registration: session.registration,
      contextActivities: { ...template.contextActivities, ...(category.length > 0 ? { category } : {}) },
      extensions: { ...template.extensions, ...(score && session.masteryScore !== undefined ? { [contextExtensions.masteryScore]: session.masteryScore } : {}) },
    },
    timestamp: '2026-02-03T04:05:06.789Z',
  } as Sample;
}

/** As `judgeStatement` takes it. */
export function judged(statement: Statement, at = 5000): JudgedStatement {
  return { id: statement.id?.toLowerCase() ?? randomUUID(), hasOwnId: statement.id !== undefined, value: statement, at };
}
