/** A course structure as cmi5.xml describes it (cmi5 13.1), read and found valid. Plain data: it is stored as JSON. */

/** A text in languages (cmi5 13.2, textType). `lang` is undefined where the XML names none. */
export interface LangString {
  lang?: string;
  text: string;
}

export interface Objective {
  id: string;
  title: LangString[];
  description: LangString[];
}

export const moveOnValues = ['Passed', 'Completed', 'CompletedAndPassed', 'CompletedOrPassed', 'NotApplicable'] as const;
/** When an AU counts as done (cmi5 13.1.4). */
export type MoveOn = (typeof moveOnValues)[number];

/** Assignable Unit (cmi5 13.1.4). */
export interface AssignableUnit {
  kind: 'au';
  /** The publisher's id, unaltered. */
  publisherId: string;
  /** Position among all AUs of the course in document order, from 0. */
  index: number;
  title: LangString[];
  description: LangString[];
  /** Ids of objectives. */
  objectives: string[];
  /** As written, trimmed: absolute, or relative to the root of the package. */
  url: string;
  launchMethod: 'OwnWindow' | 'AnyWindow';
  moveOn: MoveOn;
  /** 0 to 1. */
  masteryScore?: number;
  launchParameters?: string;
  entitlementKey?: string;
  activityType?: string;
}

/** Block (cmi5 13.1.2). */
export interface Block {
  kind: 'block';
  publisherId: string;
  title: LangString[];
  description: LangString[];
  objectives: string[];
  children: (Block | AssignableUnit)[];
}

export interface CourseStructure {
  /** The publisher's id of the course. */
  publisherId: string;
  title: LangString[];
  description: LangString[];
  objectives: Objective[];
  children: (Block | AssignableUnit)[];
}

/** Every AU of a course in document order. */
export function unitsOf(node: { children: readonly (Block | AssignableUnit)[] }): AssignableUnit[] {
  return node.children.flatMap((child) => (child.kind === 'au' ? [child] : unitsOf(child)));
}

/** Every block of a course in document order, the outer before those in it. */
export function blocksOf(node: { children: readonly (Block | AssignableUnit)[] }): Block[] {
  return node.children.flatMap((child) => (child.kind === 'block' ? [child, ...blocksOf(child)] : []));
}
