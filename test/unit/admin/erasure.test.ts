import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ErasureService } from '../../../src/admin/erasure-service.js';
import { createExportService } from '../../../src/admin/export-service.js';
import { createTenantService } from '../../../src/admin/tenant-service.js';
import type { Collection, CollectionSpec, RecordStore } from '../../../src/records/store.js';
import type { LevelStorage } from '../../../src/storage/leveldb/open.js';
import type { StatementStore } from '../../../src/statements/store.js';
import { agentIdentifier } from '../../../src/xapi/actors.js';
import { findAll, incoming, numbersOf, reference, statement, uuid, voided } from '../../contract/statement-samples.js';
import { openTestStorage } from '../auth/open-keys.js';
import { noRecords, openErasures, type TestErasures } from './open-erasures.js';
import { ann, append, attach, bob, dump, putDocument, tenant } from './person-data.js';

function service(storage: LevelStorage, statements: StatementStore = storage.statements): TestErasures {
  return openErasures({ ...storage, statements });
}

async function settled(erasures: ErasureService, id: string): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if ((await erasures.get(tenant, id))?.status === 'complete') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the erasure does not end');
}

/** Ann's data, and Bob's beside it. */
async function fill(storage: LevelStorage) {
  await createTenantService(storage).ensure(tenant, 'One');
  const own = await attach(storage, 'of ann alone');
  const shared = await attach(storage, 'of both');
  const defining = incoming(statement(1, { actor: ann, attachments: [own, shared] }), { defines: true });
  await append(storage,
    defining,
    incoming(statement(2, { actor: bob, attachments: [shared] })),
    incoming(statement(3, { actor: bob, context: { instructor: ann } })),
    incoming(statement(4, { actor: bob, object: reference(uuid(1)) })),
    incoming(statement(5, { actor: ann })),
    incoming(statement(6, { actor: bob })),
    incoming(statement(7, { actor: bob, verb: { id: voided }, object: reference(uuid(5)) })));
  await putDocument(storage, 'state', ann, 'bookmark', Buffer.from('page 7'), 'text/plain');
  await putDocument(storage, 'agent-profile', ann, 'photo', Buffer.from([0xff, 0xd8]), 'image/jpeg');
  await putDocument(storage, 'state', bob, 'bookmark', Buffer.from('page 9'), 'text/plain');
  return { own, shared };
}

t.test('an erasure takes everything of the person and nothing of others', async (t) => {
  const storage = await openTestStorage(t);
  const { own, shared } = await fill(storage);
  const erasures = service(storage);
  const before = await dump(storage);
  t.match(before, /ann@example\.org/);

  const receipt = await erasures.start(tenant, ann, { wait: 60_000 });
  t.match(receipt, {
    status: 'complete', dryRun: false, person: /^[0-9a-f]{64}$/, finishedAt: String, pages: 1,
    counts: { erased: 2, redacted: 1, attachments: 1, stateDocuments: 1, agentProfiles: 1 },
    erased: [uuid(1), uuid(5)], redacted: [uuid(3)], attachments: [own.sha2],
  });
  t.same(numbersOf(await findAll(storage.statements, tenant, { includeVoided: true })), [2, 3, 4, 6, 7]);
  const redacted = JSON.parse((await storage.statements.get(tenant, uuid(3)))!.text.toString()) as { context: { instructor: object }; stored: string; version: string };
  t.match(redacted, { context: { instructor: { objectType: 'Agent', account: { homePage: 'urn:quipu:erased', name: String } } }, stored: String, version: '2.0.0' });
  t.same(Object.keys(redacted.context.instructor), ['objectType', 'account'], 'the name is gone');
  t.equal(await storage.attachments.open(tenant, own.sha2), undefined);
  (await storage.attachments.open(tenant, shared.sha2))!.stream.destroy();
  t.same(await storage.canonical.names(tenant, agentIdentifier(ann)!), []);
  t.equal((await storage.documents.list(tenant, { resource: 'state', agent: agentIdentifier(bob)! })).length, 1);
  t.notMatch(await dump(storage), /ann@example\.org|Ann Example/, 'nothing names the person, receipts included');

  filesAreSilent(t, storage.directory);

  const again = await erasures.start(tenant, { mbox: 'mailto:ann@EXAMPLE.org' }, { wait: 60_000 });
  t.equal(again.person, receipt.person, 'the keyed hash shows that the same person was meant');
  t.match(again.counts, { erased: 0, redacted: 0, attachments: 0, stateDocuments: 0, agentProfiles: 0 });
  t.equal(await erasures.get('two', receipt.id), undefined, 'another tenant does not see the receipt');
});

/** Looks into the files of the store, where LevelDB may keep what no read finds any more. */
function filesAreSilent(t: Test, directory: string): void {
  const files = join(directory, 'store');
  for (const file of readdirSync(files)) t.notMatch(readFileSync(join(files, file)).toString('latin1'), /ann@example\.org|Ann Example/, `nothing in the file ${file}`);
}

t.test('of a person who has only a document, or nothing at all, nothing stays on the disk either', async (t) => {
  for (const documents of [true, false]) {
    const storage = await openTestStorage(t);
    await createTenantService(storage).ensure(tenant, 'One');
    if (documents) await putDocument(storage, 'state', ann, 'bookmark', Buffer.from('Ann Example is on page 7'), 'text/plain');
    const receipt = await service(storage).start(tenant, ann, { wait: 60_000 });
    t.match(receipt, { status: 'complete', counts: { erased: 0, stateDocuments: documents ? 1 : 0 } });
    filesAreSilent(t, storage.directory);
  }
});

t.test('a purge waits for the backup that still holds the data', async (t) => {
  const storage = await openTestStorage(t);
  await fill(storage);
  const backup = storage.backup.dump();
  await backup.next();
  const erasures = service(storage);
  const { id } = await erasures.start(tenant, ann, { wait: 300 });
  t.equal((await erasures.get(tenant, id))?.status, 'purging');
  await backup.return(undefined);
  await settled(erasures, id);
  filesAreSilent(t, storage.directory);
});

t.test('a dry run counts the same and changes nothing', async (t) => {
  const storage = await openTestStorage(t);
  await fill(storage);
  const erasures = service(storage);
  const dry = await erasures.start(tenant, ann, { dryRun: true, wait: 60_000 });
  t.equal(dry.status, 'complete');
  t.equal((await findAll(storage.statements, tenant, { includeVoided: true })).length, 7);
  const receipt = await erasures.start(tenant, ann, { wait: 60_000 });
  t.same(dry.counts, receipt.counts);
  t.same(dry.erased, receipt.erased);
});

t.test('many statements: pages of the receipt, and the other tenant untouched', async (t) => {
  const storage = await openTestStorage(t);
  await createTenantService(storage).ensure(tenant, 'One');
  for (let at = 0; at < 1300; at += 260) {
    const batch = Array.from({ length: 260 }, (_, index) => incoming(statement(at + index + 1, { actor: index % 2 ? ann : bob, ...(index % 10 === 0 && { context: { instructor: ann } }) })));
    await append(storage, ...batch);
    await storage.statements.append('two', batch);
  }
  const erasures = service(storage);
  const receipt = await erasures.start(tenant, ann, { wait: 60_000 });
  t.match(receipt.counts, { erased: 650, redacted: 130 });
  const ids = new Set<string>();
  for (let page = 1; page <= receipt.pages; page++) {
    const { erased, redacted } = (await erasures.page(tenant, receipt.id, page))!;
    for (const id of [...erased, ...redacted]) ids.add(id);
  }
  t.equal(ids.size, 780);
  t.equal(await erasures.page(tenant, receipt.id, receipt.pages + 1), undefined);
  t.equal(await storage.statements.count(tenant), 650);
  t.equal(await storage.statements.count('two'), 1300);
});

/** The stores with a power cut at the write of this number, before it is done or right after. */
function unreliable(storage: LevelStorage, cutAt: number, when: 'before' | 'after', lasting: boolean) {
  const power = { writes: 0, cuts: 0 };
  const cut = (): void => {
    power.cuts++;
    throw new Error('power cut');
  };
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    const number = ++power.writes;
    if (lasting && number > cutAt) cut();
    if (number === cutAt && when === 'before') cut();
    const result = await work();
    if (number === cutAt && when === 'after') cut();
    return result;
  };
  const watched = <T extends object>(target: T, ...writes: (keyof T)[]): T => new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name);
      if (!writes.includes(name as keyof T)) return value;
      return (...args: unknown[]) => write(async () => (value as (...args: unknown[]) => Promise<unknown>).apply(object, args));
    },
  });
  const stores = {
    statements: watched(storage.statements, 'erase', 'purge'), documents: watched(storage.documents, 'deleteAll'),
    attachments: watched(storage.attachments, 'delete'), canonical: watched(storage.canonical, 'forget'),
    records: { collection: <T extends object>(spec: CollectionSpec<T>) => watched(storage.records.collection(spec), 'insert', 'update', 'delete') },
  };
  return { power, stores };
}

t.test('cut off at any write, an erasure goes on after a restart and comes to the same end', async (t) => {
  let cutAt = 0;
  for (let cuts = 1; cuts > 0;) {
    cutAt++;
    for (const when of ['before', 'after'] as const) {
      const storage = await openTestStorage(t);
      const { own } = await fill(storage);
      const { power, stores } = unreliable(storage, cutAt, when, true);
      const first = openErasures(stores, storage.records);
      const begun = await first.start(tenant, ann).catch(() => undefined);
      while (begun && power.cuts === 0 && (await first.get(tenant, begun.id))?.status !== 'complete') await new Promise((resolve) => setTimeout(resolve, 2));
      await first.close();
      cuts = power.cuts;
      const second = service(storage);
      if (!begun) {
        const tried = await second.start(tenant, ann, { wait: 60_000 });
        t.equal(tried.status, 'complete');
        // The one whose answer was lost may be there as well.
        for (const { id } of await storage.records.collection({ name: 'erasures', indexes: [], unique: [] }).list(tenant)) await settled(second, id);
      } else {
        await settled(second, begun.id);
        const { finishedAt, ...receipt } = (await second.get(tenant, begun.id))!;
        t.match(receipt, { erased: [uuid(1), uuid(5)], redacted: [uuid(3)], attachments: [own.sha2] }, `write ${cutAt}, ${when}`);
        t.match(receipt.counts, { erased: 2, redacted: 1, attachments: 1 });
        t.ok(finishedAt);
      }
      t.same(numbersOf(await findAll(storage.statements, tenant, { includeVoided: true })), [2, 3, 4, 6, 7]);
      t.equal(await storage.attachments.has(tenant, own.sha2), false);
      t.notMatch(await dump(storage), /ann@example\.org|Ann Example/, `write ${cutAt}, ${when}: nothing names the person`);
      await second.close();
    }
  }
  t.ok(cutAt > 10, `${cutAt} writes were tried`);
});

t.test('what fails is tried again, and says meanwhile why it halts', async (t) => {
  const storage = await openTestStorage(t);
  await fill(storage);
  const { stores } = unreliable(storage, 6, 'before', false);
  const erasures = openErasures(stores, storage.records);
  const { id } = await erasures.start(tenant, ann);
  while ((await erasures.get(tenant, id))?.problem === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
  t.match(await erasures.get(tenant, id), { status: 'running', problem: /fault/ });
  await settled(erasures, id);
  t.match(await erasures.get(tenant, id), { status: 'complete', problem: undefined, counts: { erased: 2, redacted: 1 } });
});

t.test('of two processes one carries it out, and the other goes on with it when that one falls silent', async (t) => {
  const storage = await openTestStorage(t);
  await createTenantService(storage).ensure(tenant, 'One');
  for (let at = 0; at < 300; at += 100) await append(storage, ...Array.from({ length: 100 }, (_, index) => incoming(statement(at + index + 1, { actor: ann }))));
  let busy = 0;
  let silent = false;
  const calls = [0, 0];
  const statements = (number: 0 | 1): StatementStore => Object.assign(Object.create(storage.statements) as StatementStore, {
    erase: async (...args: Parameters<StatementStore['erase']>) => {
      t.equal(++busy, 1, 'one at a time');
      calls[number] = calls[number]! + 1;
      await storage.statements.erase(...args);
      busy--;
      // The first one is cut off from the store after its first page.
      silent ||= number === 0;
    },
  });
  const records: RecordStore = {
    collection: <T extends object>(spec: CollectionSpec<T>) => new Proxy(storage.records.collection(spec), {
      get: (target, name: keyof Collection<T>) => (...args: never[]) => {
        if (silent) return Promise.reject(new Error('the store is away'));
        return (target[name] as (...args: never[]) => unknown)(...args);
      },
    }),
  };
  const first = openErasures({ ...storage, records, statements: statements(0) }, records, 300);
  const begun = await first.start(tenant, ann);
  while (calls[0] === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  const second = openErasures({ ...storage, statements: statements(1) }, storage.records, 300);
  const ask = setInterval(() => void second.start(tenant, bob, { dryRun: true }), 100);
  await settled(second, begun.id);
  clearInterval(ask);
  t.match((await second.get(tenant, begun.id))?.counts, { erased: 300 });
  t.same(numbersOf(await findAll(storage.statements, tenant, { includeVoided: true })), []);
  t.ok(calls[1]! > 0, 'the second went on');
  await second.close();
  await first.close();
});

t.test('statements that arrive while it runs are taken too', async (t) => {
  const storage = await openTestStorage(t);
  await fill(storage);
  let late = 20;
  const busy: StatementStore = Object.assign(Object.create(storage.statements) as StatementStore, {
    erase: async (...args: Parameters<StatementStore['erase']>) => {
      if (late < 23) await append(storage, incoming(statement(late++, { actor: ann })));
      await storage.statements.erase(...args);
    },
  });
  const receipt = await service(storage, busy).start(tenant, ann, { wait: 60_000 });
  t.equal(receipt.counts.erased, 5);
  t.notMatch(await dump(storage), /ann@example\.org/);
});

t.test('an export holds statements, attachments and documents and says that it is complete', async (t) => {
  const storage = await openTestStorage(t);
  const { own, shared } = await fill(storage);
  const big = Buffer.alloc(300_001, 7);
  const large = await attach(storage, big);
  await append(storage, incoming(statement(8, { actor: ann, attachments: [large, shared] })));
  let text = '';
  for await (const part of createExportService({ ...storage, featureRecords: noRecords }).export(tenant, ann)) text += part;
  const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as { kind: string; [key: string]: unknown });
  const of = (kind: string) => lines.filter((line) => line.kind === kind);
  t.same(of('statement').map((line) => [(line['statement'] as { id: string }).id, line['voided']]), [[uuid(1), false], [uuid(3), false], [uuid(5), true], [uuid(8), false]]);
  t.match(of('statement')[0], { statement: { stored: String, authority: Object } });
  t.same(of('attachment').map(({ sha2 }) => sha2), [own.sha2, shared.sha2, large.sha2], 'each once, after the first statement that names it');
  t.ok(Buffer.from(of('attachment')[2]!['content'] as string, 'base64').equals(big));
  t.match(of('document'), [
    { resource: 'state', id: 'bookmark', contentType: 'text/plain', content: 'page 7' },
    { resource: 'agent-profile', id: 'photo', contentType: 'image/jpeg', contentBase64: '/9g=' },
  ]);
  t.same(lines.at(-1), { kind: 'end', statements: 4, documents: 2, attachments: 3, records: 0 });
  t.notMatch(text, /page 9/);

  text = '';
  for await (const part of createExportService({ ...storage, featureRecords: noRecords }).export(tenant, { mbox: 'mailto:nobody@example.org' })) text += part;
  t.same(JSON.parse(text), { kind: 'end', statements: 0, documents: 0, attachments: 0, records: 0 });
});
