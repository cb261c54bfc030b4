import t, { type Test } from 'tap';
import { EntryFault } from '../../../src/feed/consumer.js';
import type { FeedEntry } from '../../../src/statements/store.js';
import { sample, uuid } from '../../contract/statement-samples.js';
import { openTestStorage } from '../auth/open-keys.js';
import { openWorker, positionsOf, until, type TestWorker, type TestWorkerOptions } from './recording-consumer.js';

/** A store with statements 1 to `count` of the tenant `one`, and a worker that has begun. */
async function open(t: Test, count: number, options: Omit<TestWorkerOptions, 'statements' | 'records'>) {
  const { statements, records } = await openTestStorage(t);
  const append = (first: number, last: number, tenant = 'one') => statements.append(tenant, Array.from({ length: last - first + 1 }, (_, index) => sample(first + index)));
  if (count > 0) await append(1, count);
  const worker = openWorker({ statements, records, ...options });
  t.teardown(() => worker.jobs.close());
  return { ...worker, statements, records, append, position: async (tenant = 'one') => (await worker.checkpoints.read(tenant, 'recorder')).position };
}

/** Takes everything and remembers it. */
function recorder() {
  const seen: { tenant: string; position: number }[] = [];
  const handle = async (tenant: string, entries: FeedEntry[], _signal?: AbortSignal): Promise<void> => {
    for (const { position } of entries) seen.push({ tenant, position });
  };
  return { seen, handle, of: (tenant: string) => seen.filter((one) => one.tenant === tenant).map(({ position }) => position) };
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const stateOf = async ({ service }: Pick<TestWorker, 'service'>) => (await service.list())[0]!;

t.test('everything in order, once, in each tenant, and what comes later as well', async (t) => {
  const { seen, handle, of } = recorder();
  const { append, jobs, consumer, service, statements } = await open(t, 250, { handle, batch: 40, tenants: ['one', 'two'] });
  await append(300, 309, 'two');
  t.match(await stateOf({ service }), { status: 'running', tenants: [{ tenant: 'one', position: 0, lagStatements: 250 }, { tenant: 'two', lagStatements: 10 }] });
  jobs.start();
  await until(() => seen.length === 260, 'all are there');
  await append(251, 255);
  consumer.wake('one');
  await until(() => seen.length === 265, 'those that came later too');
  t.same(of('one'), [...upTo(250), ...upTo(265, 261)], 'positions of the tenant one');
  t.same(of('two'), upTo(260, 251));
  await until(async () => (await stateOf({ service })).tenants.every(({ lagStatements, lagSeconds }) => lagStatements === 0 && lagSeconds === 0), 'nothing is left');
  await statements.erase('one', { erase: [uuid(3)], redact: [] });
  consumer.wake('one');
  await until(() => seen.length === 266, 'the erasure too');
});

t.test('more than a thousand behind: an estimate', async (t) => {
  const { service } = await open(t, 1300, { handle: async () => undefined });
  const { tenants: [state] } = await stateOf({ service });
  t.equal(state!.lagStatements, 1300);
  t.ok(state!.lagSeconds > 0);
});

t.test('when what it feeds does not work it tries again for as long as it takes, and puts nothing aside', async (t) => {
  const { seen, handle } = recorder();
  let works = false;
  let calls = 0;
  const { jobs, service, position } = await open(t, 3, {
    attempts: 2, handle: async (...args) => {
      calls++;
      if (!works) throw new Error('nobody answers');
      await handle(...args);
    },
  });
  jobs.start();
  await until(() => calls > 4, 'it has tried');
  t.match(await stateOf({ service }), { status: 'waiting', lastError: { message: 'nobody answers', at: String }, deadLetters: 0, tenants: [{ position: 0, lastError: { message: 'nobody answers' } }] });
  works = true;
  await until(async () => (await position()) === 3, 'it goes on');
  t.same(seen.map((one) => one.position), [1, 2, 3]);
  t.match(await stateOf({ service }), { status: 'running', lastError: { message: 'nobody answers' } });
});

t.test('an entry with a fault of its own is put aside after its attempts, in its order, and the rest goes on', async (t) => {
  const attempts = new Map<number, number>();
  const done: number[] = [];
  const bad = new Set([4, 5, 9]);
  const worker = await open(t, 10, {
    attempts: 3, batch: 4, handle: async (_tenant, entries) => {
      for (const { position } of entries) {
        attempts.set(position, (attempts.get(position) ?? 0) + 1);
        if (bad.has(position)) throw new EntryFault(position, `refused ${position}`);
        done.push(position);
      }
    },
  });
  worker.jobs.start();
  await until(async () => (await worker.position()) === 10, 'the end is reached');
  t.same(done, [1, 2, 3, 6, 7, 8, 10], 'in order, and those before a fault once');
  t.same([...bad].map((position) => attempts.get(position)), [3, 3, 3]);
  const letters = await worker.service.deadLetters('recorder', 'one');
  t.match(letters, [4, 5, 9].map((position) => ({ tenant: 'one', consumer: 'recorder', position, statement: uuid(position), reason: `refused ${position}`, attempts: 3, status: 'dead', at: String })));
  t.match(await stateOf(worker), { status: 'running', deadLetters: 3, tenants: [{ deadLetters: 3, position: 10 }] });

  t.same((await worker.service.deadLetters('recorder', 'one', letters[0]!.id, 1)).map(({ position }) => position), [5], 'pages');
  await worker.service.drop('recorder', 'one', letters[0]!.id);
  await t.rejects(worker.service.drop('recorder', 'one', letters[0]!.id), { code: 'not-found' });
  await t.rejects(worker.service.retry('recorder', 'one', 'nonsense'), { code: 'not-found' });
  bad.delete(5);
  t.equal(await worker.service.retry('recorder', 'one'), 2);
  await until(async () => (await worker.service.deadLetters('recorder', 'one')).every(({ status }) => status === 'dead'), 'both were tried again');
  t.match(await worker.service.deadLetters('recorder', 'one'), [{ position: 9, attempts: 4 }]);
  t.same(done, [1, 2, 3, 6, 7, 8, 10, 5]);
  bad.delete(9);
  t.equal(await worker.service.retry('recorder', 'one', letters[2]!.id), 1);
  await until(async () => (await stateOf(worker)).deadLetters === 0, 'the last one is done');
  t.same(done.at(-1), 9);
});

t.test('a dead letter whose statement was erased meanwhile is gone with its retry', async (t) => {
  const worker = await open(t, 3, { attempts: 1, handle: async (_tenant, entries) => {
    for (const { position, kind } of entries) if (position === 2 && kind === 'statement') throw new EntryFault(2, 'refused');
  } });
  worker.jobs.start();
  await until(async () => (await worker.position()) === 3, 'the end is reached');
  await worker.statements.erase('one', { erase: [uuid(2)], redact: [] });
  t.equal(await worker.service.retry('recorder', 'one'), 1);
  await until(async () => (await worker.service.deadLetters('recorder', 'one')).length === 0, 'it is gone');
});

t.test('what was written down for the dead letters becomes one after a crash', async (t) => {
  const worker = await open(t, 1, { handle: async () => undefined });
  await worker.checkpoints.change('one', 'recorder', (now) => ({ ...now, position: 1, aside: [{ position: 1, id: uuid(1), reason: 'refused', attempts: 5 }] }));
  worker.jobs.start();
  await until(async () => (await worker.checkpoints.read('one', 'recorder')).aside.length === 0, 'it was dealt with');
  t.match(await worker.service.deadLetters('recorder', 'one'), [{ position: 1, statement: uuid(1) }]);
});

t.test('a call that does not end has failed after a while, and holds up neither the rest nor the end of the process', async (t) => {
  const { seen, handle } = recorder();
  let hangs = true;
  let told = false;
  const worker = await open(t, 3, {
    patience: 100, handle: async (tenant, entries, signal) => {
      if (!hangs) return handle(tenant, entries);
      signal.addEventListener('abort', () => { told = true; });
      await new Promise(() => undefined);
    },
  });
  worker.jobs.start();
  await until(async () => (await stateOf(worker)).status === 'waiting', 'it has failed');
  t.match(await stateOf(worker), { lastError: { message: /within 0.1 s/ }, deadLetters: 0 });
  t.ok(told);
  hangs = false;
  await until(() => seen.length === 3, 'it goes on');
});

t.test('paused it begins nothing, resumed it goes on where it was', async (t) => {
  const { seen, handle } = recorder();
  const { jobs, service, append, consumer } = await open(t, 5, { handle });
  jobs.start();
  await until(() => seen.length === 5, 'the first are there');
  t.match(await service.pause('recorder'), { status: 'paused' });
  await append(6, 9);
  consumer.wake('one');
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(seen.length, 5);
  t.match(await stateOf({ service }), { status: 'paused', tenants: [{ position: 5, lagStatements: 4 }] });
  t.match(await service.resume('recorder'), { status: 'running' });
  await until(() => seen.length === 9, 'the rest is there');
  t.same(seen.map(({ position }) => position), upTo(9));
  for (const call of [service.pause, service.resume]) await t.rejects(call('nobody'), { code: 'not-found' });
});

t.test('a replay begins anew behind a position, also while a batch is under way', async (t) => {
  const { seen, handle } = recorder();
  let release = (): void => undefined;
  let holdUp = false;
  const { jobs, service, append, position, consumer } = await open(t, 6, {
    batch: 3, handle: async (...args) => {
      if (holdUp) await new Promise<void>((resolve) => { release = resolve; });
      await handle(...args);
    },
  });
  jobs.start();
  await until(async () => (await position()) === 6, 'the end is reached');
  await t.rejects(service.replay('recorder', 7, 'one'), { code: 'invalid-request' });
  await service.replay('recorder', 4, 'one');
  await until(() => seen.length === 8, 'two come again');
  t.same(seen.map((one) => one.position), [1, 2, 3, 4, 5, 6, 5, 6]);

  holdUp = true;
  await append(7, 8);
  consumer.wake('one');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await service.replay('recorder', 0);
  holdUp = false;
  release();
  await until(async () => (await position()) === 8, 'the end is reached again');
  t.same(seen.slice(8).map((one) => one.position), [7, 8, 1, 2, 3, 4, 5, 6, 7, 8], 'what was under way is not booked');
});

t.test('two workers share the tenants, and each tenant has one at a time', async (t) => {
  const { statements, records } = await openTestStorage(t);
  const tenants = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const tenant of tenants) await statements.append(tenant, Array.from({ length: 60 }, (_, index) => sample(index + 1)));
  const seen = new Map<string, number[]>(tenants.map((tenant) => [tenant, []]));
  const busy = new Map<string, number>();
  const by = [0, 0];
  const worker = (number: 0 | 1): TestWorker => openWorker({
    statements, records, tenants, shared: true, batch: 10, handle: async (tenant, entries) => {
      busy.set(tenant, (busy.get(tenant) ?? 0) + 1);
      t.equal(busy.get(tenant), 1);
      by[number] = by[number]! + 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
      seen.get(tenant)!.push(...positionsOf(entries));
      busy.set(tenant, busy.get(tenant)! - 1);
    },
  });
  const workers = [worker(0), worker(1)];
  t.teardown(() => Promise.all(workers.map(({ jobs }) => jobs.close())));
  for (const { jobs } of workers) jobs.start();
  await until(() => [...seen.values()].every(({ length }) => length === 60), 'all have all');
  for (const positions of seen.values()) t.same(positions, [...positions].sort((one, other) => one - other), 'in order');
  t.ok(by.every((batches) => batches > 0), 'both had a part in it');
});

t.test('a worker that was cut off while it dealt with something books nothing, and stops', async (t) => {
  const { statements, records } = await openTestStorage(t);
  await statements.append('one', Array.from({ length: 6 }, (_, index) => sample(index + 1)));
  const slow: number[][] = [];
  let aborted = false;
  let release = (): void => undefined;
  const first = openWorker({
    statements, records, shared: true, batch: 2, handle: async (_tenant, entries, signal) => {
      slow.push(positionsOf(entries));
      signal.addEventListener('abort', () => { aborted = true; });
      await new Promise<void>((resolve) => { release = resolve; });
    },
  });
  first.jobs.start();
  await until(() => slow.length === 1, 'the first has begun');
  // As if it had been silent: another holder stands in its record.
  const leases = records.collection<{ holder: string; beat: number; state: object }>({ name: 'consumer-checkpoints', indexes: [], unique: [] });
  const taken = (await leases.get('one', 'recorder'))!;
  await leases.update('one', 'recorder', { ...taken.value, holder: '', beat: taken.value.beat + 1 }, taken.version);
  const { seen, handle } = recorder();
  const second = openWorker({ statements, records, shared: true, handle });
  t.teardown(() => Promise.all([first.jobs.close(), second.jobs.close()]));
  second.jobs.start();
  await until(async () => (await second.checkpoints.read('one', 'recorder')).position === 6, 'the second has done all');
  await until(() => aborted, 'the first is told');
  release();
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.same(slow, [[1, 2]], 'nothing more');
  t.same(seen.map(({ position }) => position), upTo(6));
  t.equal((await second.checkpoints.read('one', 'recorder')).position, 6, 'the place has not gone back');
});
