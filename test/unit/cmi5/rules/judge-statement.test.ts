import t from 'tap';
import { contextRules } from '../../../../src/cmi5/rules/context-rules.js';
import { identityRules } from '../../../../src/cmi5/rules/identity-rules.js';
import { judgeStatement, type SessionContext } from '../../../../src/cmi5/rules/judge-statement.js';
import { orderRules } from '../../../../src/cmi5/rules/order-rules.js';
import { resultRules } from '../../../../src/cmi5/rules/result-rules.js';
import type { AuVerb, RegistrationState } from '../../../../src/cmi5/rules/state.js';
import { CMI5_CATEGORY, contextExtensions, MOVE_ON_CATEGORY } from '../../../../src/cmi5/rules/vocabulary.js';
import type { Json, Statement } from '../../../../src/xapi/types.js';
import { validateStatement } from '../../../../src/xapi/validation.js';
import { auStatement, judged, sessionContext, stateOf, type Sample } from './au-statements.js';

type Verb = AuVerb | 'experienced';

/** A statement with one fault, and the one rule that says so. */
interface Twin {
  fault: string;
  verb: Verb;
  score?: Record<string, number>;
  session?: Partial<SessionContext>;
  said?: Partial<Record<AuVerb, string>>;
  units?: RegistrationState['units'];
  alter?: (statement: Sample) => void;
  rule: string;
  requirement?: string;
  tolerable: boolean;
  pointer?: string;
}

const unit = sessionContext().unit;
const grouping = (statement: Sample): { id: string }[] => statement.context.contextActivities!.grouping!;
const category = (statement: Sample): { id: string }[] => statement.context.contextActivities!.category!;

const everyVerb: Verb[] = ['experienced', 'initialized', 'completed', 'passed', 'failed', 'terminated'];
/** A fault that counts whatever the verb. */
const anyVerb = (twin: Omit<Twin, 'verb'>): Twin[] => everyVerb.map((verb) => ({ ...twin, verb, ...(verb === 'initialized' ? { said: {} } : {}) }));

const twins: Twin[] = [
  ...anyVerb({ fault: 'a Group as actor', alter: ({ actor }) => { actor.objectType = 'Group'; }, rule: 'actor-agent', requirement: '9.2.0.0-2', tolerable: false }),
  ...anyVerb({ fault: 'an actor by mail', alter: (statement) => { statement.actor = { mbox: 'mailto:ann@example.org' }; }, rule: 'actor-account', requirement: '9.2.0.0-3', tolerable: false }),
  ...anyVerb({ fault: 'another account name', alter: ({ actor }) => { actor.account!.name = 'bob'; }, rule: 'actor-learner', requirement: '8.1.3.0-3 (d)', tolerable: false }),
  ...anyVerb({ fault: 'another home page', alter: ({ actor }) => { actor.account!.homePage = 'https://other.example'; }, rule: 'actor-learner', tolerable: false }),
  { fault: 'no context at all', verb: 'experienced', alter: (statement) => { delete (statement as Partial<Sample>).context; }, rule: 'context', requirement: '9.6.0.0-1 (d)', tolerable: false },
  { fault: 'no context and thereby no category', verb: 'passed', alter: (statement) => { delete (statement as Partial<Sample>).context; }, rule: 'context', tolerable: false },
  ...anyVerb({ fault: 'no registration', alter: ({ context }) => { delete context.registration; }, rule: 'context-registration', requirement: '9.6.1.0-1 (d)', tolerable: false }),
  ...anyVerb({ fault: 'another registration', alter: ({ context }) => { context.registration = 'ccaf384c-f8d4-4e7a-8304-49af58f0b176'; }, rule: 'context-registration', requirement: '9.6.1.0-1 (d)', tolerable: false }),
  ...anyVerb({ fault: 'no session id', alter: ({ context }) => { delete context.extensions[contextExtensions.sessionId]; }, rule: 'context-session', requirement: '9.6.3.1-4 (d)', tolerable: false }),
  ...anyVerb({ fault: 'another session id', alter: ({ context }) => { context.extensions[contextExtensions.sessionId] = 'other'; }, rule: 'context-session', tolerable: false }),
  { fault: 'no extensions', verb: 'experienced', alter: (statement) => { delete (statement.context as Partial<Sample['context']>).extensions; }, rule: 'context-session', tolerable: false },
  { fault: 'voiding', verb: 'experienced', alter: (statement) => { statement.verb.id = 'http://adlnet.gov/expapi/verbs/voided'; statement.object = { objectType: 'StatementRef', id: 'ccaf384c-f8d4-4e7a-8304-49af58f0b176' }; }, rule: 'no-voiding', requirement: '6.3.0.0-1', tolerable: false },
  { fault: 'launched', verb: 'terminated', alter: ({ verb }) => { verb.id = 'http://adlnet.gov/expapi/verbs/launched'; }, rule: 'verb-of-lms', requirement: '9.3.1.0-1', tolerable: false },
  { fault: 'abandoned', verb: 'terminated', alter: ({ verb }) => { verb.id = 'https://w3id.org/xapi/adl/verbs/abandoned'; }, rule: 'verb-of-lms', requirement: '9.3.6.0-1', tolerable: false },
  { fault: 'waived', verb: 'terminated', alter: ({ verb }) => { verb.id = 'https://w3id.org/xapi/adl/verbs/waived'; }, rule: 'verb-of-lms', requirement: '9.3.7.0-1', tolerable: false },
  { fault: 'satisfied', verb: 'terminated', alter: ({ verb }) => { verb.id = 'https://w3id.org/xapi/adl/verbs/satisfied'; }, rule: 'verb-of-lms', requirement: '9.3.9.0-1', tolerable: false },
  { fault: 'the category with another verb', verb: 'terminated', alter: ({ verb }) => { verb.id = 'http://adlnet.gov/expapi/verbs/experienced'; }, rule: 'verb-defined', tolerable: true, pointer: '/verb/id' },
  ...(['initialized', 'completed', 'passed', 'failed', 'terminated'] as const).map((verb): Twin => (
    { fault: 'another object', verb, ...(verb === 'initialized' ? { said: {} } : {}), alter: (statement) => { statement.object = { id: 'urn:course:au1' }; }, rule: 'object-unit', requirement: '8.1.5.0-6 (d)', tolerable: false, pointer: '/object/id' })),
  { fault: 'an object that is no activity', verb: 'passed', alter: (statement) => { statement.object = structuredClone(statement.actor); (statement.object as { objectType: string }).objectType = 'Agent'; }, rule: 'object-unit', tolerable: false, pointer: '/object/objectType' },
  ...(['completed', 'passed', 'failed'] as const).flatMap((verb): Twin[] => [
    { fault: 'the mode Browse', verb, session: { mode: 'Browse' }, rule: 'launch-mode', requirement: '10.2.2.0-2 (d)', tolerable: true },
    { fault: 'the mode Review', verb, session: { mode: 'Review' }, rule: 'launch-mode', requirement: '10.2.2.0-3 (d)', tolerable: true },
    { fault: 'no moveon category', verb, alter: (statement) => { category(statement).pop(); }, rule: 'moveon-category', requirement: `9.6.2.2-1 (${{ completed: 'd1', passed: 'd2', failed: 'd3' }[verb]})`, tolerable: true },
  ]),
  ...(['experienced', 'completed', 'passed', 'failed', 'terminated'] as const).map((verb): Twin => (
    { fault: 'before initialized', verb, said: {}, rule: 'initialized-first', requirement: '9.3.0.0-4 (d2)', tolerable: true })),
  { fault: 'no look at the preferences', verb: 'initialized', said: {}, session: { preferencesRead: false }, rule: 'preferences-read', requirement: '11.0.0.0-3 (d2)', tolerable: true },
  { fault: 'initialized twice', verb: 'initialized', rule: 'verb-once', requirement: '9.3.2.0-3 (d)', tolerable: true },
  { fault: 'completed twice in the session', verb: 'completed', said: { initialized: 'a', completed: 'b' }, units: { [unit]: { completed: 'b' } }, rule: 'verb-once', requirement: '9.3.0.0-2 (d)', tolerable: true },
  { fault: 'passed twice in the session', verb: 'passed', said: { initialized: 'a', passed: 'b' }, units: { [unit]: { passed: 'b' } }, rule: 'verb-once', requirement: '9.3.0.0-2 (d)', tolerable: true },
  { fault: 'failed twice in the session', verb: 'failed', said: { initialized: 'a', failed: 'b' }, units: { [unit]: { failed: 'b' } }, rule: 'verb-once', requirement: '9.3.0.0-2 (d)', tolerable: true },
  { fault: 'completed again in the registration', verb: 'completed', units: { [unit]: { completed: 'b' } }, rule: 'completed-once', requirement: '9.3.0.0-6 (d2)', tolerable: true },
  { fault: 'passed again in the registration', verb: 'passed', units: { [unit]: { passed: 'b' } }, rule: 'passed-once', requirement: '9.3.0.0-7 (d2)', tolerable: true },
  { fault: 'passed after failed in the session', verb: 'passed', said: { initialized: 'a', failed: 'b' }, units: { [unit]: { failed: 'b' } }, rule: 'passed-or-failed', requirement: '9.3.0.0-3 (d)', tolerable: true },
  { fault: 'failed after passed in the session', verb: 'failed', said: { initialized: 'a', passed: 'b' }, units: { [unit]: { passed: 'b' } }, rule: 'failed-after-passed', requirement: '9.3.0.0-8 (d)', tolerable: true },
  { fault: 'failed after passed in the registration', verb: 'failed', units: { [unit]: { passed: 'b' } }, rule: 'failed-after-passed', requirement: '9.3.0.0-8 (d)', tolerable: true },
  { fault: 'after terminated', verb: 'experienced', said: { initialized: 'a', terminated: 'z' }, rule: 'session-terminated', requirement: '9.3.0.0-5 (d2)', tolerable: false },
  { fault: 'terminated again', verb: 'terminated', said: { initialized: 'a', terminated: 'z' }, rule: 'session-terminated', tolerable: false },
  { fault: 'passed below the mastery score', verb: 'passed', score: { scaled: 0.79 }, rule: 'passed-mastery', requirement: '9.3.4.0-2 (d2)', tolerable: true, pointer: '/result/score/scaled' },
  { fault: 'failed at the mastery score', verb: 'failed', score: { scaled: 0.8 }, rule: 'failed-mastery', requirement: '9.3.5.0-2 (d)', tolerable: true },
  { fault: 'failed above the mastery score', verb: 'failed', score: { scaled: 0.81 }, rule: 'failed-mastery', requirement: '9.3.5.0-2 (d)', tolerable: true },
  { fault: 'failed at a mastery score of 0', verb: 'failed', score: { scaled: 0 }, session: { masteryScore: 0 }, rule: 'failed-mastery', tolerable: true },
  { fault: 'no success', verb: 'passed', alter: ({ result }) => { delete result.success; }, rule: 'success', requirement: '9.5.2.0-1 (d1)', tolerable: true },
  { fault: 'success false', verb: 'passed', alter: ({ result }) => { result.success = false; }, rule: 'success', requirement: '9.5.2.0-1 (d1)', tolerable: true },
  { fault: 'no success', verb: 'failed', alter: ({ result }) => { delete result.success; }, rule: 'success', requirement: '9.5.2.0-2 (d)', tolerable: true },
  { fault: 'success true', verb: 'failed', alter: ({ result }) => { result.success = true; }, rule: 'success', requirement: '9.5.2.0-2 (d)', tolerable: true },
  { fault: 'success', verb: 'completed', alter: ({ result }) => { result.success = true; }, rule: 'success-elsewhere', requirement: '9.5.2.0-3 (d)', tolerable: true },
  { fault: 'success', verb: 'terminated', alter: ({ result }) => { result.success = false; }, rule: 'success-elsewhere', requirement: '9.5.2.0-3 (d)', tolerable: true },
  { fault: 'success', verb: 'initialized', said: {}, alter: (statement) => { statement.result = { success: true }; }, rule: 'success-elsewhere', tolerable: true },
  { fault: 'no completion', verb: 'completed', alter: ({ result }) => { delete result.completion; }, rule: 'completion', requirement: '9.5.3.0-1 (d1)', tolerable: true },
  { fault: 'completion false', verb: 'completed', alter: ({ result }) => { result.completion = false; }, rule: 'completion', requirement: '9.5.3.0-1 (d1)', tolerable: true },
  { fault: 'completion', verb: 'passed', alter: ({ result }) => { result.completion = true; }, rule: 'completion-elsewhere', requirement: '9.5.3.0-2 (d)', tolerable: true },
  { fault: 'completion', verb: 'failed', alter: ({ result }) => { result.completion = false; }, rule: 'completion-elsewhere', requirement: '9.5.3.0-2 (d)', tolerable: true },
  { fault: 'completion', verb: 'terminated', alter: ({ result }) => { result.completion = true; }, rule: 'completion-elsewhere', requirement: '9.5.3.0-2 (d)', tolerable: true },
  { fault: 'a score', verb: 'completed', alter: ({ result }) => { result.score = { scaled: 0.5 }; }, rule: 'score-elsewhere', requirement: '9.5.1.0-2 (d)', tolerable: true },
  { fault: 'a score', verb: 'terminated', alter: ({ result }) => { result.score = { raw: 5 }; }, rule: 'score-elsewhere', requirement: '9.5.1.0-2 (d)', tolerable: true },
  { fault: 'a negative score', verb: 'failed', score: { scaled: -0.1 }, rule: 'score-scaled', tolerable: true },
  { fault: 'raw without min', verb: 'passed', score: { scaled: 0.9, raw: 90, max: 100 }, rule: 'score-bounds', requirement: '9.5.1.0-3 (d1)', tolerable: true },
  { fault: 'raw without max', verb: 'failed', score: { scaled: 0.1, raw: 10, min: 0 }, rule: 'score-bounds', requirement: '9.5.1.0-3 (d2)', tolerable: true },
  ...Object.entries({ terminated: '1', completed: '2', passed: '3', failed: '4' }).map(([verb, number]): Twin => (
    { fault: 'no duration', verb: verb as Verb, alter: ({ result }) => { delete result.duration; }, rule: 'duration', requirement: `9.5.4.1-${number} (d)`, tolerable: true })),
  { fault: 'no result', verb: 'terminated', alter: (statement) => { delete (statement as Partial<Sample>).result; }, rule: 'duration', requirement: '9.5.4.1-1 (d)', tolerable: true },
  { fault: 'no grouping', verb: 'passed', alter: (statement) => { delete statement.context.contextActivities!.grouping; }, rule: 'context-template', requirement: '9.6.2.0-1 (d)', tolerable: true },
  { fault: 'another grouping', verb: 'experienced', alter: (statement) => { grouping(statement)[0]!.id = 'urn:other'; }, rule: 'context-template', requirement: '10.2.1.0-6 (d)', tolerable: true },
  { fault: 'an extension of the template changed', verb: 'experienced', session: { contextTemplate: { ...sessionContext().contextTemplate, extensions: { ...sessionContext().contextTemplate.extensions, 'https://lms.example/x': { a: [1] } } } }, alter: ({ context }) => { context.extensions['https://lms.example/x'] = { a: [2] }; }, rule: 'context-template', requirement: '10.2.1.0-7 (d)', tolerable: true },
  { fault: 'an extension of the template left out', verb: 'experienced', session: { contextTemplate: { ...sessionContext().contextTemplate, extensions: { ...sessionContext().contextTemplate.extensions, 'https://lms.example/x': 1 } } }, alter: ({ context }) => { delete context.extensions['https://lms.example/x']; }, rule: 'context-template', requirement: '10.2.1.0-6 (d)', tolerable: true },
  { fault: 'another property of the template changed', verb: 'experienced', session: { contextTemplate: { ...sessionContext().contextTemplate, platform: 'Quipu' } }, alter: ({ context }) => { context.platform = 'Mine'; }, rule: 'context-template', requirement: '10.2.1.0-7 (d)', tolerable: true },
  { fault: 'the moveon category', verb: 'experienced', alter: ({ context }) => { context.contextActivities!.category = [{ id: MOVE_ON_CATEGORY }]; }, rule: 'moveon-category-elsewhere', requirement: '9.6.2.2-2 (d)', tolerable: true },
  { fault: 'the moveon category', verb: 'terminated', alter: (statement) => { category(statement).push({ id: MOVE_ON_CATEGORY }); }, rule: 'moveon-category-elsewhere', requirement: '9.6.2.2-2 (d)', tolerable: true },
  { fault: 'the moveon category', verb: 'initialized', said: {}, alter: (statement) => { category(statement).push({ id: MOVE_ON_CATEGORY }); }, rule: 'moveon-category-elsewhere', tolerable: true },
  { fault: 'the moveon category without that of cmi5', verb: 'passed', alter: (statement) => { category(statement).shift(); }, rule: 'moveon-category-elsewhere', tolerable: true },
  ...(['passed', 'failed'] as const).flatMap((verb): Twin[] => [
    { fault: 'no masteryscore extension', verb, score: { scaled: verb === 'passed' ? 1 : 0 }, alter: ({ context }) => { delete context.extensions[contextExtensions.masteryScore]; }, rule: 'mastery-score-extension', requirement: '9.6.3.2-2 (d)', tolerable: true },
    { fault: 'another masteryscore extension', verb, score: { scaled: verb === 'passed' ? 1 : 0 }, alter: ({ context }) => { context.extensions[contextExtensions.masteryScore] = 0.7; }, rule: 'mastery-score-extension', requirement: '9.6.3.2-2 (d)', tolerable: true },
    { fault: 'the masteryscore extension as text', verb, score: { scaled: verb === 'passed' ? 1 : 0 }, alter: ({ context }) => { context.extensions[contextExtensions.masteryScore] = '0.8'; }, rule: 'mastery-score-extension', tolerable: true },
  ]),
  ...anyVerb({ fault: 'no id', alter: (statement) => { delete statement.id; }, rule: 'own-id', requirement: '9.1.0.0-1 (d)', tolerable: true }),
  ...anyVerb({ fault: 'no timestamp', alter: (statement) => { delete statement.timestamp; }, rule: 'timestamp', requirement: '9.7.0.0-1 (d)', tolerable: true }),
  ...anyVerb({ fault: 'a timestamp elsewhere', alter: (statement) => { statement.timestamp = '2026-02-03T04:05:06-06:00'; }, rule: 'timestamp-utc', requirement: '9.7.0.0-2 (d)', tolerable: true }),
  { fault: 'a timestamp of no zone', verb: 'experienced', alter: (statement) => { statement.timestamp = '2026-02-03T04:05:06'; }, rule: 'timestamp-utc', tolerable: true },
];

/** The session of a twin, its state, and its statement before it is altered. */
function good({ verb, score, session: changes, said, units }: Twin): { session: SessionContext; state: RegistrationState; statement: Sample } {
  const session = sessionContext(changes);
  const state = stateOf(session, said, units);
  if (said?.terminated !== undefined) state.session!.terminated = 4000;
  return { session, state, statement: auStatement(session, verb, score) };
}

for (const twin of twins) {
  void t.test(`${twin.verb} with ${twin.fault} breaks ${twin.rule} alone`, (t) => {
    const { session, state, statement } = good(twin);
    if (twin.alter) t.same(judgeStatement(session, state, judged(structuredClone(statement))).breaches, [], 'without the fault all is well');
    twin.alter?.(statement);
    t.equal(validateStatement(statement as unknown as Json, '1.0.3', 0)?.message, undefined, 'it is valid xAPI');
    const before = structuredClone(state);
    const { breaches } = judgeStatement(session, state, judged(statement));
    t.same(state, before, 'the state is not changed');
    t.same(breaches.map(({ rule }) => rule), [twin.rule]);
    const breach = breaches[0]!;
    t.equal(breach.status, 403);
    t.equal(breach.tolerable, twin.tolerable);
    if (twin.requirement !== undefined) t.equal(breach.requirement, twin.requirement);
    if (twin.pointer !== undefined) t.equal(breach.pointer, twin.pointer);
    t.match(breach.section, /^cmi5 \d/);
    t.ok(breach.message.endsWith('.') && breach.hint.endsWith('.'), 'message and hint are sentences');
    t.ok(breach.message.length < 600);
    t.end();
  });
}

void t.test('every rule has a twin', (t) => {
  const rules = [...identityRules, ...orderRules, ...resultRules, ...contextRules].map(({ rule }) => rule);
  t.equal(new Set(rules).size, rules.length);
  t.same(rules.filter((rule) => !twins.some((twin) => twin.rule === rule)), []);
  t.end();
});

void t.test('what is right', (t) => {
  const { breaches } = { breaches: (verb: Verb, alter: (statement: Sample) => void = () => undefined, session = sessionContext(), state = stateOf(session), score?: Record<string, number>) => {
    const statement = auStatement(session, verb, score);
    alter(statement);
    return judgeStatement(session, state, judged(statement)).breaches.map(({ rule }) => rule);
  } };
  const session = sessionContext();
  t.same(breaches('initialized', undefined, session, stateOf(session, {})), []);
  t.same(breaches('experienced'), []);
  t.same(breaches('experienced', (statement) => { statement.verb.id = 'https://w3id.org/xapi/adl/verbs/satisfied'; }), [], 'verbs are nothing without the category');
  t.same(breaches('experienced', (statement) => { statement.verb.id = 'http://adlnet.gov/expapi/verbs/passed'; statement.result = { success: false, score: { raw: 3 } }; }), [], 'nor are results');
  t.same(breaches('experienced', (statement) => { statement.object = { id: 'https://example.org/slide' }; }), [], 'an allowed statement has any object');
  t.same(breaches('experienced', ({ context }) => { context.contextActivities!.other = [{ id: CMI5_CATEGORY }]; }), [], 'the category counts as a category alone');
  t.same(breaches('experienced', ({ context }) => { context.registration = context.registration!.toUpperCase(); }), [], 'UUIDs have no case');
  t.same(breaches('experienced', ({ actor }) => { actor.name = 'Ann'; delete actor.objectType; }), [], 'a name and an Agent by default');
  t.same(breaches('experienced', ({ context }) => { context.contextActivities!.grouping = { id: 'urn:course:au1', definition: { type: 'urn:type' } } as never; }), [], 'one activity outside of a list');
  t.same(breaches('experienced', ({ context }) => { context.contextActivities!.grouping!.push({ id: 'urn:more' }); context.extensions['urn:more'] = 1; context.platform = 'x'; }), [], 'additions');
  for (const timestamp of ['2026-02-03T04:05:06Z', '2026-02-03T04:05:06.1+00:00', '20260203T040506+00', '2026-02-03T04:05:06z']) t.same(breaches('experienced', (statement) => { statement.timestamp = timestamp; }), [], timestamp);
  t.same(breaches('experienced', (statement) => { statement.timestamp = '1999-01-01T00:00:00Z'; }), [], 'a clock that is wrong');
  t.same(breaches('passed', undefined, session, stateOf(session), { scaled: 0.8 }), [], 'at the mastery score');
  t.same(breaches('passed', undefined, session, stateOf(session), { scaled: 0.8, raw: 8, min: 0, max: 10 }), []);
  t.same(breaches('failed', undefined, session, stateOf(session), { scaled: 0.7999 }), []);
  t.same(breaches('failed', undefined, sessionContext({ masteryScore: undefined }), stateOf(session), { scaled: 1 }), [], 'without a mastery score any score');
  t.same(breaches('passed', undefined, session, stateOf(session, { initialized: 'a' }, { [unit]: { failed: 'x' } })), [], 'passed after failed in an earlier session');
  t.same(breaches('failed', undefined, session, stateOf(session, { initialized: 'a' }, { [unit]: { failed: 'x' } })), [], 'failed again in another session');
  t.same(breaches('completed', undefined, session, stateOf(session, { initialized: 'a' }, { other: { completed: 'x', passed: 'y' } })), [], 'another AU of the registration');
  t.same(breaches('passed', undefined, session, stateOf(session, { initialized: 'a' }, { [unit]: { waived: 'x' } })), [], 'of a waived AU');
  t.same(breaches('terminated', undefined, sessionContext({ mode: 'Browse' })), [], 'terminated in the mode Browse');
  t.same(breaches('terminated', undefined, sessionContext({ mode: 'Review' })), [], 'terminated in the mode Review');
  t.end();
});

void t.test('a session that is not under way takes nothing in, whatever it is', (t) => {
  const session = sessionContext();
  const statement = judged({ actor: { mbox: 'mailto:x@example.org' }, verb: { id: 'urn:x' }, object: { id: 'urn:y' } } as Statement);
  const abandoned = stateOf(session);
  abandoned.session!.abandoned = 3000;
  const replaced = stateOf(sessionContext({ sessionId: 'b2b2b2b2-2222-4222-8222-222222222222' }));
  for (const [what, state] of Object.entries({ abandoned, replaced, never: { units: {}, satisfied: {} } })) {
    const { breaches, next } = judgeStatement(session, state, statement);
    t.same(breaches.map(({ rule, requirement, status, tolerable }) => ({ rule, requirement, status, tolerable })), [{ rule: 'session-abandoned', requirement: '9.3.6.0-2 (d2)', status: 403, tolerable: false }], what);
    t.equal(next, state);
  }
  t.end();
});

void t.test('what a page says that is left after another launch is refused and marked as harmless', (t) => {
  const session = sessionContext();
  const replaced = stateOf(sessionContext({ sessionId: 'b2b2b2b2-2222-4222-8222-222222222222' }));
  const abandoned = stateOf(session);
  abandoned.session!.abandoned = 3000;
  const of = (state: typeof replaced, verb: 'terminated' | 'completed' | 'experienced') => judgeStatement(session, state, judged(auStatement(session, verb))).breaches.map(({ rule, status, expected }) => ({ rule, status, expected }));
  t.same(of(replaced, 'terminated'), [{ rule: 'session-abandoned', status: 403, expected: true }]);
  for (const [state, verb] of [[replaced, 'completed'], [replaced, 'experienced'], [abandoned, 'terminated']] as const) t.same(of(state, verb), [{ rule: 'session-abandoned', status: 403, expected: undefined }], verb);
  t.end();
});

void t.test('several faults are all named, who writes before how', (t) => {
  const session = sessionContext();
  const statement = auStatement(session, 'completed');
  statement.actor.account!.name = 'bob';
  delete statement.result.duration;
  delete statement.timestamp;
  const rules = judgeStatement(session, stateOf(session, {}), judged(statement)).breaches.map(({ rule }) => rule);
  t.same(rules, ['actor-learner', 'initialized-first', 'duration', 'timestamp']);
  t.end();
});

void t.test('hostile values are shown short and change nothing of ours', (t) => {
  const session = sessionContext();
  const statement = auStatement(session, 'terminated');
  statement.context.extensions = JSON.parse(`{"__proto__": {"x": 1}, "${contextExtensions.sessionId}": "${'y'.repeat(100_000)}"}`) as Sample['context']['extensions'];
  const { breaches } = judgeStatement(session, stateOf(session), judged(statement));
  t.same(breaches.map(({ rule }) => rule), ['context-session']);
  t.ok(breaches[0]!.message.length < 400);
  statement.verb.id = '__proto__';
  t.same(judgeStatement(session, stateOf(session), judged(statement)).breaches.map(({ rule }) => rule), ['context-session', 'verb-defined']);
  t.end();
});
