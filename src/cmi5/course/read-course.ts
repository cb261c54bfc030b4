import { judgeLanguages, judgeMasteryScores, judgeStrings } from './course-rules.js';
import type { PackageFault } from './fault.js';
import type { Finding } from './finding.js';
import { judgeIris, judgeReferences, judgeUniqueness } from './id-rules.js';
import { loadLibXml2 } from './libxml2.js';
import { outlineOf } from './outline.js';
import { malformedFault, schemaFinding } from './schema-faults.js';
import { readStructure } from './structure-reader.js';
import type { CourseStructure } from './structure.js';
import { judgeUrls } from './url-rules.js';
import { parseXml, type ParsedXml } from './xml-document.js';
import { attributeOffset, createPlaces } from './xml-places.js';
import { scanXml } from './xml-scan.js';
import { decodeXml } from './xml-text.js';

/** Faults that are told of one file; when there are more, a last one says so. */
export const maxFaults = 1000;

/** A structure, or every fault that there is. */
export type CourseReading = { structure: CourseStructure } | { faults: PackageFault[] };

/**
 * Reads a cmi5.xml: decodes it, parses it without DTD, entities or anything loaded, validates it against CourseStructure.xsd,
 * and judges every rule of sections 13 and 14 that the XSD can not say (cmi5 4.4, 6.1, 13, 14, and 8.1 for query names). All
 * faults are told at once, in the order of the file; a file that is not well-formed has those alone.
 *
 * @param xml the bytes of cmi5.xml, at most 16 MiB
 * @param files names of the entries of the zip it is from; undefined for a lone XML
 */
export async function readCourse(xml: Buffer, files?: ReadonlySet<string>): Promise<CourseReading> {
  const decoded = decodeXml(xml);
  if ('fault' in decoded) return { faults: [decoded.fault] };
  const { text } = decoded;
  if (files === undefined && !/^[ \t\r\n]*</.test(text)) return { faults: [notXml] };
  const scan = scanXml(text);
  if ('fault' in scan) return { faults: [{ ...scan.fault, ...createPlaces(text)(scan.offset) }] };
  const parsed = parseXml(await loadLibXml2(), text);
  if ('complaints' in parsed) return { faults: parsed.complaints.map(malformedFault) };
  const findings = judge(parsed, files);
  return findings.length === 0 ? { structure: readStructure(parsed.root) } : { faults: placed(findings, text, scan.starts) };
}

/** A lone file that does not begin as XML does (cmi5 14.0). */
const notXml: PackageFault = {
  rule: 'not-a-package', requirement: '14.0.0.0-1', section: 'cmi5 14.0', line: 1, column: 1, message: 'The file is neither a zip nor XML.',
  hint: 'A course package is a zip with cmi5.xml in its root folder, or a course structure XML file alone.',
};

function judge({ root, schemaComplaints }: ParsedXml, files: ReadonlySet<string> | undefined): Finding[] {
  const outline = outlineOf(root);
  const ruled = [
    ...judgeIris(outline), ...judgeUniqueness(outline), ...judgeReferences(outline),
    ...judgeMasteryScores(outline), ...judgeLanguages(outline), ...judgeStrings(outline), ...judgeUrls(outline, files),
  ];
  const keyOf = ({ order, attribute = '' }: Finding): string => `${order} ${attribute}`;
  const known = new Set(ruled.map(keyOf));
  const schema = schemaComplaints.map(schemaFinding).filter((found) => found.ofSchemaType !== true || !known.has(keyOf(found)));
  return [...schema, ...ruled].sort((one, other) => one.order - other.order);
}

/** The faults with their lines and columns, the first thousand of them. */
function placed(findings: readonly Finding[], text: string, starts: readonly number[]): PackageFault[] {
  const placeOf = createPlaces(text);
  const faults = findings.slice(0, maxFaults).map(({ order, attribute, fault }) => {
    const start = starts[order] ?? 0;
    return { ...placeOf(attribute === undefined ? start : attributeOffset(text, start, attribute)), ...fault };
  });
  if (findings.length > maxFaults) faults.push({ rule: 'more-faults', section: 'cmi5 4.4', message: `There are more faults than these ${maxFaults}.`, hint: 'Import again when these are put right.', ...placeOf(0) });
  return faults;
}
