import t from 'tap';
import { readCourse } from '../../../../src/cmi5/course/read-course.js';
import { au, block, courseXml, faultsOf, objectives, placeOf, references } from './course-xml.js';
import { catapultTwins, singleFaults } from './single-faults.js';

for (const { name, xml, files, at, ...expected } of [...catapultTwins, ...singleFaults]) {
  t.test(`exactly one fault: ${name}`, async (t) => {
    const faults = await faultsOf(xml, files && new Set(files));
    t.match(faults, [{ ...expected, ...placeOf(xml, at) }], JSON.stringify(faults));
    t.equal(faults.length, 1, JSON.stringify(faults));
    t.ok(faults[0]?.message && faults[0].hint, 'says what is wrong and what would be right');
    t.equal(faults[0]?.message.includes('{https://w3id.org'), false, 'names of cmi5 are told without their namespace');
  });
}

t.test('what the faulty twins are made from has no fault', async (t) => {
  const right = courseXml({ list: objectives('https://example.org/o'), nodes: block({ objectives: references('https://example.org/o'), children: au({ before: references('https://example.org/o'), attributes: ' masteryScore="0.6667" moveOn="Passed"' }) }) });
  t.same(await faultsOf(right), []);
});

t.test('all faults are told at once, in the order of the file', async (t) => {
  const xml = courseXml({
    course: 'course', list: objectives('o'),
    nodes: `${au({ id: 'x', attributes: ' moveOn="Never" masteryScore="0.12345"', url: 'a b?fetch=1' })}\n${block({ id: 'x', children: au({ id: 'https://example.org/2', url: 'index.html' }) })}`,
  });
  const faults = await faultsOf(xml);
  t.same(faults.map(({ rule, requirement }) => `${rule} ${requirement}`).sort(), [
    'absolute-iri 3.0.0.0-1', 'absolute-iri 3.0.0.0-1', 'absolute-iri 3.0.0.0-1', 'absolute-iri 3.0.0.0-1', 'mastery-score-decimals 4.4.0.0-1', 'schema 13.2.0.0-1',
    'unique-id 13.1.2.0-1', 'url-not-qualified 14.2.0.0-1', 'url-query-conflict 8.1.0.0-6', 'url-syntax 13.1.4.0-2',
  ]);
  const lines = faults.map(({ line = 0 }) => line);
  t.same(lines, [...lines].sort((one, other) => one - other));
});

t.test('a place is that of the attribute, also on a line of its own and beside names that look like it', async (t) => {
  const xml = courseXml({ nodes: au({ id: 'https://example.org/1', attributes: "\n\tv:moveOn = 'moveOn=\"x\" > '\r\n  moveOn=\"Never\"" }), root: ' xmlns:v="urn:v"' });
  t.match(await faultsOf(xml), [{ rule: 'schema', ...placeOf(xml, 'moveOn="Never"') }]);
});

t.test('hints say what to do about what tools often get wrong', async (t) => {
  const hintOf = async (xml: string, files?: ReadonlySet<string>): Promise<string> => (await faultsOf(xml, files))[0]?.hint ?? '';
  t.match(await hintOf(courseXml({ nodes: au({ after: '<moveOn>Passed</moveOn>' }) })), /attribute of <au>/);
  t.match(await hintOf(courseXml().replace('</course>', `${au()}</course>`)), /follow <\/course>/);
  t.match(await hintOf(courseXml().replace('<langstring lang="en">Rocks</langstring>', 'Rocks')), /<langstring lang="en">/);
  t.match(await hintOf(courseXml({ nodes: au().replace('<url>', '<link>').replace('</url>', '</link>') })), /order/);
  t.match(await hintOf(courseXml({ nodes: au({ url: 'Index.HTML' }) }), new Set(['other.html', 'index.html'])), /"index.html"/);
  t.match(await hintOf(courseXml({ nodes: au({ url: 'index.html' }) }), new Set(['content/index.html'])), /"content\/index.html"/);
  t.match(await hintOf(courseXml({ root: ' xmlns:v="urn:v"', nodes: au({ before: '<v:level/>' }) })), /come last/);
});

t.test('of very many faults a thousand are told, and that there are more', async (t) => {
  const faults = await faultsOf(courseXml({ nodes: Array.from({ length: 1500 }, (_, index) => au({ id: `${index}` })).join('\n') }));
  t.equal(faults.length, 1001);
  t.match(faults.at(-1), { rule: 'more-faults', message: 'There are more faults than these 1000.' });
});

t.test('a file that is not well-formed is told with its place', async (t) => {
  for (const [broken, at] of [['<url>a & b</url>', ' b</url>'], ['<url>&nbsp;</url>', '</url>'], ['<v:a/>', '/>']] as const) {
    const xml = courseXml({ nodes: au({ after: broken }) });
    const [fault] = await faultsOf(xml);
    t.match(fault, { rule: 'xml-well-formed', requirement: '13.2.0.0-1', line: placeOf(xml, broken).line }, at);
    t.ok((fault?.column ?? 0) > 1);
  }
  t.match(await faultsOf(courseXml().slice(0, -20)), [{ rule: 'xml-well-formed' }]);
  t.match(await faultsOf('', new Set(['cmi5.xml'])), [{ rule: 'xml-well-formed' }]);
  t.match(await readCourse(Buffer.alloc(0)), { faults: [{ rule: 'not-a-package', requirement: '14.0.0.0-1' }] });
});
