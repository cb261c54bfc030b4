import { QuipuError } from '../../../../src/xapi/errors.js';
import { contract } from '../../../contract/adapters.js';
import { ann, IDLE, openCampus, tenant, verbsOf } from './campus.js';

const signal = new AbortController().signal;
const DAY = 86_400_000;

contract(async (t, adapter) => {
  await t.test('a session that is idle is abandoned, one that never began as well, and one that is used is not', async (t) => {
    const campus = await openCampus(t, adapter);
    const course = await campus.addCourse(['Passed']);
    const launch = async (name: string) => {
      const { registration } = await campus.enrolments.register(tenant, { course, learner: { ...ann, account: { ...ann.account, name } } });
      return { ...await campus.launching.launch(tenant, registration.id, { unit: 0 }), learnerKey: registration.learnerKey };
    };
    const [never, quiet, reading, done] = [await launch('never'), await launch('quiet'), await launch('reading'), await launch('done')];
    await campus.say(quiet.session, 'initialized', 'experienced');
    await campus.say(reading.session, 'initialized');
    await campus.say(done.session, 'initialized', 'terminated');
    const soon = Date.now() + IDLE - 10_000;
    t.equal(await campus.sweeperAt(() => soon).run(tenant, signal), 'done');
    t.notOk(verbsOf(await campus.log()).includes('abandoned'), 'not yet');
    const later = Date.now() + IDLE + 10_000;
    await campus.documents.put(tenant, { key: { resource: 'state', activity: reading.activityId, agent: reading.learnerKey, registration: reading.registration, id: 'bookmark' }, content: Buffer.from('7'), contentType: 'text/plain', etag: 'x', updated: later - 1000 }, { kind: 'any' });
    const sweeper = campus.sweeperAt(() => later);
    await Promise.all([sweeper.run(tenant, signal), sweeper.run(tenant, signal)]);
    await sweeper.run(tenant, signal);
    const abandoned = (await campus.log()).filter(({ verb }) => verb.id.endsWith('/abandoned'));
    t.same(new Set(abandoned.map(({ context }) => context!.registration)), new Set([never.registration, quiet.registration]));
    t.equal(abandoned.length, 2, 'each once');
    t.match(await campus.sessions.find(never.session), { how: 'abandoned' });
    t.match(await campus.sessions.find(done.session), { how: 'terminated' });
    await campus.say(reading.session, 'terminated');
  });

  await t.test('a preview leaves nothing in the log while it lives, and nothing at all after a day', async (t) => {
    const campus = await openCampus(t, adapter);
    const course = await campus.addCourse([['Completed'], 'NotApplicable']);
    const launch = await campus.previews.preview(tenant, { course, unit: 0 });
    await campus.say(launch.session, 'initialized', 'completed');
    t.match(await campus.status.status(tenant, launch.registration), { satisfied: true }, 'it comes to the same as any other');
    await t.rejects(campus.say(launch.session, 'completed'), { code: 'rule-broken' });
    t.same(await campus.log(), []);
    t.same(await campus.enrolments.list(tenant, {}), [], 'lists leave it out');
    const { learnerKey } = (await campus.writer.read(tenant, launch.registration))!;
    await campus.documents.put(tenant, { key: { resource: 'agent-profile', agent: learnerKey, id: 'cmi5LearnerPreferences' }, content: Buffer.from('{}'), contentType: 'application/json', etag: 'x', updated: Date.now() }, { kind: 'any' });
    const registration = await campus.enrol(course);
    await campus.sweeperAt(() => Date.now() + DAY - 60_000).run(tenant, signal);
    t.ok(await campus.writer.read(tenant, launch.registration));
    await campus.sweeperAt(() => Date.now() + DAY + 60_000).run(tenant, signal);
    t.equal(await campus.writer.read(tenant, launch.registration), undefined);
    t.equal(await campus.sessions.find(launch.session), undefined);
    t.same(await campus.findings.list(tenant, undefined), []);
    t.same(await campus.documents.list(tenant, { resource: 'state', agent: learnerKey }), []);
    t.same(await campus.documents.list(tenant, { resource: 'agent-profile', agent: learnerKey }), []);
    t.ok(await campus.writer.read(tenant, registration), 'a registration stays');
    await t.rejects(campus.previews.preview(tenant, { course: 'none', unit: 0 }), { code: 'not-found' });
    await campus.sweeperAt(() => Date.now() + 2 * DAY).run(tenant, signal);
    t.equal(verbsOf(await campus.log()).filter((verb) => verb === 'abandoned').length, 0);
  });

  await t.test('a change that a dead process wrote down and did not carry out is brought about', async (t) => {
    const campus = await openCampus(t, adapter, { shared: true });
    const registration = await campus.enrol(await campus.addCourse(['Passed']));
    const dying = campus.another({ append: () => Promise.reject(new QuipuError('store-unavailable', 'gone')) });
    await t.rejects(dying.launching.launch(tenant, registration, { unit: 0 }), { code: 'store-unavailable' });
    t.same(await campus.log(), []);
    const heir = campus.another();
    await heir.sweeperAt(Date.now).run(tenant, signal);
    t.same(verbsOf(await campus.log()), ['launched'], 'its statement is stored');
    const { session } = (await heir.writer.read(tenant, registration))!.state;
    t.ok(await heir.sessions.find(session!.id), 'and the session is one that can be abandoned');
    await heir.sweeperAt(() => Date.now() + IDLE + 1000).run(tenant, signal);
    t.same(verbsOf(await campus.log()), ['launched', 'abandoned']);
    t.match(await campus.sessions.find(session!.id), { how: 'abandoned' });
    t.same(await campus.writer.list(tenant, { where: { property: 'active', equals: 'yes' } }), [], 'nothing is left to look at');
  });
});
