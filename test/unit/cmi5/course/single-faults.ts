import { au, block, courseXml, objectives, references, texts } from './course-xml.js';

/** A course structure with exactly one fault, and what is to be said of it. */
export interface SingleFault {
  name: string;
  xml: string;
  files?: string[];
  rule: string;
  requirement: string;
  section: string;
  /** The text at whose start the fault is. */
  at: string;
}

const iri = { rule: 'absolute-iri', requirement: '3.0.0.0-1', section: 'cmi5 3.0' };
const lone = { rule: 'url-not-qualified', requirement: '14.2.0.0-1', section: 'cmi5 14.2', at: '<url>' };
const inZip = { rule: 'url-not-in-package', requirement: '14.1.0.0-4', section: 'cmi5 14.1', at: '<url>' };
const syntax = { rule: 'url-syntax', requirement: '13.1.4.0-2', section: 'cmi5 13.1.4', at: '<url>' };
const query = { rule: 'url-query-conflict', requirement: '8.1.0.0-6', section: 'cmi5 8.1', at: '<url>' };
const schema = { rule: 'schema', requirement: '13.2.0.0-1', section: 'cmi5 13.2' };
const general = { requirement: '4.4.0.0-1', section: 'cmi5 13.1.4' };
const ofBlock = { rule: 'unique-id', requirement: '13.1.2.0-1', section: 'cmi5 13.1.2' };
const ofObjective = { rule: 'unique-id', requirement: '13.1.3.0-1', section: 'cmi5 13.1.3' };
const ofUnit = { rule: 'unique-id', requirement: '13.1.4.0-1', section: 'cmi5 13.1.4' };

const withUrl = (url: string): string => courseXml({ nodes: au({ url }) });
const withAttributes = (attributes: string): string => courseXml({ nodes: au({ attributes }) });
const twoUnits = (id: string): string => `${au()}\n${au({ id, attributes: ' moveOn="Passed"' })}`;

/** Twins, with one fault each, of the packages that ADL's CATAPULT LMS test suite wants refused, as far as the fault is in the XML. */
export const catapultTwins: SingleFault[] = [
  { name: '201-1 course id', xml: courseXml({ course: 'example.org/course' }), ...iri, at: 'id="example.org/course"' },
  { name: '201-2 block id', xml: courseXml({ nodes: block({ id: 'example.org/block' }) }), ...iri, at: 'id="example.org/block"' },
  { name: '201-3 AU id', xml: courseXml({ nodes: au({ id: 'example.org/au' }) }), ...iri, at: 'id="example.org/au"' },
  { name: '201-4 objective id', xml: courseXml({ list: objectives('example.org/objective') }), ...iri, at: 'id="example.org/objective"' },
  { name: '202-1 relative URL, no zip', xml: withUrl('index.html'), ...lone },
  { name: '202-2 with a path', xml: withUrl('path/1/index.html'), ...lone },
  { name: '202-3 with a query', xml: withUrl('index.html?abc=def'), ...lone },
  { name: '202-4 with path and query', xml: withUrl('path/1/index.html?abc=def'), ...lone },
  { name: '202-5 from the root', xml: withUrl('/index.html'), ...lone },
  { name: '203-1 not in the zip', xml: withUrl('not-found.html'), files: ['cmi5.xml', 'index.html'], ...inZip },
  { name: '204 query conflict', xml: withUrl('https://example.org/index.html?endpoint=https://example.org/lrs'), ...query },
  { name: '205-1 duplicate block', xml: courseXml({ nodes: `${block()}\n${block({ children: au({ id: 'https://example.org/au/2' }) }).replace('id=', 'id =')}` }), ...ofBlock, at: 'id ="https://example.org/block/1"' },
  { name: '205-2 duplicate objective', xml: courseXml({ list: objectives('https://example.org/o', 'https://example.org/o').replace(/id=(?!.*id=)/s, 'id =') }), ...ofObjective, at: 'id ="https://example.org/o"' },
  { name: '205-3 duplicate AU', xml: courseXml({ nodes: `${au()}\n${au().replace('id=', 'id =')}` }), ...ofUnit, at: 'id ="https://example.org/au/1"' },
  { name: '206-1 space in a URL', xml: withUrl('https://example.org index.html'), ...syntax },
  { name: '207-1 order of elements', xml: courseXml({ nodes: `<au id="https://example.org/au/1">\n<url>https://example.org/1/index.html</url>\n${texts}\n</au>` }), ...schema, at: '<url>' },
  { name: '208-1 no XML', xml: '# Course\n\nText.', rule: 'not-a-package', requirement: '14.0.0.0-1', section: 'cmi5 14.0', at: '#' },
];

export const singleFaults: SingleFault[] = [
  { name: 'reference that is no IRI', xml: courseXml({ nodes: au({ before: references('objective/1') }) }), ...iri, at: 'idref="objective/1"' },
  { name: 'activity type that is no IRI', xml: withAttributes(' activityType="media"'), ...iri, at: 'activityType=' },
  { name: 'id with a space', xml: courseXml({ course: 'https://example.org/a course' }), ...iri, at: 'id="https://example.org/a course"' },
  { name: 'id with a broken escape', xml: courseXml({ course: 'https://example.org/%zz' }), ...iri, at: 'id="https://example.org/%zz"' },
  { name: 'empty id', xml: courseXml({ course: '' }), ...iri, at: 'id=""' },
  { name: 'id longer than a store takes', xml: courseXml({ course: `https://example.org/${'a'.repeat(2000)}` }), ...iri, at: 'id="https://example.org/aaa' },
  { name: 'AU with the id of the course', xml: courseXml({ course: 'https://example.org/same', nodes: twoUnits('https://example.org/same') }), ...ofUnit, at: 'id="https://example.org/same" moveOn' },
  { name: 'AU with the id of its block', xml: courseXml({ nodes: block({ id: 'https://example.org/same', children: twoUnits('https://example.org/same') }) }), ...ofUnit, at: 'id="https://example.org/same" moveOn' },
  { name: 'AUs of different blocks', xml: courseXml({ nodes: `${block()}\n${block({ id: 'https://example.org/block/2', children: au({ attributes: ' moveOn="Passed"' }) })}` }), ...ofUnit, at: 'id="https://example.org/au/1" moveOn' },
  { name: 'block with the id of an objective', xml: courseXml({ list: objectives('https://example.org/same'), nodes: block({ id: 'https://example.org/same', objectives: references('https://example.org/same') }) }), ...ofBlock, at: 'id="https://example.org/same">\n<title><langstring lang="en">Rocks</langstring></title>\n<description><langstring lang="en">About rocks</langstring></description>\n<objectives>' },
  { name: 'duplicate but for white space', xml: courseXml({ nodes: twoUnits(' https://example.org/au/1\n') }), ...ofUnit, at: 'id=" https' },
  { name: 'reference to no objective', xml: courseXml({ list: objectives('https://example.org/o/1'), nodes: au({ before: references('https://example.org/o/1', 'https://example.org/o/2') }) }), ...general, rule: 'objective-reference', at: 'idref="https://example.org/o/2"' },
  { name: 'reference of a block to no objective', xml: courseXml({ nodes: block({ objectives: references('https://example.org/o/2') }) }), ...general, rule: 'objective-reference', at: 'idref=' },
  { name: 'reference without idref', xml: courseXml({ nodes: au({ before: '<objectives><objective/></objectives>\n' }) }), ...general, rule: 'objective-reference', at: '<objective/>' },
  { name: 'score with five decimals', xml: withAttributes(' masteryScore="0.66667"'), ...general, rule: 'mastery-score-decimals', at: 'masteryScore' },
  { name: 'score above 1', xml: withAttributes(' masteryScore="1.1"'), ...schema, at: 'masteryScore' },
  { name: 'score below 0', xml: withAttributes(' masteryScore="-0.1"'), ...schema, at: 'masteryScore' },
  { name: 'score that is no number', xml: withAttributes(' masteryScore="80%"'), ...schema, at: 'masteryScore' },
  { name: 'score in floating-point notation', xml: withAttributes(' masteryScore="8e-1"'), ...schema, at: 'masteryScore' },
  { name: 'empty score', xml: withAttributes(' masteryScore=""'), ...schema, at: 'masteryScore' },
  { name: 'unknown moveOn', xml: withAttributes(' moveOn="Sometimes"'), ...schema, at: 'moveOn' },
  { name: 'moveOn in lower case', xml: withAttributes(' moveOn="passed"'), ...schema, at: 'moveOn' },
  { name: 'unknown launchMethod', xml: withAttributes(' launchMethod="Frame"'), ...schema, at: 'launchMethod' },
  { name: 'unknown attribute', xml: withAttributes('\n colour="red"'), ...schema, at: 'colour' },
  { name: 'unknown element', xml: courseXml({ nodes: au({ after: '<duration>PT1H</duration>\n' }) }), ...schema, at: '<duration>' },
  { name: 'moveOn as an element', xml: courseXml({ nodes: au({ after: '<moveOn>Passed</moveOn>\n' }) }), ...schema, at: '<moveOn>' },
  { name: 'AU without id', xml: courseXml({ nodes: au().replace(' id="https://example.org/au/1"', '') }), ...schema, at: '<au' },
  { name: 'AU without URL', xml: courseXml({ nodes: `<au id="https://example.org/au/1">\n${texts}\n</au>` }), ...schema, at: '<au' },
  { name: 'empty URL', xml: withUrl('  '), ...schema, at: '<url>' },
  { name: 'course without description', xml: courseXml().replace('<description><langstring lang="en">About rocks</langstring></description>', ''), ...schema, at: '<course ' },
  { name: 'no course', xml: courseXml().replace(/<course .*<\/course>\n/s, ''), ...schema, at: '<au' },
  { name: 'no AU', xml: courseXml({ nodes: '' }), ...schema, at: '<courseStructure' },
  { name: 'block without AU', xml: courseXml({ nodes: block({ children: '' }) }), ...schema, at: '<block' },
  { name: 'empty title', xml: courseXml().replace('<title><langstring lang="en">Rocks</langstring></title>', '<title/>'), ...schema, at: '<title/>' },
  { name: 'text between elements', xml: courseXml({ nodes: `${au()}\nsome text` }), ...schema, at: '<courseStructure' },
  { name: 'namespace of a draft', xml: courseXml().replace('https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd', 'http://aicc.org/CMI5/CourseStructure.xsd'), ...schema, at: '<courseStructure' },
  { name: 'another root', xml: '<manifest/>', ...schema, at: '<manifest' },
  { name: 'vendor element in the wrong place', xml: courseXml({ root: ' xmlns:v="urn:v"', nodes: au({ before: '<v:level/>\n' }) }), ...schema, at: '<v:level' },
  { name: 'vendor element without namespace', xml: courseXml({ nodes: au({ after: '<level xmlns=""/>\n' }) }), ...schema, at: '<level' },
  { name: 'language with an underscore', xml: courseXml().replace('lang="en"', 'lang="en_US"'), rule: 'language-tag', requirement: '13.2.0.0-1', section: 'cmi5 13.2', at: 'lang="en_US"' },
  { name: 'language that only the XSD takes', xml: courseXml().replace('lang="en"', 'lang="en-x"'), rule: 'language-tag', requirement: '13.2.0.0-1', section: 'cmi5 13.2', at: 'lang="en-x"' },
  { name: 'elements in launchParameters', xml: courseXml({ nodes: au({ after: '<launchParameters>a<b/></launchParameters>\n' }) }), ...general, rule: 'string-value', at: '<launchParameters>' },
  { name: 'elements in entitlementKey', xml: courseXml({ nodes: au({ after: '<entitlementKey><key/></entitlementKey>\n' }) }), ...general, rule: 'string-value', at: '<entitlementKey>' },
  ...['fetch', 'actor', 'registration', 'activityId', '%65ndpoint'].map((name) => ({ name: `query conflict of ${name}`, xml: withUrl(`https://example.org/?a=1&amp;${name}=2#x`), ...query })),
  { name: 'query conflict in a zip', xml: withUrl('index.html?fetch='), files: ['index.html'], ...query },
  ...['https://example.org/ä', 'https://example.org/%2', 'https://example.org\\a', 'https://', 'https:/example.org/', 'https://user:word@example.org/', 'https://example.org:99999/', 'javascript://%0aalert(1)', 'data:text/html,x', 'file:///etc/passwd', 'urn:a:b', `https://example.org/${'a'.repeat(4000)}`]
    .map((url) => ({ name: `URL ${url.slice(0, 40)}`, xml: withUrl(url), ...syntax })),
  ...['index.html', 'a/INDEX.html', '../a/index.html', 'a/../../a/index.html', '/a/index.html', '//example.org/a/index.html', 'a/', 'a', 'a%2Findex.html', '%2e%2e/a/index.html', '?a=1', '#a', '.', 'a/index.html%00', 'a/index.html/.', '%ff']
    .map((url) => ({ name: `URL ${url} in a zip`, xml: withUrl(url), files: ['cmi5.xml', 'a/', 'a/index.html'], ...inZip })),
  { name: 'URL from the host, no zip', xml: withUrl('//example.org/index.html'), ...lone },
];
