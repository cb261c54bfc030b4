import { childNamed, childrenNamed, courseNamespace, type XmlElement } from './xml-element.js';

/** The elements of a course structure that rules are about, each list in document order. A file that the XSD refuses has an outline too, of what can be made out. */
export interface Outline {
  course?: XmlElement;
  objectives: XmlElement[];
  blocks: XmlElement[];
  units: XmlElement[];
  /** `<objective idref>` of blocks and AUs. */
  references: XmlElement[];
  /** Every `<langstring>` of a title or description. */
  texts: XmlElement[];
}

/** Finds the elements of a course structure (cmi5 13.1) under its root. Foreign elements and what is in them are left out. */
export function outlineOf(root: XmlElement): Outline {
  const outline: Outline = { course: childNamed(root, 'course'), objectives: [], blocks: [], units: [], references: [], texts: [] };
  if (outline.course !== undefined) addTexts(outline, outline.course);
  for (const list of childrenNamed(root, 'objectives')) for (const objective of childrenNamed(list, 'objective')) outline.objectives.push(objective);
  for (const objective of outline.objectives) addTexts(outline, objective);
  addNodes(outline, root);
  return outline;
}

function addNodes(outline: Outline, parent: XmlElement): void {
  for (const child of parent.children) {
    if (child.namespace !== courseNamespace || (child.name !== 'au' && child.name !== 'block')) continue;
    (child.name === 'au' ? outline.units : outline.blocks).push(child);
    addTexts(outline, child);
    for (const list of childrenNamed(child, 'objectives')) for (const reference of childrenNamed(list, 'objective')) outline.references.push(reference);
    if (child.name === 'block') addNodes(outline, child);
  }
}

function addTexts(outline: Outline, element: XmlElement): void {
  for (const child of element.children) {
    if (child.namespace !== courseNamespace || (child.name !== 'title' && child.name !== 'description')) continue;
    for (const text of childrenNamed(child, 'langstring')) outline.texts.push(text);
  }
}
