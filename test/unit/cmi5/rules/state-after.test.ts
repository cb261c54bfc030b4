import t from 'tap';
import { judgeStatement, type SessionContext } from '../../../../src/cmi5/rules/judge-statement.js';
import type { AuVerb, LaunchMode, RegistrationState } from '../../../../src/cmi5/rules/state.js';
import { auStatement, judged, sessionContext, stateOf } from './au-statements.js';

const session = sessionContext();

void t.test('what a statement without a fault comes to', (t) => {
  let state = stateOf(session, {});
  const say = (verb: AuVerb | 'experienced', at: number, score?: Record<string, number>): string => {
    const statement = auStatement(session, verb, score);
    const { breaches, next } = judgeStatement(session, state, judged(statement, at));
    t.same(breaches, [], verb);
    if (verb === 'experienced') t.equal(next, state, 'an allowed statement changes nothing');
    state = next;
    return statement.id!;
  };
  const initialized = say('initialized', 2000);
  say('experienced', 2500);
  const completed = say('completed', 3000);
  const passed = say('passed', 4000, { scaled: 0.9 });
  const terminated = say('terminated', 5000);
  t.same(state, {
    units: { [session.unit]: { completed, passed, score: 0.9 } }, satisfied: {},
    session: { id: session.sessionId, unit: session.unit, mode: 'Normal', launched: 1000, said: { initialized, completed, passed, terminated }, last: 5000, terminated: 5000 },
  });
  t.end();
});

void t.test('a failure and then a success', (t) => {
  let state = stateOf(session);
  const failed = auStatement(session, 'failed', { scaled: 0.2 });
  state = judgeStatement(session, state, judged(failed)).next;
  t.same(state.units[session.unit], { failed: failed.id, score: 0.2 });
  const second = sessionContext({ sessionId: 'b2b2b2b2-2222-4222-8222-222222222222' });
  const passed = auStatement(second, 'passed');
  const after = judgeStatement(second, { ...stateOf(second), units: state.units }, judged(passed));
  t.same(after.breaches, []);
  t.same(after.next.units[session.unit], { failed: failed.id, passed: passed.id }, 'the score is that of the statement that counts');
  t.end();
});

void t.test('what is tolerated and contradicts itself does not count', (t) => {
  const unit = session.unit;
  const outcome = (verb: AuVerb, alter: (statement: ReturnType<typeof auStatement>) => void, given: SessionContext = session, state = stateOf(given), score?: Record<string, number>) => {
    const statement = auStatement(given, verb, score);
    alter(statement);
    const { breaches, next } = judgeStatement(given, state, judged(statement));
    t.ok(breaches.length > 0 && breaches.every(({ tolerable }) => tolerable));
    t.equal(next.session!.said[verb], state.session!.said[verb] ?? statement.id, 'said it is all the same');
    return Object.keys(next.units[unit] ?? {});
  };
  const nothing = (): void => undefined;
  t.same(outcome('passed', nothing, session, stateOf(session), { scaled: 0.1 }), []);
  t.same(outcome('failed', nothing, session, stateOf(session), { scaled: 0.9 }), []);
  t.same(outcome('passed', ({ result }) => { result.success = false; }), []);
  t.same(outcome('completed', ({ result }) => { result.completion = false; }), []);
  for (const mode of ['Browse', 'Review'] as LaunchMode[]) t.same(outcome('completed', nothing, sessionContext({ mode })), []);
  t.same(outcome('passed', nothing, session, stateOf(session, { initialized: 'a', failed: 'b' }, { [unit]: { failed: 'b' } })), ['failed']);
  t.same(outcome('failed', nothing, session, stateOf(session, { initialized: 'a' }, { [unit]: { passed: 'b' } })), ['passed']);
  t.same(outcome('passed', ({ result }) => { delete result.success; }), ['passed'], 'what is only left out counts');
  t.same(outcome('completed', ({ result }) => { delete result.duration; delete result.completion; }), ['completed']);
  t.same(outcome('completed', nothing, session, stateOf(session, {})), ['completed'], 'so does what came too early');
  t.end();
});

void t.test('a repeat that is tolerated leaves the first statement the one that decided', (t) => {
  const state = stateOf(session, { initialized: 'a', completed: 'b' }, { [session.unit]: { completed: 'b' } });
  const { next } = judgeStatement(session, state, judged(auStatement(session, 'completed')));
  t.same(next.units[session.unit], { completed: 'b' });
  t.equal(next.session!.said.completed, 'b');
  t.end();
});

/** A generator of numbers that is the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let x = Math.imul(a ^ (a >>> 15), 1 | a);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** The rules of order (cmi5 9.3) said again, over the list of all that was taken in. */
function allowedByOrder(history: { session: string; unit: string; verb: string }[], one: { session: string; unit: string; verb: string }, mode: LaunchMode): boolean {
  const here = history.filter((other) => other.session === one.session).map(({ verb }) => verb);
  const unit = history.filter((other) => other.unit === one.unit).map(({ verb }) => verb);
  if (here.includes('terminated')) return false;
  if (one.verb === 'experienced') return here.includes('initialized');
  if (one.verb === 'initialized') return !here.includes('initialized');
  if (!here.includes('initialized') || here.includes(one.verb)) return false;
  if (one.verb === 'terminated') return true;
  if (mode !== 'Normal') return false;
  if (one.verb === 'completed') return !unit.includes('completed');
  if (one.verb === 'passed') return !unit.includes('passed') && !here.includes('failed');
  return !unit.includes('passed');
}

void t.test('histories of many sessions come out as a plain model of the rules says', (t) => {
  const random = seeded(20260203);
  const verbs = ['experienced', 'initialized', 'completed', 'passed', 'failed', 'terminated'] as const;
  const modes: LaunchMode[] = ['Normal', 'Normal', 'Normal', 'Browse', 'Review'];
  let taken = 0;
  let refused = 0;
  for (let run = 0; run < 300; run++) {
    const history: { session: string; unit: string; verb: string }[] = [];
    let state: RegistrationState = { units: {}, satisfied: {} };
    for (let launch = 0; launch < 4; launch++) {
      const mode = modes[Math.floor(random() * modes.length)]!;
      const context = sessionContext({ sessionId: `s-${run}-${launch}`, unit: `https://lrs.example/u${Math.floor(random() * 2)}`, mode });
      state = { ...state, session: stateOf(context, {}).session! };
      for (let step = 0; step < 8; step++) {
        const verb = step === 0 && random() < 0.7 ? 'initialized' : verbs[Math.floor(random() * verbs.length)]!;
        const one = { session: context.sessionId, unit: context.unit, verb };
        const { breaches, next } = judgeStatement(context, state, judged(auStatement(context, verb)));
        const wanted = allowedByOrder(history, one, mode);
        if ((breaches.length === 0) !== wanted) t.fail(`run ${run}: ${verb} after ${JSON.stringify(history)} in the mode ${mode}: ${breaches.map(({ rule }) => rule).join()}`);
        if (!wanted) { refused++; continue; }
        taken++;
        history.push(one);
        state = next;
      }
    }
  }
  t.ok(taken > 1000 && refused > 1000, `${taken} taken in, ${refused} refused`);
  t.end();
});
