import { type AssignableUnit, type Block, type CourseStructure, type MoveOn } from '../../../../src/cmi5/course/structure.js';
import { outlineOf, type CourseOutline } from '../../../../src/cmi5/rules/course-outline.js';

/** A moveOn is an AU, a list is a block. */
export type Shape = (MoveOn | Shape)[];

/** A course of this shape: AUs `urn:au:0` …, blocks `urn:block:0` … in the order of `blocksOf`. */
export function structureOf(shape: Shape): CourseStructure {
  let units = 0;
  let blocks = 0;
  const children = (inner: Shape): (Block | AssignableUnit)[] => inner.map((child) => {
    if (typeof child === 'string') {
      const index = units++;
      return { kind: 'au', publisherId: `urn:au:${index}`, index, title: [{ lang: 'en', text: `AU ${index}` }], description: [], objectives: [], url: `au${index}.html`, launchMethod: 'AnyWindow', moveOn: child };
    }
    const number = blocks++;
    return { kind: 'block', publisherId: `urn:block:${number}`, title: [{ lang: 'en', text: `Block ${number}` }], description: [], objectives: [], children: children(child) };
  });
  return { publisherId: 'urn:course', title: [{ lang: 'en', text: 'Course' }], description: [], objectives: [], children: children(shape) };
}

/** Its outline, with nodes `au0` …, `block0` … and `course`. */
export function outlineFor(shape: Shape): CourseOutline {
  const ids = (what: string): string[] => Array.from({ length: 2000 }, (_, index) => `https://lrs.example/${what}${index}`);
  return outlineOf(structureOf(shape), { course: 'https://lrs.example/course', nodes: ids('au'), blockNodes: ids('block') });
}
