import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readCourse } from '../../../../src/cmi5/course/read-course.js';
import { blocksOf, unitsOf, type CourseStructure } from '../../../../src/cmi5/course/structure.js';
import { root } from '../../docs/project-files.js';
import { au, block, courseXml, objectives, references, texts } from './course-xml.js';

async function structureOf(xml: string | Buffer, files?: ReadonlySet<string>): Promise<CourseStructure> {
  const reading = await readCourse(Buffer.from(xml), files);
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults));
  return reading.structure;
}

const example = (name: string): Buffer => readFileSync(join(root, 'test/fixtures/cmi5', name));

t.test("the standard's simple example", async (t) => {
  const id = 'http://course-repository.example.edu/identifiers/courses/02baafcf';
  const structure = await structureOf(example('simple-cmi5.xml'));
  t.match(structure, { publisherId: id, title: [{ lang: 'en-US', text: 'Introduction to Geology' }], objectives: [] });
  t.match(structure.description[0]?.text, /^This course will[^]*history of the Earth\.$/, 'white space around a text is gone');
  t.same(structure.children.map((child) => ({ ...child, title: 0, description: 0 })), [{
    kind: 'au', publisherId: `${id}/aus/4c07`, index: 0, title: 0, description: 0, objectives: [], url: `${id}/aus/4c07/launch.html`, launchMethod: 'AnyWindow', moveOn: 'NotApplicable',
  }]);
});

t.test("the standard's complex example", async (t) => {
  const structure = await structureOf(example('complex-cmi5.xml'));
  const units = unitsOf(structure);
  const xml = example('complex-cmi5.xml').toString();
  t.same(units.map(({ publisherId }) => publisherId), [...xml.matchAll(/<au\s[^>]*?\bid="([^"]*)"/g)].map(([, id]) => id));
  t.same(blocksOf(structure).map(({ publisherId }) => publisherId), [...xml.matchAll(/<block\s[^>]*?\bid="([^"]*)"/g)].map(([, id]) => id));
  t.same(units.map(({ index }) => index), units.map((_, index) => index));
  t.same(structure.objectives.map(({ id }) => id), [...xml.matchAll(/<objective\s+id="([^"]*)"/g)].map(([, id]) => id));
  t.same([...blocksOf(structure), ...units].flatMap((node) => node.objectives).sort(), [...xml.matchAll(/idref="([^"]*)"/g)].map(([, id]) => id).sort());
  t.same(units.map(({ moveOn }) => moveOn), [...xml.matchAll(/<au\s[^>]*>/g)].map(([tag]) => /moveOn="(\w+)"/.exec(tag)?.[1] ?? 'NotApplicable'));
});

t.test("the standard's extended example: vendor elements are let through and are no part of the structure", async (t) => {
  t.same(await structureOf(example('extended-cmi5.xml')), await structureOf(example('simple-cmi5.xml')));
});

t.test('everything that an AU can say', async (t) => {
  const xml = courseXml({
    list: objectives('https://example.org/o/1', 'https://example.org/o/2'),
    nodes: `<au id="https://example.org/au" moveOn="CompletedAndPassed" masteryScore="0.9000" launchMethod="OwnWindow" activityType="http://adlnet.gov/expapi/activities/media">\n${texts}\n${references('https://example.org/o/2', 'https://example.org/o/1')
    }<url>https://example.org/</url><launchParameters>a=1</launchParameters><entitlementKey>key</entitlementKey></au>`,
  });
  t.same((await structureOf(xml)).children, [{
    kind: 'au', publisherId: 'https://example.org/au', index: 0, title: [{ lang: 'en', text: 'Rocks' }], description: [{ lang: 'en', text: 'About rocks' }],
    objectives: ['https://example.org/o/2', 'https://example.org/o/1'], url: 'https://example.org/', launchMethod: 'OwnWindow', moveOn: 'CompletedAndPassed', masteryScore: 0.9,
    launchParameters: 'a=1', entitlementKey: 'key', activityType: 'http://adlnet.gov/expapi/activities/media',
  }]);
});

t.test('blocks nest, and AUs are counted in the order of the file', async (t) => {
  const structure = await structureOf(courseXml({
    nodes: [au({ id: 'urn:x:0' }), block({ id: 'urn:b:0', children: `${block({ id: 'urn:b:1', children: au({ id: 'urn:x:1' }) })}${au({ id: 'urn:x:2' })}` }), au({ id: 'urn:x:3' })].join(''),
  }));
  t.same(unitsOf(structure).map(({ index, publisherId }) => `${publisherId} ${index}`), ['urn:x:0 0', 'urn:x:1 1', 'urn:x:2 2', 'urn:x:3 3']);
  t.match(structure.children, [{ kind: 'au' }, { kind: 'block', children: [{ kind: 'block' }, { kind: 'au' }] }, { kind: 'au' }]);
});

t.test('white space around values is removed, also in CDATA; within them nothing is altered', async (t) => {
  const structure = await structureOf(courseXml({
    course: '\n https://EXAMPLE.org:443/a/../%7eB\t',
    nodes: au({
      id: ' https://example.org/au ', attributes: ' masteryScore=" 0.5 "', url: '\n<!-- start --> <![CDATA[  https://example.org/?a=1&b=2  ]]>\n',
      after: '<launchParameters> <![CDATA[ <a x="1">\n  é\u00a0]]>]]&gt;<![CDATA[ ]]> </launchParameters><entitlementKey/>',
    }).replace('>Rocks<', '> a <!-- b --> c <?d e?><![CDATA[ &amp; ]]><').replace('lang="en"', 'lang=" de-CH "'),
  }), new Set());
  const [unit] = unitsOf(structure);
  t.equal(structure.publisherId, 'https://EXAMPLE.org:443/a/../%7eB');
  t.match(unit, { publisherId: 'https://example.org/au', masteryScore: 0.5, url: 'https://example.org/?a=1&b=2', entitlementKey: '' });
  t.equal(unit?.launchParameters, '<a x="1">\n  é\u00a0]]>');
  t.same(unit?.title, [{ lang: 'de-CH', text: 'a  c  &amp;' }]);
});

t.test('a mastery score is a value also when it is 0', async (t) => {
  for (const [written, value] of [['0', 0], ['0.0000', 0], ['-0', 0], ['1', 1], ['+1.00000', 1], ['.5', 0.5], ['0.6667', 0.6667], ['0.66670', 0.6667], ['01.0', 1]] as const) {
    const [unit] = unitsOf(await structureOf(courseXml({ nodes: au({ attributes: ` masteryScore="${written}"` }) })));
    t.ok(Object.is(unit?.masteryScore, value), written);
  }
  t.notOk('masteryScore' in (unitsOf(await structureOf(courseXml()))[0] ?? {}));
});

t.test('texts in several languages, in none, and empty', async (t) => {
  const { title, description } = await structureOf(courseXml()
    .replace('<langstring lang="en">Rocks</langstring>', '<langstring lang="en">Rocks</langstring><langstring lang="sr-Latn-RS">Stene</langstring><langstring>?</langstring><langstring lang="en">Stones</langstring>')
    .replace('About rocks', ' '));
  t.same(title, [{ lang: 'en', text: 'Rocks' }, { lang: 'sr-Latn-RS', text: 'Stene' }, { text: '?' }, { lang: 'en', text: 'Stones' }]);
  t.same(description, [{ lang: 'en', text: '' }]);
});

t.test('elements and attributes of other namespaces, where the XSD has room for them', async (t) => {
  const xml = courseXml({
    root: ' xmlns:v="urn:v" v:a="1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd CourseStructure.xsd urn:v http://127.0.0.1:1/v.xsd"',
    nodes: au({ attributes: ' v:id="x" xml:lang="en"', after: '<v:keyword id="no iri"><au/></v:keyword>text in vain' }).replace('text in vain', '').replace('<langstring', '<langstring v:a="1"'), end: '<v:au id="x"/>',
  });
  t.same(await structureOf(xml), await structureOf(courseXml()));
  const prefixed = courseXml().replace('xmlns=', 'xmlns:c=').replaceAll(/<(\/?)(?=[a-z])/g, '<$1c:');
  t.same(await structureOf(prefixed), await structureOf(courseXml()));
});

t.test('URLs that launch', async (t) => {
  const files = new Set(['cmi5.xml', 'index.html', 'a b/ä.html', 'a/index.html']);
  for (const url of ['index.html', './index.html', 'a/../index.html?a=1&amp;endpointX=2#fetch=3', 'a%20b/%C3%A4.html', 'index.html#/path?endpoint=1', 'https://example.org', 'HTTP://[::1]:80/~a/?a=%20', 'player://example/course?a=1']) {
    t.equal(unitsOf(await structureOf(courseXml({ nodes: au({ url: `\n${url}\n` }) }), files))[0]?.url, url.replace('&amp;', '&'), url);
  }
  for (const url of ['https://example.org/', 'player://example/course']) await t.resolves(structureOf(courseXml({ nodes: au({ url }) })), `${url} without a zip`);
});

t.test('a thousand AUs are read in 200 ms, and ten thousand are read', async (t) => {
  const course = (count: number): Buffer => Buffer.from(courseXml({ nodes: Array.from({ length: count }, (_, index) => au({ id: `urn:x:${index}`, url: `${index}/index.html` })).join('\n') }));
  const files = (count: number): Set<string> => new Set(Array.from({ length: count }, (_, index) => `${index}/index.html`));
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    t.equal(unitsOf(await structureOf(course(1200), files(1200))).length, 1200);
    times.push(performance.now() - start);
  }
  t.ok(Math.min(...times) < 200, `${Math.min(...times).toFixed(0)} ms`);
  t.equal((await structureOf(course(10_000), files(10_000))).children.length, 10_000);
});
