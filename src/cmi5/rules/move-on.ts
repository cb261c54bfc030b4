import type { LangString, MoveOn } from '../course/structure.js';
import type { CourseOutline, OutlineGroup, OutlineUnit } from './course-outline.js';
import type { RegistrationState, UnitState } from './state.js';

/** Whether an AU meets its moveOn criterion, or was waived (cmi5 13.1.4 and 9.3.9). */
export function unitMet(moveOn: MoveOn, unit: UnitState | undefined): boolean {
  if (moveOn === 'NotApplicable' || unit?.waived !== undefined) return true;
  const completed = unit?.completed !== undefined;
  const passed = unit?.passed !== undefined;
  switch (moveOn) {
    case 'Completed': return completed;
    case 'Passed': return passed;
    case 'CompletedAndPassed': return completed && passed;
    case 'CompletedOrPassed': return completed || passed;
  }
}

/**
 * The blocks, and the course, whose AUs all meet their criteria (cmi5 9.3.9). One without AUs asks for nothing and is among them.
 * Linear in the size of the course.
 */
export function groupsMet({ groups }: CourseOutline, { units }: RegistrationState): Set<OutlineGroup> {
  const met = new Set<OutlineGroup>();
  for (const group of groups) {
    if (group.children.every((child) => (child.kind === 'au' ? unitMet(child.moveOn, units[child.node]) : met.has(child)))) met.add(group);
  }
  return met;
}

/**
 * What has become satisfied and is not said to be: to be evaluated when a registration begins and whenever an AU has come to something.
 * @returns blocks and the course in the order in which the statements are written: a block before the one it is in, the course last
 */
export function newlySatisfied(outline: CourseOutline, state: RegistrationState): OutlineGroup[] {
  const met = groupsMet(outline, state);
  return outline.groups.filter((group) => met.has(group) && !Object.hasOwn(state.satisfied, group.node));
}

/** Why a node is satisfied, or is not. */
export interface NodeStatus {
  kind: 'course' | 'block' | 'au';
  /** Activity id that the LMS has given it. */
  node: string;
  publisherId: string;
  title: LangString[];
  /** For an AU that it meets its criterion; for others that the LMS has said so, which stays. */
  satisfied: boolean;
  /** What is required, in words. */
  requires: string;
  /** Of an AU: its criterion. */
  moveOn?: MoveOn;
  /** Of an AU: position among all AUs, from 0. */
  index?: number;
  /** Of an AU: ids of the statements that hold, and the score of the one that was judged. */
  holds?: UnitState;
  /** Of a block or the course: the statement that says that it is satisfied. */
  statement?: string;
  /** Ids of the statements that decided: of the AU itself, or of what is directly in the block or course. */
  decidedBy: string[];
  /** What is missing, in words; empty where nothing is. A node that was satisfied by an earlier version of its course may miss what a later one added. */
  missing: string[];
  children?: NodeStatus[];
}

/** The whole tree of a registration, each node with what decided it and what is missing. Linear in the size of the course. */
export function explain(outline: CourseOutline, state: RegistrationState): NodeStatus {
  const met = groupsMet(outline, state);
  const told = new Map<OutlineGroup, NodeStatus>();
  for (const group of outline.groups) {
    const children = group.children.map((child) => (child.kind === 'au' ? explainUnit(child, state.units[child.node]) : told.get(child)!));
    told.set(group, explainGroup(group, children, met, Object.hasOwn(state.satisfied, group.node) ? state.satisfied[group.node] : undefined));
  }
  return told.get(outline.course)!;
}

const required: Record<MoveOn, string> = {
  Completed: 'completed',
  Passed: 'passed',
  CompletedAndPassed: 'completed and passed',
  CompletedOrPassed: 'completed or passed',
  NotApplicable: 'nothing',
};

function explainUnit({ node, publisherId, title, index, moveOn }: OutlineUnit, unit: UnitState = {}): NodeStatus {
  const satisfied = unitMet(moveOn, unit);
  return {
    kind: 'au', node, publisherId, title, index, satisfied, moveOn,
    requires: moveOn === 'NotApplicable' ? 'nothing (moveOn is NotApplicable)' : `that the AU is ${required[moveOn]} (moveOn is ${moveOn}), or waived`,
    holds: unit,
    decidedBy: satisfied ? deciding(moveOn, unit) : [],
    missing: satisfied ? [] : missing(moveOn, unit),
  };
}

/** Of the statements that hold, those without which the AU would not be done; of two that are each enough both are named. */
function deciding(moveOn: MoveOn, unit: UnitState): string[] {
  if (moveOn === 'NotApplicable') return [];
  const own = [moveOn === 'Passed' ? undefined : unit.completed, moveOn === 'Completed' ? undefined : unit.passed].filter((id) => id !== undefined);
  return unitMet(moveOn, { ...unit, waived: undefined }) ? own : unit.waived === undefined ? [] : [unit.waived];
}

function missing(moveOn: MoveOn, unit: UnitState): string[] {
  const failed = unit.failed === undefined ? '' : `; the last judgement was failed${unit.score === undefined ? '' : ` with a score of ${unit.score}`} (${unit.failed})`;
  if (moveOn === 'CompletedOrPassed') return [`a statement completed or a statement passed of the AU${failed}`];
  return [
    ...(moveOn !== 'Passed' && unit.completed === undefined ? ['a statement completed of the AU'] : []),
    ...(moveOn !== 'Completed' && unit.passed === undefined ? [`a statement passed of the AU${failed}`] : []),
  ];
}

function explainGroup({ kind, node, publisherId, title, children: nodes }: OutlineGroup, children: NodeStatus[], met: ReadonlySet<OutlineGroup>, statement: string | undefined): NodeStatus {
  const open = children.filter(({ satisfied }, index) => {
    const child = nodes[index]!;
    return child.kind === 'au' ? !satisfied : !met.has(child);
  });
  return {
    kind, node, publisherId, title,
    satisfied: statement !== undefined,
    requires: children.length === 0 ? `nothing: there is no AU in the ${kind}` : `that everything in the ${kind} is satisfied`,
    ...(statement === undefined ? {} : { statement }),
    decidedBy: [...new Set(children.flatMap((child) => (child.kind === 'au' ? child.decidedBy : child.statement ?? [])))],
    missing: open.map((child) => `${child.kind === 'au' ? 'AU' : child.kind} ${child.publisherId}`),
    children,
  };
}
