import t from 'tap';
import { LAUNCH_DATA } from '../../../../src/cmi5/registrations/launch-data.js';
import { launchUrl } from '../../../../src/cmi5/registrations/launch-url.js';
import { agentIdentifier } from '../../../../src/xapi/actors.js';
import type { Json, Statement } from '../../../../src/xapi/types.js';
import { validateStatement } from '../../../../src/xapi/validation.js';
import { contract } from '../../../contract/adapters.js';
import { ann, IDLE, openCampus, tenant, verbsOf } from './campus.js';

const extension = (name: string): string => `https://w3id.org/xapi/cmi5/context/extensions/${name}`;

void t.test('the parameters of a launch join the query of the AU', (t) => {
  const parameters = { endpoint: 'https://lrs.example/xapi/', fetch: 'https://lrs.example/cmi5/fetch/x', learner: { ...ann, name: 'Ann' }, registration: 'r', activityId: 'https://lrs.example/a?b=c&d' };
  for (const [url, begins, hash] of [
    ['https://x.example/a.html', 'https://x.example/a.html?endpoint=', ''],
    ['https://x.example/a.html?p=1&q=%26', 'https://x.example/a.html?p=1&q=%26&endpoint=', ''],
    ['https://x.example/a.html?', 'https://x.example/a.html?endpoint=', ''],
    ['https://x.example/a.html?p=1&', 'https://x.example/a.html?p=1&endpoint=', ''],
    ['https://x.example/a.html#top?x', 'https://x.example/a.html?endpoint=', '#top?x'],
    ['https://x.example/a.html?p#top', 'https://x.example/a.html?p&endpoint=', '#top'],
  ] as const) {
    const launched = launchUrl(url, parameters);
    t.ok(launched.startsWith(begins) && launched.endsWith(hash), launched);
    const { searchParams } = new URL(launched);
    t.strictSame([...searchParams.keys()].filter((name) => name.length > 2), ['endpoint', 'fetch', 'actor', 'registration', 'activityId']);
    t.strictSame(JSON.parse(searchParams.get('actor')!), { objectType: 'Agent', account: ann.account }, 'the account alone');
    t.equal(searchParams.get('activityId'), parameters.activityId);
    t.notMatch(launched, /[ "{}]/, 'all of it is encoded');
  }
  t.end();
});

contract(async (t, adapter) => {
  for (const shared of [false, true]) {
    await t.test(shared ? 'with other processes' : 'alone', async (t) => {
      await t.test('a launch: all that content and reports ask for is there when it answers', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const course = await campus.addCourse(['Passed'], (unit) => Object.assign(unit, { url: 'a/index.html?x=1#top', masteryScore: 0, launchParameters: 'p', entitlementKey: 'k', launchMethod: 'OwnWindow', activityType: 'urn:type' }));
        const registration = await campus.enrol(course);
        const before = Date.now();
        const launch = await campus.launching.launch(tenant, registration, { unit: 0, returnURL: 'https://school.example/back?x=ü' });
        const node = `https://lrs.example/cmi5/activities/${course}/au0`;
        t.match(launch, { registration, mode: 'Normal', launchMethod: 'OwnWindow', unit: 0, activityId: node });
        t.ok(Date.parse(launch.expires) >= before + IDLE && Date.parse(launch.expires) <= Date.now() + IDLE);

        const url = new URL(launch.url);
        t.equal(url.searchParams.get('x'), '1');
        t.equal(url.hash, '#top');
        t.equal(url.searchParams.get('endpoint'), 'https://lrs.example/xapi/');
        t.equal(url.searchParams.get('registration'), registration);
        t.equal(url.searchParams.get('activityId'), node);
        const secret = /^https:\/\/lrs\.example\/cmi5\/fetch\/([\w-]{43})$/.exec(url.searchParams.get('fetch')!)![1]!;
        t.match(await campus.sessions.fetch(secret), { status: 'fetched', session: { id: launch.session, tenant, registration, course, unit: node, unitIndex: 0, mode: 'Normal', returnURL: 'https://school.example/back?x=ü', preview: false } });

        const document = await campus.documents.get(tenant, { resource: 'state', activity: node, agent: agentIdentifier(ann)!, registration, id: LAUNCH_DATA });
        t.equal(document!.contentType, 'application/json');
        t.strictSame(JSON.parse(document!.content.toString('utf8')), {
          contextTemplate: { contextActivities: { grouping: [{ id: 'urn:au:0' }] }, extensions: { [extension('sessionid')]: launch.session } },
          launchMode: 'Normal', moveOn: 'Passed', masteryScore: 0, launchParameters: 'p', entitlementKey: { courseStructure: 'k' }, returnURL: 'https://school.example/back?x=ü',
        });

        const [launched, ...others] = await campus.log();
        t.same(others, []);
        t.equal(validateStatement(launched as unknown as Json, '1.0.3', 0)?.message, undefined);
        t.match(launched, {
          verb: { id: 'http://adlnet.gov/expapi/verbs/launched' }, object: { id: node, definition: { type: 'urn:type' } }, authority: { account: { name: 'cmi5' } },
          context: { registration, extensions: { [extension('launchurl')]: `${url.origin}${url.pathname}?x=1#top`, [extension('launchmode')]: 'Normal', [extension('moveon')]: 'Passed', [extension('masteryscore')]: 0, [extension('launchparameters')]: 'p', [extension('sessionid')]: launch.session } },
        });
        t.match((await campus.status.status(tenant, registration)).session, { id: launch.session, unit: node, mode: 'Normal', initialized: false });
      });

      await t.test('content that is hosted elsewhere', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['Passed'], (unit) => { unit.url = 'HTTPS://elsewhere.example/start?a'; }));
        const { url, session } = await campus.launching.launch(tenant, registration, { unit: 'urn:au:0' });
        t.ok(url.startsWith('HTTPS://elsewhere.example/start?a&endpoint='));
        t.equal((await campus.log())[0]!.context!.extensions![extension('launchurl')], 'HTTPS://elsewhere.example/start?a');
        t.ok(await campus.sessions.find(session));
      });

      await t.test('another launch abandons the session that is under way, and not one that has ended', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['Passed', 'Passed']));
        const first = await campus.launching.launch(tenant, registration, { unit: 0 });
        await campus.say(first.session, 'initialized', 'experienced');
        const second = await campus.launching.launch(tenant, registration, { unit: 1, mode: 'Browse' });
        t.same(verbsOf(await campus.log()), ['launched', 'initialized', 'experienced', 'abandoned', 'launched']);
        const abandoned = (await campus.log())[3]!;
        t.match(abandoned, { object: { id: first.activityId }, result: { duration: /^PT\d/ }, context: { extensions: { [extension('sessionid')]: first.session } } });
        t.match(await campus.sessions.find(first.session), { how: 'abandoned', ended: /Z$/ });
        await t.rejects(campus.say(first.session, 'terminated'), { code: /unauthorized|rule-broken/ }, 'it takes nothing in any more');
        await campus.say(second.session, 'initialized', 'terminated');
        const third = await campus.launching.launch(tenant, registration, { unit: 1 });
        t.same(verbsOf(await campus.log()), ['launched', 'initialized', 'experienced', 'abandoned', 'launched', 'initialized', 'terminated', 'launched']);
        t.same(new Set([first, second, third].map(({ session }) => session)).size, 3);
        t.match(await campus.sessions.find(second.session), { how: 'terminated' });
      });

      await t.test('twelve launches at once: one session stays, and LMS.LaunchData is its own', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['Passed']));
        const doors = shared ? [campus, campus.another(), campus.another()] : [campus];
        const launches = await Promise.all(Array.from({ length: 12 }, (_, index) => doors[index % doors.length]!.launching.launch(tenant, registration, { unit: 0 })));
        const { session } = (await campus.writer.read(tenant, registration))!.state;
        const document = await campus.documents.get(tenant, { resource: 'state', activity: launches[0]!.activityId, agent: agentIdentifier(ann)!, registration, id: LAUNCH_DATA });
        t.equal((JSON.parse(document!.content.toString('utf8')) as { contextTemplate: Statement['context'] }).contextTemplate!.extensions![extension('sessionid')], session!.id);
        const verbs = verbsOf(await campus.log());
        t.equal(verbs.filter((verb) => verb === 'launched').length, 12);
        t.equal(verbs.filter((verb) => verb === 'abandoned').length, 11);
        const sessions = await campus.sessions.list({ property: 'registration', equals: registration });
        t.same(sessions.filter(({ activeIn }) => activeIn !== undefined).map(({ id }) => id), [session!.id]);
      });

      await t.test('a launch after a refresh: the same AU, mode and way back in another session', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['Passed', 'Passed']));
        const first = await campus.launching.launch(tenant, registration, { unit: 1, mode: 'Review', returnURL: 'http://school.example/' });
        const again = await campus.launching.relaunch(tenant, first.session);
        t.not(again.session, first.session);
        t.match(again, { registration, unit: 1, mode: 'Review' });
        t.match(await campus.sessions.find(again.session), { returnURL: 'http://school.example/' });
        await t.rejects(campus.launching.relaunch('other', first.session), { code: 'not-found' }, 'not in another tenant');
        await t.rejects(campus.launching.relaunch(tenant, 'nothing'), { code: 'not-found' });
      });

      await t.test('what can not be launched leaves nothing behind', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['Passed']));
        await t.rejects(campus.launching.launch(tenant, registration, { unit: 1 }), { code: 'not-found' });
        await t.rejects(campus.launching.launch(tenant, registration, { unit: 'urn:au:9' }), { code: 'not-found' });
        await t.rejects(campus.launching.launch(tenant, 'c0ffee00-0000-4000-8000-000000000000', { unit: 0 }), { code: 'not-found' });
        for (const returnURL of ['javascript:alert(1)', '/back', 'ftp://school.example/', 'https://', 'https://user:pass@school.example/', `https://school.example/${'x'.repeat(5000)}`, 'data:text/html,x', '', 'https://school.example/\r\nx', 'https://school.example/a b', ' https://school.example/']) {
          await t.rejects(campus.launching.launch(tenant, registration, { unit: 0, returnURL }), { code: 'invalid-request', details: { rule: 'return-url' } }, returnURL.slice(0, 40));
        }
        t.same(await campus.log(), []);
        t.same(await campus.sessions.list({ property: 'registration', equals: registration }), []);
        t.same(await campus.documents.list(tenant, { resource: 'state', agent: agentIdentifier(ann)! }), []);
      });

      await t.test('an AU that was completed and passed is launched for review, unless another mode is named', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['CompletedOrPassed']));
        const first = await campus.launching.launch(tenant, registration, { unit: 0 });
        await campus.say(first.session, 'initialized', 'completed', 'terminated');
        const second = await campus.launching.launch(tenant, registration, { unit: 0 });
        t.equal(second.mode, 'Normal', 'it may still be passed');
        await campus.say(second.session, 'initialized', 'passed', 'terminated');
        t.equal((await campus.launching.launch(tenant, registration, { unit: 0 })).mode, 'Review');
        t.equal((await campus.launching.launch(tenant, registration, { unit: 0, mode: 'Normal' })).mode, 'Normal');
      });
    });
  }
});
