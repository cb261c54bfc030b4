import type { Complaint } from './xml-document.js';
import type { PackageFault } from './fault.js';
import type { Finding } from './finding.js';
import { courseNamespace } from './xml-element.js';

/** What to do, by what libxml2 says. The first that fits is told. */
const hints: [RegExp, string][] = [
  [/No matching global declaration/, `The root element is <courseStructure xmlns="${courseNamespace}">; earlier drafts of cmi5 had other namespaces.`],
  [/'(?:moveOn|masteryScore|launchMethod|activityType)': This element is not expected/, 'This is an attribute of <au>, not an element: <au id="…" moveOn="Passed" masteryScore="0.8">.'],
  [/'(?:au|block|objectives)': This element is not expected\. Expected is \( ##other/, '<au>, <block> and <objectives> follow </course>; <course> holds title and description alone.'],
  [/'courseStructure': Missing child/, 'A course structure holds <course>, then <objectives> if there are any, then at least one <au> or <block>.'],
  [/'(?:title|description)': (?:Missing child|Character content)/, 'Put the text into <langstring lang="en">…</langstring>.'],
  [/The attribute 'url' is not allowed/, 'The URL is an element of the AU: <url>index.html</url>.'],
  [/The attribute 'id' is required/, 'Give the element an id that is an absolute IRI and unlike all others of the course, such as https://example.org/courses/geology/au/1.'],
  [/attribute 'masteryScore'/, 'A mastery score is a decimal number from 0 to 1, such as 0.8.'],
  [/attribute 'moveOn'/, 'moveOn is Passed, Completed, CompletedAndPassed, CompletedOrPassed or NotApplicable.'],
  [/attribute 'launchMethod'/, 'launchMethod is AnyWindow or OwnWindow.'],
  [/attribute 'lang'/, 'Name the language by a tag such as en or en-US, with a hyphen.'],
  [/xs:anyURI|'url': '.*' is not a valid value/, 'Write spaces and other characters that an address does not allow there, square brackets among them, as percent escapes such as %20.'],
  [/'url': \[facet 'minLength'\]/, 'Name the page that starts the AU: <url>index.html</url>.'],
  [/'\{[^']*': This element is not expected/, 'Elements of another namespace come last in their parent; in <objective>, <langstring> and <url> there are none.'],
  [/: (?:This element is not expected|Missing child)/, 'The order is: title, description, objectives, then for an AU url, launchParameters, entitlementKey, and for a block its AUs and blocks. Title, description and url must be there.'],
];

const attribute = /, attribute '([^']+)': /;

/** A fault of the XSD (cmi5 13.2) from what libxml2 says of it. */
export function schemaFinding(complaint: Complaint): Finding {
  const message = plain(complaint.message);
  const name = attribute.exec(message)?.[1];
  return {
    order: complaint.element ?? 0,
    attribute: name,
    ofSchemaType: /is not a valid value of|\[facet '/.test(message),
    fault: {
      rule: 'schema', requirement: '13.2.0.0-1', section: 'cmi5 13.2', message: shorten(message),
      hint: hints.find(([pattern]) => pattern.test(message))?.[1] ?? 'The structure must conform to CourseStructure.xsd; elements and attributes of your own need a namespace of their own.',
      ...(complaint.element === undefined && { line: complaint.line }),
    },
  };
}

/** A fault of a file that is no well-formed XML. */
export function malformedFault({ message, line, column }: Complaint): PackageFault {
  return {
    rule: 'xml-well-formed', requirement: '13.2.0.0-1', section: 'cmi5 13.2', message: `The file is not well-formed XML: ${shorten(message)}`, line, column,
    hint: /^Entity '/.test(message) ? 'XML knows &amp; &lt; &gt; &quot; &apos; alone; write other characters as themselves.'
      : /limit|Excessive/.test(message) ? 'Split the course, or shorten its texts: this server takes 10 million bytes in one text or attribute.'
        : 'Write & as &amp; and < as &lt; in texts and attributes, close every element, and declare every namespace prefix.',
  };
}

/** Names of cmi5 without their namespace, and of foreign elements without braces. */
function plain(message: string): string {
  return message.replaceAll(`##other{${courseNamespace}}*`, '##other').replaceAll(`{${courseNamespace}}`, '').replaceAll(/\s+/g, ' ').trim();
}

function shorten(message: string): string {
  const told = message.replaceAll('##other', 'an element of another namespace').replace(/[^.]$/, '$&.');
  return told.length <= 500 ? told : `${told.slice(0, 499)}…`;
}
