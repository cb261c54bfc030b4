import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Collection, VersionedRecord } from '../../records/store.js';
import { QuipuError } from '../../xapi/errors.js';
import type { ContentStore, StagedContent } from '../content-store.js';
import type { PackageFault } from '../course/fault.js';
import { blocksOf, unitsOf, type CourseStructure } from '../course/structure.js';
import { readPackage } from './read-package.js';
import type { CourseMode, CourseRecord, VersionRecord } from './records.js';
import { diffVersions, type VersionDiff } from './version-diff.js';

/** A package that is to be taken in. */
export interface ImportRequest {
  source: Readable;
  /** Media type that it is said to have; what it is its bytes say. */
  contentType: string;
  /** Id of the credential. */
  by: string;
  /** The course that it has to be a version of. */
  course?: string;
  /** How the course is to judge; strict for a new one, and otherwise as before, when left out. */
  mode?: CourseMode;
}

/** What became of an import. */
export interface ImportOutcome {
  course: string;
  version: string;
  number: number;
  /** False when the package is the current version already, byte for byte. */
  created: boolean;
  diff: VersionDiff;
}

export interface ImportDeps {
  content: ContentStore;
  courses: Collection<CourseRecord>;
  versions: Collection<VersionRecord>;
  /** The public URL, which the ids of activities begin with. */
  homePage: string;
  maxPackageBytes: number;
}

/** Times a course is looked at anew when others change it at the same time. */
const ATTEMPTS = 50;
/** How much larger than the largest package its files may be, unpacked. */
const UNPACKED = 4;
/** Media types that packages come with beside application/zip and text/xml, and that they are given back with. */
const otherTypes: Record<VersionRecord['kind'], readonly string[]> = { zip: ['application/x-zip-compressed', 'application/x-zip'], xml: ['application/xml'] };
/** Bytes of a structure as JSON with the ids that are given to it: a record of a database holds 16 MiB, and a registration tells of each AU twice. */
const MOST_STRUCTURE = 8 << 20;
/** Bytes of the "satisfied" statements of the course and its blocks, which may all have to be written with one statement of an AU. */
const MOST_SATISFIED = 8 << 20;
/** Bytes of such a statement at the most, beyond its title and ids. */
const SATISFIED_BYTES = 1000;
/** Bytes of an id that is given, beyond those of the public URL. */
const ID_BYTES = 60;

/**
 * Takes in a package: as a new course, or as a new version of the one that has the publisher's id already. It exists from the moment
 * its course lists it. Whatever goes wrong before, nothing is left; what a process leaves that dies on the way, `CourseService.settle` takes away.
 * @throws QuipuError `invalid-package` with every fault, `too-large`, `not-found` for `course`, `storage-full`, `store-unavailable`
 */
export async function importPackage(deps: ImportDeps, tenant: string, request: ImportRequest): Promise<ImportOutcome> {
  const { content, courses, maxPackageBytes } = deps;
  if (request.course !== undefined && !(await courses.get(tenant, request.course))) {
    throw new QuipuError('not-found', `There is no course ${JSON.stringify(request.course.slice(0, 60))}.`, { parameter: 'course' });
  }
  const id = randomUUID();
  const staged = await content.stage(tenant, id, request.source, maxPackageBytes);
  try {
    const reading = await readPackage(staged, maxPackageBytes * UNPACKED);
    if ('faults' in reading) throw invalidPackage(reading.faults);
    if (bytesOf(reading.structure, deps.homePage) > MOST_STRUCTURE) throw invalidPackage([tooLarge]);
    if (satisfiedBytes(reading.structure, deps.homePage) > MOST_SATISFIED) throw invalidPackage([tooManyBlocks]);
    return await record(deps, tenant, id, staged, reading, request);
  } finally {
    // Does nothing to what was committed.
    await staged.discard();
  }
}

async function record(deps: ImportDeps, tenant: string, id: string, staged: StagedContent, { kind, structure }: { kind: 'zip' | 'xml'; structure: CourseStructure }, request: ImportRequest): Promise<ImportOutcome> {
  const { courses, versions } = deps;
  const now = new Date().toISOString();
  let kept: VersionedRecord<VersionRecord> | undefined;
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(200, 2 ** attempt)));
      const existing = (await courses.list(tenant, { where: { property: 'publisherId', equals: structure.publisherId } }))[0];
      if (existing && isGone(existing.value)) {
        await courses.delete(tenant, existing.id);
        continue;
      }
      if (request.course !== undefined && existing?.id !== request.course) throw invalidPackage([otherCourse(structure.publisherId)]);
      const current = existing && await versions.get(tenant, existing.value.current);
      if (existing && !current) continue;
      if (existing && current!.value.sha256 === staged.sha256) {
        if (!await keepMode(courses, tenant, existing, request.mode, now)) continue;
        const { number, structure: same } = current!.value;
        return { course: existing.id, version: current!.id, number, created: false, diff: diffVersions(same, same) };
      }

      const course = existing?.id ?? randomUUID();
      const version: VersionRecord = {
        course, number: (existing?.value.versions.length ?? 0) + 1, imported: now, by: request.by, sha256: staged.sha256, length: staged.length,
        kind, ...(otherTypes[kind].includes(request.contentType) && { contentType: request.contentType }), package: id, structure, ...await nodesOf(deps, tenant, existing, structure), pending: 'yes',
      };
      // First the record, which says whose the package is, so that no package is ever nobody's.
      if (kept) await versions.update(tenant, id, version, kept.version);
      else await versions.insert(tenant, id, version);
      kept = { id, value: version, version: (kept?.version ?? 0) + 1 };
      if (kept.version === 1) await staged.commit();
      if (!await list(deps, tenant, existing, kept, request.mode)) continue;

      const { number, pending, ...settled } = version;
      // It exists whether or not this is written down; whoever settles what was left sees the same.
      await versions.update(tenant, id, { ...settled, number }, kept.version).catch(() => undefined);
      kept = undefined;
      return { course, version: id, number, created: true, diff: diffVersions(current?.value.structure, structure) };
    }
    throw new QuipuError('record-conflict', 'The course is being changed by others all the time. Send the package again.', { retryAfter: 1 });
  } finally {
    if (kept && !await isListed(courses, tenant, kept)) await remove(deps, tenant, id).catch(() => undefined);
  }
}

/** Makes the course list a version, or a course of it. @returns whether nobody else has changed it meanwhile */
async function list({ courses, homePage }: ImportDeps, tenant: string, existing: VersionedRecord<CourseRecord> | undefined, { id, value }: VersionedRecord<VersionRecord>, mode: CourseMode | undefined): Promise<boolean> {
  const { course, imported, structure: { publisherId, title } } = value;
  if (existing) {
    const { value: before, version } = existing;
    const next: CourseRecord = { ...before, title, updated: imported, mode: mode ?? before.mode, current: id, versions: [...before.versions, id] };
    return await courses.update(tenant, course, next, version) === 'updated';
  }
  const made: CourseRecord = { publisherId, title, created: imported, updated: imported, mode: mode ?? 'strict', current: id, versions: [id], node: activityId(homePage) };
  return await courses.insert(tenant, course, made) === 'inserted';
}

/** Whether a version that was to be listed is so after all, for the answer to a write may be lost. When that can't be found out it counts as listed. */
async function isListed(courses: Collection<CourseRecord>, tenant: string, { id, value: { course } }: VersionedRecord<VersionRecord>): Promise<boolean> {
  try {
    return (await courses.get(tenant, course))?.value.versions.includes(id) ?? false;
  } catch {
    return true;
  }
}

/** Whether a course is being deleted, and is as good as gone. */
export function isGone({ versions }: CourseRecord): boolean {
  return versions.length === 0;
}

/** Takes away a version that no course lists: first the package, so that it is never nobody's. */
export async function remove({ content, versions }: Pick<ImportDeps, 'content' | 'versions'>, tenant: string, id: string): Promise<void> {
  await content.delete(tenant, id);
  await versions.delete(tenant, id);
}

async function keepMode(courses: Collection<CourseRecord>, tenant: string, { id, value, version }: VersionedRecord<CourseRecord>, mode: CourseMode | undefined, now: string): Promise<boolean> {
  if (mode === undefined || mode === value.mode) return true;
  return await courses.update(tenant, id, { ...value, mode, updated: now }, version) === 'updated';
}

/** Activity ids of AUs and blocks: those that an earlier version of the course has given to the same publisher's ids, and new ones. */
async function nodesOf({ versions, homePage }: ImportDeps, tenant: string, existing: VersionedRecord<CourseRecord> | undefined, structure: CourseStructure): Promise<Pick<VersionRecord, 'nodes' | 'blockNodes'>> {
  const units = new Map<string, string | undefined>(unitsOf(structure).map(({ publisherId }) => [publisherId, undefined]));
  const blocks = new Map<string, string | undefined>(blocksOf(structure).map(({ publisherId }) => [publisherId, undefined]));
  for (const id of [...existing?.value.versions ?? []].reverse()) {
    if (![...units.values(), ...blocks.values()].includes(undefined)) break;
    const earlier = (await versions.get(tenant, id))?.value;
    if (!earlier) continue;
    unitsOf(earlier.structure).forEach(({ publisherId }, index) => take(units, publisherId, earlier.nodes[index]));
    blocksOf(earlier.structure).forEach(({ publisherId }, index) => take(blocks, publisherId, earlier.blockNodes[index]));
  }
  const complete = (known: Map<string, string | undefined>): string[] => [...known.values()].map((node) => node ?? activityId(homePage));
  return { nodes: complete(units), blockNodes: complete(blocks) };
}

function take(wanted: Map<string, string | undefined>, publisherId: string, node: string | undefined): void {
  if (wanted.has(publisherId) && wanted.get(publisherId) === undefined) wanted.set(publisherId, node);
}

const activityId = (homePage: string): string => `${homePage.replace(/\/+$/, '')}/cmi5/activities/${randomUUID()}`;

/** How a package with faults is refused. */
export function invalidPackage(faults: readonly PackageFault[]): QuipuError {
  const [first] = faults;
  const where = first?.line === undefined ? '' : ` (line ${first.line} of cmi5.xml)`;
  const more = faults.length === 1 ? '' : ` It has ${faults.length} faults; \`faults\` lists them.`;
  return new QuipuError('invalid-package', `The package can't be imported: ${first?.message ?? 'it has faults.'}${where}${more}`, { faults });
}

/** About as many as the record of a version takes. */
function bytesOf(structure: CourseStructure, homePage: string): number {
  const ids = unitsOf(structure).length + blocksOf(structure).length;
  return Buffer.byteLength(JSON.stringify(structure)) + ids * (homePage.length + ID_BYTES);
}

/** About as many as the statements take that say that the course and its blocks are satisfied (cmi5 9.3.9). */
function satisfiedBytes(structure: CourseStructure, homePage: string): number {
  return [structure, ...blocksOf(structure)].reduce((sum, { publisherId, title }) => sum + Buffer.byteLength(JSON.stringify({ publisherId, title })) + 2 * homePage.length + SATISFIED_BYTES, 0);
}

const tooManyBlocks: PackageFault = {
  rule: 'course-structure-size', section: 'cmi5 9.3.9, 13.2', message: `The statements that say that the course and its blocks are satisfied would come to more than ${MOST_SATISFIED} bytes.`, hint: 'Make several courses of it, or shorten the titles of its blocks.',
};

const tooLarge: PackageFault = {
  rule: 'course-structure-size', section: 'cmi5 13.2', message: `The course structure comes to more than ${MOST_STRUCTURE} bytes, with an id for each AU and block.`, hint: 'Make several courses of it.',
};

const otherCourse = (publisherId: string): PackageFault => ({
  rule: 'course-other', section: 'cmi5 13.1.1', message: `The package is of the course ${JSON.stringify(publisherId.slice(0, 500))}, which is not the one that it was to be a version of.`,
  hint: 'Import it without naming a course, or give it the id of that course.',
});
