import type { DocumentAccess } from '../../auth/policy.js';
import { isLanguageTag } from '../../xapi/language-tags.js';
import type { Breach } from './state.js';

/** The State document that tells an AU how it was launched (cmi5 10.0). */
export const LAUNCH_DATA = 'LMS.LaunchData';
/** The Agent Profile document of cmi5 11.0. */
export const LEARNER_PREFERENCES = 'cmi5LearnerPreferences';

/** Whose documents a session may use. */
export interface DocumentContext {
  /** Canonical identifier of the learner. */
  learnerKey: string;
  /** UUID in lower case. */
  registration: string;
  /** The ids of the AU: the LMS's, then the publisher's. */
  unit: string;
  publisherId: string;
  /** What the activity ids begin with that the LMS gives to AUs, blocks and courses. */
  lmsActivities: string;
}

const fixed = { status: 403, tolerable: false, pointer: '' } as const;

/**
 * What an AU may do with documents (cmi5 10 to 12): use the State of its learner, registration and activity, but for what the LMS has
 * written there; write the learner's preferences; read what else is said of its learner; use the profile of its own activity.
 * @returns the rule that a request breaks
 */
export function judgeDocument(context: DocumentContext, access: DocumentAccess): Breach | undefined {
  switch (access.resource) {
    case 'state': return judgeState(context, access);
    case 'agent-profile': return judgeAgentProfile(context, access);
    case 'activity-profile': return judgeActivityProfile(context, access);
    case 'agent': return access.agent === context.learnerKey ? undefined : otherAgent('agent-own', 'cmi5 8.1.3', '11.0.0.0-1 (d)');
  }
}

function judgeState({ learnerKey, registration, unit, lmsActivities }: DocumentContext, access: DocumentAccess): Breach | undefined {
  const { method, agent, activityId = '', registration: asked, id } = access;
  if (agent !== learnerKey) return otherAgent('state-agent', 'cmi5 10.1', '10.1.0.0-4');
  if (asked !== undefined && asked !== registration) {
    return { ...fixed, rule: 'state-registration', requirement: '10.1.0.0-5', section: 'cmi5 10.1', message: `The registration is ${asked}; the AU was launched with ${registration}.`, hint: 'Use the registration of the launch URL.' };
  }
  if (activityId !== unit && (asked === undefined || activityId.startsWith(lmsActivities))) {
    return { ...fixed, rule: 'state-activity', requirement: '10.1.0.0-3', section: 'cmi5 10.1', message: `The activity is ${shown(activityId)}; the AU was launched with the activityId ${unit}.`, hint: 'Use the activityId of the launch URL; State of activities within it goes with the registration.' };
  }
  if (method === 'GET') return undefined;
  if (id === LAUNCH_DATA) {
    return { ...fixed, rule: 'launch-data', requirement: '10.2.1.0-5 (d)', section: 'cmi5 10.2.1', message: `An AU may not ${method} the document ${LAUNCH_DATA}.`, hint: 'Keep what the AU has to remember under a stateId of its own.' };
  }
  if (id === undefined) {
    return { ...fixed, rule: 'launch-data', requirement: '10.2.1.0-5 (d)', section: 'cmi5 10.2.1', message: `Without a stateId the request would delete ${LAUNCH_DATA} as well.`, hint: 'Delete the documents one by one.' };
  }
  return undefined;
}

function judgeAgentProfile({ learnerKey }: DocumentContext, { method, agent, id, content, contentType }: DocumentAccess): Breach | undefined {
  if (agent !== learnerKey) return otherAgent('profile-agent', 'cmi5 11.0', '11.0.0.0-1 (d)');
  if (method === 'GET') return undefined;
  const common = { ...fixed, section: 'cmi5 11.0' };
  if (id !== LEARNER_PREFERENCES) {
    return { ...common, rule: 'profile-name', requirement: '11.0.0.0-4', message: `An AU may write the profile ${LEARNER_PREFERENCES} of its learner, not ${shown(id ?? '')}.`, hint: `Write preferences under the profileId ${LEARNER_PREFERENCES}, and anything else into the State.` };
  }
  if (method === 'DELETE') return { ...common, rule: 'preferences-stay', requirement: '11.0.0.0-5 (d)', message: 'An AU may not delete the learner preferences.', hint: 'Write other preferences by PUT.' };
  const problem = preferencesProblem(content ?? Buffer.alloc(0), contentType ?? '');
  return problem && { ...common, rule: 'preferences', hint: 'PUT {"languagePreference":"en-US,fr-FR","audioPreference":"on"} as application/json.', ...problem };
}

function preferencesProblem(content: Buffer, contentType: string): Pick<Breach, 'message' | 'requirement' | 'section' | 'pointer'> | undefined {
  const whole = { requirement: '11.0.0.0-5 (d)', section: 'cmi5 11.0', pointer: '' };
  if (contentType.split(';', 1)[0]!.trim().toLowerCase() !== 'application/json') return { ...whole, message: `The Content-Type is ${shown(contentType)}, not application/json.` };
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8'));
  } catch {
    return { ...whole, message: 'The document is not JSON.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { ...whole, message: 'The document is not a JSON object.' };
  const { languagePreference: languages, audioPreference: audio } = value as { languagePreference?: unknown; audioPreference?: unknown };
  if (languages === undefined || audio === undefined) return { ...whole, message: `The document has no ${languages === undefined ? 'languagePreference' : 'audioPreference'}.` };
  if (typeof languages !== 'string' || !languages.split(',').every((tag) => isLanguageTag(tag.trim()))) {
    return { requirement: '11.1.0.0-1 (d)', section: 'cmi5 11.1', pointer: '/languagePreference', message: `languagePreference is ${shown(languages)}, which is no list of language tags separated by commas.` };
  }
  if (audio !== 'on' && audio !== 'off') return { requirement: '11.0.0.0-5 (d)', section: 'cmi5 11.2', pointer: '/audioPreference', message: `audioPreference is ${shown(audio)}, not "on" or "off".` };
  return undefined;
}

/** A publisher may give an AU any id, that of another AU of this LMS as well. */
function judgeActivityProfile({ unit, publisherId, lmsActivities }: DocumentContext, { method, activityId }: DocumentAccess): Breach | undefined {
  if (method === 'GET' || activityId === unit || (activityId === publisherId && !publisherId.startsWith(lmsActivities))) return undefined;
  return { ...fixed, rule: 'activity-profile', section: 'cmi5 12.0', message: `An AU may write the profile of its own activity, not of ${shown(activityId ?? '')}.`, hint: 'Use the activityId of the launch URL.' };
}

function otherAgent(rule: string, section: string, requirement: string): Breach {
  return { ...fixed, rule, section, requirement, message: 'The agent is not the learner who was launched.', hint: 'Use the actor of the launch URL as it is.' };
}

/** A value as a message shows it: JSON, cut where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
