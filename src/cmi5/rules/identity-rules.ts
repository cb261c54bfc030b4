import { agentIdentifier } from '../../xapi/actors.js';
import { voidedVerb } from '../../xapi/statement-rules.js';
import type { Json, StatementObject } from '../../xapi/types.js';
import { shown, type Rule } from './rule.js';
import { contextExtensions, lmsVerbOf, type LmsVerb } from './vocabulary.js';

/** The requirement by which the LMS, and no AU, makes statements with a verb. */
const lmsRequirements: Record<LmsVerb, string> = { launched: '9.3.1.0-1', abandoned: '9.3.6.0-1', waived: '9.3.7.0-1', satisfied: '9.3.9.0-1' };

const fixed = { status: 403, tolerable: false } as const;

/** Rules of who writes, into what, and with which verbs. */
export const identityRules: readonly Rule[] = [
  {
    ...fixed, rule: 'actor-agent', requirement: '9.2.0.0-2', section: 'cmi5 9.2', pointer: '/actor/objectType',
    hint: 'Use the actor of the launch URL as it is.',
    check: ({ value: { actor } }) => (actor.objectType === 'Group' ? { message: 'The actor is a Group; it has to be the Agent of the launch URL.' } : undefined),
  },
  {
    ...fixed, rule: 'actor-account', requirement: '9.2.0.0-3', section: 'cmi5 9.2', pointer: '/actor',
    hint: 'Use the actor of the launch URL as it is: it is identified by an account.',
    check: ({ value: { actor } }) => (actor.objectType !== 'Group' && !actor.account ? { message: 'The actor is not identified by an account.' } : undefined),
  },
  {
    ...fixed, rule: 'actor-learner', requirement: '8.1.3.0-3 (d)', section: 'cmi5 8.1.3', pointer: '/actor/account',
    hint: 'Use the actor of the launch URL as it is.',
    check: ({ session, value: { actor } }) => (actor.objectType !== 'Group' && actor.account && agentIdentifier(actor) !== agentIdentifier(session.learner)
      ? { message: `The actor has the account ${shown({ ...actor.account })}, which is not that of the learner who was launched.` } : undefined),
  },
  {
    ...fixed, rule: 'context', requirement: '9.6.0.0-1 (d)', section: 'cmi5 9.6, 10.2.1', pointer: '',
    hint: 'Copy contextTemplate of the State document LMS.LaunchData into the context of each statement and add the registration of the launch URL.',
    check: ({ value: { context } }) => (context ? undefined : { message: 'The statement has no context.' }),
  },
  {
    ...fixed, rule: 'context-registration', requirement: '9.6.1.0-1 (d)', section: 'cmi5 9.6.1', pointer: '/context/registration',
    hint: 'Set context.registration to the parameter registration of the launch URL.',
    check: ({ session, value: { context } }) => (context && context.registration?.toLowerCase() !== session.registration.toLowerCase()
      ? { message: `context.registration is ${shown(context.registration)}; the AU was launched with ${session.registration}.` } : undefined),
  },
  {
    ...fixed, rule: 'context-session', requirement: '9.6.3.1-4 (d)', section: 'cmi5 9.6.3.1', pointer: '/context/extensions',
    hint: 'Copy contextTemplate.extensions of the State document LMS.LaunchData of this launch; do not keep one of an earlier launch.',
    check: ({ session, value: { context } }) => {
      if (!context) return undefined;
      const found = context.extensions?.[contextExtensions.sessionId];
      return found === session.sessionId ? undefined : { message: `The extension sessionid is ${shown(found)}; the session has ${session.sessionId}.` };
    },
  },
  {
    ...fixed, rule: 'no-voiding', requirement: '6.3.0.0-1', section: 'cmi5 6.3', pointer: '/verb/id',
    hint: 'An AU can not take back a statement. Send another statement that says what holds.',
    check: ({ value: { verb } }) => (verb.id === voidedVerb ? { message: 'An AU may not void statements.' } : undefined),
  },
  {
    ...fixed, rule: 'verb-of-lms', section: 'cmi5 9.3', pointer: '/verb/id',
    hint: 'Leave launched, abandoned, waived and satisfied to the LMS, or leave out the cmi5 category.',
    check: ({ defined, value: { verb } }) => {
      const reserved = defined ? lmsVerbOf(verb.id) : undefined;
      return reserved && { message: `Only the LMS makes cmi5 defined statements with the verb ${reserved} (${verb.id}).`, requirement: lmsRequirements[reserved] };
    },
  },
  {
    rule: 'verb-defined', section: 'cmi5 7.1.3', pointer: '/verb/id', status: 403, tolerable: true,
    hint: 'Leave out the cmi5 category: with another verb than initialized, completed, passed, failed and terminated the statement is "cmi5 allowed".',
    check: ({ defined, verb, value }) => (defined && !verb && !lmsVerbOf(value.verb.id) && value.verb.id !== voidedVerb
      ? { message: `The statement has the cmi5 category, and cmi5 does not define the verb ${shown(value.verb.id)}.` } : undefined),
  },
  {
    ...fixed, rule: 'object-unit', requirement: '8.1.5.0-6 (d)', section: 'cmi5 8.1.5, 9.4', pointer: '/object',
    hint: "Use the parameter activityId of the launch URL as the object's id; it is not the id in cmi5.xml.",
    check: ({ session, verb, value: { object } }) => {
      if (!verb) return undefined;
      const id = activityId(object);
      if (id === session.unit) return undefined;
      if (id === undefined) return { message: `The object is a ${shown(object.objectType)}, not the activity ${session.unit}.`, pointer: '/object/objectType' };
      return { message: `The object is ${shown(id)}; the AU was launched with the activityId ${session.unit}.`, pointer: '/object/id' };
    },
  },
];

function activityId(object: StatementObject): Json | undefined {
  return object.objectType === undefined || object.objectType === 'Activity' ? (object as { id: string }).id : undefined;
}
