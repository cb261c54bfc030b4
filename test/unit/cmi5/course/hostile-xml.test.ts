import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { readCourse } from '../../../../src/cmi5/course/read-course.js';
import { maxElements, maxNesting } from '../../../../src/cmi5/course/xml-scan.js';
import { maxXmlBytes } from '../../../../src/cmi5/course/xml-text.js';
import { au, block, courseXml, faultsOf, objectives, placeOf, references } from './course-xml.js';

/** The seconds that a file may take; the machine that runs the tests may be busy. */
const patience = 5;

async function rulesOf(xml: string, files?: ReadonlySet<string>): Promise<string[]> {
  const start = performance.now();
  const rules = (await faultsOf(xml, files)).map(({ rule }) => rule);
  const seconds = (performance.now() - start) / 1000;
  if (seconds > patience) throw new Error(`took ${seconds} s`);
  return [...new Set(rules)];
}

t.test('document type declarations are refused, with every entity they could declare', async (t) => {
  const bomb = ['<!DOCTYPE b [', '<!ENTITY a0 "ha">', ...Array.from({ length: 30 }, (_, index) => `<!ENTITY a${index + 1} "${`&a${index};`.repeat(10)}">`), ']>'].join('\n');
  const declarations = [
    '<!DOCTYPE courseStructure>', '<!DOCTYPE c SYSTEM "http://127.0.0.1:1/x.dtd">', '<!DOCTYPE c PUBLIC "x" "file:///etc/passwd">',
    '<!DOCTYPE c [<!ENTITY a SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE c [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]>', bomb,
  ];
  for (const declaration of declarations) {
    const xml = courseXml({ nodes: au({ after: '<launchParameters>&a;&a30;</launchParameters>' }) }).replace('<courseStructure', `<!-- <a> ' -->\n <?a "?>\n${declaration}\n<courseStructure`);
    t.match(await faultsOf(xml), [{ rule: 'xml-dtd', ...placeOf(xml, '<!DOCTYPE') }], declaration.slice(0, 60));
  }
  t.same(await rulesOf(courseXml({ nodes: au({ after: '<launchParameters>&a;</launchParameters>' }) })), ['xml-well-formed'], 'an entity that nothing declares');
  t.same(await rulesOf(courseXml({ nodes: au({ after: '<launchParameters><![CDATA[<!DOCTYPE a [<!ENTITY b "c">]>]]></launchParameters>' }) })), [], 'the same letters as text');
  t.same(await rulesOf(courseXml({ lead: '<!doctype c>' })), ['xml-well-formed']);
});

t.test('nothing is loaded, whatever the file refers to', async (t) => {
  let asked = 0;
  const server = createServer((_request, response) => { asked++; response.end(); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const xml = courseXml({
    lead: `<?xml version="1.0"?><?xml-stylesheet href="${origin}/a.xsl"?><?xml-model href="${origin}/b.rng"?><?oasis-xml-catalog catalog="${origin}/c.xml"?>`,
    root: ` xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:v ${origin}/v.xsd" xml:base="${origin}/"`,
    nodes: au({ after: `<xi:include href="${origin}/x"/><xi:include parse="text" href="file:///etc/passwd"/><v:a xmlns:v="urn:v" xsi:schemaLocation="urn:v ${origin}/v.xsd"/>` }),
  });
  const reading = await readCourse(Buffer.from(xml));
  t.match(reading, { structure: { publisherId: 'https://example.org/course' } });
  t.notMatch(JSON.stringify(reading), /root:/);
  t.equal(asked, 0);
});

t.test('a schema that one file brings does not hold for the next', async (t) => {
  const xsi = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
  t.same(await rulesOf(courseXml({ root: `${xsi} xsi:schemaLocation="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd data:,"`, nodes: '<x/>' })), ['schema']);
  t.same(await rulesOf(courseXml()), []);
});

t.test('nesting is bounded, at the limit as beyond it', async (t) => {
  const nested = (depth: number): string => courseXml({ nodes: Array.from({ length: depth }).reduce<string>((children, _, index) => block({ id: `urn:b:${index}`, children }), au()) });
  t.same(await rulesOf(nested(maxNesting - 4)), [], 'blocks, an AU, its title and the text in it');
  t.same(await rulesOf(nested(maxNesting - 3)), ['xml-nesting']);
  t.same(await rulesOf(courseXml({ nodes: '<block>'.repeat(500_000) })), ['xml-nesting']);
  t.same(await rulesOf(courseXml({ nodes: au({ after: `<v:a xmlns:v="urn:v">${'<v:b>'.repeat(200)}${'</v:b>'.repeat(200)}</v:a>` }) })), ['xml-nesting']);
});

t.test('sizes are bounded', async (t) => {
  t.same(await rulesOf(courseXml({ end: ' '.repeat(maxXmlBytes) })), ['xml-size']);
  t.same(await rulesOf(courseXml({ nodes: '<au/>'.repeat(maxElements) })), ['xml-elements']);
  t.same(await rulesOf(courseXml({ nodes: au({ attributes: Array.from({ length: 300 }, (_, index) => ` a${index}=""`).join('') }) })), ['xml-attributes']);
  t.same(await rulesOf(courseXml({ course: `https://example.org/${'a'.repeat(9_000_000)}` })), ['absolute-iri']);
  t.same(await rulesOf(courseXml({ nodes: au({ before: references(`urn:${'a'.repeat(9_000_000)}`) }) })), ['absolute-iri']);
  t.same(await rulesOf(courseXml({ nodes: au({ url: `https://example.org/${'a'.repeat(9_000_000)}` }) })), ['url-syntax']);
  t.same(await rulesOf(courseXml({ nodes: au({ attributes: ` v:a="${'a'.repeat(12_000_000)}"` }), root: ' xmlns:v="urn:v"' })), ['xml-well-formed'], 'more than the parser takes');
  t.same(await rulesOf(courseXml({ nodes: au({ attributes: ` masteryScore="0.${'0'.repeat(9_000_000)}"` }) })), []);
  const [fault] = await faultsOf(courseXml({ nodes: au({ attributes: ` moveOn="${'a'.repeat(1_000_000)}"` }) }));
  t.ok((fault?.message.length ?? 0) < 1000, 'messages stay short');
});

t.test('nothing takes time in the square of its size', async (t) => {
  const many = 90_000;
  const parameters = (content: string): string => courseXml({ nodes: au({ after: `<launchParameters>${content}</launchParameters>` }) });
  t.same(await rulesOf(courseXml({ nodes: '<au/>\n'.repeat(many) })), ['schema', 'more-faults'], 'faults beside each other');
  t.same(await rulesOf(courseXml({ nodes: au().replace(/<langstring.*?<\/langstring>/, '<langstring lang="a_b"/>'.repeat(many)) })), ['language-tag', 'more-faults']);
  t.same(await rulesOf(courseXml({ nodes: (au({ url: 'A.html' }) + '\n').repeat(many / 9) }), new Set(Array.from({ length: 60_000 }, (_, index) => `${index}/a.html`))), ['url-not-in-package', 'unique-id', 'more-faults']);
  t.same(await rulesOf(parameters('x<!-- -->'.repeat(900_000))), [], 'text in pieces, by comments');
  t.same(await rulesOf(parameters('<![CDATA[x]]>'.repeat(900_000))), [], 'by CDATA');
  t.same(await rulesOf(parameters('x<?a?>'.repeat(900_000))), [], 'by instructions');
  t.same(await rulesOf(courseXml({ nodes: au({ after: `<v:a xmlns:v="urn:v">${'xyz<v:b/>'.repeat(many)}</v:a>` }) })), [], 'by elements');
  t.same(await rulesOf(parameters(`${' '.repeat(9_000_000)}x`)), [], 'much white space');
  t.same(await rulesOf(courseXml({ list: objectives(...Array.from({ length: many / 8 }, (_, index) => `urn:o:${index}`)), nodes: au({ before: references(...Array.from({ length: many / 8 }, (_, index) => `urn:o:${index}`)) }) })), []);
  t.same(await rulesOf('<'.repeat(maxXmlBytes - 1)), ['xml-well-formed']);
  t.same(await rulesOf('<a "'.repeat(maxXmlBytes / 4 - 1)), ['xml-attributes']);
});

t.test('mutated files are read or refused, and never take long', async (t) => {
  const random = seeded(20_240_607);
  const xml = courseXml({ list: objectives('urn:o:1'), root: ' xmlns:v="urn:v"', nodes: block({ objectives: references('urn:o:1'), children: au({ attributes: ' moveOn="Passed" masteryScore="0.8"', url: '<![CDATA[ a/index.html?b=1 ]]>', after: '<v:k a="1">&lt;</v:k>' }) }) });
  const files = new Set(['a/index.html']);
  t.same(await faultsOf(xml, files), []);
  const outcomes = { read: 0, refused: 0 };
  for (let index = 0; index < 1000; index++) {
    const mutated = mutate(Buffer.from(xml), random);
    const start = performance.now();
    const reading = await readCourse(mutated, random() < 0.5 ? files : undefined);
    if (performance.now() - start > 1000 * patience) t.fail(`took long: ${mutated.toString('base64')}`);
    if ('structure' in reading) outcomes.read++;
    else {
      outcomes.refused++;
      if (reading.faults.length === 0 || reading.faults.some(({ rule, message, hint, line = 1 }) => !rule || !message || !hint || line < 1)) t.fail(`tells nothing: ${mutated.toString('base64')}`);
    }
  }
  t.ok(outcomes.read > 5 && outcomes.refused > 100, JSON.stringify(outcomes));
  t.same(await faultsOf(xml, files), [], 'and the next file is read as ever');
});

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const pieces = ['<', '>', '"', '&', '&#0;', '&#x10ffff;', ']]>', '<![CDATA[', '<!--', '-->', '<?xml?>', '<!DOCTYPE a>', '</au>', '<au>', '<block id="urn:b">', ' id="x"', ' xmlns=""', ' xmlns:v=""', '\0', '\ufeff', 'é', '\u{1f600}', '\ud800', '\r', ' xsi:nil="true"', '%', '..', '/'].map((piece) => Buffer.from(piece));

/** One to three changes: bytes altered, cut, doubled or moved, or a piece put in. */
function mutate(bytes: Buffer, random: () => number): Buffer {
  let mutated = bytes;
  for (let change = Math.floor(random() * 3); change >= 0; change--) {
    const at = Math.floor(random() * mutated.length);
    const end = Math.min(mutated.length, at + Math.floor(random() * 40));
    const [head, cut, tail] = [mutated.subarray(0, at), mutated.subarray(at, end), mutated.subarray(end)];
    const kind = random();
    const piece = pieces[Math.floor(random() * pieces.length)] ?? Buffer.alloc(0);
    if (kind < 0.2) mutated = Buffer.concat([head, Buffer.from([Math.floor(random() * 256)]), mutated.subarray(at + 1)]);
    else if (kind < 0.4) mutated = Buffer.concat([head, tail]);
    else if (kind < 0.6) mutated = Buffer.concat([head, cut, cut, tail]);
    else if (kind < 0.9) mutated = Buffer.concat([head, piece, cut, tail]);
    else mutated = Buffer.concat([tail, head, cut]);
  }
  return mutated;
}
