import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import type { PackageFault } from '../course/fault.js';
import { readCourse } from '../course/read-course.js';
import type { CourseStructure } from '../course/structure.js';
import type { ByteSource } from './byte-source.js';
import { shown } from './entry-name.js';
import { namesOf } from './package-files.js';
import { checkZipData, dataStart, inflated, isZlibFault, Untrue } from './zip-data.js';
import { readZipDirectory, zipFault, type ZipDirectory, type ZipEntry } from './zip-directory.js';

/** What a package was found to be, or everything that is wrong with it. */
export type PackageReading = { kind: 'zip' | 'xml'; structure: CourseStructure } | { faults: PackageFault[] };

const COURSE = 'cmi5.xml';
/** Bytes of a cmi5.xml. */
const MOST_XML = 16 << 20;

/**
 * Reads a package: a zip with cmi5.xml in its root, or a course structure alone (cmi5 14.0). What it is its bytes say. Every file of a
 * zip is looked at once; faults of the zip and of cmi5.xml are told together.
 * @param maxUnpackedBytes most that the files of a zip may come to
 */
export async function readPackage(source: ByteSource, maxUnpackedBytes: number): Promise<PackageReading> {
  const first = await source.read(0, Math.min(4, source.length));
  if (first.length === 4 && (first.readUInt32LE(0) === 0x04034b50 || first.readUInt32LE(0) === 0x06054b50)) return readZip(source, maxUnpackedBytes);
  if (source.length > MOST_XML) return { faults: [tooLong(source.length, 'The file is no zip, and')] };
  const reading = await readCourse(await source.read(0, source.length));
  return 'structure' in reading ? { kind: 'xml', structure: reading.structure } : reading;
}

async function readZip(source: ByteSource, maxUnpackedBytes: number): Promise<PackageReading> {
  const directory = await readZipDirectory(source, maxUnpackedBytes);
  const course = directory.entries.find(({ path }) => path === COURSE);
  const faults = [...directory.faults];
  // What a fault in the directory hides is not worth unpacking everything for.
  if (faults.length === 0) faults.push(...await checkZipData(source, directory.entries, directory.directoryAt));
  const xml = course && await readXml(source, course);
  if (!course) {
    // Where entries could not be read, cmi5.xml may be one of them.
    if (directory.entries.length > 0 || faults.length === 0) faults.push(missing(directory));
    return { faults };
  }
  if (!xml || 'fault' in xml) {
    if (xml && !faults.some(({ path }) => path === COURSE)) faults.push(xml.fault);
    return { faults };
  }
  const files = new Set(directory.entries.filter(({ folder }) => !folder).flatMap(({ path }) => [...namesOf(path)]));
  const reading = await readCourse(xml.bytes, files);
  if ('faults' in reading) return { faults: [...faults, ...reading.faults] };
  return faults.length > 0 ? { faults } : { kind: 'zip', structure: reading.structure };
}

async function readXml(source: ByteSource, course: ZipEntry): Promise<{ bytes: Buffer } | { fault: PackageFault }> {
  if (course.length > MOST_XML || course.packedLength > MOST_XML) return { fault: tooLong(course.length, 'cmi5.xml') };
  const damaged = (why: string): { fault: PackageFault } => ({ fault: zipFault('zip-damaged', `The entry "cmi5.xml" is damaged: ${why}.`, 'Make the zip anew, and see that all of it is uploaded.', COURSE) });
  const start = await dataStart(source, course);
  if (start === undefined) return damaged('its own header does not fit the directory of the zip');
  const packed = await source.read(start, start + course.packedLength);
  if (course.method === 'stored') return { bytes: packed };
  try {
    return { bytes: await buffer(inflated(Readable.from([packed], { objectMode: false }), course.length)) };
  } catch (error) {
    if (error instanceof Untrue || isZlibFault(error)) return damaged((error as Error).message);
    throw error;
  }
}

function tooLong(length: number, what: string): PackageFault {
  return {
    rule: 'course-structure-size', section: 'cmi5 13.2', message: `${what} has ${length} bytes, more than a course structure may: ${MOST_XML}.`,
    hint: 'A course package is a zip with cmi5.xml in its root folder, or a course structure XML file alone.',
  };
}

/** There is no cmi5.xml in the root; says what was found instead. */
function missing({ entries }: ZipDirectory): PackageFault {
  const paths = entries.map(({ path }) => path);
  const [hint, path] = hintFor(paths);
  return {
    rule: 'cmi5-xml-missing', requirement: '14.1.0.0-2', section: 'cmi5 14.1', message: 'The zip has no cmi5.xml in its root folder.', hint, ...(path !== undefined && { path: path.slice(0, 500) }),
  };
}

function hintFor(paths: readonly string[]): [hint: string, path?: string] {
  const named = (name: string): string | undefined => paths.find((path) => path.toLowerCase() === name);
  const inRoot = named(COURSE);
  if (inRoot !== undefined) return [`It is called ${shown(inRoot)}: name it cmi5.xml, in lower case.`, inRoot];
  const deeper = paths.filter((path) => /(?:^|\/)cmi5\.xml$/i.test(path) && !path.startsWith('__MACOSX/')).sort((one, other) => one.length - other.length)[0];
  if (deeper !== undefined) return [`It was found in the folder ${shown(deeper.slice(0, deeper.lastIndexOf('/')))}: zip what is in that folder, and not the folder.`, deeper];
  const scorm = named('imsmanifest.xml');
  if (scorm !== undefined) return ['This is a SCORM package (it has imsmanifest.xml): export the course again from the authoring tool, as cmi5.', scorm];
  const tincan = named('tincan.xml');
  if (tincan !== undefined) return ['This is an xAPI package without cmi5 (it has tincan.xml): export the course again from the authoring tool, as cmi5.', tincan];
  const inner = paths.find((path) => /\.zip$/i.test(path));
  if (inner !== undefined) return [`The zip holds another one, ${shown(inner)}: if that is the package, import it instead.`, inner];
  return ['Put the course structure into the zip under that name, beside the files of the course and in no folder.'];
}
