import type { Statement } from '../../xapi/types.js';
import { shown, type Rule } from './rule.js';
import type { AuVerb } from './state.js';

/** The properties of a score (xAPI 1.0.3 Part Two 2.4.5.1). */
interface Score {
  scaled?: number;
  raw?: number;
  min?: number;
  max?: number;
}

/** The score of a valid statement. */
export function scoreOf({ result }: Statement): Score | undefined {
  return result?.score as Score | undefined;
}

const durationRequirements: Partial<Record<AuVerb, string>> = { terminated: '9.5.4.1-1 (d)', completed: '9.5.4.1-2 (d)', passed: '9.5.4.1-3 (d)', failed: '9.5.4.1-4 (d)' };

/** What `success` and `completion` have to be; nothing for verbs that must not have them. */
const success: Partial<Record<AuVerb, { value: boolean; requirement: string }>> = {
  passed: { value: true, requirement: '9.5.2.0-1 (d1)' },
  failed: { value: false, requirement: '9.5.2.0-2 (d)' },
};

const common = { status: 403, tolerable: true } as const;

/** Rules of the result of cmi5 defined statements (cmi5 9.5). */
export const resultRules: readonly Rule[] = [
  {
    ...common, rule: 'passed-mastery', requirement: '9.3.4.0-2 (d2)', section: 'cmi5 9.3.4', pointer: '/result/score/scaled',
    hint: 'Compare the score with masteryScore of the State document LMS.LaunchData, and send failed below it.',
    check: ({ session: { masteryScore }, verb, value }) => {
      const scaled = scoreOf(value)?.scaled;
      return verb === 'passed' && masteryScore !== undefined && scaled !== undefined && scaled < masteryScore
        ? { message: `The score is ${scaled}, below the mastery score ${masteryScore}, and the verb is passed.`, uncounted: true } : undefined;
    },
  },
  {
    ...common, rule: 'failed-mastery', requirement: '9.3.5.0-2 (d)', section: 'cmi5 9.3.5', pointer: '/result/score/scaled',
    hint: 'Compare the score with masteryScore of the State document LMS.LaunchData, and send passed from it upwards.',
    check: ({ session: { masteryScore }, verb, value }) => {
      const scaled = scoreOf(value)?.scaled;
      return verb === 'failed' && masteryScore !== undefined && scaled !== undefined && scaled >= masteryScore
        ? { message: `The score is ${scaled}, not below the mastery score ${masteryScore}, and the verb is failed.`, uncounted: true } : undefined;
    },
  },
  {
    ...common, rule: 'success', section: 'cmi5 9.5.2', pointer: '/result/success',
    hint: 'Set result.success to true with passed and to false with failed.',
    check: ({ verb, value: { result } }) => {
      const wanted = verb && success[verb];
      if (!wanted || result?.success === wanted.value) return undefined;
      return { message: `result.success is ${shown(result?.success)}; with the verb ${verb} it has to be ${wanted.value}.`, requirement: wanted.requirement, uncounted: result?.success !== undefined };
    },
  },
  {
    ...common, rule: 'success-elsewhere', requirement: '9.5.2.0-3 (d)', section: 'cmi5 9.5.2', pointer: '/result/success',
    hint: 'Leave result.success out, except with passed and failed.',
    check: ({ verb, value: { result } }) => (verb && !success[verb] && result?.success !== undefined
      ? { message: `result.success is ${shown(result.success)}; with the verb ${verb} it may not be there.` } : undefined),
  },
  {
    ...common, rule: 'completion', requirement: '9.5.3.0-1 (d1)', section: 'cmi5 9.5.3', pointer: '/result/completion',
    hint: 'Set result.completion to true with completed.',
    check: ({ verb, value: { result } }) => (verb === 'completed' && result?.completion !== true
      ? { message: `result.completion is ${shown(result?.completion)}; with the verb completed it has to be true.`, uncounted: result?.completion === false } : undefined),
  },
  {
    ...common, rule: 'completion-elsewhere', requirement: '9.5.3.0-2 (d)', section: 'cmi5 9.5.3', pointer: '/result/completion',
    hint: 'Leave result.completion out, except with completed; send completed beside passed where both hold.',
    check: ({ verb, value: { result } }) => (verb && verb !== 'completed' && result?.completion !== undefined
      ? { message: `result.completion is ${shown(result.completion)}; with the verb ${verb} it may not be there.` } : undefined),
  },
  {
    ...common, rule: 'score-elsewhere', requirement: '9.5.1.0-2 (d)', section: 'cmi5 9.5.1', pointer: '/result/score',
    hint: 'Send the score with passed or failed, or in a statement without the cmi5 category.',
    check: ({ verb, value: { result } }) => (verb && verb !== 'passed' && verb !== 'failed' && result?.score !== undefined
      ? { message: `There is a score, ${shown(result.score)}; with the verb ${verb} it may not be there.` } : undefined),
  },
  {
    ...common, rule: 'score-scaled', section: 'cmi5 9.5.1', pointer: '/result/score/scaled',
    hint: 'Give the scaled score as a number from 0 to 1.',
    check: ({ verb, value }) => {
      const scaled = verb === 'passed' || verb === 'failed' ? scoreOf(value)?.scaled : undefined;
      return scaled !== undefined && scaled < 0 ? { message: `The scaled score is ${scaled}; it has to be between 0 and 1.` } : undefined;
    },
  },
  {
    ...common, rule: 'score-bounds', section: 'cmi5 9.5.1', pointer: '/result/score',
    hint: 'Give min and max of the score beside raw, or scaled alone.',
    check: ({ verb, value }) => {
      const score = verb === 'passed' || verb === 'failed' ? scoreOf(value) : undefined;
      if (score?.raw === undefined || (score.min !== undefined && score.max !== undefined)) return undefined;
      const missing = score.min === undefined ? 'min' : 'max';
      return { message: `The raw score is ${score.raw}, without ${missing}.`, requirement: missing === 'min' ? '9.5.1.0-3 (d1)' : '9.5.1.0-3 (d2)' };
    },
  },
  {
    ...common, rule: 'duration', section: 'cmi5 9.5.4.1', pointer: '/result/duration',
    hint: 'Set result.duration, such as PT1M30S: with terminated the length of the session, otherwise the time that it took the learner.',
    check: ({ verb, value: { result } }) => {
      const requirement = verb && durationRequirements[verb];
      return requirement !== undefined && result?.duration === undefined ? { message: `The verb ${verb} asks for result.duration.`, requirement } : undefined;
    },
  },
];
