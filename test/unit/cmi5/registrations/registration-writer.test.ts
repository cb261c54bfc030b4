import { randomUUID } from 'node:crypto';
import { createRegistrationWriter, type ChangeStatement, type RegistrationWriter } from '../../../../src/cmi5/registrations/registration-writer.js';
import type { RegistrationState } from '../../../../src/cmi5/rules/state.js';
import type { RecordStore } from '../../../../src/records/store.js';
import type { StatementStore } from '../../../../src/statements/store.js';
import type { Statement } from '../../../../src/xapi/types.js';
import { contract } from '../../../contract/adapters.js';
import { ann, openCampus, tenant, verbsOf } from './campus.js';

class Death extends Error {
  override message = 'The process is dead';
}

/** Where a process dies: before or after the nth write of this kind. */
interface Fate {
  at: 'append' | 'record';
  when: 'before' | 'after';
  nth: number;
}

const unit = 'https://lrs.example/cmi5/activities/u1';
const statement = (verb: string, id: string = randomUUID()): Statement & { id: string } => ({ id, actor: ann, verb: { id: `https://example.org/verbs/${verb}` }, object: { id: unit }, timestamp: '2026-01-01T00:00:00Z' });
const lms = (verb: string, id?: string): ChangeStatement => ({ lms: statement(verb, id) });

contract(async (t, adapter) => {
  const campus = await openCampus(t, adapter);
  const { records, statements, prepare } = campus;

  /** A writer as another process has one; with a fate it dies there. */
  function writerOf({ shared = true, fate, onEnd = () => undefined }: { shared?: boolean; fate?: Fate; onEnd?: (session: string) => void } = {}): RegistrationWriter {
    let count = 0;
    let dead = false;
    const given: Promise<unknown>[] = [];
    /** What the store was given before is carried out all the same. */
    const die = async (): Promise<never> => {
      dead = true;
      await Promise.allSettled(given);
      throw new Death();
    };
    const fatal = async <T>(kind: Fate['at'], work: () => Promise<T>): Promise<T> => {
      const dies = fate?.at === kind && ++count === fate.nth;
      if (dead || (dies && fate.when === 'before')) return die();
      const done = work();
      given.push(done);
      return dies ? die() : done;
    };
    const mortalStatements: Pick<StatementStore, 'append' | 'get'> = { get: (...asked) => statements.get(...asked), append: (of, batch) => fatal('append', () => statements.append(of, batch)) };
    const mortalRecords: RecordStore = {
      collection: (spec) => {
        const real = records.collection(spec);
        return { ...real, update: (of, id, value, version) => fatal('record', () => real.update(of, id, value, version)) } as typeof real;
      },
    };
    return createRegistrationWriter({ records: mortalRecords, statements: mortalStatements, prepare, shared, ended: (_tenant, { id }) => Promise.resolve(onEnd(id)) });
  }

  async function registration(writer: RegistrationWriter, preview = false): Promise<string> {
    const id = randomUUID();
    await writer.create(tenant, id, { course: 'c', version: 'v1', learner: ann, learnerKey: 'ann', created: new Date().toISOString(), preview });
    return id;
  }

  /** Completes the unit unless it is; refuses a second time, as the rules do. */
  const complete = (writer: RegistrationWriter, id: string, statements: ChangeStatement[]) => writer.change(tenant, id, ({ state }) => {
    if (state.units[unit]?.completed) throw new Error('completed already');
    return { statements, state: { ...state, units: { [unit]: { completed: 'yes' } } }, answer: 'done' };
  });

  const verbsSince = async (before: number): Promise<string[]> => verbsOf((await campus.log()).slice(before));

  await t.test('a list tells what has happened, also where another process did it', async (t) => {
    const first = writerOf();
    const [id, untouched] = [await registration(first), await registration(first)];
    const session = { id: randomUUID(), unit, launchMode: 'Normal' } as unknown as RegistrationState['session'];
    await first.change(tenant, id, ({ state }) => ({ statements: [lms('launched')], state: { ...state, session, units: { [unit]: { completed: 'yes' } } }, answer: undefined }));
    const listed = async (writer: RegistrationWriter, of: string) => (await writer.list(tenant, { where: { property: 'learnerKey', equals: 'ann' } })).find((one) => one.id === of);
    t.same(await listed(writerOf(), id), await first.read(tenant, id));
    t.same((await listed(writerOf(), id))?.state.units, { [unit]: { completed: 'yes' } });
    t.same((await listed(writerOf(), untouched))?.state.units, {});
  });

  for (const shared of [false, true]) {
    for (const fate of [
      { at: 'record', when: 'before', nth: 1 }, { at: 'record', when: 'after', nth: 1 }, { at: 'append', when: 'before', nth: 1 }, { at: 'append', when: 'after', nth: 1 },
      { at: 'record', when: 'before', nth: 2 }, { at: 'record', when: 'after', nth: 2 },
    ] as const satisfies Fate[]) {
      await t.test(`a process that dies ${fate.when} ${fate.at} ${fate.nth} leaves all or nothing, ${shared ? 'shared' : 'alone'}`, async (t) => {
        const before = (await campus.log()).length;
        const doomed = writerOf({ shared, fate });
        const id = await registration(doomed);
        const batch = [lms('completed'), lms('satisfied')];
        await complete(doomed, id, batch).catch((error: unknown) => t.type(error, Death));

        const next = writerOf({ shared });
        const seen = (await next.read(tenant, id))!.state.units[unit]?.completed !== undefined;
        t.equal((await verbsSince(before)).length, seen ? 2 : 0, 'who reads sees the state that goes with the log');
        const happened = await next.change(tenant, id, ({ state }) => ({ statements: [lms('next')], state, answer: state.units[unit]?.completed !== undefined }));
        const happens = !(fate.at === 'record' && fate.when === 'before' && fate.nth === 1);
        t.match(happened, { status: 'stored', answer: happens });
        t.strictSame(await verbsSince(before), happens ? ['completed', 'satisfied', 'next'] : ['next'], 'in order, once');
        if (!happens) t.match(await complete(next, id, batch), { status: 'stored' });
        await t.rejects(complete(next, id, [lms('completed')]), /already/);
        t.equal((await next.read(tenant, id))!.state.units[unit]!.completed, 'yes');
      });
    }
  }

  for (const shared of [false, true]) {
    await t.test(`what goes beside a change is there when it has happened, ${shared ? 'shared' : 'alone'}`, async (t) => {
      const notes = records.collection<{ of: string }>({ name: 'notes', indexes: [], unique: [] });
      for (const fate of [
        undefined, { at: 'record', when: 'before', nth: 1 }, { at: 'record', when: 'after', nth: 1 }, { at: 'append', when: 'before', nth: 1 }, { at: 'append', when: 'after', nth: 1 },
      ] as const satisfies (Fate | undefined)[]) {
        const doomed = writerOf({ shared, fate });
        const id = await registration(doomed);
        const launch = doomed.change(tenant, id, ({ state }) => ({
          statements: [lms('launched')], state: { ...state, session: { id, unit, mode: 'Normal', launched: 1, said: {} } }, answer: undefined, beside: () => notes.insert(tenant, id, { of: id }),
        }));
        if (fate) await t.rejects(launch, { message: 'The process is dead' });
        else t.match(await launch, { status: 'stored' });
        await writerOf({ shared }).settle(tenant, id);
        const { session } = (await writerOf({ shared }).read(tenant, id))!.state;
        t.equal(session?.id, fate?.at === 'record' && fate.when === 'before' ? undefined : id);
        if (session) t.ok(await notes.get(tenant, id), `${fate?.when} ${fate?.at}`);
      }
      const preview = await registration(writerOf({ shared }), true);
      await writerOf({ shared }).change(tenant, preview, ({ state }) => ({ statements: [lms('launched')], state, answer: undefined, beside: () => notes.insert(tenant, preview, { of: preview }) }));
      t.ok(await notes.get(tenant, preview), 'of a preview, whose statements go nowhere');
    });
  }

  await t.test('a change waits for one commit where no other process uses the store, and for one after the other where they do', async (t) => {
    for (const shared of [false, true]) {
      const given: string[] = [];
      const noted = <T>(what: string, work: Promise<T>): Promise<T> => {
        given.push(what);
        return work.finally(() => given.push(`${what} is there`));
      };
      const collection: RecordStore['collection'] = (spec) => {
        const real = records.collection(spec);
        return { ...real, update: (...changed) => noted('record', real.update(...changed)) } as typeof real;
      };
      const writer = createRegistrationWriter({
        records: { collection }, statements: { get: (...asked) => statements.get(...asked), append: (of, batch) => noted('append', statements.append(of, batch)) }, prepare, shared, ended: () => Promise.resolve(),
      });
      const id = await registration(writer);
      await writer.change(tenant, id, ({ state }) => ({
        statements: [lms('launched')], state: { ...state, session: { id, unit, mode: 'Normal', launched: 1, said: {} } }, answer: undefined,
        beside: () => noted('beside', records.collection({ name: 'notes', indexes: [], unique: [] }).insert(tenant, id, {})),
      }));
      if (shared) t.strictSame(given, ['beside', 'beside is there', 'record', 'record is there', 'append', 'append is there']);
      else t.strictSame(given.slice(0, 3), ['beside', 'record', 'append'], 'what is pending is given before what is appended');
    }
  });

  await t.test('of many that complete at once, in two processes, one does', async (t) => {
    const writers = [writerOf(), writerOf()];
    const id = await registration(writers[0]!);
    const before = (await campus.log()).length;
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, number) => complete(writers[number % 2]!, id, [lms('completed'), lms('satisfied')])));
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    t.strictSame(await verbsSince(before), ['completed', 'satisfied']);
  });

  await t.test('changes of two processes are all made, each on the one before', async (t) => {
    const writers = [writerOf(), writerOf()];
    const id = await registration(writers[0]!);
    const before = (await campus.log()).length;
    await Promise.all(Array.from({ length: 10 }, (_, number) => writers[number % 2]!.change(tenant, id, ({ state }) => {
      const counted = Object.keys(state.satisfied).length;
      return { statements: [lms(`number-${counted}`)], state: { ...state, satisfied: { ...state.satisfied, [counted]: 'x' } }, answer: undefined };
    })));
    t.strictSame(await verbsSince(before), Array.from({ length: 10 }, (_, number) => `number-${number}`));
    t.equal(Object.keys((await writers[1]!.read(tenant, id))!.state.satisfied).length, 10);
  });

  await t.test('two AUs that end at the same instant satisfy their course once', async (t) => {
    const course = await campus.addCourse(['Completed', 'Passed']);
    const id = await campus.enrol(course);
    const other = campus.another();
    const before = (await campus.log()).length;
    await Promise.all([campus.another().waiving.waive(tenant, id, 0, 'Tested Out'), other.waiving.waive(tenant, id, 1, 'Tested Out')]);
    t.strictSame(await verbsSince(before), ['waived', 'waived', 'satisfied']);
  });

  await t.test('a conflict changes nothing', async (t) => {
    for (const shared of [false, true]) {
      const writer = writerOf({ shared });
      const id = await registration(writer);
      const taken = statement('first');
      await statements.append(tenant, prepare([JSON.stringify(taken)]));
      const before = (await campus.log()).length;
      const [good, bad] = prepare([statement('good'), { ...taken, timestamp: '2026-01-02T00:00:00Z' }].map((one) => JSON.stringify(one)));
      t.strictSame(await complete(writer, id, [lms('own'), { au: good! }, { au: bad! }]), { status: 'conflict', index: 1 });
      t.equal((await campus.log()).length, before);
      t.strictSame((await writer.read(tenant, id))!.state.units, {});
      t.strictSame((await writerOf({ shared }).read(tenant, id))!.state.units, {}, 'nor for another process');
      t.match(await complete(writer, id, [lms('completed')]), { status: 'stored' });
    }
  });

  await t.test('what the LMS has said already under an id is not said again', async (t) => {
    const writer = writerOf();
    const id = await registration(writer);
    const said = statement('satisfied');
    await statements.append(tenant, prepare([JSON.stringify(said)]));
    const before = (await campus.log()).length;
    t.match(await complete(writer, id, [lms('completed'), { lms: { ...said, timestamp: '2026-01-02T00:00:00Z' } }]), { status: 'stored' });
    t.strictSame(await verbsSince(before), ['completed']);
  });

  await t.test('the end of a session is told of, also when the process died that ended it', async (t) => {
    const session = { id: 's1', unit, mode: 'Normal', launched: 1, said: {} } as const;
    const launch = (state: RegistrationState): RegistrationState => ({ ...state, session });
    const end = (state: RegistrationState): RegistrationState => ({ ...state, session: { ...state.session!, terminated: 2 } });
    const ended: string[] = [];
    const writer = writerOf({ onEnd: (id) => ended.push(id) });
    const id = await registration(writer);
    const change = (by: RegistrationWriter, next: (state: RegistrationState) => RegistrationState) => by.change(tenant, id, ({ state }) => ({ statements: [lms('x')], state: next(state), answer: undefined }));
    await change(writer, launch);
    t.strictSame((await writer.list(tenant, { where: { property: 'active', equals: 'yes' } })).map((one) => one.id).includes(id), true);
    await t.rejects(change(writerOf({ fate: { at: 'append', when: 'after', nth: 2 } }), end), { message: 'The process is dead' }, 'its first append brings about the launch, which it finds pending');
    t.strictSame(ended, []);
    await writer.change(tenant, id, ({ state }) => ({ statements: [], state, answer: undefined }));
    t.strictSame(ended, ['s1']);
    t.notOk((await writer.list(tenant, { where: { property: 'active', equals: 'yes' } })).some((one) => one.id === id));
  });

  await t.test('the end of a session that could not be told of is told of later', async (t) => {
    const session = { id: 's2', unit, mode: 'Normal', launched: 1, said: {} } as const;
    for (const shared of [false, true]) {
      const forgetful = writerOf({ shared, onEnd: () => { throw new Error('The end was not written down'); } });
      const id = await registration(forgetful);
      const change = (now: RegistrationState['session']) => forgetful.change(tenant, id, ({ state }) => ({ statements: [lms('x')], state: { ...state, session: now }, answer: undefined }));
      await change(session);
      t.match(await change({ ...session, terminated: 2 }), { status: 'stored' }, 'what is stored is stored');
      const ended: string[] = [];
      t.ok((await forgetful.list(tenant, { where: { property: 'active', equals: 'yes' } })).some((one) => one.id === id), 'the sweeper finds it');
      await writerOf({ shared, onEnd: (of) => ended.push(of) }).settle(tenant, id);
      t.strictSame(ended, ['s2']);
    }
  });

  await t.test('a preview is judged and stores nothing', async (t) => {
    const writer = writerOf();
    const id = await registration(writer, true);
    const before = (await campus.log()).length;
    t.match(await complete(writer, id, [{ au: prepare([JSON.stringify(statement('completed'))])[0]! }, lms('satisfied')]), { status: 'stored', outcomes: ['stored'] });
    t.equal((await campus.log()).length, before);
    await t.rejects(complete(writer, id, []), /already/);
  });
});
