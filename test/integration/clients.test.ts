import { createHash, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type XapiClient from '@xapi/xapi';
import type { Statement } from '@xapi/xapi';
import t from 'tap';
import { authorization, startServer, type TestServer } from './server.js';

const require = createRequire(import.meta.url);
type XapiClass = typeof XapiClient.default;
const XAPI = require('@xapi/xapi') as XapiClass;

const agent = { objectType: 'Agent' as const, mbox: 'mailto:ann@example.org', name: 'Ann' };
const activity = { objectType: 'Activity' as const, id: 'https://example.org/courses/boats', definition: { name: { en: 'Boats' } } };
const statement = (verb = 'experienced'): Statement => ({ actor: agent, verb: { id: `https://example.org/verbs/${verb}`, display: { en: verb } }, object: activity }) as Statement;

for (const version of ['1.0.3', '2.0.0']) {
  t.test(`@xapi/xapi at ${version}`, async (t) => {
    const server = await startServer(t);
    const client = new XAPI({ endpoint: `${server.url}/xapi/`, auth: authorization(server.admin), version: version as never });

    const [first] = (await client.sendStatement({ statement: statement() })).data;
    const ids = (await client.sendStatements({ statements: [statement('started'), statement('started'), statement('finished')] })).data;
    t.equal(ids.length, 3, 'a batch');
    t.same((await client.getStatement({ statementId: first! })).data.actor, agent, 'one by its id');
    const { data: page } = await client.getStatements({ agent, verb: 'https://example.org/verbs/started', limit: 1 });
    t.equal(page.statements.length, 1, 'a page by agent and verb');
    const { data: next } = await client.getMoreStatements({ more: page.more });
    t.equal((next as typeof page).statements.length, 1, 'the rest by more');
    t.equal((next as typeof page).more, '', 'and no more than that');

    await client.voidStatement({ actor: agent as never, statementId: first! });
    await t.rejects(client.getStatement({ statementId: first! }), 'a voided statement is gone');
    t.equal((await client.getVoidedStatement({ voidedStatementId: first! })).data.id, first, 'but for those who ask for it');

    const bytes = Buffer.from('a log book');
    const attachment = {
      usageType: 'https://example.org/log', display: { en: 'log' }, contentType: 'text/plain', length: bytes.length,
      sha2: createHash('sha256').update(bytes).digest('hex'),
    };
    const sender = new XAPI({ endpoint: `${server.url}/xapi`, auth: authorization(server.admin), version: version as never, adapter: 'fetch' });
    const [attached] = (await sender.sendStatement({ statement: { ...statement('attached'), attachments: [attachment] } as never, attachments: [new Uint8Array(bytes).buffer] as never })).data;
    const received = await client.getStatement({ statementId: attached!, attachments: true });
    t.match(JSON.stringify(received.data), attached!, 'an attachment both ways');
    const raw = await server.request('statements', { query: { statementId: attached, attachments: true } });
    t.ok(raw.bytes.includes(bytes), 'with its bytes');

    const state = { agent: agent as never, activityId: activity.id, stateId: 'resume' };
    await client.createState({ ...state, state: { page: 3 } });
    const read = await client.getState(state);
    t.same(read.data, { page: 3 }, 'a state document');
    await client.setState({ ...state, state: { page: 4 }, etag: read.headers.etag as string, matchHeader: 'If-Match' });
    t.same((await client.getState(state)).data, { page: 4 }, 'replaced with its ETag');
    await t.rejects(client.setState({ ...state, state: { page: 5 }, etag: read.headers.etag as string, matchHeader: 'If-Match' }), 'an old ETag is refused');
    t.same((await client.getStates({ agent: agent as never, activityId: activity.id })).data, ['resume'], 'the list of states');
    await client.deleteState({ ...state, etag: (await client.getState(state)).headers.etag as string });
    await t.rejects(client.getState(state), 'deleted');
    await client.createState({ ...state, state: { a: 1 } });
    await client.deleteStates({ agent: agent as never, activityId: activity.id });
    t.same((await client.getStates({ agent: agent as never, activityId: activity.id })).data, [], 'deleted all at once');

    await client.setAgentProfile({ agent: agent as never, profileId: 'wishes', profile: { big: true }, etag: '*', matchHeader: 'If-None-Match' });
    t.same((await client.getAgentProfile({ agent: agent as never, profileId: 'wishes' })).data, { big: true }, 'an agent profile');
    await client.createAgentProfile({ agent: agent as never, profileId: 'wishes', profile: { small: false } });
    t.same((await client.getAgentProfile({ agent: agent as never, profileId: 'wishes' })).data, { big: true, small: false }, 'merged');
    await client.createActivityProfile({ activityId: activity.id, profileId: 'map', profile: { a: [1] } });
    const map = await client.getActivityProfile({ activityId: activity.id, profileId: 'map' });
    t.same(map.data, { a: [1] }, 'an activity profile');
    await client.deleteActivityProfile({ activityId: activity.id, profileId: 'map', etag: map.headers.etag as string });
    t.same((await client.getActivityProfiles({ activityId: activity.id })).data, [], 'deleted');

    t.same((await client.getActivity({ activityId: activity.id })).data.definition?.name, { en: 'Boats' }, 'an activity');
    t.same((await client.getAgent({ agent: agent as never })).data.mbox, [agent.mbox], 'a person');
    t.ok((await client.getAbout()).data.version.includes(version), 'about');
  });
}

/** What of TinCanJS is used here; its results come by callback. */
interface TinCanLrs {
  saveStatement(statement: object, options: object): void;
  saveStatements(statements: object[], options: object): void;
  retrieveStatement(id: string, options: object): void;
  retrieveVoidedStatement(id: string, options: object): void;
  queryStatements(options: object): void;
  moreStatements(options: object): void;
  saveState(key: string, value: unknown, options: object): void;
  retrieveState(key: string, options: object): void;
  dropState(key: string, options: object): void;
  saveActivityProfile(key: string, value: unknown, options: object): void;
  retrieveActivityProfile(key: string, options: object): void;
  about(options: object): void;
}
interface TinCanResult {
  statements?: { id: string }[];
  more?: string;
  id?: string;
  etag?: string;
  contents?: unknown;
  version?: string[];
}
type TinCanClass = new (config: object) => object;
interface TinCanLibrary {
  LRS: new (config: object) => TinCanLrs;
  Statement: TinCanClass & { prototype: { voidingStatement?: unknown } };
  Agent: TinCanClass;
  Activity: TinCanClass;
}

t.test('tincanjs', async (t) => {
  const TinCan = require('tincanjs') as TinCanLibrary;
  const server = await startServer(t);
  const lrs = new TinCan.LRS({ endpoint: `${server.url}/xapi/`, username: server.admin.id, password: server.admin.secret, allowFail: false });
  const call = (start: (options: { callback: (error: unknown, result: TinCanResult) => void }) => void): Promise<TinCanResult> => new Promise((resolve, reject) => start({
    callback: (error, result) => (error === null || error === undefined ? resolve(result) : reject(new Error(JSON.stringify(error)))),
  }));
  const made = (verb: string): object => new TinCan.Statement({ id: randomUUID(), ...statement(verb) });
  const [one, two, three] = [made('opened'), made('opened'), made('closed')] as { id: string }[];

  await call((options) => lrs.saveStatement(one!, options));
  await call((options) => lrs.saveStatements([two!, three!], options));
  t.equal((await call((options) => lrs.retrieveStatement(one!.id, options))).id, one!.id, 'a statement');
  const page = await call((options) => lrs.queryStatements({ ...options, params: { agent: new TinCan.Agent({ mbox: agent.mbox }), verb: { id: 'https://example.org/verbs/opened' }, limit: 1 } }));
  t.equal(page.statements?.length, 1, 'a query');
  const rest = await call((options) => lrs.moreStatements({ ...options, url: page.more }));
  t.equal(rest.statements?.length, 1, 'more');

  await call((options) => lrs.saveStatement(new TinCan.Statement({ actor: agent, verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, target: { objectType: 'StatementRef', id: one!.id } }), options));
  t.equal((await call((options) => lrs.retrieveVoidedStatement(one!.id, options))).id, one!.id, 'voided');

  const address = { agent: new TinCan.Agent({ mbox: agent.mbox }), activity: new TinCan.Activity({ id: activity.id }) };
  await call((options) => lrs.saveState('bookmark', 'slide 7 ✓', { ...options, ...address }));
  t.equal((await call((options) => lrs.retrieveState('bookmark', { ...options, ...address }))).contents, 'slide 7 ✓', 'a state of text');
  await call((options) => lrs.saveState('bookmark', { slide: 8 }, { ...options, ...address, contentType: 'application/json' }));
  t.same((await call((options) => lrs.retrieveState('bookmark', { ...options, ...address }))).contents, { slide: 8 }, 'a state of JSON');
  await call((options) => lrs.dropState('bookmark', { ...options, ...address }));
  t.equal(await call((options) => lrs.retrieveState('bookmark', { ...options, ...address })), null, 'dropped');
  await call((options) => lrs.saveActivityProfile('p', 'x', { ...options, activity: address.activity }));
  const profile = await call((options) => lrs.retrieveActivityProfile('p', { ...options, activity: address.activity }));
  await call((options) => lrs.saveActivityProfile('p', 'y', { ...options, activity: address.activity, lastSHA1: profile.etag }));
  t.equal((await call((options) => lrs.retrieveActivityProfile('p', { ...options, activity: address.activity }))).contents, 'y', 'a profile replaced by its ETag');
  t.ok((await call((options) => lrs.about(options))).version?.includes('1.0.3'), 'about');
});

/** What of cmi5.js is used here: an AU's life but for the launch, which needs a browser. */
interface Cmi5Au {
  setAuth(auth: string): void;
  setLMSLaunchData(data: object): void;
  [method: string]: (...parameters: never[]) => unknown;
}

t.test('@rusticisoftware/cmi5', async (t) => {
  Object.assign(globalThis, { self: globalThis });
  const Cmi5 = require('@rusticisoftware/cmi5') as { default?: new (launch: string) => unknown } & (new (launch: string) => unknown);
  const server = await startServer(t);
  const registration = randomUUID();
  const actor = { objectType: 'Agent', account: { homePage: 'https://lms.example.org', name: 'learner' } };
  const activityId = 'https://lms.example.org/au/1';
  const contextTemplate = {
    contextActivities: { grouping: [{ id: 'https://publisher.example.org/au' }] },
    extensions: { 'https://w3id.org/xapi/cmi5/context/extensions/sessionid': randomUUID() },
  };
  const asLms = (path: string, options: object): Promise<{ status: number }> => server.request(path, { version: '1.0.3', ...options });
  t.equal((await asLms('activities/state', { method: 'PUT', query: { stateId: 'LMS.LaunchData', activityId, agent: actor, registration }, body: { contextTemplate, launchMode: 'Normal', moveOn: 'CompletedAndPassed', masteryScore: 0.7 } })).status, 204);
  t.equal((await asLms('agents/profile', { method: 'PUT', query: { profileId: 'cmi5LearnerPreferences', agent: actor }, body: { languagePreference: 'de' }, headers: { 'If-None-Match': '*' } })).status, 204);

  const { createServer } = await import('node:http');
  const fetchUrl = createServer((_request, response) => response.setHeader('Content-Type', 'application/json')
    .end(JSON.stringify({ 'auth-token': Buffer.from(`${server.admin.id}:${server.admin.secret}`).toString('base64') })));
  await new Promise<void>((resolve) => fetchUrl.listen(0, '127.0.0.1', resolve));
  t.teardown(() => fetchUrl.close());
  const { port } = fetchUrl.address() as { port: number };

  const launch = `https://content.example.org/?${new URLSearchParams({ endpoint: `${server.url}/xapi`, fetch: `http://127.0.0.1:${port}/`, actor: JSON.stringify(actor), registration, activityId })}`;
  const au = new (Cmi5.default ?? Cmi5)(launch) as Cmi5Au & Record<'start' | 'terminate' | 'completed', () => Promise<void>> & { passed(score: object): Promise<void> };
  await au.start();
  await au.completed();
  await au.passed({ scaled: 0.9 });
  await au.terminate();
  const { statements } = (await server.request('statements', { version: '1.0.3', query: { registration, ascending: true } })).json<{ statements: { verb: { id: string } }[] }>();
  t.same(statements.map(({ verb }) => verb.id.split('/').at(-1)), ['initialized', 'completed', 'passed', 'terminated'], "an AU's session from launch data to the end");
});

/** The Alternate Request Syntax as pages send it when they are left: no headers but those of a form. */
function unload(server: TestServer, path: string, method: string, fields: Record<string, string>) {
  const form = Object.entries({
    Authorization: authorization(server.admin), 'X-Experience-API-Version': '1.0.3', 'Content-Type': 'application/json', ...fields,
  }).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  return server.request(`${path}?method=${method}`, {
    method: 'POST', version: null, key: null, body: form, headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://content.example.org' },
  });
}

t.test('what Storyline and Rise send when the page is left', async (t) => {
  const server = await startServer(t);
  const id = randomUUID();
  const put = await unload(server, 'statements', 'PUT', { statementId: id, content: JSON.stringify({ ...statement('left'), result: { response: 'ä & 50% + ✓' } }) });
  t.equal(put.status, 204, `a statement by PUT: ${put.text}`);
  t.equal(put.headers['access-control-allow-origin'], 'https://content.example.org', 'for another origin');
  t.equal((await server.request('statements', { query: { statementId: id } })).json<{ result: { response: string } }>().result.response, 'ä & 50% + ✓', 'with its characters');
  const post = await unload(server, 'statements', 'POST', { content: JSON.stringify([statement('left'), statement('left')]) });
  t.equal(post.status, 200, `several by POST: ${post.text}`);
  const address = { stateId: 'resume', activityId: activity.id, agent: JSON.stringify(agent), registration: randomUUID() };
  t.equal((await unload(server, 'activities/state', 'PUT', { ...address, 'Content-Type': 'text/plain', content: '2b3k4l0aVa' })).status, 204, 'a bookmark');
  t.equal((await unload(server, 'activities/state', 'GET', address)).text, '2b3k4l0aVa', 'and it is read back');
  t.equal((await unload(server, 'statements', 'GET', { verb: 'https://example.org/verbs/left', limit: '2' })).json<{ statements: object[] }>().statements.length, 2, 'a query too long for a URL');
  t.equal((await unload(server, 'activities/state', 'DELETE', address)).status, 204);
  const wrong = await unload(server, 'statements', 'PUT', { statementId: randomUUID(), content: '{}' });
  t.equal(wrong.status, 400, 'what is wrong is refused all the same');
});

t.test('what iSpring sends', async (t) => {
  const server = await startServer(t);
  const body = { ...statement('viewed'), context: { contextActivities: { parent: { id: 'https://example.org/slides' }, grouping: { id: 'https://example.org/course' } } } };
  const post = await server.request('/xapistatements', { method: 'POST', version: '1.0.3', body });
  t.equal(post.status, 200, `an endpoint without a slash at its end: ${post.text}`);
  const found = (await server.request('/xapistatements', { version: '1.0.3', query: { activity: 'https://example.org/course', related_activities: true } })).json<{ statements: { context: { contextActivities: object } }[] }>();
  t.same(found.statements[0]?.context.contextActivities, { parent: [{ id: 'https://example.org/slides' }], grouping: [{ id: 'https://example.org/course' }] }, 'single objects are answered as arrays');
  const query = { activityId: activity.id, stateId: 'suspend', agent };
  t.equal((await server.request('/xapiactivities/state', { method: 'PUT', version: '1.0.3', query, body: 'x', headers: { 'Content-Type': 'application/octet-stream' } })).status, 204, 'a state there');
  t.equal((await server.request('/xapi/activities/state', { version: '1.0.3', query })).text, 'x', 'is the same as anywhere');
  t.equal((await server.request('/data/xAPI//statements/', { version: '1.0.3' })).status, 200, 'other ways to put a URL together');
});
