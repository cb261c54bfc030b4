import type { AuVerb } from './state.js';

/** Ids of the verbs that an AU uses in cmi5 defined statements (cmi5 9.3). */
export const auVerbIds = {
  initialized: 'http://adlnet.gov/expapi/verbs/initialized',
  completed: 'http://adlnet.gov/expapi/verbs/completed',
  passed: 'http://adlnet.gov/expapi/verbs/passed',
  failed: 'http://adlnet.gov/expapi/verbs/failed',
  terminated: 'http://adlnet.gov/expapi/verbs/terminated',
} as const satisfies Record<AuVerb, string>;

/** Verbs of the statements that only the LMS makes (cmi5 9.3). */
export type LmsVerb = 'launched' | 'abandoned' | 'waived' | 'satisfied';

export const lmsVerbIds = {
  launched: 'http://adlnet.gov/expapi/verbs/launched',
  abandoned: 'https://w3id.org/xapi/adl/verbs/abandoned',
  waived: 'https://w3id.org/xapi/adl/verbs/waived',
  satisfied: 'https://w3id.org/xapi/adl/verbs/satisfied',
} as const satisfies Record<LmsVerb, string>;

/** The category of every cmi5 defined statement (cmi5 9.6.2.1). */
export const CMI5_CATEGORY = 'https://w3id.org/xapi/cmi5/context/categories/cmi5';
/** The category of statements with `success` or `completion` (cmi5 9.6.2.2). */
export const MOVE_ON_CATEGORY = 'https://w3id.org/xapi/cmi5/context/categories/moveon';

const extension = 'https://w3id.org/xapi/cmi5/context/extensions/';

/** Context extensions (cmi5 9.6.3). */
export const contextExtensions = {
  sessionId: `${extension}sessionid`,
  masteryScore: `${extension}masteryscore`,
  launchMode: `${extension}launchmode`,
  launchUrl: `${extension}launchurl`,
  moveOn: `${extension}moveon`,
  launchParameters: `${extension}launchparameters`,
} as const;

/** Result extension that says why an AU was waived (cmi5 9.5.5.2). */
export const REASON_EXTENSION = 'https://w3id.org/xapi/cmi5/result/extensions/reason';

/** Types of the objects of satisfied statements (cmi5 9.4). */
export const activityTypes = {
  block: 'https://w3id.org/xapi/cmi5/activitytype/block',
  course: 'https://w3id.org/xapi/cmi5/activitytype/course',
} as const;

const auVerbs = new Map<string, AuVerb>(Object.entries(auVerbIds).map(([verb, id]) => [id, verb as AuVerb]));
const lmsVerbs = new Map<string, LmsVerb>(Object.entries(lmsVerbIds).map(([verb, id]) => [id, verb as LmsVerb]));

/** The verb that cmi5 defines for an AU under this id. */
export function auVerbOf(id: string): AuVerb | undefined {
  return auVerbs.get(id);
}

/** The verb that cmi5 keeps for the LMS under this id. */
export function lmsVerbOf(id: string): LmsVerb | undefined {
  return lmsVerbs.get(id);
}
