/** The namespace of cmi5 course structures (cmi5 13.2). */
export const courseNamespace = 'https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd';

/** An element of a parsed XML document, as plain data. */
export interface XmlElement {
  name: string;
  /** '' when the element is in none. */
  namespace: string;
  /** Attributes in no namespace, values as the parser gives them. */
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  /** All text of an element without child elements, CDATA included; '' for others. */
  text: string;
  /** Position among all elements in document order, from 0. */
  order: number;
}

/** Children of cmi5's own namespace with a name. */
export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name && child.namespace === courseNamespace);
}

/** The first such child. */
export function childNamed(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name && child.namespace === courseNamespace);
}

/** An attribute's value without leading and trailing white space (cmi5 13.1). */
export function attributeOf(element: XmlElement, name: string): string | undefined {
  const value = element.attributes.get(name);
  return value === undefined ? undefined : trimXml(value);
}

/** A text without leading and trailing white space of XML (cmi5 13.1; XML 1.0 2.3). Other spaces of Unicode are content and stay. */
export function trimXml(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
