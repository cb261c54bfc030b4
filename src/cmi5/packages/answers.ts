import { blocksOf, unitsOf, type AssignableUnit, type CourseStructure } from '../course/structure.js';
import type { Course, CourseVersion } from './service.js';

/** A course in a list. */
export interface CourseAnswer extends Pick<Course, 'id' | 'publisherId' | 'title' | 'mode' | 'node' | 'created' | 'updated'> {
  /** Id of the current version. */
  version: string;
  /** How many versions there are. */
  versionCount: number;
}

/** A version without its structure. */
export type VersionAnswer = Pick<CourseVersion, 'id' | 'number' | 'imported' | 'by' | 'sha256' | 'length' | 'kind'>;

/** A course with the structure of one version. */
export interface CourseDetail extends CourseAnswer {
  /** The version that the rest is of. */
  shown: VersionAnswer;
  description: CourseStructure['description'];
  /** AUs in document order, each with the id that statements have as their object. */
  units: (Omit<AssignableUnit, 'kind'> & { node: string })[];
  blocks: { publisherId: string; node: string; title: CourseStructure['title'] }[];
  structure: CourseStructure;
  versions: VersionAnswer[];
}

export function courseAnswer({ id, publisherId, title, mode, node, created, updated, current, versions }: Course): CourseAnswer {
  return { id, publisherId, title, mode, node, created, updated, version: current, versionCount: versions.length };
}

export function courseDetail(course: Course, shown: CourseVersion, versions: readonly CourseVersion[]): CourseDetail {
  const { structure, nodes, blockNodes } = shown;
  return {
    ...courseAnswer(course), title: structure.title, description: structure.description, shown: versionAnswer(shown),
    units: unitsOf(structure).map(({ kind, ...unit }) => ({ ...unit, node: nodes[unit.index]! })),
    blocks: blocksOf(structure).map(({ publisherId, title }, index) => ({ publisherId, node: blockNodes[index]!, title })),
    structure, versions: versions.map(versionAnswer),
  };
}

function versionAnswer({ id, number, imported, by, sha256, length, kind }: CourseVersion): VersionAnswer {
  return { id, number, imported, by, sha256, length, kind };
}
