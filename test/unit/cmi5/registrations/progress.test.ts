import { contract } from '../../../contract/adapters.js';
import { openCampus, tenant, verbsOf } from './campus.js';

const sessionId = 'https://w3id.org/xapi/cmi5/context/extensions/sessionid';

contract(async (t, adapter) => {
  for (const shared of [false, true]) {
    await t.test(shared ? 'with other processes' : 'alone', async (t) => {
      await t.test('what asks for nothing is satisfied at registration, once', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse([['NotApplicable'], [['NotApplicable']]]));
        const log = await campus.log();
        t.same(verbsOf(log), ['satisfied', 'satisfied', 'satisfied', 'satisfied']);
        t.equal(new Set(log.map(({ context }) => context!.extensions![sessionId])).size, 1, 'under one session id that no launch has');
        await campus.launching.launch(tenant, registration, { unit: 0 });
        t.same(verbsOf((await campus.log()).slice(4)), ['launched']);
        t.match(await campus.status.status(tenant, registration), { satisfied: true });
      });

      await t.test('satisfied comes before terminated, under the session of the launch', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse([['CompletedAndPassed']]));
        const { session } = await campus.launching.launch(tenant, registration, { unit: 0 });
        await campus.say(session, 'initialized');
        await campus.say(session, 'passed');
        t.match(await campus.status.status(tenant, registration, { explain: true }), { satisfied: false, explanation: { missing: ['block urn:block:0'], children: [{ children: [{ missing: ['a statement completed of the AU'] }] }] } });
        await campus.say(session, 'completed', 'terminated');
        const log = await campus.log();
        t.same(verbsOf(log), ['launched', 'initialized', 'passed', 'completed', 'satisfied', 'satisfied', 'terminated']);
        t.same(log.slice(4, 6).map(({ context }) => context!.extensions![sessionId]), [session, session]);
        t.same(log.slice(4, 6).map(({ object }) => (object as { definition: { type: string } }).definition.type.split('/').at(-1)), ['block', 'course']);
        const status = await campus.status.status(tenant, registration, { explain: true });
        t.match(status, {
          satisfied: true, units: [{ index: 0, satisfied: true, passed: log[2]!.id, completed: log[3]!.id }], session: { id: session, initialized: true, how: 'terminated' },
          explanation: { satisfied: true, statement: log[5]!.id, decidedBy: [log[4]!.id], children: [{ statement: log[4]!.id, decidedBy: [log[3]!.id, log[2]!.id] }] },
        });
        t.equal((await campus.status.status(tenant, registration)).explanation, undefined);
        await t.rejects(campus.status.status(tenant, 'c0ffee00-0000-4000-8000-000000000000'), { code: 'not-found' });
      });

      await t.test('a waiver: once, with its reason, and what follows from it', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse([['Passed'], 'Passed']));
        const { session } = await campus.launching.launch(tenant, registration, { unit: 1 });
        const waiver = await campus.waiving.waive(tenant, registration, 0, 'Tested Out');
        t.match(waiver, { registration, unit: 0, repeated: false });
        const log = await campus.log();
        t.same(verbsOf(log), ['launched', 'waived', 'satisfied']);
        t.equal(log[1]!.id, waiver.statement);
        const ids = log.map(({ context }) => context!.extensions![sessionId]);
        t.ok(ids[1] !== session && ids[1] === ids[2], 'a session id of its own, shared with what follows');
        t.same(await campus.waiving.waive(tenant, registration, 'urn:au:0', 'Tested Out'), { ...waiver, repeated: true });
        await t.rejects(campus.waiving.waive(tenant, registration, 0, 'Administrative'), { code: 'record-conflict' });
        for (const reason of ['', '  ', 'x'.repeat(1001), '\ud800']) await t.rejects(campus.waiving.waive(tenant, registration, 1, reason), { code: 'invalid-request' });
        await t.rejects(campus.waiving.waive(tenant, registration, 2, 'Administrative'), { code: 'not-found' });
        await campus.say(session, 'initialized', 'passed');
        t.same(verbsOf((await campus.log()).slice(3)), ['initialized', 'passed', 'satisfied'], 'the session goes on');
        const all = await Promise.all(Array.from({ length: 5 }, () => campus.waiving.waive(tenant, registration, 1, 'Administrative')));
        t.equal(all.filter(({ repeated }) => !repeated).length, 1, 'five at once are one');
        t.equal(verbsOf(await campus.log()).filter((verb) => verb === 'waived').length, 2);
      });

      await t.test('two processes that waive two AUs at once satisfy the course once', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const other = shared ? campus.another() : campus;
        const registration = await campus.enrol(await campus.addCourse([['Passed', 'Passed']]));
        await Promise.all([campus.waiving.waive(tenant, registration, 0, 'Administrative'), other.waiving.waive(tenant, registration, 1, 'Administrative')]);
        t.same(verbsOf(await campus.log()), ['waived', 'waived', 'satisfied', 'satisfied']);
      });

      await t.test('abandoned by hand: once, and not after terminated', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const registration = await campus.enrol(await campus.addCourse(['Passed']));
        const never = await campus.launching.launch(tenant, registration, { unit: 0 });
        const ended = await campus.abandoning.abandon(tenant, never.session);
        t.match(ended, { session: never.session, registration, abandoned: /Z$/ });
        t.same(await campus.abandoning.abandon(tenant, never.session), ended, 'again');
        t.same(verbsOf(await campus.log()), ['launched', 'abandoned']);
        t.same((await campus.log())[1]!.result, { duration: 'PT0S' }, 'the AU never said anything');
        const second = await campus.launching.launch(tenant, registration, { unit: 0 });
        await campus.say(second.session, 'initialized', 'terminated');
        await t.rejects(campus.abandoning.abandon(tenant, second.session), { code: 'record-conflict' });
        await campus.launching.launch(tenant, registration, { unit: 0 });
        await t.rejects(campus.abandoning.abandon(tenant, second.session), { code: 'record-conflict' }, 'nor when another was launched since');
        t.match(await campus.abandoning.abandon(tenant, never.session), { session: never.session, abandoned: /Z$/ });
        t.equal(verbsOf(await campus.log()).filter((verb) => verb === 'abandoned').length, 1);
        await t.rejects(campus.abandoning.abandon('other', never.session), { code: 'not-found' });
        await t.rejects(campus.abandoning.abandon(tenant, 'nothing'), { code: 'not-found' });
      });

      await t.test('moved to another version: what was said stays, and what is satisfied by that is said', async (t) => {
        const campus = await openCampus(t, adapter, { shared });
        const course = await campus.addCourse(['Passed', 'Passed']);
        const registration = await campus.enrol(course);
        const { session } = await campus.launching.launch(tenant, registration, { unit: 0 });
        await campus.say(session, 'initialized', 'passed');
        const shorter = await campus.addVersion(course, ['Passed']);
        await campus.enrolments.move(tenant, registration, shorter);
        t.same(verbsOf(await campus.log()), ['launched', 'initialized', 'passed', 'satisfied']);
        const longer = await campus.addVersion(course, ['Passed', 'Passed', 'Passed']);
        await campus.enrolments.move(tenant, registration, longer);
        t.match(await campus.status.status(tenant, registration, { explain: true }), { version: longer, satisfied: true, units: [{ satisfied: true }, { satisfied: false }, { satisfied: false }], explanation: { satisfied: true, missing: ['AU urn:au:1', 'AU urn:au:2'] } });
        await campus.say(session, 'terminated');
        const { session: other } = await campus.launching.launch(tenant, registration, { unit: 2 });
        await campus.enrolments.move(tenant, registration, shorter);
        await campus.abandoning.abandon(tenant, other);
        t.match((await campus.log()).at(-1), { verb: { id: /abandoned$/ }, object: { definition: { name: { en: 'AU 2' } } } }, 'an AU that the version has no more');
      });
    });
  }
});
