import type { AssignableUnit, Block, CourseStructure } from '../course/structure.js';

/** Properties of an AU that differ between two versions. `blocks` are the publisher's ids of the blocks that it is in. */
export const comparedProperties = ['title', 'description', 'objectives', 'url', 'launchMethod', 'moveOn', 'masteryScore', 'launchParameters', 'entitlementKey', 'activityType', 'blocks'] as const;
export type ComparedProperty = (typeof comparedProperties)[number];

/** What a version has that the one before it has not. AUs are named by the publisher's id. */
export interface VersionDiff {
  added: string[];
  removed: string[];
  changed: { unit: string; properties: ComparedProperty[] }[];
  kept: string[];
}

type Compared = Record<ComparedProperty, unknown>;

/** Compares the AUs of two versions of a course, matched by the publisher's id, in document order. @param before undefined for the first version */
export function diffVersions(before: CourseStructure | undefined, after: CourseStructure): VersionDiff {
  const [old, fresh] = [before ? comparedOf(before) : new Map<string, Compared>(), comparedOf(after)];
  const diff: VersionDiff = { added: [], removed: [...old.keys()].filter((unit) => !fresh.has(unit)), changed: [], kept: [] };
  for (const [unit, now] of fresh) {
    const then = old.get(unit);
    const properties = then ? comparedProperties.filter((name) => JSON.stringify(then[name]) !== JSON.stringify(now[name])) : [];
    if (!then) diff.added.push(unit);
    else if (properties.length > 0) diff.changed.push({ unit, properties });
    else diff.kept.push(unit);
  }
  return diff;
}

function comparedOf(structure: CourseStructure): Map<string, Compared> {
  const found = new Map<string, Compared>();
  const walk = (children: readonly (Block | AssignableUnit)[], blocks: string[]): void => {
    for (const child of children) {
      if (child.kind === 'block') {
        walk(child.children, [...blocks, child.publisherId]);
        continue;
      }
      const { title, description, objectives, url, launchMethod, moveOn, masteryScore, launchParameters, entitlementKey, activityType } = child;
      found.set(child.publisherId, { title, description, objectives, url, launchMethod, moveOn, masteryScore, launchParameters, entitlementKey, activityType, blocks });
    }
  };
  walk(structure.children, []);
  return found;
}
