import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import type { Document, DocumentKey, DocumentScope, Expectation } from '../../src/documents/store.js';
import { contract, openFor } from './adapters.js';

const sha1 = (content: Buffer) => createHash('sha1').update(content).digest('hex');
const ann = 'mbox:mailto:ann@example.org';
const bob = 'account:https://example.org|bob\u0000|\u{1f600}';
const [registration, otherRegistration] = ['7b9f8c1e-abcd-4000-8000-000000000001', '7b9f8c1e-abcd-4000-8000-000000000002'];

const stateKey = (id: string, parts: Partial<DocumentKey> = {}): DocumentKey => ({ resource: 'state', activity: 'https://example.org/a', agent: ann, id, ...parts });
const agentProfileKey = (id: string, agent = ann): DocumentKey => ({ resource: 'agent-profile', agent, id });
const activityProfileKey = (id: string, activity = 'https://example.org/a'): DocumentKey => ({ resource: 'activity-profile', activity, id });

function document(key: DocumentKey, content: string | Buffer, updated = 1_700_000_000_000, contentType = 'application/json'): Document {
  const bytes = Buffer.from(content);
  return { key, content: bytes, contentType, etag: sha1(bytes), updated };
}

const any: Expectation = { kind: 'any' };
const absent: Expectation = { kind: 'absent' };
const present: Expectation = { kind: 'present' };

contract(async (t, adapter) => {
  const storage = await openFor(t, adapter);
  const store = storage.current.documents;
  let tenants = 0;
  const test = (name: string, body: (t: Test, tenant: string) => Promise<void>) => t.test(name, (t) => body(t, `tenant-${++tenants}`));

  await test('a document comes back as it was put', async (t, tenant) => {
    const contents = ['{"a":1}', '', Buffer.from([0, 255, 128, 10, 13]), Buffer.alloc(2 << 20, 'x')];
    for (const [index, content] of contents.entries()) {
      for (const key of [stateKey(`d${index}`), stateKey(`d${index}`, { registration }), agentProfileKey(`d${index}`), activityProfileKey(`d${index}`)]) {
        const given = document(key, content, 1_700_000_000_123 + index, 'text/x; charset="ä"');
        t.equal(await store.get(tenant, key), undefined);
        t.strictSame(await store.put(tenant, given, absent), { status: 'stored' });
        t.strictSame(await store.get(tenant, key), given);
      }
    }
  });

  await test('a document larger than any row of a database comes back, is replaced and goes', async (t, tenant) => {
    const [key, scope] = [activityProfileKey('large'), { resource: 'activity-profile' } as const];
    const [one, two] = [document(key, Buffer.alloc(17 << 20, 'one')), document(key, Buffer.alloc((17 << 20) + 1, 'two'))];
    t.strictSame(await store.put(tenant, one, absent), { status: 'stored' });
    t.ok((await store.get(tenant, key))?.content.equals(one.content));
    t.strictSame(await store.put(tenant, two, { kind: 'etag', etags: [one.etag] }), { status: 'stored' });
    t.ok((await store.get(tenant, key))?.content.equals(two.content));
    const mismatch = await store.put(tenant, one, absent);
    t.ok(mismatch.status === 'mismatch' && mismatch.current?.content.equals(two.content));
    t.strictSame(await store.list(tenant, scope), [{ key, updated: two.updated }]);
    t.strictSame(await store.delete(tenant, key, present), { status: 'deleted' });
    t.equal(await store.get(tenant, key), undefined);
  });

  await test('addresses are kept apart, also those with hard characters', async (t, tenant) => {
    const keys = [
      stateKey('x'), stateKey('x', { registration }), stateKey('x', { registration: otherRegistration }), stateKey('x', { agent: bob }),
      stateKey('x', { activity: 'https://example.org/b' }), stateKey('X'), stateKey('x '), stateKey('x/y'), stateKey('x\u0000'), stateKey('x\u0000y'), stateKey('\u0000x'),
      stateKey('ä'), stateKey('a\u0308'), stateKey('\u{1f600}'), stateKey('\uffff'), stateKey('x'.repeat(3000)), stateKey(`${'x'.repeat(3000)}y`), stateKey('..'), stateKey('__proto__'),
      agentProfileKey('x'), agentProfileKey('x', bob), activityProfileKey('x'), activityProfileKey('x', ann), agentProfileKey('x', 'https://example.org/a'),
    ];
    for (const [index, key] of keys.entries()) t.strictSame(await store.put(tenant, document(key, `${index}`), absent), { status: 'stored' }, JSON.stringify(key).slice(0, 200));
    for (const [index, key] of keys.entries()) t.equal((await store.get(tenant, key))?.content.toString(), `${index}`);
  });

  await test('expectations of put: any, absent, present, etag, not-etag', async (t, tenant) => {
    const key = stateKey('x');
    const [one, two] = [document(key, 'one'), document(key, 'two')];
    const mismatch = async (expected: Expectation, current?: Document) => {
      const result = await store.put(tenant, document(key, 'never'), expected);
      t.equal(result.status, 'mismatch', JSON.stringify(expected));
      if (result.status === 'mismatch') t.strictSame(result.current, current, 'what is there is told');
    };
    const stores = async (expected: Expectation, given: Document) => {
      t.strictSame(await store.put(tenant, given, expected), { status: 'stored' }, JSON.stringify(expected));
      t.strictSame(await store.get(tenant, key), given);
    };
    await mismatch(present);
    await mismatch({ kind: 'etag', etags: [one.etag] });
    await mismatch({ kind: 'etag', etags: [] });
    t.equal(await store.get(tenant, key), undefined, 'nothing was written');
    await stores({ kind: 'not-etag', etags: [one.etag] }, one);
    await mismatch(absent, one);
    await mismatch({ kind: 'etag', etags: [two.etag] }, one);
    await mismatch({ kind: 'etag', etags: [] }, one);
    await mismatch({ kind: 'not-etag', etags: [two.etag, one.etag] }, one);
    t.strictSame(await store.get(tenant, key), one, 'nothing was written');
    await stores({ kind: 'etag', etags: [two.etag, one.etag] }, two);
    await stores(present, one);
    await stores({ kind: 'not-etag', etags: [two.etag] }, two);
    await stores(any, one);
    await store.delete(tenant, key, any);
    await stores(absent, two);
  });

  await test('expectations of delete', async (t, tenant) => {
    const key = agentProfileKey('x');
    const one = document(key, 'one');
    t.strictSame(await store.delete(tenant, key, any), { status: 'absent' });
    t.equal((await store.delete(tenant, key, { kind: 'etag', etags: ['00'] })).status, 'mismatch', 'no document has that ETag');
    await store.put(tenant, one, any);
    t.strictSame(await store.delete(tenant, key, { kind: 'etag', etags: ['00'] }), { status: 'mismatch', current: one });
    t.strictSame(await store.delete(tenant, key, { kind: 'not-etag', etags: [one.etag] }), { status: 'mismatch', current: one });
    t.strictSame(await store.get(tenant, key), one);
    t.strictSame(await store.delete(tenant, key, { kind: 'etag', etags: [one.etag] }), { status: 'deleted' });
    t.equal(await store.get(tenant, key), undefined);
    t.strictSame(await store.list(tenant, { resource: 'agent-profile', agent: ann }), []);
    await store.put(tenant, one, any);
    t.strictSame(await store.delete(tenant, key, present), { status: 'deleted' });
  });

  await test('concurrent writes: one of those that expect the same state wins', async (t, tenant) => {
    const key = stateKey('x');
    const race = (expected: Expectation, prefix: string) => Promise.all(Array.from({ length: 20 }, (_, index) => store.put(tenant, document(key, `${prefix}${index}`), expected)));
    const created = await race(absent, 'a');
    t.equal(created.filter(({ status }) => status === 'stored').length, 1, 'created once');
    const first = (await store.get(tenant, key))!;
    const replaced = await race({ kind: 'etag', etags: [first.etag] }, 'b');
    t.equal(replaced.filter(({ status }) => status === 'stored').length, 1, 'replaced once');
    const second = (await store.get(tenant, key))!;
    t.equal(second.content.toString(), `b${replaced.findIndex(({ status }) => status === 'stored')}`);
    for (const result of replaced) if (result.status === 'mismatch') t.strictSame(result.current, second, 'the others are told what is there');
    const gone = await Promise.all(Array.from({ length: 10 }, () => store.delete(tenant, key, { kind: 'etag', etags: [second.etag] })));
    t.strictSame(gone.map(({ status }) => status).sort(), ['deleted', ...Array.from({ length: 9 }, () => 'mismatch')]);
  });

  await test('counting by compare and set loses no step', async (t, tenant) => {
    const key = activityProfileKey('counter');
    await store.put(tenant, document(key, '0'), any);
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let steps = 0; steps < 10;) {
        const current = (await store.get(tenant, key))!;
        const result = await store.put(tenant, document(key, String(Number(current.content) + 1)), { kind: 'etag', etags: [current.etag] });
        if (result.status === 'stored') steps++;
      }
    }));
    t.equal((await store.get(tenant, key))?.content.toString(), '80');
  });

  /** Fills a tenant with documents in every scope. */
  async function fill(tenant: string): Promise<DocumentKey[]> {
    const keys = [
      stateKey('c', { registration }), stateKey('b', { registration: otherRegistration }), stateKey('a'), stateKey('d'), stateKey('a', { registration }),
      stateKey('a', { agent: bob }), stateKey('a', { agent: bob, registration }), stateKey('z', { activity: 'https://example.org/ab' }), stateKey('y', { activity: 'https://example.org/' }),
      agentProfileKey('b'), agentProfileKey('a'), agentProfileKey('a', bob), activityProfileKey('b'), activityProfileKey('a'), activityProfileKey('a', 'https://example.org/ab'),
    ];
    for (const [index, key] of keys.entries()) await store.put(tenant, document(key, `${index}`, 1000 + index), any);
    return keys;
  }

  function inScope(key: DocumentKey, { resource, activity, agent, registration: wanted }: DocumentScope): boolean {
    return key.resource === resource && (activity === undefined || key.activity === activity) && (agent === undefined || key.agent === agent)
      && (wanted === undefined || (wanted === null ? key.registration === undefined : key.registration === wanted));
  }

  const scopes: DocumentScope[] = [
    { resource: 'state' }, { resource: 'agent-profile' }, { resource: 'activity-profile' },
    { resource: 'state', activity: 'https://example.org/a' }, { resource: 'state', agent: ann }, { resource: 'state', agent: bob },
    { resource: 'state', activity: 'https://example.org/a', agent: ann }, { resource: 'state', activity: 'https://example.org/a', agent: ann, registration },
    { resource: 'state', activity: 'https://example.org/a', agent: ann, registration: null }, { resource: 'state', activity: 'https://example.org/a', agent: bob, registration },
    { resource: 'state', agent: bob, registration: null }, { resource: 'state', activity: 'https://example.org/nothing', agent: ann },
    { resource: 'state', registration: null }, { resource: 'state', registration }, { resource: 'agent-profile', agent: ann }, { resource: 'agent-profile', agent: bob },
    { resource: 'activity-profile', activity: 'https://example.org/a' }, { resource: 'activity-profile', activity: 'https://example.org/ab' },
  ];
  const sorted = (entries: readonly { key: DocumentKey }[]) => entries.map(({ key }) => JSON.stringify(key)).sort();

  await test('list gives the documents in scope, ordered by id', async (t, tenant) => {
    const keys = await fill(tenant);
    for (const scope of scopes) {
      const listed = await store.list(tenant, scope);
      t.strictSame(sorted(listed), sorted(keys.filter((key) => inScope(key, scope)).map((key) => ({ key }))), JSON.stringify(scope));
      const ids = listed.map(({ key }) => key.id);
      t.strictSame(ids, [...ids].sort(), 'by id');
      for (const { key, updated } of listed) t.equal(updated, 1000 + keys.findIndex((other) => JSON.stringify(other) === JSON.stringify(key)));
    }
  });

  await test('list since: updated later, exclusive', async (t, tenant) => {
    const scope: DocumentScope = { resource: 'agent-profile', agent: ann };
    for (const [index, id] of ['a', 'b', 'c'].entries()) await store.put(tenant, document(agentProfileKey(id), id, 1000 + index), any);
    const since = async (time: number) => (await store.list(tenant, scope, time)).map(({ key }) => key.id).join('');
    t.strictSame([await since(0), await since(999), await since(1000), await since(1001), await since(1002)], ['abc', 'abc', 'bc', 'c', '']);
    await store.put(tenant, document(agentProfileKey('a'), 'again', 2000), any);
    t.equal(await since(1002), 'a', 'an update counts');
    t.equal((await store.list(tenant, scope)).length, 3, 'and makes no second document');
  });

  await test('deleteAll removes what list names, and nothing else', async (t, tenant) => {
    for (const scope of scopes) {
      const keys = await fill(tenant);
      const left = keys.filter((key) => !inScope(key, scope));
      t.equal(await store.deleteAll(tenant, scope), keys.length - left.length, JSON.stringify(scope));
      t.strictSame(await store.list(tenant, scope), []);
      for (const key of keys) t.equal((await store.get(tenant, key)) !== undefined, left.includes(key));
      t.equal(await store.deleteAll(tenant, scope), 0);
    }
  });

  await test('deleteAll is atomic beside writes', async (t, tenant) => {
    const scope: DocumentScope = { resource: 'state', activity: 'https://example.org/a', agent: ann };
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.put(tenant, document(stateKey(`d${index}`), 'x'), any)));
    const [removed, ...results] = await Promise.all([
      store.deleteAll(tenant, scope),
      ...Array.from({ length: 10 }, (_, index) => store.put(tenant, document(stateKey(`d${index}`), 'y'), present)),
    ]);
    const left = await store.list(tenant, scope);
    t.equal(left.length, 50 - removed, 'what was counted is gone');
    t.ok(results.every(({ status }) => status === 'stored' || status === 'mismatch'));
    for (const { key } of left) t.equal((await store.get(tenant, key))?.content.toString(), 'y');
  });

  await test('tenants share nothing', async (t, tenant) => {
    const [one, other] = [`${tenant}-a`, `${tenant}-b`];
    const keys = await fill(one);
    await store.put(other, document(keys[0]!, 'other'), absent);
    t.equal(await store.get(tenant, keys[0]!), undefined);
    t.equal((await store.list(other, { resource: 'state' })).length, 1);
    await store.deleteAll(one, { resource: 'state' });
    t.equal((await store.get(other, keys[0]!))?.content.toString(), 'other');
    t.strictSame(await store.delete(one, keys[0]!, any), { status: 'absent' });
  });

  await t.test('reopening keeps documents', async (t) => {
    const own = await openFor(t, adapter);
    const kept = document(stateKey('x', { registration }), Buffer.from([1, 2, 3]));
    await own.current.documents.put('main', kept, any);
    await own.current.documents.put('main', document(stateKey('y'), 'gone'), any);
    await own.current.documents.delete('main', stateKey('y'), any);
    await own.reopen();
    t.strictSame(await own.current.documents.get('main', kept.key), kept);
    t.strictSame(await own.current.documents.list('main', { resource: 'state' }), [{ key: kept.key, updated: kept.updated }]);
  });
});
