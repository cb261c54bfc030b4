import { fromRandomAccessReaderPromise, type Entry, type ZipFile } from 'yauzl';
import type { PackageFault } from '../course/fault.js';
import { QuipuError } from '../../xapi/errors.js';
import { SourceReader, type ByteSource } from './byte-source.js';
import { readEntryName, shown } from './entry-name.js';

/** A file in a zip, as the central directory tells of it. */
export interface ZipEntry {
  path: string;
  /** The name as its bytes stand there. */
  rawName: Buffer;
  /** A name that ends in a slash: nothing but a folder. */
  folder: boolean;
  method: 'stored' | 'deflated';
  crc32: number;
  /** Bytes in the zip. */
  packedLength: number;
  /** Bytes, unpacked. */
  length: number;
  /** Where its local header begins. */
  headerAt: number;
}

/** What the central directory says, and all that is wrong with it. */
export interface ZipDirectory {
  /** Folders among them; those with a fault are left out. */
  entries: ZipEntry[];
  /** Where the central directory begins, and no entry reaches. */
  directoryAt: number;
  faults: PackageFault[];
}

/** Entries of one zip. */
export const MOST_ENTRIES = 100_000;
/** Faults that are told of one package. */
export const MOST_FAULTS = 100;
/** Bytes of a local header before its name (APPNOTE 4.3.7). */
export const LOCAL_HEADER = 30;
/** Unpacked bytes up to which nobody asks how well they were packed, and how many times the zip there may be above that. */
const FREELY_UNPACKED = 256 << 20;
const MOST_RATIO = 100;

const ENCRYPTED = 0x1 | 0x40 | 0x2000;
const UNIX = new Set([3, 19]);
const FILE_KIND = 0o170_000;
const [REGULAR, FOLDER, SYMLINK] = [0o100_000, 0o040_000, 0o120_000];

/** Something that is wrong with a zip. `what` follows the entry's name where there is one. */
export function zipFault(rule: string, message: string, hint: string, path?: string): PackageFault {
  return { rule, requirement: '14.1.0.0-1', section: 'cmi5 14.1', message, hint, ...(path !== undefined && { path: path.slice(0, 500) }) };
}

/**
 * Reads and judges the central directory of a zip, or zip64. Nothing is unpacked, and no entry's own header looked at.
 * @param maxUnpackedBytes most that all of its files may come to
 * @throws QuipuError of the source; whatever is wrong with the zip is a fault
 */
export async function readZipDirectory(source: ByteSource, maxUnpackedBytes: number): Promise<ZipDirectory> {
  const directory: ZipDirectory = { entries: [], directoryAt: source.length, faults: [] };
  try {
    await new Promise<void>((resolve, reject) => {
      readAll(new SourceReader(source, reject), source.length, directory).then(resolve, reject);
    });
  } catch (error) {
    if (error instanceof QuipuError) throw error;
    directory.faults.push(zipFault('zip-format', `The file is not a whole zip: ${shown((error as Error).message)}.`, 'Make the zip anew, and see that all of it is uploaded.'));
  }
  judgeTogether(directory, source.length, maxUnpackedBytes);
  return directory;
}

async function readAll(reader: SourceReader, length: number, directory: ZipDirectory): Promise<void> {
  const zip: ZipFile = await fromRandomAccessReaderPromise(reader, length, { autoClose: false, decodeStrings: false, validateEntrySizes: false });
  // Before the first entry is read it stands at the beginning of the directory.
  directory.directoryAt = (zip as unknown as { readEntryCursor: number }).readEntryCursor;
  if (zip.entryCount > MOST_ENTRIES) {
    directory.faults.push(zipFault('zip-entries', `The zip has ${zip.entryCount} entries, more than ${MOST_ENTRIES}.`, `Leave out what the course does not need, or serve it elsewhere: up to ${MOST_ENTRIES} files are taken.`));
    return;
  }
  for await (const entry of zip.eachEntry()) {
    const judged = judgeEntry(entry);
    if ('entry' in judged) directory.entries.push(judged.entry);
    else if (directory.faults.length < MOST_FAULTS) directory.faults.push(judged.fault);
  }
}

function judgeEntry(entry: Entry): { entry: ZipEntry } | { fault: PackageFault } {
  const { name, problem } = readEntryName(entry);
  const fault = (rule: string, what: string, hint: string): { fault: PackageFault } => ({ fault: zipFault(rule, `The entry ${shown(name)} ${what}.`, hint, name) });
  if (problem !== undefined) return fault('zip-entry-name', `can't be taken: its name ${problem}`, 'Name files by paths within the package, such as media/intro.mp4.');
  if ((entry.generalPurposeBitFlag & ENCRYPTED) !== 0) return fault('zip-encrypted', 'is encrypted', 'Make the zip without a password.');
  const kind = UNIX.has(entry.versionMadeBy >> 8) ? (entry.externalFileAttributes >>> 16) & FILE_KIND : 0;
  if (kind === SYMLINK) return fault('zip-symlink', 'is a symbolic link', 'Put the file itself into the zip (zip without -y).');
  if (kind !== 0 && kind !== REGULAR && kind !== FOLDER) return fault('zip-special-file', 'is neither a file nor a folder', 'Leave it out.');
  const { compressionMethod, compressedSize: packedLength, uncompressedSize: length, relativeOffsetOfLocalHeader: headerAt, crc32 } = entry;
  if (compressionMethod !== 0 && compressionMethod !== 8) {
    return fault('zip-method', `is compressed by the method ${compressionMethod}`, 'Make the zip with deflate, which is what every tool does unless told otherwise, or without compression.');
  }
  if (compressionMethod === 0 && packedLength !== length) return fault('zip-entry-size', `is stored as it is, with ${packedLength} bytes, and said to have ${length}`, 'Make the zip anew.');
  return { entry: { path: name, rawName: entry.fileNameRaw, folder: name.endsWith('/'), method: compressionMethod === 0 ? 'stored' : 'deflated', crc32, packedLength, length, headerAt } };
}

/** What shows only when all entries are looked at. */
function judgeTogether({ entries, directoryAt, faults }: ZipDirectory, zipLength: number, maxUnpackedBytes: number): void {
  const tell = (fault: PackageFault): void => {
    if (faults.length < MOST_FAULTS) faults.push(fault);
  };
  const seen = new Set<string>();
  let unpacked = 0;
  for (const { path, folder, length } of entries) {
    unpacked += length;
    if (!folder && seen.has(path)) tell(zipFault('zip-duplicate', `The zip has two files ${shown(path)}.`, 'Leave one of them out: it is not said which counts.', path));
    if (!folder) seen.add(path);
  }
  if (unpacked > maxUnpackedBytes) {
    tell(zipFault('zip-unpacked-size', `The files come to ${unpacked} bytes unpacked, more than the ${maxUnpackedBytes} that this server takes.`, 'Leave out what the course does not need, or serve large media elsewhere.'));
  } else if (unpacked > FREELY_UNPACKED && unpacked > zipLength * MOST_RATIO) {
    tell(zipFault('zip-ratio', `The files come to ${unpacked} bytes unpacked, more than ${MOST_RATIO} times the zip, as in a zip bomb.`, 'Leave out files that hold next to nothing but repetitions.'));
  }
  let end = 0;
  let before = '';
  for (const entry of [...entries].sort((one, other) => one.headerAt - other.headerAt)) {
    if (entry.headerAt < end) tell(overlap(entry, before));
    end = entry.headerAt + LOCAL_HEADER + entry.rawName.length + entry.packedLength;
    before = entry.path;
    if (end > directoryAt) tell(zipFault('zip-entry-bounds', `The entry ${shown(entry.path)} reaches beyond the files of the zip.`, 'Make the zip anew, and see that all of it is uploaded.', entry.path));
  }
}

/** One file's bytes are those of another as well: the trick of the densest zip bombs. */
export function overlap({ path }: ZipEntry, before: string): PackageFault {
  return zipFault('zip-overlap', `The entries ${shown(before)} and ${shown(path)} overlap in the zip.`, 'Make the zip anew with an ordinary tool.', path);
}
