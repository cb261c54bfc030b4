import { moveOnValues, type AssignableUnit, type Block, type CourseStructure, type LangString } from './structure.js';
import { attributeOf, childNamed, childrenNamed, courseNamespace, trimXml, type XmlElement } from './xml-element.js';

/**
 * The course that a course structure describes (cmi5 13.1). White space around every value is removed (13.1), values that are
 * left out have the standard's defaults, and nothing else is altered.
 *
 * @param root of a document that the XSD and all rules let through
 */
export function readStructure(root: XmlElement): CourseStructure {
  const course = childNamed(root, 'course');
  const units = { count: 0 };
  return {
    publisherId: idOf(course),
    ...textsOf(course),
    objectives: listed(root).map((objective) => ({ id: idOf(objective), ...textsOf(objective) })),
    children: readChildren(root, units),
  };
}

function readChildren(parent: XmlElement, units: { count: number }): (Block | AssignableUnit)[] {
  const children: (Block | AssignableUnit)[] = [];
  for (const child of parent.children) {
    if (child.namespace !== courseNamespace) continue;
    if (child.name === 'au') children.push(readUnit(child, units.count++));
    if (child.name === 'block') children.push(readBlock(child, units));
  }
  return children;
}

function readBlock(element: XmlElement, units: { count: number }): Block {
  return { kind: 'block', publisherId: idOf(element), ...textsOf(element), objectives: referencesOf(element), children: readChildren(element, units) };
}

function readUnit(element: XmlElement, index: number): AssignableUnit {
  const masteryScore = attributeOf(element, 'masteryScore');
  const moveOn = attributeOf(element, 'moveOn');
  return {
    kind: 'au', publisherId: idOf(element), index, ...textsOf(element), objectives: referencesOf(element),
    url: textOf(element, 'url') ?? '',
    launchMethod: attributeOf(element, 'launchMethod') === 'OwnWindow' ? 'OwnWindow' : 'AnyWindow',
    moveOn: moveOnValues.find((value) => value === moveOn) ?? 'NotApplicable',
    // Adding 0 makes 0 of -0.
    ...given('masteryScore', masteryScore === undefined ? undefined : Number(masteryScore) + 0),
    ...given('launchParameters', textOf(element, 'launchParameters')),
    ...given('entitlementKey', textOf(element, 'entitlementKey')),
    ...given('activityType', attributeOf(element, 'activityType')),
  };
}

/** A property that is left out, rather than undefined, where there is no value. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : { [name]: value } as { [name in Name]?: Value };
}

function idOf(element: XmlElement | undefined): string {
  return (element && attributeOf(element, 'id')) ?? '';
}

function textOf(element: XmlElement, name: string): string | undefined {
  const child = childNamed(element, name);
  return child && trimXml(child.text);
}

function textsOf(element: XmlElement | undefined): { title: LangString[]; description: LangString[] } {
  const read = (name: string): LangString[] => {
    const parent = element && childNamed(element, name);
    return parent === undefined ? [] : childrenNamed(parent, 'langstring').map((text) => ({ ...given('lang', attributeOf(text, 'lang')), text: trimXml(text.text) }));
  };
  return { title: read('title'), description: read('description') };
}

function listed(element: XmlElement): XmlElement[] {
  const list = childNamed(element, 'objectives');
  return list === undefined ? [] : childrenNamed(list, 'objective');
}

function referencesOf(element: XmlElement): string[] {
  return listed(element).map((reference) => attributeOf(reference, 'idref') ?? '');
}
