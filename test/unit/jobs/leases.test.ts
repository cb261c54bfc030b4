import t, { type Test } from 'tap';
import { createLeaseBook, withLease, type Leases } from '../../../src/jobs/leases.js';
import type { Collection, CollectionSpec, RecordStore } from '../../../src/records/store.js';
import { openTestStorage } from '../auth/open-keys.js';

interface Counted {
  count: number;
}

const lifetime = 400;
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The leases of two processes on one store. */
async function twoProcesses(t: Test): Promise<{ one: Leases<Counted>; two: Leases<Counted>; records: RecordStore; first: ReturnType<typeof unsteady> }> {
  const { records } = await openTestStorage(t);
  const first = unsteady(records);
  const kind = (store: RecordStore): Leases<Counted> => createLeaseBook({ records: store, shared: true, lifetime }).kind<Counted>('test-leases', { count: 0 });
  return { one: kind(first.records), two: kind(records), records, first };
}

/** A record store that can be away, or do what it is asked and lose the answer. */
function unsteady(records: RecordStore) {
  const state: { fault: 'none' | 'away' | 'answer lost'; records: RecordStore } = {
    fault: 'none',
    records: {
      collection: <T extends object>(spec: CollectionSpec<T>): Collection<T> => {
        const real = records.collection(spec);
        const faulty = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
          if (state.fault === 'away') throw new Error('away');
          const result = await call(...args);
          if (state.fault === 'answer lost') {
            state.fault = 'none';
            throw new Error('the answer is lost');
          }
          return result;
        };
        return { get: faulty(real.get), insert: faulty(real.insert), update: faulty(real.update), delete: faulty(real.delete), list: faulty(real.list) };
      },
    },
  };
  return state;
}

t.test('one holder at a time, and the next one goes on with its state', async (t) => {
  const { one, two } = await twoProcesses(t);
  const lease = (await one.acquire('tenant', 'work'))!;
  t.equal(await two.acquire('tenant', 'work'), undefined);
  t.equal(await one.acquire('tenant', 'work'), undefined, 'nor twice in one process');
  t.ok(await two.acquire('tenant', 'other'), 'another lease is free');
  await lease.save(({ count }) => ({ count: count + 1 }));
  t.equal(await two.acquire('tenant', 'work'), undefined);
  t.same(await two.read('tenant', 'work'), { count: 1 });
  await lease.release(({ count }) => ({ count: count + 10 }));
  t.equal(lease.held(), false);
  const next = (await two.acquire('tenant', 'work'))!;
  t.same(next.state, { count: 11 });
  t.equal(next.takenOver, false);
  await t.rejects(lease.save((state) => state), /held by somebody else/);
  await next.release();
});

t.test('a holder that lives keeps its lease for longer than a lifetime, however often another asks', async (t) => {
  const { one, two } = await twoProcesses(t);
  const lease = (await one.acquire('', 'work'))!;
  for (const start = Date.now(); Date.now() - start < lifetime * 3;) {
    t.equal(await two.acquire('', 'work'), undefined);
    t.ok(lease.held());
    await wait(30);
  }
  await lease.release();
});

t.test('a holder that falls silent is cut off before another takes over, and can save nothing any more', async (t) => {
  const { one, two, first } = await twoProcesses(t);
  const lease = (await one.acquire('', 'work'))!;
  await lease.save(() => ({ count: 7 }));
  first.fault = 'away';
  let next;
  while (!(next = await two.acquire('', 'work'))) await wait(5);
  t.equal(lease.held(), false, 'it knows by itself');
  t.ok(lease.signal.aborted);
  t.equal(next.takenOver, true);
  t.same(next.state, { count: 7 });
  await next.save(() => ({ count: 8 }));
  first.fault = 'none';
  await t.rejects(lease.save(() => ({ count: -1 })), /held by somebody else/);
  await lease.release(() => ({ count: -1 }));
  t.same(await two.read('', 'work'), { count: 8 });
  t.ok(next.held());
  await next.release();
});

t.test('a holder that stood still without noticing finds out when it saves', async (t) => {
  const { one, two } = await twoProcesses(t);
  const lease = (await one.acquire('', 'work'))!;
  t.equal(await two.acquire('', 'work'), undefined);
  // No timer of this process runs, as in one that was stopped; the other one's clock goes on.
  const stopped = performance.now();
  while (performance.now() - stopped < lifetime + 50);
  const next = (await two.acquire('', 'work'))!;
  t.ok(next.takenOver);
  await t.rejects(lease.save(() => ({ count: -1 })), /held by somebody else/);
  t.same(next.state, { count: 0 });
  await next.release();
});

t.test('an operator changes the state of a holder, which learns of it and stays the holder', async (t) => {
  const { one, two } = await twoProcesses(t);
  const lease = (await one.acquire('', 'work'))!;
  await two.change('', 'work', ({ count }) => ({ count: count + 100 }));
  t.same(await lease.save(({ count }) => ({ count: count + 1 })), { count: 101 });
  t.ok(lease.held());
  await two.change('', 'work', ({ count }) => ({ count: count + 100 }));
  await wait(lifetime / 2);
  t.same(lease.state, { count: 201 }, 'with its next sign of life, without a save');
  await lease.release();
  t.same(await two.change('', 'never held', () => ({ count: 3 })), { count: 3 });
  t.same(await one.read('', 'never held'), { count: 3 });
});

t.test('a write whose answer was lost is not taken for another holder', async (t) => {
  const { one, first } = await twoProcesses(t);
  const lease = (await one.acquire('', 'work'))!;
  first.fault = 'answer lost';
  await t.rejects(lease.save(() => ({ count: 5 })), /lost/);
  t.same(await lease.save((state) => state), { count: 5 });
  t.ok(lease.held());
  await lease.release();
});

t.test('of many who want it at the same moment one gets it', async (t) => {
  const { one, two } = await twoProcesses(t);
  for (let round = 0; round < 20; round++) {
    const got = (await Promise.all([one, two, one, two].map((leases) => leases.acquire('', 'work')))).filter((lease) => lease !== undefined);
    t.equal(got.length, 1);
    await got[0]!.release();
  }
});

t.test('on a store that no other process can use, a holder of the past is dead', async (t) => {
  const { records } = await openTestStorage(t);
  const kind = () => createLeaseBook({ records, shared: false }).kind<Counted>('test-leases', { count: 0 });
  const before = kind();
  await before.acquire('', 'work');
  t.equal(await before.acquire('', 'work'), undefined, 'its own holder lives');
  const lease = (await kind().acquire('', 'work'))!;
  t.ok(lease.takenOver);
  await lease.release();
});

t.test('withLease waits for its turn, and gives the lease back when the work fails', async (t) => {
  const { one, two } = await twoProcesses(t);
  const { signal } = new AbortController();
  const order: string[] = [];
  const turn = (leases: Leases<Counted>, name: string) => withLease(leases, '', 'work', signal, async () => {
    order.push(`${name} begins`);
    await wait(50);
    order.push(`${name} ends`);
  });
  await Promise.all([turn(one, 'one'), turn(two, 'two')]);
  t.same(order.map((text) => text.split(' ')[1]), ['begins', 'ends', 'begins', 'ends']);
  await t.rejects(withLease(one, '', 'work', signal, () => Promise.reject(new Error('failed'))), /failed/);
  const lease = (await two.acquire('', 'work'))!;
  t.notOk(lease.takenOver);
  t.equal(await withLease(one, '', 'work', AbortSignal.timeout(150), async () => 'never'), undefined);
  await lease.release();
});
