import type { Context } from '../../xapi/types.js';
import type { AssignableUnit, MoveOn } from '../course/structure.js';
import { contextTemplateOf } from '../rules/lms-statements.js';
import type { LaunchMode } from '../rules/state.js';

/** Id of the State document that tells an AU of its launch (cmi5 10.1). */
export const LAUNCH_DATA = 'LMS.LaunchData';

/** That document (cmi5 10.2). */
export interface LaunchData {
  contextTemplate: Context;
  launchMode: LaunchMode;
  moveOn: MoveOn;
  masteryScore?: number;
  launchParameters?: string;
  entitlementKey?: { courseStructure: string };
  returnURL?: string;
}

/** What an AU is told of its launch: what its course structure has, unaltered. */
export function launchDataOf(sessionId: string, unit: AssignableUnit, mode: LaunchMode, returnURL?: string): LaunchData {
  const { publisherId, moveOn, masteryScore, launchParameters, entitlementKey } = unit;
  return {
    contextTemplate: contextTemplateOf(sessionId, publisherId), launchMode: mode, moveOn,
    ...(masteryScore === undefined ? {} : { masteryScore }), ...(launchParameters === undefined ? {} : { launchParameters }),
    ...(entitlementKey === undefined ? {} : { entitlementKey: { courseStructure: entitlementKey } }), ...(returnURL === undefined ? {} : { returnURL }),
  };
}
