import type { PackageFault } from './fault.js';

/** Elements within elements. */
export const maxNesting = 100;
/** Elements in one file: more than ten thousand AUs. */
export const maxElements = 100_000;
/** Attributes and namespace declarations of one element. */
export const maxAttributes = 200;

/** Where the elements of a text begin. */
export interface Scan {
  /** Offsets of the `<` of each element in document order. */
  starts: number[];
}

/**
 * Walks over the markup of an XML text before a parser sees it: finds where every element begins, refuses a document type
 * declaration (and with it every entity but the five of XML itself), and bounds what the parser's time and memory grow with.
 * Takes time linear in the text. A text that is not well-formed is scanned as far as it goes; the parser tells its faults.
 */
export function scanXml(text: string): Scan | { fault: PackageFault; offset: number } {
  const starts: number[] = [];
  let depth = 0;
  let at = text.indexOf('<');
  while (at !== -1) {
    const other = endOfOther(text, at);
    if (text.startsWith('<!DOCTYPE', at)) return { fault: dtd, offset: at };
    if (other !== undefined) {
      if (text.startsWith('</', at)) depth--;
      at = other === -1 ? -1 : text.indexOf('<', other);
      continue;
    }
    const tag = endOfTag(text, at);
    depth++;
    if (starts.push(at) > maxElements) return { fault: limit('xml-elements', `cmi5.xml has more than ${maxElements} elements.`), offset: at };
    if (depth > maxNesting) return { fault: limit('xml-nesting', `Elements are nested more than ${maxNesting} deep.`), offset: at };
    if (tag.attributes > maxAttributes) return { fault: limit('xml-attributes', `An element has more than ${maxAttributes} attributes.`), offset: at };
    if (text[tag.end - 1] === '/') depth--;
    at = text.indexOf('<', tag.end);
  }
  return { starts };
}

/** The end of a comment, CDATA section, processing instruction, declaration or end tag; undefined for a start tag, -1 for one that does not end. */
function endOfOther(text: string, at: number): number | undefined {
  if (text.startsWith('<!--', at)) return text.indexOf('-->', at + 4);
  if (text.startsWith('<![CDATA[', at)) return text.indexOf(']]>', at + 9);
  if (text.startsWith('<?', at)) return text.indexOf('?>', at + 2);
  if (text.startsWith('<!', at) || text.startsWith('</', at)) return text.indexOf('>', at + 2);
  return undefined;
}

/** Place of the `>` of a start tag, or the text's length; a `>` within quotes does not end it. */
function endOfTag(text: string, at: number): { end: number; attributes: number } {
  let attributes = 0;
  for (let end = at + 1; end < text.length; end++) {
    const character = text[end];
    if (character === '>') return { end, attributes };
    if (character !== '"' && character !== "'") continue;
    attributes++;
    end = text.indexOf(character, end + 1);
    if (end === -1) break;
  }
  return { end: text.length, attributes };
}

const dtd: PackageFault = {
  rule: 'xml-dtd', requirement: '13.2.0.0-1', section: 'cmi5 13.2',
  message: 'cmi5.xml has a document type declaration (<!DOCTYPE …>), which this server does not read.',
  hint: 'Remove <!DOCTYPE …>. The structure is described by the XSD; write the characters that entities stood for.',
};

function limit(rule: string, message: string): PackageFault {
  return { rule, section: 'cmi5 13.1', message, hint: 'Split the course into several courses, or make its structure flatter.' };
}
