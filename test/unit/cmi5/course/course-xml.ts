import { readCourse } from '../../../../src/cmi5/course/read-course.js';
import type { PackageFault } from '../../../../src/cmi5/course/fault.js';
import { courseNamespace } from '../../../../src/cmi5/course/xml-element.js';

/** Title and description, a line each. */
export const texts = '<title><langstring lang="en">Rocks</langstring></title>\n<description><langstring lang="en">About rocks</langstring></description>';

/** An AU with an element a line. */
export function au({ id = 'https://example.org/au/1', attributes = '', url = 'https://example.org/1/index.html', before = '', after = '' } = {}): string {
  return `<au id="${id}"${attributes}>\n${texts}\n${before}<url>${url}</url>\n${after}</au>`;
}

/** A block around other nodes. */
export function block({ id = 'https://example.org/block/1', children = au(), objectives = '' } = {}): string {
  return `<block id="${id}">\n${texts}\n${objectives}${children}\n</block>`;
}

/** The list of objectives of a course. */
export function objectives(...ids: string[]): string {
  return `<objectives>\n${ids.map((id) => `<objective id="${id}">\n${texts}\n</objective>`).join('\n')}\n</objectives>`;
}

/** References of an AU or a block. */
export function references(...ids: string[]): string {
  return `<objectives>\n${ids.map((id) => `<objective idref="${id}"/>`).join('\n')}\n</objectives>\n`;
}

/** A course structure that is right, but for what is put into it. */
export function courseXml({ course = 'https://example.org/course', nodes = au(), list = '', root = '', lead = '<?xml version="1.0" encoding="utf-8"?>\n', end = '' } = {}): string {
  return `${lead}<courseStructure xmlns="${courseNamespace}"${root}>\n<course id="${course}">\n${texts}\n</course>\n${list}\n${nodes}\n${end}</courseStructure>`;
}

/** Faults of a text, none when it is read. */
export async function faultsOf(xml: string | Buffer, files?: ReadonlySet<string>): Promise<PackageFault[]> {
  const reading = await readCourse(Buffer.from(xml), files);
  return 'faults' in reading ? reading.faults : [];
}

/** Line and column, from 1, of where a text first occurs in another. */
export function placeOf(text: string, part: string): { line: number; column: number } {
  const offset = text.indexOf(part);
  if (offset === -1) throw new Error(`"${part}" is not in the text`);
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
