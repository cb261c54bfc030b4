import t from 'tap';
import { createDocumentService } from '../../../src/documents/service.js';
import type { DocumentKey, DocumentStore } from '../../../src/documents/store.js';
import { limits, openResourceApp } from './resource-app.js';

const key: DocumentKey = { resource: 'agent-profile', agent: 'mbox:mailto:ann@example.org', id: 'one' };
const document = (value: unknown) => ({ content: Buffer.from(JSON.stringify(value)), contentType: 'application/json' });

t.test('merges of two processes into one document lose nothing', async (t) => {
  const { storage } = await openResourceApp(t);
  const services = [1, 2].map(() => createDocumentService({ documents: storage.documents, ...limits, now: Date.now }));
  await Promise.all(services.flatMap((service, process) =>
    Array.from({ length: 50 }, (_, index) => service.post('a', key, document({ [`${process} ${index}`]: index }), {}))));
  const merged = JSON.parse(String((await storage.documents.get('a', key))?.content)) as object;
  t.equal(Object.keys(merged).length, 100);
});

t.test('a merge never overwrites what was written while it was made', async (t) => {
  const { storage } = await openResourceApp(t);
  let interruptions = 3;
  let writes = 0;
  const plain = createDocumentService({ documents: storage.documents, ...limits, now: Date.now });
  /** The real store, with another client's PUT right after a read. */
  const documents: DocumentStore = {
    ...storage.documents,
    get: async (tenant, at) => {
      const current = await storage.documents.get(tenant, at);
      if (interruptions > 0) {
        interruptions -= 1;
        writes += 1;
        await plain.put(tenant, at, document({ writes }), {}, 'overwrite');
      }
      return current;
    },
  };
  const interrupted = createDocumentService({ documents, ...limits, now: Date.now });
  await interrupted.post('a', key, document({ mine: true }), {});
  t.strictSame(JSON.parse(String((await storage.documents.get('a', key))?.content)), { writes: 3, mine: true });

  interruptions = 1;
  await t.rejects(interrupted.post('a', key, document({ late: true }), { ifNoneMatch: ['other'], ifMatch: [(await storage.documents.get('a', key))?.etag ?? ''] }),
    { code: 'precondition-failed' }, 'If-Match is judged again after a change');
  interruptions = Infinity;
  await t.rejects(interrupted.post('a', key, document({ late: true }), {}), { code: 'document-conflict' }, 'it gives up at last');
  t.strictSame(Object.keys(JSON.parse(String((await storage.documents.get('a', key))?.content)) as object), ['writes']);
});

t.test('ids that several registrations share are listed once, with the latest time', async (t) => {
  const { storage } = await openResourceApp(t);
  let now = 1000;
  const service = createDocumentService({ documents: storage.documents, ...limits, now: () => now });
  const state = { resource: 'state', activity: 'https://example.org/1', agent: 'mbox:mailto:ann@example.org' } as const;
  for (const registration of ['11111111-aaaa-4aaa-8aaa-111111111111', '22222222-bbbb-4bbb-8bbb-222222222222', undefined]) {
    await service.put('a', { ...state, id: 'bookmark', ...(registration === undefined ? {} : { registration }) }, document({}), {}, 'create');
    now += 1000;
  }
  t.strictSame(await service.list('a', state), { ids: ['bookmark'], updated: 3000 });
  t.strictSame(await service.list('a', state, 3000), { ids: [] });
  await service.deleteAll('a', { ...state, registration: null }, {});
  t.strictSame(await service.list('a', state), { ids: ['bookmark'], updated: 2000 });
});

t.test('If-Unmodified-Since guards writes, also against what is written meanwhile', async (t) => {
  const { storage } = await openResourceApp(t);
  let now = Date.parse('2026-11-23T12:00:00.500Z');
  const service = createDocumentService({ documents: storage.documents, ...limits, now: () => now });
  const since = { unmodifiedSince: Date.parse('2026-11-23T12:00:00Z') };
  await service.put('a', key, document(1), {}, 'overwrite');
  await service.put('a', key, document(2), since, 'overwrite');
  now += 1000;
  await service.put('a', key, document(3), since, 'overwrite');
  const late = { code: 'precondition-failed' };
  await t.rejects(service.put('a', key, document(4), since, 'overwrite'), late);
  await t.rejects(service.post('a', key, document({ a: 1 }), since), late);
  await t.rejects(service.delete('a', key, since), late);
  await t.rejects(service.deleteAll('a', { resource: 'agent-profile', agent: key.agent! }, since), late);
  await t.rejects(service.put('a', key, document(5), { unmodifiedSince: now }, 'refuse'), { code: 'document-conflict' }, 'a profile asks for more');
  t.equal(String((await service.get('a', key))?.content), '3');
  const racing = createDocumentService({
    ...limits, now: () => now,
    documents: { ...storage.documents, get: async (tenant, at) => {
      const current = await storage.documents.get(tenant, at);
      await service.put('a', key, document('another'), {}, 'overwrite');
      return current;
    } },
  });
  await t.rejects(racing.delete('a', key, { unmodifiedSince: now }), late);
  t.equal(String((await service.get('a', key))?.content), '"another"');
});
