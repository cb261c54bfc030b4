import type { Readable } from 'node:stream';
import type { Collection, RecordStore, VersionedRecord } from '../../records/store.js';
import { QuipuError } from '../../xapi/errors.js';
import type { ContentStore } from '../content-store.js';
import { importPackage, isGone, remove, type ImportOutcome, type ImportRequest } from './import.js';
import { createPackageFiles, type PackageFile } from './package-files.js';
import { courseRecords, versionRecords, type CourseMode, type CourseRecord, type VersionRecord } from './records.js';

/** A course with its id. */
export type Course = { id: string } & CourseRecord;
/** A version with its id. */
export type CourseVersion = { id: string } & VersionRecord;

/** A package as it came in. */
export interface ExportedPackage {
  length: number;
  contentType: string;
  fileName: string;
  stream: Readable;
}

/** Courses and their packages. */
export interface CourseService {
  /** Bytes of the largest package. */
  readonly maxPackageBytes: number;
  /** @throws QuipuError `invalid-package` with every fault, `too-large`, `not-found`, `storage-full`, `store-unavailable` */
  import(tenant: string, request: ImportRequest): Promise<ImportOutcome>;
  get(tenant: string, id: string): Promise<Course | undefined>;
  /** In order of id, after `after`. */
  list(tenant: string, after?: string, limit?: number): Promise<Course[]>;
  /** A version that its course lists, or has listed when it was asked for before: versions do not change. */
  version(tenant: string, id: string): Promise<CourseVersion | undefined>;
  /** All versions of a course, oldest first. */
  versions(tenant: string, course: Course): Promise<CourseVersion[]>;
  /** @returns undefined when there is no such course */
  setMode(tenant: string, id: string, mode: CourseMode): Promise<Course | undefined>;
  /**
   * Removes a course with all versions and packages. What statements say of it stays.
   * @param force also while there are registrations
   * @returns whether there was one
   * @throws QuipuError `record-conflict` while there are registrations
   */
  delete(tenant: string, id: string, force: boolean): Promise<boolean>;
  /** The package of a version, the current one when left out. @throws QuipuError `not-found` */
  export(tenant: string, id: string, version?: string): Promise<ExportedPackage>;
  /** A file of a package; undefined when it has none of that name. @throws QuipuError `not-found` when there is no such package */
  findFile(tenant: string, packageId: string, path: string): Promise<PackageFile | undefined>;
  /** Takes away what imports and deletions of dead processes have left in a tenant. Repeatable; called at the start. */
  settle(tenant: string): Promise<void>;
}

export interface CourseServiceDeps {
  records: RecordStore;
  content: ContentStore;
  /** The public URL, which the ids of activities begin with. */
  homePage: string;
  maxPackageBytes: number;
  /** Whether other processes may be importing; then what may still be under way is left alone. */
  sharedStore: boolean;
  hasRegistrations(tenant: string, course: string): Promise<boolean>;
}

/** Milliseconds after which an import in another process counts as dead. */
const DAY = 86_400_000;
/** Versions that are remembered. */
const REMEMBERED = 100;
const PAGE = 100;

export function createCourseService(deps: CourseServiceDeps): CourseService {
  const { records, content, homePage, maxPackageBytes, sharedStore, hasRegistrations } = deps;
  const courses = records.collection<CourseRecord>(courseRecords);
  const versions = records.collection<VersionRecord>(versionRecords);
  const files = createPackageFiles({ content });
  const born = Date.now();
  /** Those asked for last are at the end. */
  const remembered = new Map<string, CourseVersion>();

  async function get(tenant: string, id: string): Promise<Course | undefined> {
    const found = await courses.get(tenant, id);
    return found && !isGone(found.value) ? { id, ...found.value } : undefined;
  }

  async function version(tenant: string, id: string): Promise<CourseVersion | undefined> {
    const name = `${tenant}/${id}`;
    const known = remembered.get(name) ?? await readVersion(tenant, id);
    if (!known) return undefined;
    remembered.delete(name);
    remembered.set(name, known);
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!);
    return known;
  }

  async function readVersion(tenant: string, id: string): Promise<CourseVersion | undefined> {
    const found = await versions.get(tenant, id);
    if (!found || !(await courses.get(tenant, found.value.course))?.value.versions.includes(id)) return undefined;
    return { id, ...found.value };
  }

  /** Changes a course, judged anew when somebody else was faster. @returns undefined when there is none */
  async function change(tenant: string, id: string, next: (course: CourseRecord) => CourseRecord): Promise<Course | undefined> {
    for (;;) {
      const found = await courses.get(tenant, id);
      if (!found || isGone(found.value)) return undefined;
      const value = next(found.value);
      if (await courses.update(tenant, id, value, found.version) === 'updated') return { id, ...value };
    }
  }

  async function existing(tenant: string, id: string): Promise<Course> {
    const found = await get(tenant, id);
    if (!found) throw new QuipuError('not-found', `There is no course ${JSON.stringify(id.slice(0, 60))}.`);
    return found;
  }

  /** What stands in no list of its course is taken away; what does has come to its end. */
  async function settleVersion(tenant: string, { id, value, version: at }: VersionedRecord<VersionRecord>): Promise<void> {
    const listed = (await courses.get(tenant, value.course))?.value.versions.includes(id) ?? false;
    if (!listed) return remove({ content, versions }, tenant, id);
    const { pending, ...settled } = value;
    await versions.update(tenant, id, settled, at);
  }

  return {
    maxPackageBytes,
    import: (tenant, request) => importPackage({ content, courses, versions, homePage, maxPackageBytes }, tenant, request),
    get,
    list: async (tenant, after, limit = 1000) => {
      const found: Course[] = [];
      for (let last = after; ;) {
        const page = await courses.list(tenant, { after: last, limit: limit - found.length });
        found.push(...page.filter(({ value }) => !isGone(value)).map(({ id, value }) => ({ id, ...value })));
        last = page[page.length - 1]?.id;
        if (last === undefined || found.length === limit) return found;
      }
    },
    version,
    versions: async (tenant, course) => {
      const all: CourseVersion[] = [];
      for (const id of course.versions) {
        const found = await version(tenant, id);
        if (found) all.push(found);
      }
      return all;
    },
    setMode: (tenant, id, mode) => change(tenant, id, (course) => ({ ...course, mode })),
    delete: async (tenant, id, force) => {
      for (;;) {
        const found = await courses.get(tenant, id);
        if (!found || isGone(found.value)) return false;
        if (!force && await hasRegistrations(tenant, id)) {
          throw new QuipuError('record-conflict', `The course ${id} has registrations. Delete them first, or ask for it with force=true: then their learners can't go on.`, { parameter: 'force' });
        }
        // Marked first: when this process dies half-way, the rest is found.
        for (const one of found.value.versions) await markPending(versions, tenant, one);
        if (await courses.update(tenant, id, { ...found.value, versions: [] }, found.version) !== 'updated') continue;
        await courses.delete(tenant, id);
        for (const one of found.value.versions) {
          remembered.delete(`${tenant}/${one}`);
          await remove({ content, versions }, tenant, one);
        }
        return true;
      }
    },
    export: async (tenant, id, which) => {
      const course = await existing(tenant, id);
      const chosen = which === undefined || course.versions.includes(which) ? await version(tenant, which ?? course.current) : undefined;
      if (!chosen) throw new QuipuError('not-found', `The course ${id} has no version ${JSON.stringify((which ?? course.current).slice(0, 60))}.`, { parameter: 'version' });
      const { length, kind, contentType = kind === 'zip' ? 'application/zip' : 'text/xml' } = chosen;
      return { length, contentType, fileName: `${fileNameOf(course)}-v${chosen.number}.${kind}`, stream: await content.open(tenant, chosen.package, 0, length) };
    },
    findFile: (tenant, packageId, path) => files.find(tenant, packageId, path),
    settle: async (tenant) => {
      const before = new Date(sharedStore ? Date.now() - DAY : born).toISOString();
      for (let after: string | undefined; ;) {
        const page = await courses.list(tenant, { after, limit: PAGE });
        for (const { id, value } of page) if (isGone(value)) await courses.delete(tenant, id);
        if (page.length < PAGE) break;
        after = page[page.length - 1]!.id;
      }
      for (let after: string | undefined; ;) {
        const page = await versions.list(tenant, { where: { property: 'pending', equals: 'yes' }, after, limit: PAGE });
        for (const one of page) if (one.value.imported < before) await settleVersion(tenant, one);
        if (page.length < PAGE) break;
        after = page[page.length - 1]!.id;
      }
      // A package comes after its record and goes before it, so one without a record is nobody's: a backup may have it.
      for await (const id of content.list(tenant)) if (!(await versions.get(tenant, id))) await content.delete(tenant, id);
    },
  };
}

async function markPending(versions: Collection<VersionRecord>, tenant: string, id: string): Promise<void> {
  for (;;) {
    const found = await versions.get(tenant, id);
    if (!found || await versions.update(tenant, id, { ...found.value, pending: 'yes' }, found.version) !== 'changed') return;
  }
}

/** The title in letters that every file system takes. */
function fileNameOf({ title }: CourseRecord): string {
  const plain = (title[0]?.text ?? '').normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60);
  return plain === '' ? 'course' : plain;
}
