import type { AssignableUnit, Block, CourseStructure, LangString, MoveOn } from '../course/structure.js';

/** What is said of a node whatever its kind. */
interface OutlineNode {
  /** Activity id that the LMS has given it. */
  node: string;
  publisherId: string;
  title: LangString[];
}

export interface OutlineUnit extends OutlineNode {
  kind: 'au';
  index: number;
  moveOn: MoveOn;
}

/** A block, or the course. */
export interface OutlineGroup extends OutlineNode {
  kind: 'block' | 'course';
  children: (OutlineUnit | OutlineGroup)[];
}

/** A course version as moveOn is evaluated on it. */
export interface CourseOutline {
  course: OutlineGroup;
  /** By AU index. */
  units: OutlineUnit[];
  /** Blocks and, last of all, the course; each after those that are in it, otherwise in document order. */
  groups: OutlineGroup[];
}

/** The activity ids that the LMS has given the nodes of a course version. */
export interface OutlineIds {
  course: string;
  /** By AU index. */
  nodes: readonly string[];
  /** In the order of `blocksOf`. */
  blockNodes: readonly string[];
}

/** A group whose children are being placed. */
interface Open {
  group: OutlineGroup;
  children: readonly (Block | AssignableUnit)[];
  next: number;
}

/** Puts structure and ids together. Linear, and nested as deep as may be. */
export function outlineOf(structure: CourseStructure, ids: OutlineIds): CourseOutline {
  const course: OutlineGroup = { kind: 'course', node: ids.course, publisherId: structure.publisherId, title: structure.title, children: [] };
  const units: OutlineUnit[] = [];
  const groups: OutlineGroup[] = [];
  const open: Open[] = [{ group: course, children: structure.children, next: 0 }];
  let blocks = 0;
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const child = top.children[top.next++];
    if (!child) {
      groups.push(top.group);
      open.pop();
    } else if (child.kind === 'au') {
      const { publisherId, title, index, moveOn } = child;
      const unit: OutlineUnit = { kind: 'au', node: ids.nodes[index]!, publisherId, title, index, moveOn };
      units[index] = unit;
      top.group.children.push(unit);
    } else {
      const block: OutlineGroup = { kind: 'block', node: ids.blockNodes[blocks++]!, publisherId: child.publisherId, title: child.title, children: [] };
      top.group.children.push(block);
      open.push({ group: block, children: child.children, next: 0 });
    }
  }
  return { course, units, groups };
}
