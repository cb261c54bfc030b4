import { isIri } from '../../xapi/iris.js';
import { finding, quoted, type Finding } from './finding.js';
import type { Outline } from './outline.js';
import { attributeOf, type XmlElement } from './xml-element.js';

/** Characters of an id. The standard sets no limit; one is needed because ids are keys of stores. */
export const maxIdLength = 2000;

/** Requirement that an id of this element is unique in the structure. */
const uniqueness = {
  block: { requirement: '13.1.2.0-1', section: 'cmi5 13.1.2', name: 'block' },
  objective: { requirement: '13.1.3.0-1', section: 'cmi5 13.1.3', name: 'objective' },
  au: { requirement: '13.1.4.0-1', section: 'cmi5 13.1.4', name: 'AU' },
} as const;

const identified = ({ course, objectives, blocks, units }: Outline): XmlElement[] =>
  [...(course === undefined ? [] : [course]), ...objectives, ...blocks, ...units].sort((one, other) => one.order - other.order);

const isId = (value: string): boolean => value.length <= maxIdLength && isIri(value);

/** Whether an attribute is an absolute IRI; one that is not given is judged by the XSD. */
function judgeIri(element: XmlElement, attribute: string): Finding[] {
  const value = attributeOf(element, attribute);
  if (value === undefined || isId(value)) return [];
  return [finding(element, {
    rule: 'absolute-iri', requirement: '3.0.0.0-1', section: 'cmi5 3.0',
    message: value.length > maxIdLength
      ? `The ${attribute} ${quoted(value)} of <${element.name}> is longer than the ${maxIdLength} characters that this server takes.`
      : `The ${attribute} ${quoted(value)} of <${element.name}> is not an absolute IRI.`,
    hint: 'Write the IRI in full, with its scheme, such as https://example.org/courses/geology; spaces and the characters <>"{}|\\^` are not allowed in one.',
  }, attribute)];
}

/** Ids of course, objectives, blocks and AUs, references to objectives, and activity types are absolute IRIs (cmi5 3.0, definition of IRI; 13.1). */
export function judgeIris(outline: Outline): Finding[] {
  return [
    ...identified(outline).flatMap((element) => judgeIri(element, 'id')),
    ...outline.references.flatMap((element) => judgeIri(element, 'idref')),
    ...outline.units.flatMap((element) => judgeIri(element, 'activityType')),
  ];
}

/**
 * The id of a block, an objective or an AU is unique within the course structure (cmi5 13.1.2, 13.1.3, 13.1.4), so unlike
 * every other id of it, of whatever kind. Ids are compared as written, without normalising. The later of two is at fault.
 */
export function judgeUniqueness(outline: Outline): Finding[] {
  const seen = new Map<string, string>();
  return identified(outline).flatMap((element) => {
    const id = attributeOf(element, 'id');
    if (id === undefined) return [];
    const earlier = seen.get(id);
    if (earlier === undefined) seen.set(id, element.name);
    const rule = uniqueness[element.name as keyof typeof uniqueness];
    if (earlier === undefined || rule === undefined) return [];
    return [finding(element, {
      rule: 'unique-id', requirement: rule.requirement, section: rule.section,
      message: `The id ${quoted(id)} of this ${rule.name} is already that of <${earlier}>.`,
      hint: 'Give every course, objective, block and AU of a course structure an id of its own.',
    }, 'id')];
  });
}

/** Blocks and AUs refer to objectives that the course structure lists (cmi5 13.1.2, 13.1.4: objectives). An idref that is no IRI is another fault. */
export function judgeReferences(outline: Outline): Finding[] {
  const known = new Set(outline.objectives.map((objective) => attributeOf(objective, 'id')));
  return outline.references.flatMap((reference) => {
    const id = attributeOf(reference, 'idref');
    if (id !== undefined && (known.has(id) || !isId(id))) return [];
    return [finding(reference, {
      rule: 'objective-reference', requirement: '4.4.0.0-1', section: 'cmi5 13.1.4',
      message: id === undefined ? 'This reference to an objective has no idref.' : `The course structure lists no objective with the id ${quoted(id)}.`,
      hint: 'Name in idref the id of an <objective> in <objectives> after <course>, or remove the reference.',
    }, id === undefined ? undefined : 'idref')];
  });
}
