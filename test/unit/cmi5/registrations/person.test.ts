import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createExportService } from '../../../../src/admin/export-service.js';
import type { FeatureRecords } from '../../../../src/admin/feature-records.js';
import { createTenantService } from '../../../../src/admin/tenant-service.js';
import { courseRecords, versionRecords } from '../../../../src/cmi5/packages/records.js';
import { previewRecords } from '../../../../src/cmi5/registrations/preview.js';
import { findingRecords, registrationRecords, sessionRecords, type Learner } from '../../../../src/cmi5/registrations/records.js';
import type { CollectionSpec } from '../../../../src/records/store.js';
import { agentIdentifier } from '../../../../src/xapi/actors.js';
import type { Statement } from '../../../../src/xapi/types.js';
import { openErasures } from '../../admin/open-erasures.js';
import { contract } from '../../../contract/adapters.js';
import { openCampus, tenant, verbsOf } from './campus.js';

const learner = (name: string): Learner => ({ objectType: 'Agent', account: { homePage: 'https://school.example', name } });
const eve = { ...learner('eve-4711'), name: 'Eve Example' };
const bob = learner('bob');
const trace = /eve-4711|Eve Example/;
type Campus = Awaited<ReturnType<typeof openCampus>>;

/** All records of cmi5 as text. */
async function recordsOf({ records }: Campus): Promise<string> {
  const all = async <T extends object>(spec: CollectionSpec<T>, of: string): Promise<unknown[]> => records.collection(spec).list(of);
  return JSON.stringify([await all(registrationRecords, tenant), await all(sessionRecords, ''), await all(findingRecords, tenant), await all(previewRecords, tenant)]);
}

function filesOf({ storage }: Campus): string {
  if (storage.directory === undefined) return '';
  const files = join(storage.directory, 'store');
  return readdirSync(files).map((file) => readFileSync(join(files, file)).toString('latin1')).join('\n');
}

async function erasuresOn(t: Test, campus: Campus, change: (records: FeatureRecords) => FeatureRecords = (records) => records) {
  await createTenantService(campus.storage).ensure(tenant, 'School');
  const erasures = openErasures({ ...campus.storage, featureRecords: change(campus.learnerRecords) });
  t.teardown(() => erasures.close());
  return erasures;
}

/** Launches a unit in a registration of its own. */
async function launchFor(campus: Campus, course: string, who: Learner, preview = false) {
  const { registration } = await campus.enrolments.register(tenant, { course, learner: who, preview });
  return campus.launching.launch(tenant, registration.id, { unit: 0 });
}

/** What a session says, with something changed. */
async function sayOf(campus: Campus, session: string, verb: 'experienced' | 'initialized', change: (statement: Statement) => object): Promise<void> {
  await (await campus.policyOf(session)).append(campus.prepare([JSON.stringify(change(await campus.sampleOf(session, verb)))]));
}

/** Eve has a session under way, one that has ended and a preview; Bob's content has named her. */
async function fill(campus: Campus) {
  const course = await campus.addCourse(['Completed']);
  const ended = await launchFor(campus, course, eve);
  await campus.say(ended.session, 'initialized', 'completed', 'terminated');
  await campus.say(ended.session, 'experienced').catch(() => undefined);
  const open = await launchFor(campus, course, eve);
  await campus.say(open.session, 'initialized');
  const preview = await launchFor(campus, course, eve, true);
  await campus.say(preview.session, 'initialized');
  const other = await launchFor(campus, course, bob);
  await campus.say(other.session, 'initialized');
  await campus.say(other.session, 'initialized').catch(() => undefined);
  await sayOf(campus, other.session, 'experienced', (statement) => ({ ...statement, actor: eve })).catch(() => undefined);
  await (await campus.policyOf(other.session)).admitDocument({ resource: 'agent-profile', method: 'GET', agent: agentIdentifier(eve)!, id: 'x' }).catch(() => undefined);
  return { course, ended, open, preview, other };
}

contract(async (t, adapter) => {
  await t.test('an erasure takes what cmi5 keeps of a learner, and ends what is under way', { timeout: 120_000 }, async (t) => {
    const campus = await openCampus(t, adapter);
    const { open, other, preview } = await fill(campus);
    t.match(await recordsOf(campus), trace);
    const erasures = await erasuresOn(t, campus);
    const token = await campus.policyOf(open.session);
    const dry = await erasures.start(tenant, eve, { dryRun: true, wait: 60_000 });
    t.match(dry, { status: 'complete', counts: { records: 10 } }, 'three registrations and sessions, two findings of her own and two of others');
    t.ok(await campus.writer.read(tenant, open.registration), 'a dry run takes nothing');

    const receipt = await erasures.start(tenant, eve, { wait: 60_000 });
    t.match(receipt, { status: 'complete', counts: { records: 10, stateDocuments: 0 } }, 'State went with the registrations');
    t.notMatch(await recordsOf(campus), trace, 'no record names her');
    t.notMatch(filesOf(campus), trace, 'and no file');
    t.same(await campus.documents.list(tenant, { resource: 'state', agent: agentIdentifier(eve)! }), []);
    for (const { session } of [open, preview]) t.equal(await campus.sessions.find(session), undefined);
    t.equal((await campus.sessions.fetch(new URL(open.url).searchParams.get('fetch')!.split('/').at(-1)!)).status, 'unknown');

    await t.rejects(token.admitReading(), { code: 'unauthorized' }, 'the token that was there is dead');
    await t.rejects(token.admitDocument({ resource: 'state', method: 'PUT', agent: agentIdentifier(eve)!, activityId: open.activityId, registration: open.registration, id: 'x' }), { code: 'unauthorized' });
    await t.rejects(token.append(campus.prepare([JSON.stringify(await campus.sampleOf(other.session, 'experienced'))])), { code: 'unauthorized' });
    t.notMatch(await recordsOf(campus), new RegExp(`${trace.source}|${open.registration}`), 'and leaves no findings');

    t.same((await campus.findings.list(tenant, undefined)).map(({ session, breach }) => [session, breach?.rule]), [[other.session, 'verb-once']], "Bob's own stay");
    await campus.say(other.session, 'completed', 'terminated');
    t.match(await campus.status.status(tenant, other.registration), { satisfied: true });
    t.match((await erasures.start(tenant, eve, { wait: 60_000 })).counts, { records: 0 });
  });

  await t.test('an erasure takes a preview when its learner is meant', async (t) => {
    const campus = await openCampus(t, adapter);
    const { registration } = await campus.previews.preview(tenant, { course: await campus.addCourse(['Completed']), unit: 0 });
    const { learner: nobody } = (await campus.writer.read(tenant, registration))!;
    await (await erasuresOn(t, campus)).start(tenant, nobody, { wait: 60_000 });
    t.equal(await recordsOf(campus), '[[],[],[],[]]');
  });

  await t.test('an erasure goes on where it stopped, in slices', { timeout: 120_000 }, async (t) => {
    const campus = await openCampus(t, adapter);
    const course = await campus.addCourse(['Completed']);
    for (let number = 0; number < 101; number++) await campus.enrolments.register(tenant, { course, learner: eve });
    await launchFor(campus, course, bob);
    let calls = 0;
    const faulty = async <T>(work: () => Promise<T>): Promise<T> => {
      const done = await work();
      if (++calls % 2 === 0) throw new Error('gone half-way');
      return done;
    };
    const erasures = await erasuresOn(t, campus, (records) => ({
      ...records, eraseOwn: (...slice) => faulty(() => records.eraseOwn(...slice)), eraseMentions: (...slice) => faulty(() => records.eraseMentions(...slice)),
    }));
    t.match(await erasures.start(tenant, eve, { wait: 60_000 }), { status: 'complete' });
    t.ok(calls >= 4, 'each stage was done twice');
    t.notMatch(await recordsOf(campus), trace);
    t.equal((await campus.writer.list(tenant, {})).length, 1);
  });

  await t.test('a change that is written down brings nothing back that an erasure took', { timeout: 120_000 }, async (t) => {
    const campus = await openCampus(t, adapter, { shared: true });
    const { session, registration } = await launchFor(campus, await campus.addCourse(['Completed']), bob);
    await sayOf(campus, session, 'initialized', (statement) => ({ ...statement, context: { ...statement.context, instructor: eve } }));
    t.match(JSON.stringify(await campus.records.collection(registrationRecords).get(tenant, registration)), trace, 'the change is in the record still');
    await (await erasuresOn(t, campus)).start(tenant, eve, { wait: 60_000 });
    const another = campus.another();
    await another.say(session, 'completed', 'terminated');
    t.same(verbsOf(await campus.log()), ['launched', 'initialized', 'completed', 'satisfied', 'terminated']);
    t.match(await another.status.status(tenant, registration), { satisfied: true, session: { initialized: true } }, 'what Bob has done counts');
    t.notMatch(JSON.stringify(await campus.log()) + await recordsOf(campus), trace);
  });

  await t.test('a finding that names more people than are kept goes with anybody', async (t) => {
    const campus = await openCampus(t, adapter);
    const { session } = await launchFor(campus, await campus.addCourse(['Completed']), bob);
    const member = Array.from({ length: 1000 }, (_, number) => learner(`member-${number}`));
    await sayOf(campus, session, 'experienced', (statement) => ({ ...statement, context: { ...statement.context, team: { objectType: 'Group', member: [...member, eve] } } })).catch(() => undefined);
    t.equal((await campus.findings.list(tenant, undefined)).length, 1);
    await (await erasuresOn(t, campus)).start(tenant, eve, { wait: 60_000 });
    t.same(await campus.findings.list(tenant, undefined), []);
  });

  await t.test('an export tells what cmi5 keeps of a person', async (t) => {
    const campus = await openCampus(t, adapter);
    const { ended, open, other, preview } = await fill(campus);
    let text = '';
    for await (const part of createExportService({ ...campus.storage, featureRecords: campus.learnerRecords }).export(tenant, eve)) text += part;
    const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (kind: string, property: string) => lines.filter((line) => line['kind'] === kind).map((line) => line[property]);
    t.same(new Set(of('cmi5-registration', 'id')), new Set([ended.registration, open.registration, preview.registration]));
    t.same(new Set(of('cmi5-session', 'id')), new Set([ended.session, open.session, preview.session]));
    t.same(of('cmi5-finding', 'session').sort(), [ended.session, preview.session, other.session, other.session].sort());
    t.match(lines.at(-1), { kind: 'end', records: 10 });
    t.notMatch(text, /fetchHash|tokenHash|"people"/);
  });

  await t.test('a registration that is deleted tells its end first, and nothing of it is left but the log', async (t) => {
    const campus = await openCampus(t, adapter);
    const course = await campus.addCourse(['Completed']);
    const launch = await launchFor(campus, course, bob);
    await campus.say(launch.session, 'initialized');
    const state = { resource: 'state', activity: launch.activityId, agent: agentIdentifier(bob)! } as const;
    const put = (key: object) => campus.documents.put(tenant, { key: { ...state, id: 'bookmark', ...key }, content: Buffer.from('7'), contentType: 'text/plain', etag: 'x', updated: Date.now() }, { kind: 'any' });
    await put({ registration: launch.registration });
    await put({});
    const token = await campus.policyOf(launch.session);
    await campus.enrolments.forget(tenant, launch.registration);
    t.same(verbsOf(await campus.log()), ['launched', 'initialized', 'abandoned']);
    t.equal(await campus.sessions.find(launch.session), undefined);
    t.same((await campus.documents.list(tenant, state)).map(({ key }) => key), [{ ...state, id: 'bookmark' }], 'State of the learner beyond the registration stays');
    await t.rejects(token.admitReading(), { code: 'unauthorized' });
    t.same(await campus.findings.list(tenant, undefined), []);
    await t.rejects(campus.enrolments.forget(tenant, launch.registration), { code: 'not-found' });
  });

  await t.test('a registration can be deleted when its course is gone', async (t) => {
    const campus = await openCampus(t, adapter);
    const course = await campus.addCourse(['Completed']);
    const launch = await launchFor(campus, course, bob);
    for (const { id } of await campus.records.collection(versionRecords).list(tenant)) await campus.records.collection(versionRecords).delete(tenant, id);
    await campus.records.collection(courseRecords).delete(tenant, course);
    const later = campus.another();
    await later.enrolments.forget(tenant, launch.registration);
    t.same(verbsOf(await campus.log()), ['launched', 'abandoned']);
    t.equal(await later.writer.read(tenant, launch.registration), undefined);
  });
});
