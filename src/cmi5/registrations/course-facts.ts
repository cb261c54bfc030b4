import type { RecordStore } from '../../records/store.js';
import { QuipuError } from '../../xapi/errors.js';
import { unitsOf, type AssignableUnit } from '../course/structure.js';
import { courseRecords, versionRecords, type CourseMode, type CourseRecord, type VersionRecord } from '../packages/records.js';
import { outlineOf, type CourseOutline } from '../rules/course-outline.js';

/** A version of a course, and what moveOn is evaluated on. */
export interface CourseFacts {
  version: VersionRecord;
  /** By AU index. */
  units: AssignableUnit[];
  outline: CourseOutline;
}

/** What registrations have to know of courses. */
export interface Courses {
  /** A version, from memory where it was asked for lately: it never changes, and stays there when its course is deleted: ask for that first where it matters. @throws QuipuError `not-found` */
  facts(tenant: string, version: string): Promise<CourseFacts>;
  /** The course as it is now. @throws QuipuError `not-found` */
  course(tenant: string, id: string): Promise<CourseRecord>;
  /** The same; undefined when there is none. */
  find(tenant: string, id: string): Promise<CourseRecord | undefined>;
  mode(tenant: string, course: string): Promise<CourseMode>;
}

/** Versions remembered; one of a thousand AUs takes about a megabyte. */
const MOST_REMEMBERED = 50;

export function createCourses(records: RecordStore): Courses {
  const courses = records.collection<CourseRecord>(courseRecords);
  const versions = records.collection<VersionRecord>(versionRecords);
  const known = new Map<string, CourseFacts>();

  const find = async (tenant: string, id: string): Promise<CourseRecord | undefined> => (await courses.get(tenant, id))?.value;

  async function course(tenant: string, id: string): Promise<CourseRecord> {
    const record = await find(tenant, id);
    if (!record) throw new QuipuError('not-found', `There is no course ${id}.`);
    return record;
  }

  async function read(tenant: string, id: string): Promise<CourseFacts> {
    const version = (await versions.get(tenant, id))?.value;
    if (!version) throw new QuipuError('not-found', `There is no version ${id} of a course.`);
    const { node } = await course(tenant, version.course);
    return { version, units: unitsOf(version.structure), outline: outlineOf(version.structure, { course: node, nodes: version.nodes, blockNodes: version.blockNodes }) };
  }

  return {
    facts: async (tenant, version) => {
      const key = `${tenant}/${version}`;
      const facts = known.get(key) ?? await read(tenant, version);
      known.delete(key);
      known.set(key, facts);
      if (known.size > MOST_REMEMBERED) known.delete(known.keys().next().value!);
      return facts;
    },
    course,
    find,
    mode: async (tenant, id) => (await course(tenant, id)).mode,
  };
}
