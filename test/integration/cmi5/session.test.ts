import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { mongodbFor } from '../../services/mongodb.js';
import { send, startServer, type TestServer } from '../server.js';
import { ann, importCourse, launch, log, post, register, start, verbs, type Stored } from './course-server.js';
import { startUnit, stateOf, unitId } from './learner.js';

const service = await mongodbFor(t);
const verb = (name: string): string => (name === 'satisfied' || name === 'abandoned' || name === 'waived' ? `https://w3id.org/xapi/adl/verbs/${name}` : `http://adlnet.gov/expapi/verbs/${name}`);

/** Runs the test on the embedded store and on MongoDB. */
async function onBoth(name: string, body: (t: Test, server: TestServer) => Promise<void>, env: Record<string, string> = {}): Promise<void> {
  await t.test(`${name}: embedded`, { timeout: 120_000 }, async (t) => body(t, await startServer(t, env)));
  await t.test(`${name}: MongoDB`, { timeout: 240_000, skip: service === undefined && 'no MongoDB server' }, async (t) => {
    const database = service!.freshDatabase();
    t.teardown(() => service!.drop(database));
    await body(t, await startServer(t, { QUIPU_MONGODB_URL: service!.url.replace(/\/?(\?|$)/, `/${database}$1`), ...env }));
  });
}

await onBoth('a course from its package to satisfied', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'CompletedAndPassed', masteryScore: 0.5 }, { moveOn: 'NotApplicable' }]);
  const registration = await register(server, course);
  const { url, session } = await launch(server, registration, unitId(0), { returnURL: 'https://school.example/courses' });

  const address = new URL(url);
  t.not(address.origin, new URL(server.url).origin, 'content has an origin of its own');
  t.equal(address.origin, server.quipu.contentUrl);
  t.equal(address.hash, '#start');
  t.match(Object.fromEntries(address.searchParams), { own: '1', endpoint: `${server.url}/xapi/`, registration, activityId: course.units[0]!.node });
  t.strictSame(JSON.parse(address.searchParams.get('actor')!), ann);
  const page = await send(address.href.replace(address.hash, ''), { version: null });
  t.equal(page.status, 200);
  t.match(page.text, '<title>AU</title>');

  const unit = await startUnit(url, session);
  t.match(unit.launchData, { launchMode: 'Normal', moveOn: 'CompletedAndPassed', masteryScore: 0.5, returnURL: 'https://school.example/courses' });
  t.strictSame(unit.launchData.contextTemplate, { contextActivities: { grouping: [{ id: unitId(0) }] }, extensions: { 'https://w3id.org/xapi/cmi5/context/extensions/sessionid': session } });

  t.equal((await unit.send(unit.statement('initialized'))).status, 200);
  t.equal((await unit.send(unit.statement('experienced'))).status, 200);
  t.equal((await unit.send(unit.statement('completed'))).status, 200);
  t.notOk((await server.request(`/v1/registrations/${registration}/status`, { key: server.admin })).json<{ satisfied: boolean }>().satisfied);
  const score = { duration: 'PT1M', success: true, score: { scaled: 0.9 } };
  const passed = unit.statement('passed', { result: score });
  Object.assign(passed.context.extensions as object, { 'https://w3id.org/xapi/cmi5/context/extensions/masteryscore': 0.5 });
  t.equal((await unit.send(passed)).status, 200);
  t.strictSame(verbs(await log(server, registration)), ['launched', 'initialized', 'experienced', 'completed', 'passed', 'satisfied', 'satisfied'], 'satisfied is there when passed is answered');
  t.equal((await unit.request('statements', { method: 'PUT', query: { statementId: passed.id }, body: passed })).status, 204, 'the same again');
  const terminated = unit.statement('terminated');
  t.equal((await unit.send(terminated)).status, 200);

  const all = await log(server, registration);
  t.strictSame(verbs(all), ['launched', 'initialized', 'experienced', 'completed', 'passed', 'satisfied', 'satisfied', 'terminated']);
  const satisfied = all.filter((one) => one.verb.id === verb('satisfied'));
  t.strictSame(satisfied.map(({ object: { id } }) => id).at(-1), course.node, 'the block, then the course');
  for (const { timestamp, context } of all) {
    t.match(timestamp, /Z$/);
    t.equal(context.registration, registration);
    t.equal(context.extensions['https://w3id.org/xapi/cmi5/context/extensions/sessionid'], session);
  }
  const status = (await server.request(`/v1/registrations/${registration}/status`, { key: server.admin, query: { explain: '' } })).json<{ satisfied: boolean; explanation: object; session: object }>();
  t.match(status, { satisfied: true, session: { id: session, how: 'terminated', initialized: true }, explanation: { kind: 'course', satisfied: true } });
  t.match((await server.request(`/v1/cmi5/sessions/${session}`, { key: server.admin })).json(), { active: false, how: 'terminated', mode: 'Normal' });

  for (const again of [terminated, unit.statement('experienced'), unit.statement('initialized')]) {
    const refused = await unit.send(again);
    t.equal(refused.status, 403, 'after terminated nothing is taken in, the same again neither');
    t.match(refused.json(), { error: 'rule-broken', rule: 'session-terminated', section: /cmi5/ });
  }
  const read = await unit.request('statements');
  t.equal(read.status, 401);
  t.notOk(read.headers['www-authenticate'], 'no browser is to ask for a password');
  t.equal((await unit.request('activities/state', { query: { ...stateOf(unit), stateId: 'x' } })).status, 401);
  t.equal((await unit.request('activities/state', { method: 'PUT', query: { ...stateOf(unit), stateId: 'bookmark' }, body: { page: 9 } })).status, 204, 'the State may still be saved for a moment');
  t.equal(verbs(await log(server, registration)).length, 8);
  t.equal((await server.request(`/v1/cmi5/sessions/${session}/findings`, { key: server.admin })).json<{ findings: object[] }>().findings.length, 5, 'what was refused is kept');

  const later = await start(server, registration);
  t.equal(later.launchData.launchMode, 'Review');
  t.equal((await unit.request('activities/state', { method: 'PUT', query: { ...stateOf(unit), stateId: 'bookmark' }, body: {} })).status, 401, 'not while another session is under way');
  t.strictSame((await later.request('activities/state', { query: { ...stateOf(later), stateId: 'bookmark' } })).json(), { page: 9 }, 'what was saved is there');
});

await onBoth('the fetch URL', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'Passed' }]);
  const registration = await register(server, course);
  const { url } = await launch(server, registration);
  const fetchUrl = new URL(url).searchParams.get('fetch')!;
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await send(fetchUrl, { method, version: null });
    t.equal(answer.status, 405);
    t.equal(typeof answer.json<Record<string, string>>()['error-code'], 'string');
  }
  const preflight = await send(fetchUrl, { method: 'OPTIONS', version: null, headers: { Origin: 'null', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' } });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers['access-control-allow-origin'], '*');
  // One of many that come at once gets the token.
  const answers = await Promise.all(Array.from({ length: 8 }, (_, number) => send(fetchUrl, { method: 'POST', version: null, ...(number % 2 && { headers: { 'Content-Type': 'text/weird' }, body: 'whatever' }) })));
  for (const answer of answers) {
    t.equal(answer.status, 200);
    t.match(answer.headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
    t.notOk(answer.headers['set-cookie']);
  }
  const bodies = answers.map((answer) => answer.json<Record<string, string>>());
  t.equal(bodies.filter((body) => 'auth-token' in body).length, 1);
  t.equal(bodies.filter((body) => body['error-code'] === '1' && body['error-text']).length, 7);
  t.match((await send(`${server.url}/cmi5/fetch/nothing`, { method: 'POST', version: null })).json(), { 'error-code': '2' });
  t.equal((await send(fetchUrl, { method: 'POST', version: null, body: 'x'.repeat(200_000) })).status, 200, 'a long body is an error like the others');

  const token = bodies.find((body) => 'auth-token' in body)!['auth-token']!;
  const asked = (authorization: string | undefined, path = 'about-nothing') => server.request(path, { key: null, headers: { Authorization: authorization } });
  const wrong = Buffer.from(Buffer.from(token, 'base64').toString().replace(/.{4}$/, 'AAAA')).toString('base64');
  for (const bad of [wrong, Buffer.from(`cmi5-${randomUUID()}:${'x'.repeat(43)}`).toString('base64')]) {
    const answer = await asked(`Basic ${bad}`, 'statements');
    t.equal(answer.status, 401);
    t.notOk(answer.headers['www-authenticate']);
    t.match(answer.json(), { rule: 'session-token', section: /cmi5 8/ });
  }
  t.equal((await asked(`Basic ${token}`, '/v1/registrations')).status, 401, 'the token is good for xAPI alone');
  t.equal((await asked(`Basic ${token}`, '/v1/statements/live')).status, 401);
});

await onBoth('what a session may read and write', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'Passed' }, { moveOn: 'Passed' }]);
  const other = { objectType: 'Agent', account: { homePage: 'https://school.example', name: 'other' } };
  const [registration, others] = [await register(server, course), await register(server, course, other)];
  const unit = await start(server, registration);
  await start(server, others);
  await unit.send(unit.statement('initialized'));
  const mine = await unit.request('statements');
  t.strictSame(new Set(mine.json<{ statements: Stored[] }>().statements.map(({ context }) => context.registration)), new Set([registration]));
  const [foreign] = await log(server, others);
  t.equal((await unit.request('statements', { query: { statementId: foreign!.id } })).status, 404);
  const [own] = await log(server, registration);
  t.equal((await unit.request('statements', { query: { statementId: own!.id } })).status, 200);

  const state = { ...stateOf(unit), stateId: 'LMS.LaunchData' };
  for (const method of ['PUT', 'POST', 'DELETE']) {
    const refused = await unit.request('activities/state', { method, query: state, ...(method !== 'DELETE' && { body: {} }) });
    t.equal(refused.status, 403, `${method} of LMS.LaunchData`);
    t.match(refused.json(), { error: 'rule-broken', requirement: '10.2.1.0-5 (d)' });
  }
  const { registration: _, ...anyRegistration } = state as Record<string, string>;
  for (const [query, status] of [
    [{ ...state, agent: JSON.stringify(other) }, 403], [{ ...state, registration: others }, 403], [{ ...state, activityId: course.units[1]!.node }, 403],
    [{ ...anyRegistration, stateId: 'x' }, 404], [{ ...state, stateId: 'x' }, 404],
  ] as const) t.equal((await unit.request('activities/state', { query })).status, status, JSON.stringify(query));
  t.equal((await unit.request('activities/state', { method: 'PUT', query: { ...anyRegistration, stateId: 'x' }, body: 'text', headers: { 'Content-Type': 'text/plain' } })).status, 204, 'State without a registration');
  t.equal((await unit.request('activities/state', { method: 'DELETE', query: stateOf(unit) })).status, 403, 'all at once would take the launch data');
  t.equal((await unit.request('activities/state', { method: 'DELETE', query: { ...state, stateId: 'x' } })).status, 204);

  const preferences = { agent: unit.parameters.actor, profileId: 'cmi5LearnerPreferences' };
  const good = { languagePreference: 'en-US,fr-FR', audioPreference: 'on' };
  const put = (query: object, body: unknown, headers: Record<string, string | undefined> = {}) =>
    unit.request('agents/profile', { method: 'PUT', query: query as Record<string, unknown>, body, headers: { 'If-None-Match': '*', ...headers } });
  t.equal((await put({ ...preferences, agent: JSON.stringify(other) }, good)).status, 403);
  t.equal((await put({ profileId: preferences.profileId }, good)).status, 400, 'no agent');
  for (const bad of [{ audioPreference: 'on' }, { languagePreference: 'en' }, { ...good, languagePreference: 'not comma separated' }, { ...good, languagePreference: '' }, { ...good, audioPreference: 'loud' }, [good], 'text']) {
    t.equal((await put(preferences, bad, { 'Content-Type': 'application/json' })).status, 403, JSON.stringify(bad));
  }
  t.equal((await put(preferences, JSON.stringify(good), { 'Content-Type': 'text/plain' })).status, 403, 'not as JSON');
  t.equal((await put({ ...preferences, profileId: 'another' }, good)).status, 403);
  t.equal((await put(preferences, good)).status, 204);
  t.strictSame((await unit.request('agents/profile', { query: preferences })).json(), good);
  t.equal((await unit.request('agents/profile', { query: { ...preferences, agent: JSON.stringify(other) } })).status, 403);
  t.equal((await unit.request('agents', { query: { agent: JSON.stringify(other) } })).status, 403);
  t.equal((await unit.request('agents', { query: { agent: unit.parameters.actor } })).status, 200);
  t.equal((await unit.request('activities', { query: { activityId: unit.parameters.activityId } })).status, 200);
  t.equal((await unit.request('activities/profile', { method: 'PUT', query: { activityId: unit.parameters.activityId, profileId: 'x' }, body: {}, headers: { 'If-None-Match': '*' } })).status, 204);
  t.equal((await unit.request('activities/profile', { method: 'PUT', query: { activityId: course.node, profileId: 'x' }, body: {}, headers: { 'If-None-Match': '*' } })).status, 403);
});

await onBoth('batches, repeats and refusals', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'Completed' }, { moveOn: 'Completed' }]);
  const registration = await register(server, course);
  const unit = await start(server, registration);
  const before = (await log(server, registration)).length;
  const early = await unit.send(unit.statement('completed'));
  t.equal(early.status, 403);
  t.match(early.json(), { statement: 0, rule: 'initialized-first', requirement: '9.3.0.0-4 (d2)', expected: /initialized/ });

  const [initialized, completed] = [unit.statement('initialized'), unit.statement('completed')];
  const mixed = await unit.send(initialized, completed, unit.statement('completed'));
  t.equal(mixed.status, 403, 'one that is wrong refuses all');
  t.match(mixed.json(), { statement: 2, rule: 'verb-once' });
  t.equal((await log(server, registration)).length, before);
  t.equal((await unit.send(initialized, completed)).status, 200, 'judged in order');
  t.strictSame(verbs(await log(server, registration)), ['launched', 'initialized', 'completed']);
  t.equal((await unit.send(initialized, completed)).status, 200, 'the answer was lost, and it is sent again');
  t.equal((await unit.send({ ...completed, timestamp: '2026-01-01T00:00:00Z' })).status, 409, 'the same id with other content');
  t.equal((await unit.send({ ...unit.statement('experienced'), id: undefined })).status, 403);
  t.match((await unit.send({ ...unit.statement('experienced'), id: undefined })).json(), { rule: 'own-id' });
  const withId = unit.statement('experienced');
  t.equal((await unit.request('statements', { method: 'PUT', query: { statementId: withId.id }, body: { ...withId, id: undefined } })).status, 204, 'the statementId of a PUT is an id');

  const concurrent = await start(server, registration, 1);
  await concurrent.send(concurrent.statement('initialized'));
  const answers = await Promise.all(Array.from({ length: 6 }, () => concurrent.send(concurrent.statement('completed'))));
  t.equal(answers.filter(({ status }) => status === 200).length, 1, 'of many at once one is good');
  t.equal(answers.filter(({ status }) => status === 403).length, 5);
  t.strictSame(verbs(await log(server, registration)).slice(-6), ['abandoned', 'launched', 'initialized', 'completed', 'satisfied', 'satisfied'], 'the block and the course once');
});

await onBoth('compat takes in what is wrong, and says so', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'Completed' }], { mode: 'compat' });
  const registration = await register(server, course);
  const unit = await start(server, registration);
  t.equal((await unit.send({ ...unit.statement('initialized'), id: undefined, timestamp: undefined })).status, 200);
  t.equal((await unit.send(unit.statement('experienced', { actor: { objectType: 'Agent', account: { homePage: 'https://school.example', name: 'other' } } }))).status, 403, 'who writes is no matter of taste');
  const { findings } = (await server.request(`/v1/cmi5/sessions/${unit.session}/findings`, { key: server.admin })).json<{ findings: { kind: string; breach: { rule: string } }[] }>();
  t.strictSame(findings.map(({ kind, breach: { rule } }) => [kind, rule]), [['finding', 'own-id'], ['finding', 'timestamp'], ['refusal', 'actor-learner']]);
});

await onBoth('previews, waivers, other launches', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'Completed' }, { moveOn: 'Passed' }]);
  const preview = await post(server, 'cmi5/preview', { course: course.id, unit: 0 });
  t.equal(preview.status, 200, preview.text);
  const seen = preview.json<{ url: string; session: string; registration: string }>();
  const unit = await startUnit(seen.url, seen.session);
  for (const name of ['initialized', 'completed', 'terminated']) t.equal((await unit.send(unit.statement(name))).status, 200);
  t.equal((await unit.send(unit.statement('experienced'))).status, 403);
  t.strictSame(await log(server, seen.registration), [], 'nothing is stored of a preview');
  t.strictSame((await server.request('/v1/registrations', { key: server.admin })).json(), { registrations: [] });
  t.match((await server.request(`/v1/registrations/${seen.registration}/status`, { key: server.admin })).json(), { units: [{ satisfied: true }, { satisfied: false }] });

  const registration = await register(server, course);
  const first = await start(server, registration);
  await first.send(first.statement('initialized'));
  const second = await start(server, registration);
  t.strictSame(verbs(await log(server, registration)), ['launched', 'initialized', 'abandoned', 'launched']);
  t.ok([401, 403].includes((await first.send(first.statement('experienced'))).status), 'the tab that was left behind');
  t.equal((await first.send(first.statement('terminated'))).status, 403, 'and what it says as its page goes');
  const { findings } = (await server.request(`/v1/cmi5/sessions/${first.session}/findings`, { key: server.admin })).json<{ findings: { breach: { rule: string; expected?: boolean } }[] }>();
  t.strictSame(findings.map(({ breach: { rule, expected } }) => [rule, expected]), [['session-abandoned', undefined], ['session-abandoned', true]], 'no reason for an alarm');
  t.match((await server.request('/metrics', { key: server.admin })).text, /quipu_cmi5_events_total\{event="expected"\} 1\n/);
  t.equal((await post(server, `registrations/${registration}/waive`, { unit: 1, reason: 'Tested Out' })).status, 200);
  t.equal((await post(server, `registrations/${registration}/waive`, { unit: 1, reason: 'Tested Out' })).json<{ repeated: boolean }>().repeated, true);
  await second.send(second.statement('initialized'), second.statement('completed'));
  t.ok((await server.request(`/v1/registrations/${registration}`, { key: server.admin })).json<{ satisfied: boolean }>().satisfied);
  t.equal((await post(server, `cmi5/sessions/${second.session}/abandon`)).status, 200);
  t.equal((await second.send(second.statement('terminated'))).status, 403);
  t.strictSame((await server.request('/v1/cmi5/sessions', { key: server.admin, query: { registration, active: false } })).json<{ sessions: { id: string }[] }>().sessions.map(({ id }) => id), [first.session, second.session]);

  t.equal((await server.request(`/v1/courses/${course.id}`, { method: 'DELETE', key: server.admin })).status, 409);
  t.equal((await server.request(`/v1/registrations/${registration}`, { method: 'DELETE', key: server.admin })).status, 204);
  t.equal((await server.request(`/v1/registrations/${registration}`, { key: server.admin })).status, 404);
  t.equal((await server.request(`/v1/registrations/${registration}`, { key: server.two })).status, 403);
});

await onBoth('an erased learner', async (t, server) => {
  const course = await importCourse(server, [{ moveOn: 'Completed' }]);
  const registration = await register(server, course);
  const { url, session } = await launch(server, registration);
  const unit = await startUnit(url, session);
  t.equal((await unit.send(unit.statement('initialized'))).status, 200);
  t.equal((await unit.request('activities/state', { method: 'PUT', query: { ...stateOf(unit), stateId: 'bookmark' }, body: { page: 7 } })).status, 204);
  t.equal((await unit.send(unit.statement('initialized'))).status, 403);
  const told = await server.request('/v1/exports', { method: 'POST', key: server.admin, body: { agent: ann } });
  t.match(told.text.trim().split('\n').map((line) => (JSON.parse(line) as { kind: string }).kind).filter((kind) => kind.startsWith('cmi5-')), ['cmi5-registration', 'cmi5-session', 'cmi5-finding']);

  let receipt = await post(server, 'erasures', { agent: ann });
  const { id } = receipt.json<{ id: string }>();
  while (receipt.json<{ status: string }>().status !== 'complete') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    receipt = await server.request(`/v1/erasures/${id}`, { key: server.admin });
  }
  t.match(receipt.json(), { counts: { erased: 2, records: 3 } });
  const refused = await unit.send(unit.statement('completed'));
  t.equal(refused.status, 401, 'the token is dead');
  t.equal(refused.headers['www-authenticate'], undefined);
  t.equal((await unit.request('activities/state', { query: { ...stateOf(unit), stateId: 'bookmark' } })).status, 401);
  t.not((await send(url, { version: null })).status, 200, 'and so is the address');
  t.equal((await server.request(`/v1/registrations/${registration}`, { key: server.admin })).status, 404);
  t.equal((await server.request(`/v1/cmi5/sessions/${session}`, { key: server.admin })).status, 404);
  t.strictSame(await log(server, registration), []);
});
