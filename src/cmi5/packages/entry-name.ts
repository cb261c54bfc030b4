import { getFileNameLowLevel, type Entry } from 'yauzl';

const LONGEST = 1024;
const ASCII_CONTROL = /[\u0000-\u001f\u007f]/;

/** Bit of an entry's flags that says its name is UTF-8 (APPNOTE 4.4.4). */
const UTF8 = 0x800;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name of an entry, or what is wrong with it. */
export type EntryName = { name: string; problem?: undefined } | { name: string; problem: string };

/**
 * Reads the name of an entry as it is addressed in cmi5.xml: separated by slashes, in the encoding that it is in. Names that are not
 * said to be UTF-8 are so all the same when their bytes can be, as most tools write them, and code page 437 otherwise. Nothing is
 * made of a name that leads out of the package, or that two readers could read differently.
 */
export function readEntryName({ fileNameRaw, generalPurposeBitFlag, extraFields }: Pick<Entry, 'fileNameRaw' | 'generalPurposeBitFlag' | 'extraFields'>): EntryName {
  const said = (generalPurposeBitFlag & UTF8) !== 0;
  const able = isUtf8(fileNameRaw);
  // Without strict names yauzl takes the backslashes of Windows tools for slashes; it also reads the extra field with the Unicode name.
  const name = getFileNameLowLevel(able ? generalPurposeBitFlag | UTF8 : generalPurposeBitFlag, fileNameRaw, extraFields, false).replace(/^(?:\.\/)+/, '');
  const problem = said && !able ? 'is said to be UTF-8 and is not' : problemOf(name);
  return problem === undefined ? { name } : { name, problem };
}

function isUtf8(bytes: Buffer): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > LONGEST) return `is longer than ${LONGEST} characters`;
  if (ASCII_CONTROL.test(name)) return 'has control characters';
  if (name.startsWith('/') || /^[a-z]:/i.test(name)) return 'is an absolute path';
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  if (parts.includes('..')) return 'leads out of the package (..)';
  if (parts.includes('.') || parts.includes('')) return 'has an empty part or a part that is a dot';
  return undefined;
}

/** A name for a message: in quotation marks, and not too long. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
