import { parseOptions, type LibXml2, type Pointer } from './libxml2.js';
import { trimXml, type XmlElement } from './xml-element.js';

/** Complaints that are kept of one document: one more than are told, so that it shows. */
export const maxComplaints = 1001;

/** Something libxml2 says is wrong. */
export interface Complaint {
  message: string;
  /** The element it is about, by its position in document order. */
  element?: number;
  line: number;
  column: number;
}

/** A document that is well-formed, with what the XSD says against it. */
export interface ParsedXml {
  root: XmlElement;
  schemaComplaints: Complaint[];
}

/**
 * Parses a text that scanXml has let through, and validates it against CourseStructure.xsd (cmi5 13.2). Nothing is loaded from
 * anywhere, whatever `xsi:schemaLocation` says. The memory of libxml2 is freed before this returns.
 *
 * @returns the document, or why the text is not well-formed
 */
export function parseXml(library: LibXml2, text: string): ParsedXml | { complaints: Complaint[] } {
  const { functions } = library;
  const complaints: Complaint[] = [];
  const context = functions.xmlNewParserCtxt();
  const document = library.watch((error) => keep(library, complaints, error), (handler) => {
    functions.xmlCtxtSetErrorHandler(context, handler, 0);
    return functions.xmlReadMemory(context, Buffer.from(text), null, 'utf-8', parseOptions);
  });
  functions.xmlFreeParserCtxt(context);
  try {
    if (document === 0 || complaints.length > 0) return { complaints };
    const orders = new Map<Pointer, number>();
    const root = readElement(library, functions.xmlDocGetRootElement(document), orders);
    return { root, schemaComplaints: validate(library, document, orders) };
  } finally {
    if (document !== 0) functions.xmlFreeDoc(document);
  }
}

/** Warnings are passed over: they are about schemas that are not loaded. */
function keep({ functions: { XmlErrorStruct } }: LibXml2, complaints: Complaint[], error: Pointer, orders?: Map<Pointer, number>): void {
  if (XmlErrorStruct.level(error) < 2 || complaints.length >= maxComplaints) return;
  const element = orders?.get(XmlErrorStruct.node(error));
  complaints.push({ message: XmlErrorStruct.message(error).trim(), element, line: XmlErrorStruct.line(error), column: XmlErrorStruct.col(error) });
}

function validate(library: LibXml2, document: Pointer, orders: Map<Pointer, number>): Complaint[] {
  const { functions } = library;
  const complaints: Complaint[] = [];
  const parser = functions.xmlSchemaNewDocParserCtxt(library.schemaDocument);
  const schema = functions.xmlSchemaParse(parser);
  functions.xmlSchemaFreeParserCtxt(parser);
  const context = functions.xmlSchemaNewValidCtxt(schema);
  const verdict = library.watch((error) => keep(library, complaints, error, orders), (handler) => {
    functions.xmlSchemaSetValidStructuredErrors(context, handler, 0);
    return functions.xmlSchemaValidateDoc(context, document);
  });
  functions.xmlSchemaFreeValidCtxt(context);
  functions.xmlSchemaFree(schema);
  if (verdict !== 0 && complaints.length === 0) throw new Error(`libxml2 could not validate a course structure (${verdict})`);
  return complaints;
}

/** Copies an element out of libxml2. Recursion is as deep as scanXml lets elements nest. */
function readElement(library: LibXml2, node: Pointer, orders: Map<Pointer, number>): XmlElement {
  const { XmlNodeStruct, XmlNodeType } = library.functions;
  const element: XmlElement = {
    name: XmlNodeStruct.name_(node), namespace: namespaceOf(library, node), attributes: attributesOf(library, node), children: [], text: '', order: orders.size,
  };
  orders.set(node, element.order);
  const others: Pointer[] = [];
  for (let child = XmlNodeStruct.children(node); child !== 0; child = XmlNodeStruct.next(child)) {
    if (XmlNodeStruct.type(child) === XmlNodeType.XML_ELEMENT_NODE) element.children.push(readElement(library, child, orders));
    else others.push(child);
  }
  const texts = simplify(library, node, others, element.children.length > 0);
  if (element.children.length === 0) element.text = texts.join('');
  return element;
}

/**
 * Takes out of an element what changes nothing for validation and which libxml2 takes quadratic time to validate: comments,
 * instructions, white space between elements, and text in many pieces. Between elements one piece of other text is left, as
 * it may be what is wrong.
 *
 * @returns the pieces of text that there were; between elements perhaps not all
 */
function simplify(library: LibXml2, element: Pointer, nodes: readonly Pointer[], betweenElements: boolean): string[] {
  const { functions } = library;
  const isText = (node: Pointer): boolean => functions.XmlNodeStruct.type(node) === functions.XmlNodeType.XML_TEXT_NODE;
  const [only] = nodes;
  if (!betweenElements && nodes.length === 1 && only !== undefined && isText(only)) return [functions.xmlNodeGetContent(only)];
  const texts: string[] = [];
  for (const node of nodes) {
    const text = isText(node) ? functions.xmlNodeGetContent(node) : '';
    const left = betweenElements && texts.length === 0 && trimXml(text) !== '';
    if (left || (!betweenElements && text !== '')) texts.push(text);
    if (left) continue;
    functions.xmlUnlinkNode(node);
    functions.xmlFreeNode(node);
  }
  if (!betweenElements && texts.length > 0) functions.xmlAddChild(element, functions.xmlNewDocText(functions.XmlNodeStruct.doc(element), texts.join('')));
  return texts;
}

function attributesOf(library: LibXml2, node: Pointer): Map<string, string> {
  const { XmlNodeStruct, XmlAttrStruct, XmlNamedNodeStruct, xmlNodeGetContent } = library.functions;
  const attributes = new Map<string, string>();
  for (let attribute = XmlNodeStruct.properties(node); attribute !== 0; attribute = XmlAttrStruct.next(attribute)) {
    if (XmlNamedNodeStruct.namespace(attribute) === 0) attributes.set(XmlAttrStruct.name_(attribute), xmlNodeGetContent(attribute));
  }
  return attributes;
}

function namespaceOf({ functions }: LibXml2, node: Pointer): string {
  const namespace = functions.XmlNodeStruct.namespace(node);
  return namespace === 0 ? '' : functions.XmlNsStruct.href(namespace);
}
