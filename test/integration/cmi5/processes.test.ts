import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { mongodbFor } from '../../services/mongodb.js';
import { listen } from '../live-listener.js';
import { send, startServer, type TestServer } from '../server.js';
import { importCourse, launch, log, post, register, start, through, verbs } from './course-server.js';
import { startUnit, stateOf } from './learner.js';

const service = await mongodbFor(t);
const skip = service === undefined && 'no MongoDB server';

/** Two processes on one database. */
async function pair(t: Test): Promise<[TestServer, TestServer]> {
  const database = service!.freshDatabase();
  t.teardown(() => service!.drop(database));
  const env = { QUIPU_MONGODB_URL: service!.url.replace(/\/?(\?|$)/, `/${database}$1`) };
  return [await startServer(t, env), await startServer(t, { ...env, QUIPU_ROLE: 'api' }, { tenants: false })];
}

t.test('a session goes on in whichever process it asks', { skip, timeout: 120_000 }, async (t) => {
  const [one, two] = await pair(t);
  two.one = one.one;
  const course = await importCourse(one, [{ moveOn: 'Completed' }, { moveOn: 'Completed' }]);
  const registration = await register(two, course);
  const { url, session } = await launch(one, registration);
  // The launch URL names the process that made it; behind a proxy it would be anyone.
  const elsewhere = new URL(url);
  elsewhere.searchParams.set('fetch', `${two.url}${new URL(elsewhere.searchParams.get('fetch')!).pathname}`);
  const twice = await Promise.all([one, two, one, two].map((server) => send(`${server.url}${new URL(elsewhere.searchParams.get('fetch')!).pathname}`, { method: 'POST', version: null })));
  t.equal(twice.filter((answer) => 'auth-token' in answer.json<object>()).length, 1, 'one gets the token');

  const unit = await start(two, registration);
  t.equal((await through(one, unit, 'statements', { method: 'POST', body: unit.statement('initialized') })).status, 200, 'preferences read there, initialized here');
  const [completed, terminated] = [unit.statement('completed'), unit.statement('terminated')];
  const answers = await Promise.all([one, two, one, two, one, two].map((server) => through(server, unit, 'statements', { method: 'POST', body: unit.statement('completed') })));
  t.equal(answers.filter(({ status }) => status === 200).length, 1, 'of those that complete at once, in two processes, one does');
  t.equal((await through(one, unit, 'statements', { method: 'POST', body: completed })).status, 403);
  t.equal((await through(two, unit, 'statements', { method: 'POST', body: terminated })).status, 200);
  t.equal((await through(one, unit, 'statements', { method: 'POST', body: unit.statement('experienced') })).status, 403, 'ended there, over here at once');
  t.equal((await through(one, unit, 'statements')).status, 401);

  const last = await start(one, registration, 1);
  await last.send(last.statement('initialized'));
  await Promise.all([through(two, last, 'statements', { method: 'POST', body: last.statement('completed') }), post(one, `registrations/${registration}/waive`, { unit: 1, reason: 'Administrative' })]);
  t.equal(verbs(await log(two, registration)).filter((verb) => verb === 'satisfied').length, 2, 'block and course, once each');
  t.ok((await two.request(`/v1/registrations/${registration}`, { key: one.admin })).json<{ satisfied: boolean }>().satisfied);
  t.match((await two.request(`/v1/cmi5/sessions/${session}`, { key: one.admin })).json(), { active: false, how: 'abandoned' });
});

t.test('content is served, and launched anew, by a process that did not launch it', { skip, timeout: 120_000 }, async (t) => {
  const [one, two] = await pair(t);
  const course = await importCourse(one, [{ moveOn: 'Completed' }]);
  const registration = await register(one, course);
  const { url, session } = await launch(one, registration);
  const address = url.replace(one.quipu.contentUrl!, two.quipu.contentUrl!).replace(/#.*/, '');
  const navigation = { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html' };
  t.equal((await send(address, { version: null, headers: navigation })).status, 200);
  await startUnit(url, session);
  const refreshed = await send(address, { version: null, headers: navigation });
  t.equal(refreshed.status, 302, 'the page is loaded again after its token was fetched');
  const again = new URL(refreshed.headers.location!);
  t.equal(again.searchParams.get('registration'), registration);
  t.not(again.searchParams.get('fetch'), new URL(url).searchParams.get('fetch'));
  t.strictSame(verbs(await log(one, registration)), ['launched', 'abandoned', 'launched']);
});

t.test('the live stream tells of launches, statements, refusals and ends, wherever they happen', { timeout: 120_000 }, async (t) => {
  for (const servers of [[await startServer(t)], ...(service ? [await pair(t)] : [])]) {
    const [here, there = here] = servers as [TestServer, TestServer?];
    const course = await importCourse(here, [{ moveOn: 'Completed' }]);
    const registration = await register(here, course);
    const live = listen(there, here.admin, '', {}, '/v1/cmi5/live');
    const stranger = listen(there, await here.makeKey(['cmi5'], { tenant: 'two' }), '', {}, '/v1/cmi5/live');
    await Promise.all([live.opened(), stranger.opened()]);
    const unit = await start(here, registration);
    await unit.send(unit.statement('completed'));
    await unit.send(unit.statement('initialized'), unit.statement('terminated'));
    const preview = (await post(here, 'cmi5/preview', { course: course.id, unit: 0 })).json<{ url: string; session: string }>();
    const previewed = await startUnit(preview.url, preview.session);
    await previewed.send(previewed.statement('initialized'));
    await live.until(() => ['preview-statement', 'refusal'].every((name) => live.events.some(({ event }) => event === name)) && live.events.filter(({ event }) => event === 'statement').length === 3
      && live.events.some(({ event, data }) => event === 'session' && /"how":"terminated"/.test(data!)));
    const heard = live.events.map(({ event, data }) => ({ event, data: JSON.parse(data!) as Record<string, unknown> }));
    const statements = heard.filter(({ event }) => event === 'statement').map(({ data }) => (data.verb as { id: string }).id.split('/').at(-1));
    t.strictSame(statements, ['launched', 'initialized', 'terminated'], 'each statement once, in order');
    t.match(heard.filter(({ event }) => event === 'refusal').map(({ data }) => data), [{ session: unit.session, breach: { rule: 'initialized-first' } }]);
    t.equal(heard.filter(({ event }) => event === 'preview-statement').length, 1);
    t.ok(heard.some(({ event, data }) => event === 'session' && data.id === preview.session && data.active === true && data.preview === true));
    t.notMatch(live.events.map(({ data }) => data).join(), /Hash/, 'no hashes of secrets');
    t.equal(stranger.status, 200);
    t.strictSame(stranger.events, [], 'another tenant hears nothing');
    live.close();
    stranger.close();
    t.equal((await there.request('/v1/cmi5/live', { key: here.one })).status, 403, 'it takes the scope cmi5');
  }
});

t.test('State after terminated: as long as is set, and not at all with 0', { timeout: 60_000 }, async (t) => {
  for (const [grace, statuses] of [['0', [401, 401]], ['1', [204, 401]]] as const) {
    const server = await startServer(t, { QUIPU_CMI5_STATE_GRACE: grace });
    const registration = await register(server, await importCourse(server, [{ moveOn: 'Completed' }]));
    const unit = await start(server, registration);
    await unit.send(unit.statement('initialized'), unit.statement('terminated'));
    const save = async (): Promise<number> => (await unit.request('activities/state', { method: 'PUT', query: { ...stateOf(unit), stateId: 'x' }, body: {} })).status;
    const soon = await save();
    t.equal((await unit.request('activities/state', { query: { ...stateOf(unit), stateId: 'x' } })).status, 401, 'reading is over');
    await pause(1100);
    t.strictSame([soon, await save()], statuses);
  }
});

t.test('what a page writes to State as it is loaded again is kept, for a moment, and nothing else of it', { timeout: 60_000 }, async (t) => {
  for (const [grace, statuses] of [['0', [401, 401]], ['1', [204, 401]]] as const) {
    const server = await startServer(t, { QUIPU_CMI5_STATE_GRACE: grace });
    const registration = await register(server, await importCourse(server, [{ moveOn: 'Completed' }]));
    const { url, session } = await launch(server, registration);
    const unit = await startUnit(url, session);
    await unit.send(unit.statement('initialized'));
    const save = async (): Promise<number> => (await unit.request('activities/state', { method: 'PUT', query: { ...stateOf(unit), stateId: 'bookmark' }, body: { page: 7 } })).status;
    const refreshed = await send(url.replace(/#.*/, ''), { version: null, headers: { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html' } });
    t.equal(refreshed.status, 302);
    const soon = await save();
    t.equal((await unit.request('activities/state', { query: { ...stateOf(unit), stateId: 'bookmark' } })).status, 401, 'reading is over');
    t.equal((await unit.send(unit.statement('terminated'))).status, 403);
    await pause(1100);
    t.strictSame([soon, await save()], statuses);

    const next = await start(server, registration);
    t.equal(next.session === session, false);
    const read = await next.request('activities/state', { query: { ...stateOf(next), stateId: 'bookmark' } });
    t.equal(read.status, grace === '0' ? 404 : 200, 'the page that follows has the bookmark');
    t.equal((await unit.request('activities/state', { method: 'PUT', query: { ...stateOf(unit), stateId: 'bookmark' }, body: {} })).status, 401, 'a launch that is no reload ends it at once');
  }
});
