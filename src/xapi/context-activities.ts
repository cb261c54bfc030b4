import type { Activity, Context, ContextActivities } from './types.js';

/** The kinds of context activities (xAPI 1.0.3 Part Two 2.4.6.2). */
export const contextActivityKinds = ['parent', 'grouping', 'category', 'other'] as const satisfies readonly (keyof ContextActivities)[];

const none: readonly Activity[] = [];

/**
 * The activities of one kind. A client may send a single Activity where the standard returns an array
 * (xAPI 1.0.3 Part Two 2.4.6.2), so a statement as it was sent can hold either.
 */
export function contextActivityList(context: Context | undefined, kind: keyof ContextActivities): readonly Activity[] {
  const value: Activity[] | Activity | undefined = context?.contextActivities?.[kind];
  if (value === undefined) return none;
  return Array.isArray(value) ? value : [value];
}
