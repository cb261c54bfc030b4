import { isDeepStrictEqual } from 'node:util';
import { contextActivityKinds, contextActivityList } from '../../xapi/context-activities.js';
import type { Context, Extensions, Json } from '../../xapi/types.js';
import { scoreOf } from './result-rules.js';
import { shown, type Found, type Judged, type Rule } from './rule.js';
import type { AuVerb } from './state.js';
import { contextExtensions, MOVE_ON_CATEGORY } from './vocabulary.js';

const moveOnRequirements: Partial<Record<AuVerb, string>> = { completed: '9.6.2.2-1 (d1)', passed: '9.6.2.2-1 (d2)', failed: '9.6.2.2-1 (d3)' };

const common = { status: 403, tolerable: true } as const;

/** Rules of the context (cmi5 9.6 and 10.2.1) beyond who writes and into what, and of id and timestamp. */
export const contextRules: readonly Rule[] = [
  {
    ...common, rule: 'context-template', section: 'cmi5 10.2.1', pointer: '/context',
    hint: 'Copy contextTemplate of the State document LMS.LaunchData into the context of each statement; add to it, and leave what is there as it is.',
    check: checkTemplate,
  },
  {
    ...common, rule: 'moveon-category', section: 'cmi5 9.6.2.2', pointer: '/context/contextActivities/category',
    hint: `Add the activity ${MOVE_ON_CATEGORY} to contextActivities.category of completed, passed and failed.`,
    check: ({ verb, value: { context } }) => {
      const requirement = verb && moveOnRequirements[verb];
      return requirement !== undefined && !contextActivityList(context, 'category').some(({ id }) => id === MOVE_ON_CATEGORY)
        ? { message: `The verb ${verb} asks for the moveon category, and it is not among the category activities.`, requirement } : undefined;
    },
  },
  {
    ...common, rule: 'moveon-category-elsewhere', requirement: '9.6.2.2-2 (d)', section: 'cmi5 9.6.2.2', pointer: '/context/contextActivities/category',
    hint: `Leave out the activity ${MOVE_ON_CATEGORY}, except with completed, passed and failed that have the cmi5 category.`,
    check: ({ verb, defined, value }) => {
      const { context } = value;
      if (verb && moveOnRequirements[verb]) return undefined;
      const kind = contextActivityKinds.find((each) => contextActivityList(context, each).some(({ id }) => id === MOVE_ON_CATEGORY));
      return kind && { message: `The moveon category is there, and ${defined ? `the verb is ${verb ?? shown(value.verb.id)}` : 'the statement is not cmi5 defined: the cmi5 category is missing'}.`, pointer: `/context/contextActivities/${kind}` };
    },
  },
  {
    ...common, rule: 'mastery-score-extension', requirement: '9.6.3.2-2 (d)', section: 'cmi5 9.6.3.2', pointer: '/context/extensions',
    hint: `Put masteryScore of the State document LMS.LaunchData, as a number, into the context extension ${contextExtensions.masteryScore} of passed and failed with a score.`,
    check: ({ session: { masteryScore }, verb, value }) => {
      if ((verb !== 'passed' && verb !== 'failed') || masteryScore === undefined || scoreOf(value) === undefined) return undefined;
      const found = value.context?.extensions?.[contextExtensions.masteryScore];
      return found === masteryScore ? undefined : { message: `The extension masteryscore is ${shown(found)}; the AU was launched with ${masteryScore}.` };
    },
  },
  {
    ...common, rule: 'own-id', requirement: '9.1.0.0-1 (d)', section: 'cmi5 9.1', pointer: '/id',
    hint: 'Give each statement a UUID of its own: then it can be sent again after an answer was lost.',
    check: ({ statement }) => (statement.hasOwnId ? undefined : { message: 'The statement has no id.', pointer: '' }),
  },
  {
    ...common, rule: 'timestamp', requirement: '9.7.0.0-1 (d)', section: 'cmi5 9.7', pointer: '',
    hint: 'Set timestamp to when it happened, in UTC, such as 2026-01-31T12:00:00.000Z.',
    check: ({ value }) => (value.timestamp === undefined ? { message: 'The statement has no timestamp.' } : undefined),
  },
  {
    ...common, rule: 'timestamp-utc', requirement: '9.7.0.0-2 (d)', section: 'cmi5 9.7', pointer: '/timestamp',
    hint: 'Write timestamps in UTC with Z at the end, such as 2026-01-31T12:00:00.000Z.',
    check: ({ value: { timestamp } }) => (timestamp !== undefined && !/(?:[Zz]|\+00(?::?00)?)$/.test(timestamp)
      ? { message: `The timestamp ${shown(timestamp)} is not in UTC.` } : undefined),
  },
];

/** What the template gives has to be there unaltered. Registration and session have rules of their own. */
function checkTemplate({ session: { contextTemplate }, defined, value: { context } }: Judged): Found | undefined {
  if (!context) return undefined;
  return activitiesMissing(contextTemplate, context, defined)
    ?? changed(contextTemplate.extensions ?? {}, context.extensions ?? {}, '/context/extensions', [contextExtensions.sessionId])
    ?? changed(contextTemplate as Extensions, context as Extensions, '/context', ['registration', 'extensions', 'contextActivities']);
}

function activitiesMissing(template: Context, context: Context, defined: boolean): Found | undefined {
  for (const kind of contextActivityKinds) {
    const given = contextActivityList(context, kind);
    const missing = contextActivityList(template, kind).find(({ id }) => !given.some((other) => other.id === id));
    if (missing) {
      return { message: `The activity ${shown(missing.id)} of contextTemplate is not among contextActivities.${kind}.`, pointer: given.length > 0 ? `/context/contextActivities/${kind}` : '/context', requirement: defined ? '9.6.2.0-1 (d)' : '10.2.1.0-6 (d)' };
    }
  }
  return undefined;
}

function changed(template: Record<string, Json>, given: Record<string, Json>, pointer: string, except: readonly string[]): Found | undefined {
  for (const key of Object.keys(template)) {
    if (except.includes(key)) continue;
    if (!Object.hasOwn(given, key)) return { message: `${shown(key)} of contextTemplate is not there.`, pointer, requirement: '10.2.1.0-6 (d)' };
    if (!isDeepStrictEqual(given[key], template[key])) return { message: `${shown(key)} is ${shown(given[key])}; contextTemplate has ${shown(template[key])}.`, pointer, requirement: '10.2.1.0-7 (d)' };
  }
  return undefined;
}
