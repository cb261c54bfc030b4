import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { ContentStore } from '../../../src/cmi5/content-store.js';
import type { ImportOutcome } from '../../../src/cmi5/packages/import.js';
import { unitOf } from '../../../src/cmi5/packages/records.js';
import { createCourseService, type CourseService, type CourseServiceDeps } from '../../../src/cmi5/packages/service.js';
import type { RecordStore } from '../../../src/records/store.js';
import { QuipuError } from '../../../src/xapi/errors.js';
import { adapters, contract, openFor, type OpenStorage } from '../../contract/adapters.js';
import { courseXml, goodPackage, makeZip } from '../../unit/cmi5/packages/make-zip.js';

const MB = 1 << 20;
const au = (name: string): string => `https://example.org/au/${name}`;

function serviceOn({ records, content }: Pick<OpenStorage, 'records' | 'content'>, options: Partial<CourseServiceDeps> = {}): CourseService {
  return createCourseService({ records, content, homePage: 'https://lms.example.org/', maxPackageBytes: 500 * MB, sharedStore: false, hasRegistrations: async () => false, ...options });
}

const importOf = (service: CourseService, tenant: string, bytes: Buffer, more: object = {}): Promise<ImportOutcome> =>
  service.import(tenant, { source: Readable.from([bytes], { objectMode: false }), contentType: 'application/zip', by: 'a-key', ...more });

/** Everything that a tenant keeps of packages. */
async function leftovers({ records, content }: Pick<OpenStorage, 'records' | 'content'>, tenant: string): Promise<Record<string, string[]>> {
  const ids: string[] = [];
  for await (const id of content.list(tenant)) ids.push(id);
  const of = async (name: string): Promise<string[]> => (await records.collection({ name, indexes: [], unique: [] }).list(tenant)).map(({ id }) => id);
  return { courses: await of('cmi5-courses'), versions: await of('cmi5-versions'), packages: ids };
}

const nothing = { courses: [], versions: [], packages: [] };

contract(async (t, adapter) => {
  const storage = await openFor(t, adapter);
  let tenants = 0;
  const test = (name: string, body: (t: Test, tenant: string, service: CourseService) => Promise<void>) => t.test(name, (t) => body(t, `tenant-${++tenants}`, serviceOn(storage.current)));

  await test('a package becomes a course', async (t, tenant, service) => {
    const bytes = goodPackage([{ id: au('1'), moveOn: 'Passed' }, { id: au('2'), block: 'https://example.org/block' }]);
    const outcome = await importOf(service, tenant, bytes, { contentType: 'application/x-zip-compressed' });
    t.match(outcome, { number: 1, created: true, diff: { added: [au('1'), au('2')], removed: [], changed: [], kept: [] } });
    const course = (await service.get(tenant, outcome.course))!;
    t.match(course, { publisherId: 'https://example.org/course', title: [{ lang: 'en', text: 'A course' }], mode: 'strict', current: outcome.version, versions: [outcome.version] });
    t.match(course.node, /^https:\/\/lms\.example\.org\/cmi5\/activities\/[0-9a-f-]{36}$/);
    const version = (await service.version(tenant, outcome.version))!;
    t.match(version, { course: course.id, number: 1, by: 'a-key', kind: 'zip', length: bytes.length, structure: { publisherId: 'https://example.org/course' } });
    t.equal(version.pending, undefined);
    t.equal(new Set([course.node, ...version.nodes, ...version.blockNodes]).size, 4, 'everything has an activity id of its own');
    t.equal(unitOf(version, 1)!.unit.publisherId, au('2'));
    t.same(unitOf(version, version.nodes[1]!), unitOf(version, au('2')));
    t.same([unitOf(version, 2), unitOf(version, -1), unitOf(version, 'x')], [undefined, undefined, undefined]);
    t.same((await service.list(tenant)).map(({ id }) => id), [course.id]);
    t.same(await service.list('another'), []);
    const exported = await service.export(tenant, course.id);
    t.match(exported, { length: bytes.length, contentType: 'application/x-zip-compressed', fileName: 'A-course-v1.zip' });
    t.ok((await buffer(exported.stream)).equals(bytes), 'exported byte for byte');
    t.equal((await buffer(await (await service.findFile(tenant, version.package, 'index.html'))!.open())).toString(), '<!doctype html><title>An AU</title>');
  });

  await test('a course structure alone', async (t, tenant, service) => {
    const xml = Buffer.from(courseXml([{ id: au('1'), url: 'https://elsewhere.example.org/au' }]));
    const { course } = await importOf(service, tenant, xml, { contentType: 'text/xml' });
    const { stream, ...exported } = await service.export(tenant, course);
    t.match(exported, { contentType: 'text/xml', fileName: 'A-course-v1.xml' });
    t.ok((await buffer(stream)).equals(xml));
  });

  await test('imported again: a new version, whose AUs keep their ids', async (t, tenant, service) => {
    const first = await importOf(service, tenant, goodPackage([{ id: au('1') }, { id: au('2') }, { id: au('3'), block: 'https://example.org/block' }]));
    const again = await importOf(service, tenant, goodPackage([{ id: au('1') }, { id: au('2') }, { id: au('3'), block: 'https://example.org/block' }]));
    t.match(again, { course: first.course, version: first.version, number: 1, created: false, diff: { added: [], removed: [], changed: [], kept: [au('1'), au('2'), au('3')] } });
    const second = await importOf(service, tenant, goodPackage([{ id: au('2'), moveOn: 'Passed', title: 'Second' }, { id: au('4') }, { id: au('1') }], [], { title: 'Another title' }));
    t.match(second, { course: first.course, number: 2, created: true, diff: { added: [au('4')], removed: [au('3')], changed: [{ unit: au('2'), properties: ['title', 'moveOn'] }], kept: [au('1')] } });
    const third = await importOf(service, tenant, goodPackage([{ id: au('3'), block: 'https://example.org/block' }, { id: au('1'), block: 'https://example.org/other' }]));
    t.match(third.diff, { added: [au('3')], removed: [au('2'), au('4')], changed: [{ unit: au('1'), properties: ['blocks'] }] });
    const course = (await service.get(tenant, first.course))!;
    t.same(course.versions, [first.version, second.version, third.version]);
    t.equal(course.current, third.version);
    const [one, two, three] = await service.versions(tenant, course);
    t.same([one, two, three].map((version) => version!.number), [1, 2, 3]);
    t.same([two!.nodes[0], two!.nodes[2]], [one!.nodes[1], one!.nodes[0]]);
    t.equal(three!.nodes[0], one!.nodes[2], 'also what was gone in between');
    t.equal(three!.blockNodes[0], one!.blockNodes[0]);
    t.notOk([...one!.nodes, ...one!.blockNodes].includes(two!.nodes[1]!), 'what is new has a new one');
    t.ok((await buffer((await service.export(tenant, course.id, second.version)).stream)).length > 100);
    const back = await importOf(service, tenant, goodPackage([{ id: au('1') }, { id: au('2') }, { id: au('3'), block: 'https://example.org/block' }]));
    t.match(back, { number: 4, created: true }, 'an earlier version that comes again is a new one');
    await t.rejects(service.export(tenant, course.id, randomUUID()), { code: 'not-found' });
    await t.rejects(service.export(tenant, randomUUID()), { code: 'not-found' });
  });

  await test('mode, and the course that is meant', async (t, tenant, service) => {
    const { course } = await importOf(service, tenant, goodPackage(), { mode: 'compat' });
    t.equal((await service.get(tenant, course))!.mode, 'compat');
    t.equal((await importOf(service, tenant, goodPackage(), { mode: 'strict' })).created, false);
    t.equal((await service.get(tenant, course))!.mode, 'strict');
    t.equal((await service.setMode(tenant, course, 'compat'))!.mode, 'compat');
    await importOf(service, tenant, goodPackage([{ id: au('9') }]), { course });
    t.equal((await service.get(tenant, course))!.mode, 'compat', 'a new version keeps it');
    t.equal(await service.setMode(tenant, randomUUID(), 'compat'), undefined);
    const before = await leftovers(storage.current, tenant);
    const foreign = goodPackage([{ id: au('1') }], [], { id: 'https://example.org/other' });
    await t.rejects(importOf(service, tenant, foreign, { course }), { code: 'invalid-package', details: { faults: [{ rule: 'course-other' }] } });
    await t.rejects(importOf(service, tenant, foreign, { course: randomUUID() }), { code: 'not-found' });
    t.same(await leftovers(storage.current, tenant), before);
  });

  await test('tenants have courses of their own', async (t, tenant, service) => {
    const [one, other] = [await importOf(service, tenant, goodPackage()), await importOf(service, `${tenant}-b`, goodPackage())];
    t.not(one.course, other.course);
    t.equal(await service.get(tenant, other.course), undefined);
    t.equal(await service.version(tenant, other.version), undefined);
    t.equal(await service.delete(tenant, other.course, true), false);
    await t.rejects(service.findFile(tenant, other.version, 'index.html'), { code: 'not-found' });
  });

  await test('what is refused leaves nothing', async (t, tenant, service) => {
    await t.rejects(importOf(service, tenant, makeZip({ entries: [{ name: 'x/cmi5.xml', data: 'x' }] })), { code: 'invalid-package', details: { faults: [{ rule: 'cmi5-xml-missing', path: 'x/cmi5.xml' }] } });
    const refused = await importOf(service, tenant, goodPackage([{ id: 'no iri', url: 'missing.html' }])).catch((error: unknown) => error as QuipuError);
    t.ok(refused instanceof QuipuError && refused.details.faults!.length >= 2, 'all faults at once');
    await t.rejects(importOf(serviceOn(storage.current, { maxPackageBytes: 1000 }), tenant, goodPackage([{ id: au('1') }], [{ name: 'a', data: randomBytes(2000) }])), { code: 'too-large' });
    const broken = Readable.from((function* () { yield goodPackage().subarray(0, 300); throw new Error('the client went away'); })(), { objectMode: false });
    await t.rejects(service.import(tenant, { source: broken, contentType: 'application/zip', by: 'a-key' }), { message: 'the client went away' });
    t.same(await leftovers(storage.current, tenant), nothing);
  });

  await test('a course structure is as large as a record of a database can hold, and no larger', async (t, tenant, service) => {
    const refused = { code: 'invalid-package', details: { faults: [{ rule: 'course-structure-size' }] } };
    const ofSize = (bytes: number): Buffer => goodPackage([{ id: au('1'), title: 'x'.repeat(bytes) }]);
    await t.rejects(importOf(service, tenant, ofSize(8 * MB)), refused);
    const manyIds = serviceOn(storage.current, { homePage: `https://lms.example.org/${'x'.repeat(90_000)}` });
    await t.rejects(importOf(manyIds, tenant, goodPackage(Array.from({ length: 100 }, (_, number) => ({ id: au(String(number)) })))), refused, 'ids that are given count');
    t.same(await leftovers(storage.current, tenant), nothing);
    const { version } = await importOf(service, tenant, ofSize(8 * MB - 2000));
    t.equal((await service.version(tenant, version))!.structure.children[0]!.title[0]!.text.length, 8 * MB - 2000);
  });

  await test('two imports of one course at the same time', async (t, tenant, service) => {
    const others = [service, serviceOn(storage.current), serviceOn(storage.current)];
    const outcomes = await Promise.all(Array.from({ length: 6 }, (_, index) => importOf(others[index % 3]!, tenant, goodPackage([{ id: au('1') }, { id: au(`only ${index}`.replace(' ', '-')) }]))));
    t.equal(new Set(outcomes.map(({ course }) => course)).size, 1);
    t.same(outcomes.map(({ number }) => number).sort(), [1, 2, 3, 4, 5, 6]);
    const course = (await service.get(tenant, outcomes[0]!.course))!;
    const versions = await service.versions(tenant, course);
    t.same(versions.map(({ number }) => number), [1, 2, 3, 4, 5, 6]);
    t.equal(new Set(versions.map(({ nodes }) => nodes[0])).size, 1, 'they agree on the ids');
    const same = await Promise.all(others.map((one) => importOf(one, tenant, goodPackage([{ id: au('the-same') }]))));
    t.equal(same.filter(({ created }) => created).length, 1, 'of equal ones only one is new');
    t.same(new Set(same.map(({ version }) => version)).size, 1);
    const kept = await leftovers(storage.current, tenant);
    t.same([kept.courses!.length, kept.versions!.length, kept.packages!.length], [1, 7, 7]);
  });

  await test('deleted, unless there are registrations', async (t, tenant) => {
    const service = serviceOn(storage.current, { hasRegistrations: async () => true });
    const { course, version } = await importOf(service, tenant, goodPackage());
    await importOf(service, tenant, goodPackage([{ id: au('2') }]));
    await t.rejects(service.delete(tenant, course, false), { code: 'record-conflict' });
    t.ok(await service.findFile(tenant, version, 'index.html'));
    t.equal(await service.delete(tenant, course, true), true);
    t.equal(await service.delete(tenant, course, true), false);
    t.equal(await service.get(tenant, course), undefined);
    t.same(await leftovers(storage.current, tenant), nothing);
    t.match(await importOf(service, tenant, goodPackage()), { number: 1, created: true });
  });

  await test('wherever a process dies, nothing stays but what is whole', async (t, tenant) => {
    const settled = async (): Promise<Record<string, string[]>> => {
      // What a store does on its own after a start, such as clearing up what was staged, needs a moment on a shared one.
      await serviceOn(storage.current).settle(tenant);
      return leftovers(storage.current, tenant);
    };
    for (const step of ['import', 'second', 'delete'] as const) {
      let outcome = '';
      for (let after = 0; outcome !== 'done'; after++) {
        const whole = serviceOn(storage.current);
        for (const { id } of await whole.list(tenant)) await whole.delete(tenant, id, true);
        t.same(await settled(), nothing);
        const first = step === 'import' ? undefined : await importOf(whole, tenant, goodPackage());
        const ports = dyingAfter(after, storage.current);
        const dying = serviceOn(ports);
        const work = step === 'delete' ? dying.delete(tenant, first!.course, true) : importOf(dying, tenant, goodPackage([{ id: au('2') }]));
        outcome = await Promise.race([work.then(() => 'done', () => 'failed'), ports.died.then(() => 'died')]);
        await new Promise((resolve) => setTimeout(resolve, 2));
        const left = await settled();
        const next = serviceOn(storage.current);
        const courses = await next.list(tenant);
        t.ok(left.courses!.length <= 1 && left.courses!.length === courses.length, `${step} died after ${after}`);
        t.same(left.versions, left.packages, 'each version has its package, and each package its version');
        t.equal(left.versions!.length, courses[0]?.versions.length ?? 0);
        for (const { id } of courses) t.ok((await buffer((await next.export(tenant, id)).stream)).length > 0);
        if (first && step === 'second') t.ok(courses[0]!.versions.includes(first.version), 'what was there before stays');
      }
    }
  });
}, adapters);

/** Ports of a process that dies after so many writes: from then on nothing answers any more. `died` resolves when what it had begun has ended. */
function dyingAfter(writes: number, { records, content }: Pick<OpenStorage, 'records' | 'content'>): { records: RecordStore; content: ContentStore; died: Promise<unknown> } {
  let left = writes;
  const begun = new Set<Promise<unknown>>();
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => { die = resolve; }).then(() => Promise.allSettled(begun));
  const count = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => (...args: A): Promise<R> => {
    if (left-- <= 0) {
      die();
      return new Promise<R>(() => undefined);
    }
    const working = work(...args);
    begun.add(working);
    return working;
  };
  return {
    died,
    records: {
      collection: (spec) => {
        const collection = records.collection(spec);
        return { ...collection, insert: count(collection.insert), update: count(collection.update), delete: count(collection.delete) };
      },
    },
    content: {
      ...content,
      stage: async (...args) => {
        const staged = await content.stage(...args);
        return { ...staged, commit: count(staged.commit), discard: count(staged.discard) };
      },
      delete: count(content.delete),
    },
  };
}
