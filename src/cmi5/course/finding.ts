import type { PackageFault } from './fault.js';
import type { XmlElement } from './xml-element.js';

/** A fault and what in cmi5.xml it is about; its line and column are found when all are. */
export interface Finding {
  /** Position of the element in document order. */
  order: number;
  /** The attribute at fault, unless it is the element. */
  attribute?: string;
  /** Says that the value does not fit its type in the XSD: a rule of the standard about the same value is told instead. */
  ofSchemaType?: boolean;
  fault: PackageFault;
}

/** A finding about an element, or about an attribute of it. */
export function finding(element: XmlElement, fault: PackageFault, attribute?: string): Finding {
  return { order: element.order, attribute, fault };
}

const longest = 200;

/** A value of the file as a message quotes it: at most 200 characters. */
export function quoted(value: string): string {
  if (value.length <= longest) return `"${value}"`;
  const end = /[\ud800-\udbff]/.test(value[longest - 1] ?? '') ? longest - 1 : longest;
  return `"${value.slice(0, end)}…" (${value.length} characters)`;
}
