import type { Test } from 'tap';
import type { Collection } from '../../src/records/store.js';
import { contract, openFor } from './adapters.js';

interface Course {
  title: string;
  code?: string;
  owner?: string;
  nested?: unknown;
}

const spec = { name: 'contract-courses', indexes: ['owner'], unique: ['code'] } as const;

contract(async (t, adapter) => {
  const storage = await openFor(t, adapter);
  const courses: Collection<Course> = storage.current.records.collection<Course>(spec);
  let tenants = 0;
  const test = (name: string, body: (t: Test, tenant: string) => Promise<void>) => t.test(name, (t) => body(t, `tenant-${++tenants}`));
  const ids = async (tenant: string, options?: Parameters<Collection<Course>['list']>[1]) => (await courses.list(tenant, options)).map(({ id }) => id);

  await test('a record comes back as it was inserted, at version 1', async (t, tenant) => {
    t.equal(await courses.get(tenant, 'a'), undefined);
    const value: Course = { title: 'ä\u0000\u{1f600}', code: 'A', nested: JSON.parse('{"__proto__":{"$a.b":[1.5,null,true,{}]}}') };
    t.equal(await courses.insert(tenant, 'a', value), 'inserted');
    const record = await courses.get(tenant, 'a');
    t.equal(JSON.stringify(record?.value), JSON.stringify(value));
    t.strictSame([record?.id, record?.version], ['a', 1]);
  });

  await test('insert: a taken id or unique value writes nothing', async (t, tenant) => {
    await courses.insert(tenant, 'a', { title: 'first', code: 'A', owner: 'ann' });
    t.equal(await courses.insert(tenant, 'a', { title: 'second', code: 'B', owner: 'bob' }), 'exists');
    t.equal(await courses.insert(tenant, 'b', { title: 'second', code: 'A', owner: 'bob' }), 'exists');
    t.equal(await courses.get(tenant, 'b'), undefined);
    t.equal((await courses.get(tenant, 'a'))?.value.title, 'first');
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'bob' } }), []);
    t.strictSame(await ids(tenant, { where: { property: 'code', equals: 'B' } }), []);
    t.equal(await courses.insert(tenant, 'b', { title: 'second', code: 'B' }), 'inserted', 'the value is free');
    t.equal(await courses.insert(tenant, 'c', { title: 'no code' }), 'inserted');
    t.equal(await courses.insert(tenant, 'd', { title: 'no code' }), 'inserted', 'an absent unique property is nobody\'s');
  });

  await test('update: at its version, and unique values stay unique', async (t, tenant) => {
    await courses.insert(tenant, 'a', { title: '1', code: 'A', owner: 'ann' });
    await courses.insert(tenant, 'b', { title: '1', code: 'B', owner: 'ann' });
    t.equal(await courses.update(tenant, 'a', { title: '2', code: 'A', owner: 'bob' }, 1), 'updated');
    t.strictSame(await courses.get(tenant, 'a'), { id: 'a', value: { title: '2', code: 'A', owner: 'bob' }, version: 2 });
    t.equal(await courses.update(tenant, 'a', { title: '3' }, 1), 'changed');
    t.equal(await courses.update(tenant, 'a', { title: '3' }, 3), 'changed');
    t.equal(await courses.update(tenant, 'x', { title: '3' }, 1), 'changed', 'gone');
    t.equal(await courses.update(tenant, 'a', { title: '3', code: 'B' }, 2), 'exists');
    t.strictSame((await courses.get(tenant, 'a'))?.value, { title: '2', code: 'A', owner: 'bob' }, 'nothing was written');
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'ann' } }), ['b']);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'bob' } }), ['a']);
    t.equal(await courses.update(tenant, 'a', { title: '3', code: 'C' }, 2), 'updated');
    t.equal(await courses.insert(tenant, 'c', { title: '1', code: 'A' }), 'inserted', 'the old value is free');
    t.strictSame(await ids(tenant, { where: { property: 'code', equals: 'C' } }), ['a']);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'bob' } }), [], 'a property that went is no longer indexed');
  });

  await test('update: what selects a record comes, stays and goes with its properties', async (t, tenant) => {
    const found = async (): Promise<string[]> => {
      const owners = await Promise.all(['ann', 'bob', ''].map(async (owner) => (await ids(tenant, { where: { property: 'owner', equals: owner } })).length > 0 ? [`owner ${owner}`] : []));
      const codes = await Promise.all(['A', 'B'].map(async (code) => (await ids(tenant, { where: { property: 'code', equals: code } })).length > 0 ? [`code ${code}`] : []));
      return [...owners, ...codes].flat();
    };
    await courses.insert(tenant, 'a', { title: '0', code: 'A', owner: 'ann' });
    for (const [version, { value, selects }] of [
      { value: { code: 'A', owner: 'ann' }, selects: ['owner ann', 'code A'] },
      { value: { code: 'A', owner: 'bob' }, selects: ['owner bob', 'code A'] },
      { value: { code: 'B', owner: 'bob' }, selects: ['owner bob', 'code B'] },
      { value: { owner: '' }, selects: ['owner '] },
      { value: { code: 'B', owner: 'ann' }, selects: ['owner ann', 'code B'] },
    ].entries()) {
      t.equal(await courses.update(tenant, 'a', { title: String(version), ...value }, version + 1), 'updated');
      t.strictSame(await found(), selects);
    }
    await Promise.all([courses.update(tenant, 'a', { title: 'x', owner: 'bob' }, 6), courses.update(tenant, 'a', { title: 'y', code: 'A', owner: 'ann' }, 7)]);
    const { value } = (await courses.get(tenant, 'a'))!;
    t.strictSame(await found(), value.title === 'y' ? ['owner ann', 'code A'] : ['owner bob'], 'also of two that are given at once');
    await courses.delete(tenant, 'a');
    t.strictSame(await found(), []);
    t.equal(await courses.insert(tenant, 'b', { title: '1', code: 'A' }), 'inserted');
    t.equal(await courses.insert(tenant, 'c', { title: '1', code: 'B' }), 'inserted');
  });

  await test('delete frees id, unique values and indexes', async (t, tenant) => {
    await courses.insert(tenant, 'a', { title: '1', code: 'A', owner: 'ann' });
    t.equal(await courses.delete(tenant, 'a'), true);
    t.equal(await courses.delete(tenant, 'a'), false);
    t.equal(await courses.get(tenant, 'a'), undefined);
    t.strictSame(await ids(tenant), []);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'ann' } }), []);
    t.equal(await courses.insert(tenant, 'b', { title: '1', code: 'A' }), 'inserted');
    t.equal(await courses.insert(tenant, 'a', { title: 'again', code: 'X' }), 'inserted');
    t.equal((await courses.get(tenant, 'a'))?.version, 1);
  });

  await test('list: in order of id, after, limited, by property', async (t, tenant) => {
    for (const [index, id] of ['b', 'a', 'd', 'c', 'ab', 'B', 'a-b'].entries()) await courses.insert(tenant, id, { title: id, owner: index % 2 ? 'ann' : 'ann2', code: `c${index}` });
    const all = ['B', 'a', 'a-b', 'ab', 'b', 'c', 'd'];
    t.strictSame(await ids(tenant), all);
    t.strictSame(await ids(tenant, { limit: 2 }), ['B', 'a']);
    t.strictSame(await ids(tenant, { after: 'a', limit: 3 }), ['a-b', 'ab', 'b']);
    t.strictSame(await ids(tenant, { after: 'aa' }), ['ab', 'b', 'c', 'd'], 'after an id that nobody has');
    t.strictSame(await ids(tenant, { after: 'd' }), []);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'ann' } }), ['B', 'a', 'c']);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'ann2' } }), ['a-b', 'ab', 'b', 'd']);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'ann' }, after: 'B', limit: 1 }), ['a']);
    t.strictSame(await ids(tenant, { where: { property: 'owner', equals: 'a' } }), []);
    t.strictSame(await ids(tenant, { where: { property: 'code', equals: 'c3' } }), ['c']);
    t.strictSame((await courses.list(tenant, { limit: 1 }))[0], { id: 'B', value: { title: 'B', owner: 'ann', code: 'c5' }, version: 1 });
  });

  await test('ids and values with hard characters are kept apart', async (t, tenant) => {
    const hard = ['', 'x', 'x\u0000', 'x\u0000y', '\u0000x', 'x\u0001', 'x\u0001\u0002', 'x/y', 'ä', 'a\u0308', '\u{1f600}', '\uffff', 'x'.repeat(2000), '__proto__', '%00'];
    for (const id of hard) t.equal(await courses.insert(tenant, `i${id}`, { title: id, code: `c${id}`, owner: `o${id}` }), 'inserted', JSON.stringify(id).slice(0, 40));
    for (const id of hard) {
      t.equal((await courses.get(tenant, `i${id}`))?.value.title, id);
      t.strictSame(await ids(tenant, { where: { property: 'owner', equals: `o${id}` } }), [`i${id}`]);
      t.strictSame(await ids(tenant, { where: { property: 'code', equals: `c${id}` } }), [`i${id}`]);
    }
    t.strictSame((await ids(tenant)).sort(), hard.map((id) => `i${id}`).sort(), 'each is listed as it was given');
  });

  await test('concurrent inserts and updates: one wins', async (t, tenant) => {
    const inserted = await Promise.all(Array.from({ length: 20 }, (_, index) => courses.insert(tenant, index % 2 ? 'same' : `id${index}`, { title: `${index}`, code: index % 2 ? `${index}` : 'same' })));
    t.equal(inserted.filter((result) => result === 'inserted').length, 2, 'one by id, one by unique value');
    const updated = await Promise.all(Array.from({ length: 20 }, (_, index) => courses.update(tenant, 'same', { title: `u${index}` }, 1)));
    t.equal(updated.filter((result) => result === 'updated').length, 1);
    t.strictSame(await courses.get(tenant, 'same'), { id: 'same', value: { title: `u${updated.indexOf('updated')}` }, version: 2 });
    await courses.insert(tenant, 'counter', { title: '0' });
    await Promise.all(Array.from({ length: 5 }, async () => {
      for (let steps = 0; steps < 10;) {
        const { value, version } = (await courses.get(tenant, 'counter'))!;
        if (await courses.update(tenant, 'counter', { title: String(Number(value.title) + 1) }, version) === 'updated') steps++;
      }
    }));
    t.equal((await courses.get(tenant, 'counter'))?.value.title, '50');
  });

  await test('tenants and collections share nothing; the server has its own', async (t, tenant) => {
    const others = storage.current.records.collection<Course>({ ...spec, name: 'contract-courses-2' });
    await courses.insert(tenant, 'a', { title: '1', code: 'A', owner: 'ann' });
    for (const [collection, name] of [[courses, `${tenant}-b`], [courses, ''], [others, tenant]] as const) {
      t.equal(await collection.get(name, 'a'), undefined);
      t.strictSame(await collection.list(name), []);
      t.equal(await collection.insert(name, 'a', { title: '2', code: 'A', owner: 'ann' }), 'inserted');
      t.equal((await collection.list(name, { where: { property: 'owner', equals: 'ann' } }))[0]?.value.title, '2');
      t.equal(await collection.delete(name, 'a'), true);
    }
    t.equal((await courses.get(tenant, 'a'))?.value.title, '1');
  });

  await t.test('reopening keeps records', async (t) => {
    const own = await openFor(t, adapter);
    const before = own.current.records.collection<Course>(spec);
    await before.insert('', 'a', { title: '1', code: 'A', owner: 'ann' });
    await before.update('', 'a', { title: '2', code: 'A', owner: 'ann' }, 1);
    await before.insert('', 'b', { title: '1' });
    await before.delete('', 'b');
    await own.reopen();
    const after = own.current.records.collection<Course>(spec);
    t.strictSame(await after.list(''), [{ id: 'a', value: { title: '2', code: 'A', owner: 'ann' }, version: 2 }]);
    t.strictSame((await after.list('', { where: { property: 'owner', equals: 'ann' } })).length, 1);
    t.equal(await after.insert('', 'c', { title: '1', code: 'A' }), 'exists');
  });
});
