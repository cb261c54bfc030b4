import type { PackageFault } from './fault.js';

/** Bytes a cmi5.xml may have. */
export const maxXmlBytes = 16 * 1024 * 1024;

/** Encodings that show in the bytes themselves; a file that only declares one is damaged. */
const wideEncoding = /^(?:utf-?16|utf-?32|ucs|iso-10646|csunicode|unicode)/;

/** Leads the declaration of a text that is written in an encoding with ASCII as its lower half (XML 1.0 2.8). */
const declaration = /^<\?xml\s+version\s*=\s*(?:"[^"]{0,20}"|'[^']{0,20}')\s+encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']/;

/**
 * The text of an XML file, by its byte order mark, by how its first characters lie, or by its encoding declaration
 * (XML 1.0 4.3.3 and appendix F). A mark is not part of the text. Bytes that do not decode are a fault, never replaced.
 *
 * @returns the text, or what is wrong with the bytes
 */
export function decodeXml(bytes: Buffer): { text: string } | { fault: PackageFault } {
  if (bytes.length > maxXmlBytes) return { fault: tooLarge(bytes.length) };
  const shown = shownEncoding(bytes);
  const encoding = shown ?? declaration.exec(bytes.toString('latin1', 0, 200))?.[1]?.toLowerCase() ?? 'utf-8';
  if (shown === undefined && wideEncoding.test(encoding)) return { fault: undecodable(encoding, 'the file declares it, but is not written in it') };
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes) };
  } catch (error) {
    return { fault: undecodable(encoding, error instanceof RangeError ? 'it is not an encoding that is known here' : 'some bytes are not of it') };
  }
}

/** The encoding that a byte order mark or the bytes of the first two characters show. */
function shownEncoding([first, second, third, fourth]: Buffer): string | undefined {
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? 'utf-32' : 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0x3c && second === 0) return third === 0 ? 'utf-32' : 'utf-16le';
  if (first === 0 && second === 0x3c) return 'utf-16be';
  return first === 0 && second === 0 ? 'utf-32' : undefined;
}

function tooLarge(length: number): PackageFault {
  return {
    rule: 'xml-size', section: 'cmi5 14',
    message: `cmi5.xml has ${length} bytes; this server takes ${maxXmlBytes}.`,
    hint: 'Split the course into several courses, or move what is not course structure into files of the package.',
  };
}

function undecodable(encoding: string, why: string): PackageFault {
  return {
    rule: 'xml-encoding', requirement: '13.2.0.0-1', section: 'cmi5 13.2', line: 1, column: 1,
    message: `cmi5.xml can not be read as ${encoding}: ${why}.`,
    hint: 'Save the file as UTF-8 and begin it with <?xml version="1.0" encoding="utf-8"?>.',
  };
}
