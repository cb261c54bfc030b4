import t from 'tap';
import { send, startServer } from '../server.js';
import { importCourse, launch, log, post, register, start, verbs, type Stored } from './course-server.js';
import { courseXml } from './learner.js';

const learner = (name: string): object => ({ objectType: 'Agent', account: { homePage: 'https://school.example', name } });

t.test('what the content of one learner says reaches no other', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const course = await importCourse(server, [{ moveOn: 'Completed' }]);
  const [one, other] = [await start(server, await register(server, course, learner('one'))), await start(server, await register(server, course, learner('other')))];
  const initialized = one.statement('initialized');
  const experienced = one.statement('experienced');
  await one.send(initialized, experienced);
  await other.send(other.statement('initialized'));

  t.test('a statement that refers to one of another learner is not in that learner\'s list', async (t) => {
    const about = other.statement('experienced', { object: { objectType: 'StatementRef', id: experienced.id } });
    t.equal((await other.send(about)).status, 200);
    const answer = await one.request('statements');
    t.strictSame(verbs(answer.json<{ statements: Stored[] }>().statements), ['experienced', 'initialized', 'launched']);
    t.notMatch(answer.text, about.id);
    t.equal((await one.request('statements', { query: { statementId: about.id } })).status, 404);
    t.match((await server.request('statements', { query: { registration: one.parameters.registration } })).text, about.id, 'a key of the tenant gets it, as the standard has it');

    let [pages, more] = [[] as Stored[], '/xapi/statements?limit=1'];
    while (more !== '') {
      const page = (await server.request(more, { key: null, version: '1.0.3', headers: { Authorization: one.authorization } })).json<{ statements: Stored[]; more: string }>();
      [pages, more] = [[...pages, ...page.statements], page.more];
    }
    t.strictSame(verbs(pages), ['experienced', 'initialized', 'launched'], 'page by page');
  });

  t.test('a copy of a statement of another learner is refused as any statement of another learner', async (t) => {
    for (const copy of [initialized, experienced]) t.match((await other.send(copy)).json(), { error: 'rule-broken', rule: 'actor-learner' });
    t.equal((await one.send(initialized, experienced)).status, 200, 'who sent them may send them again');
  });
});

t.test('a package that gives its AU the id of an AU of another course writes no profile of that', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const victim = (await importCourse(server, [{ moveOn: 'Completed' }])).units[0]!.node;
  const xml = courseXml([{ moveOn: 'Completed' }]).replaceAll('https://example.org/course', 'https://hostile.example/course').replace(/<au id="[^"]*"/, `<au id="${victim}"`).replace('<url>', '<url>https://hostile.example/');
  const made = await server.request('/v1/cmi5/packages', { method: 'POST', key: server.admin, version: null, headers: { 'Content-Type': 'application/xml' }, body: xml });
  const unit = await start(server, await register(server, { id: made.json<{ course: string }>().course, node: '', units: [] }));
  const put = (activityId: string) => unit.request('activities/profile', { method: 'PUT', query: { activityId, profileId: 'shared' }, headers: { 'If-None-Match': '*' }, body: {} });
  t.match((await put(victim)).json(), { error: 'rule-broken', rule: 'activity-profile' });
  t.equal((await put(unit.parameters.activityId)).status, 204, 'that of its own is its');
});

t.test('content does not rename the activities of the LMS', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const course = await importCourse(server, [{ moveOn: 'Completed' }]);
  const unit = await start(server, await register(server, course));
  const definition = { name: { en: 'Hacked' }, type: 'https://hostile.example/type' };
  const about = async (activityId: string): Promise<string> => (await server.request('activities', { query: { activityId } })).text;
  const before = await about(unit.parameters.activityId);
  const said = unit.statement('experienced', { object: { id: course.node, definition } });
  t.strictSame([(await unit.send(unit.statement('initialized', { object: { id: unit.parameters.activityId, definition } }))).status, (await unit.send(said)).status,
    (await unit.send(unit.statement('experienced', { object: { id: 'https://example.org/page', definition } }))).status], [200, 200, 200]);
  t.notMatch(await about(course.node), /Hacked/);
  t.equal(await about(unit.parameters.activityId), before);
  t.match(await about('https://example.org/page'), /Hacked/, 'those of its own it names');
  t.strictSame((await unit.send(said)).status, 200, 'and sent again it is the same');
  t.match((await server.request('statements', { query: { statementId: said.id } })).json(), { object: { definition } }, 'what it said is kept');
});

t.test('a token is given whatever the body of its request, and says to be', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const registration = await register(server, await importCourse(server, [{ moveOn: 'Completed' }]));
  for (const [headers, body] of [[{ 'Content-Type': '!!bad' }, 'x'], [{ 'Content-Encoding': 'foo' }, 'x'], [{ 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' }, 'no gzip'], [{}, 'x'.repeat(70_000)], [{ 'Content-Type': 'application/json' }, '{']] as [Record<string, string>, string][]) {
    const { url } = await launch(server, registration);
    const answer = await server.request(new URL(url).searchParams.get('fetch')!.slice(server.url.length), { method: 'POST', key: null, version: null, headers, body });
    t.equal(answer.status, 200);
    t.match(answer.json(), { 'auth-token': String }, JSON.stringify(headers));
  }
});

t.test('a course that was deleted is launched no more, and nothing is done about it', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const course = await importCourse(server, [{ moveOn: 'Completed' }]);
  const registration = await register(server, course);
  const { url } = await launch(server, registration);
  await server.request(new URL(url).searchParams.get('fetch')!.slice(server.url.length), { method: 'POST', key: null, version: null });
  t.equal((await server.request(`/v1/courses/${course.id}`, { method: 'DELETE', key: server.admin, version: null, query: { force: true } })).status, 204);
  const before = (await log(server, registration)).length;
  t.match(await post(server, `registrations/${registration}/launch`, { unit: 0 }), { status: 404 });
  t.match(await post(server, `registrations/${registration}/waive`, { unit: 0, reason: 'Tested Out' }), { status: 404 });
  t.match(await post(server, `registrations/${registration}/version`, { version: (course as unknown as { version: string }).version }), { status: 404 });
  t.equal((await server.request(`/v1/registrations/${registration}/status`, { key: server.admin, version: null })).status, 404);
  const loaded = await send(url.replace(/#.*/, ''), { version: null, headers: { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' } });
  t.equal(loaded.status, 404, 'by a refresh as well');
  t.equal((await log(server, registration)).length, before, 'nothing is stored of it');
});

t.test('a learner whose account no launch URL could carry is not enrolled', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const course = await importCourse(server, [{ moveOn: 'Completed' }]);
  for (const account of [{ homePage: 'https://school.example', name: 'n'.repeat(2000) }, { homePage: `https://school.example/${'h'.repeat(2000)}`, name: '1' }, { homePage: 'https://school.example', name: 'ü'.repeat(400) }]) {
    t.match((await post(server, 'registrations', { course: course.id, learner: { account } })).json(), { error: 'invalid-request', rule: 'learner-account-length', pointer: '/learner' });
  }
  const { url } = await launch(server, await register(server, course, learner('ü'.repeat(250))));
  t.equal((await send(url.replace(/#.*/, ''), { version: null })).status, 200, 'one that is long is launched');
});

t.test('a course of many blocks with long titles can be registered, completed and waived, and one too large for that is not imported', { timeout: 120_000 }, async (t) => {
  const server = await startServer(t);
  const structure = (blocks: number, languages: number): string => {
    const title = `<title>${Array.from({ length: languages }, (_, n) => `<langstring lang="x-${n}">${'t'.repeat(300)}</langstring>`).join('')}</title><description><langstring lang="en">d</langstring></description>`;
    const unit = (id: number, moveOn: string): string => `<au id="https://example.org/au/${id}" moveOn="${moveOn}"><title><langstring lang="en">AU</langstring></title><description><langstring lang="en">d</langstring></description><url>https://example.org/${id}</url></au>`;
    return `<?xml version="1.0" encoding="UTF-8"?><courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd"><course id="https://example.org/large"><title><langstring lang="en">Large</langstring></title><description><langstring lang="en">d</langstring></description></course>`
      + `${unit(0, 'Completed')}${Array.from({ length: blocks }, (_, n) => `<block id="https://example.org/block/${n}">${title}${unit(n + 1, 'NotApplicable')}</block>`).join('')}</courseStructure>`;
  };
  const send = (xml: string) => server.request('/v1/cmi5/packages', { method: 'POST', key: server.admin, version: null, headers: { 'Content-Type': 'application/xml' }, body: xml });
  const made = await send(structure(1100, 12));
  t.equal(made.status, 201, made.text.slice(0, 200));
  const course = { id: made.json<{ course: string }>().course, node: '', units: [] };
  const registration = await register(server, course);
  t.match((await server.request('statements', { query: { registration, limit: 1, verb: 'https://w3id.org/xapi/adl/verbs/satisfied' } })).json(), { statements: [{ verb: {} }] });
  const unit = await start(server, registration);
  t.strictSame((await Promise.all([unit.send(unit.statement('initialized'))])).map(({ status }) => status), [200]);
  t.equal((await unit.send(unit.statement('completed', { result: { completion: true, duration: 'PT1S' } }))).status, 200);
  t.equal((await unit.send(unit.statement('terminated', { result: { duration: 'PT1S' } }))).status, 200);
  t.match((await send(structure(7500, 1).replaceAll('/large', '/larger'))).json(), { error: 'invalid-package', faults: [{ rule: 'course-structure-size', section: /9\.3\.9/ }] });
});
