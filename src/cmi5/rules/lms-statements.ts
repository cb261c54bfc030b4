import { isLanguageTag } from '../../xapi/language-tags.js';
import { formatTimestamp } from '../../xapi/timestamps.js';
import type { Activity, Actor, Context, Extensions, Json, LanguageMap, Statement } from '../../xapi/types.js';
import type { LangString, MoveOn } from '../course/structure.js';
import type { OutlineGroup } from './course-outline.js';
import type { LaunchMode } from './state.js';
import { uuid5 } from './uuid5.js';
import { activityTypes, CMI5_CATEGORY, contextExtensions, lmsVerbIds, MOVE_ON_CATEGORY, REASON_EXTENSION, type LmsVerb } from './vocabulary.js';

/** What all statements that the LMS makes of a registration have in common. */
export interface LmsFacts {
  tenant: string;
  /** With an account. */
  learner: Actor;
  /** UUID. */
  registration: string;
  /** When the registration was made, ISO 8601: one that is deleted and made again under the same id makes other statements. */
  created: string;
  /** The sessionid extension. */
  sessionId: string;
  /** When it happened, in milliseconds since the epoch. */
  at: number;
}

/** An AU as the object of a statement. */
export interface StatementUnit {
  /** The activity id that the LMS has given it. */
  node: string;
  publisherId: string;
  title: readonly LangString[];
  /** As the course structure has it. */
  activityType?: string;
}

/** What a launch settles (cmi5 9.6.3 and 10.2). */
export interface LaunchFacts {
  mode: LaunchMode;
  moveOn: MoveOn;
  masteryScore?: number;
  launchParameters?: string;
  /** Absolute, with the AU's own query and without the parameters of cmi5 8.1. */
  launchUrl: string;
}

/** The learner as content and statements name one (cmi5 8.1.3, 9.2): by the account alone, because a name is personal data. */
export function learnerActor({ account }: Actor): Actor {
  return { objectType: 'Agent', ...(account ? { account: { homePage: account.homePage, name: account.name } } : {}) };
}

/** The context that every statement of a session has to be based on (cmi5 10.2.1). */
export function contextTemplateOf(sessionId: string, publisherId: string): Context {
  return { contextActivities: { grouping: [activityWithId(publisherId)] }, extensions: { [contextExtensions.sessionId]: sessionId } };
}

/** "Launched" (cmi5 9.3.1): once a session, before the AU is launched. */
export function launchedStatement(facts: LmsFacts, unit: StatementUnit, launch: LaunchFacts): Statement {
  const { masteryScore, launchParameters } = launch;
  return lmsStatement(facts, 'launched', unitActivity(unit), unit.publisherId, facts.sessionId, {
    extensions: {
      ...(masteryScore === undefined ? {} : { [contextExtensions.masteryScore]: masteryScore }),
      [contextExtensions.launchMode]: launch.mode,
      [contextExtensions.launchUrl]: launch.launchUrl,
      [contextExtensions.moveOn]: launch.moveOn,
      ...(launchParameters === undefined ? {} : { [contextExtensions.launchParameters]: launchParameters }),
    },
  });
}

/** "Abandoned" (cmi5 9.3.6, 9.5.4.2): once a session. @param duration milliseconds between launch and the AU's last statement */
export function abandonedStatement(facts: LmsFacts, unit: StatementUnit, duration: number): Statement {
  return lmsStatement(facts, 'abandoned', unitActivity(unit), unit.publisherId, facts.sessionId, { result: { duration: `PT${Math.max(0, duration) / 1000}S` } });
}

/** "Waived" (cmi5 9.3.7): once an AU and registration, under a session id of its own. */
export function waivedStatement(facts: LmsFacts, unit: StatementUnit, reason: string): Statement {
  return lmsStatement(facts, 'waived', unitActivity(unit), unit.publisherId, 'waived', {
    result: { success: true, completion: true, extensions: { [REASON_EXTENSION]: reason } },
    category: [MOVE_ON_CATEGORY],
  });
}

/** "Satisfied" (cmi5 9.3.9) of a block or the course: once a registration. */
export function satisfiedStatement(facts: LmsFacts, group: Pick<OutlineGroup, 'kind' | 'node' | 'publisherId' | 'title'>): Statement {
  return lmsStatement(facts, 'satisfied', activity(group.node, group.title, activityTypes[group.kind]), group.publisherId, 'satisfied', {});
}

/** An id for a session that no launch began: that of a waiver, or of what is satisfied when a registration begins or moves (cmi5 9.3.7, 9.3.9). */
export function sessionIdOf({ tenant, registration, created }: Pick<LmsFacts, 'tenant' | 'registration' | 'created'>, cause: string): string {
  return uuid5(tenant, 'session', registration, created, cause);
}

interface Parts {
  result?: Record<string, Json>;
  extensions?: Extensions;
  /** Ids of categories beside cmi5's. */
  category?: readonly string[];
}

/** @param cause what makes it another statement than one of the same verb and object in the same registration */
function lmsStatement({ tenant, learner, registration, created, sessionId, at }: LmsFacts, verb: LmsVerb, object: Activity, publisherId: string, cause: string, { result, extensions, category = [] }: Parts): Statement {
  return {
    id: uuid5(tenant, verb, registration, created, object.id, cause),
    actor: learnerActor(learner),
    verb: { id: lmsVerbIds[verb], display: { en: verb } },
    object,
    ...(result ? { result } : {}),
    context: {
      registration,
      contextActivities: { grouping: [activityWithId(publisherId)], category: [CMI5_CATEGORY, ...category].map(activityWithId) },
      extensions: { [contextExtensions.sessionId]: sessionId, ...extensions },
    },
    timestamp: formatTimestamp(at),
  };
}

function unitActivity({ node, title, activityType }: StatementUnit): Activity {
  return activity(node, title, activityType);
}

function activity(id: string, title: readonly LangString[], type: string | undefined): Activity {
  return { objectType: 'Activity', id, definition: { name: languageMap(title), ...(type === undefined ? {} : { type }) } };
}

function activityWithId(id: string): Activity {
  return { id };
}

/** A text without a language, or with what is no language tag, counts as undetermined; of two in one language the first counts. */
function languageMap(texts: readonly LangString[]): LanguageMap {
  const map = Object.create(null) as LanguageMap;
  for (const { lang, text } of texts) map[lang !== undefined && isLanguageTag(lang) ? lang : 'und'] ??= text;
  return { ...map };
}
