import { shown, type Rule } from './rule.js';

const judgements: ReadonlySet<string> = new Set(['completed', 'passed', 'failed']);

const common = { status: 403, tolerable: true, pointer: '/verb/id' } as const;

/**
 * Rules of what may come when, in the session and in the registration (cmi5 9.3). The order is that in which statements arrive: the
 * clock of a learner's machine may be set right in the middle of a session.
 */
export const orderRules: readonly Rule[] = [
  {
    ...common, rule: 'launch-mode', section: 'cmi5 10.2.2',
    hint: 'Read launchMode of the State document LMS.LaunchData, and send completed, passed and failed in the mode Normal alone.',
    check: ({ session: { mode }, verb }) => (mode !== 'Normal' && verb && judgements.has(verb)
      ? { message: `The AU was launched in the mode ${mode}, in which it may not send ${verb}.`, requirement: mode === 'Browse' ? '10.2.2.0-2 (d)' : '10.2.2.0-3 (d)', uncounted: true } : undefined),
  },
  {
    ...common, rule: 'initialized-first', requirement: '9.3.0.0-4 (d2)', section: 'cmi5 9.3, 7.1.1', pointer: '',
    hint: 'Wait until the statement initialized has been answered, then send others.',
    check: ({ current, verb, value }) => (current.said.initialized === undefined && verb !== 'initialized'
      ? { message: `The verb ${shown(value.verb.id)} came before the session's statement initialized.` } : undefined),
  },
  {
    ...common, rule: 'preferences-read', requirement: '11.0.0.0-3 (d2)', section: 'cmi5 11.0',
    hint: 'Get the Agent Profile document cmi5LearnerPreferences of the actor at the start (404 means that there are none), then send initialized.',
    check: ({ session, verb }) => (verb === 'initialized' && !session.preferencesRead
      ? { message: 'The AU sent initialized before it asked for the learner preferences.' } : undefined),
  },
  {
    ...common, rule: 'verb-once', requirement: '9.3.0.0-2 (d)', section: 'cmi5 9.3',
    hint: 'Send each of the verbs that cmi5 defines once in a session.',
    check: ({ current, verb }) => {
      const before = verb && current.said[verb];
      if (before === undefined) return undefined;
      return { message: `The session has a cmi5 defined statement with the verb ${verb} already: ${before}.`, ...(verb === 'initialized' ? { requirement: '9.3.2.0-3 (d)', section: 'cmi5 9.3.2' } : {}) };
    },
  },
  {
    ...common, rule: 'completed-once', requirement: '9.3.0.0-6 (d2)', section: 'cmi5 9.3.3',
    hint: 'Keep in the State whether completed was sent, and send it once in a registration.',
    check: ({ session, state, current, verb }) => {
      const before = verb === 'completed' && current.said.completed === undefined ? state.units[session.unit]?.completed : undefined;
      return before === undefined ? undefined : { message: `The AU is completed in this registration already, by the statement ${before}.` };
    },
  },
  {
    ...common, rule: 'passed-once', requirement: '9.3.0.0-7 (d2)', section: 'cmi5 9.3.4',
    hint: 'Keep in the State whether passed was sent, and send it once in a registration.',
    check: ({ session, state, current, verb }) => {
      const before = verb === 'passed' && current.said.passed === undefined ? state.units[session.unit]?.passed : undefined;
      return before === undefined ? undefined : { message: `The AU is passed in this registration already, by the statement ${before}.` };
    },
  },
  {
    ...common, rule: 'passed-or-failed', requirement: '9.3.0.0-3 (d)', section: 'cmi5 9.3',
    hint: 'Send one of passed and failed in a session; a new attempt is a new launch.',
    check: ({ current, verb }) => (verb === 'passed' && current.said.failed !== undefined && current.said.passed === undefined
      ? { message: `The session has a statement failed already: ${current.said.failed}.`, uncounted: true } : undefined),
  },
  {
    ...common, rule: 'failed-after-passed', requirement: '9.3.0.0-8 (d)', section: 'cmi5 9.3',
    hint: 'What is passed stays passed in the registration: do not send failed any more. A new attempt that may fail is a new registration.',
    check: ({ session, state, current, verb }) => {
      const passed = verb === 'failed' && current.said.failed === undefined ? current.said.passed ?? state.units[session.unit]?.passed : undefined;
      return passed === undefined ? undefined : { message: `The AU is passed in this registration already, by the statement ${passed}.`, uncounted: true };
    },
  },
];
