import type { DocumentStore } from '../documents/store.js';
import type { AttachmentStore } from '../statements/attachment-store.js';
import type { CanonicalStore, Erasure, StatementStore } from '../statements/store.js';
import { attachmentsOf } from '../xapi/attachments.js';
import type { Actor, Statement } from '../xapi/types.js';
import type { ErasureCounts, ErasurePage, ErasureRecord, ErasureRecords } from './erasure-records.js';
import type { FeatureRecords, RecordSlice, SliceOptions } from './feature-records.js';
import { createPerson, judgeStatement, type Person } from './person.js';

/** The stores that hold data of persons. */
export interface PersonStores {
  statements: StatementStore;
  canonical: CanonicalStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  featureRecords: FeatureRecords;
}

/** Which erasure, on which stores. */
export interface ErasureWalk {
  stores: PersonStores;
  records: ErasureRecords;
  tenant: string;
  id: string;
  /** Makes a new state of the erasure durable. */
  save(state: ErasureRecord): Promise<void>;
  /** Says whether to leave off; the erasure goes on from there another time. */
  stopping(): boolean;
}

/** Home page of the account that stands in the place of an erased person; the account's name is new with every erasure. */
export const erasedHomePage = 'urn:quipu:erased';

const pageStatements = 100;
const pageBytes = 4 << 20;
/** Walks that follow each other while statements of the person keep arriving. */
const mostWalks = 10;

/**
 * Takes one erasure from where it is to its end, or until it is to stop. Every step can be done twice: what a page is
 * about is written down before anything goes, and after a crash it is gathered again and united with what was written.
 */
export async function walkErasure(erasure: ErasureWalk, start: ErasureRecord): Promise<void> {
  const { stores, records, tenant, id } = erasure;
  let state = start;
  const update = (change: Partial<ErasureRecord>): Promise<void> => erasure.save((state = { ...state, ...change }));

  /** Does a stage that is about records of features. @returns false when it is to stop before the end */
  async function takeRecords(take: (options: SliceOptions) => Promise<RecordSlice>): Promise<boolean> {
    do {
      if (erasure.stopping()) return false;
      const { count, after } = await take({ dryRun: state.dryRun, after: state.recordsAfter });
      await update({ counts: { ...state.counts, records: state.counts.records + count }, recordsAfter: after });
    } while (state.recordsAfter !== undefined);
    return true;
  }

  if (state.status === 'running') {
    const agent = state.agent ?? (await records.subjects.get(tenant, id))?.value.agent;
    if (!agent) {
      // A crash cut its beginning off: nobody was told of it and nothing was done.
      await records.erasures.delete(tenant, id);
      return;
    }
    const person = createPerson(agent);
    if (state.stage === undefined) {
      // First of all: what they have under way would go on to store statements.
      if (!await takeRecords((options) => stores.featureRecords.eraseOwn(tenant, person.identifiers, options))) return;
      if (!state.dryRun) await stores.featureRecords.settle(tenant);
      await update({ stage: 'statements' });
    }
    for (let walks = 1; state.stage === 'statements'; walks++) {
      // What another process has answered may stand in no list yet.
      await stores.statements.settled(tenant);
      for (let more = true; more;) {
        if (erasure.stopping()) return;
        const step = await takePage(erasure, state, person);
        more = step.cursor !== undefined;
        await update(step);
      }
      if (state.dryRun || !state.changed || walks >= mostWalks) break;
      await update({ changed: false });
    }
    await update({ stage: 'mentions' });
    if (!await takeRecords((options) => stores.featureRecords.eraseMentions(tenant, person.identifiers, options))) return;
    await update({ counts: { ...state.counts, ...(await forgetElsewhere(erasure, state, person)) } });
    await update({ status: 'purging', agent: undefined });
  }
  await records.subjects.delete(tenant, id);
  if (!state.dryRun) {
    await stores.statements.purge(tenant);
    // The server's own records: features keep there what they look up before they know its tenant.
    await stores.statements.purge('');
  }
  await update({ status: 'complete', finishedAt: new Date().toISOString() });
}

/** Erases and redacts one page of statements. @returns how the state changes; without a cursor the walk has reached its end */
async function takePage({ stores, records, tenant, id }: ErasureWalk, state: ErasureRecord, person: Person): Promise<Partial<ErasureRecord>> {
  const found = await stores.statements.find(tenant, {
    filters: person.filter, ascending: true, limit: pageStatements, maxBytes: pageBytes, cursor: state.cursor, includeVoided: true,
  });
  if (state.cursor === undefined && !state.dryRun) await stores.featureRecords.settle(tenant);
  const { erase, redact, attachments } = judgePage(found.statements.map(({ text }) => text), state, person);
  const pageId = records.pageId(id, state.pages + 1);
  const unfinished = await records.pages.get(tenant, pageId);
  const page: ErasurePage = {
    erased: union(unfinished?.value.erased, erase),
    redacted: union(unfinished?.value.redacted, redact.map((one) => one.id)),
    attachments: union(unfinished?.value.attachments, await withBytes(stores.attachments, tenant, attachments)),
  };
  if (page.erased.length + page.redacted.length === 0) return { cursor: found.next };
  await put(records, tenant, pageId, page);
  if (!state.dryRun) await stores.statements.erase(tenant, { erase: page.erased, redact });
  page.attachments = await unused(stores, tenant, page.attachments, new Set(state.dryRun ? page.erased : []));
  if (!state.dryRun) {
    for (const sha2 of page.attachments) await stores.attachments.delete(tenant, sha2, async () => (await unused(stores, tenant, [sha2], new Set())).length === 0);
  }
  await put(records, tenant, pageId, page);
  const counts: ErasureCounts = {
    ...state.counts,
    erased: state.counts.erased + page.erased.length,
    redacted: state.counts.redacted + page.redacted.length,
    attachments: state.counts.attachments + page.attachments.length,
  };
  return { cursor: found.next, changed: true, pages: state.pages + 1, counts };
}

function judgePage(texts: Buffer[], { pseudonym }: ErasureRecord, person: Person): Erasure & { attachments: string[] } {
  const replacement: Actor = { objectType: 'Agent', account: { homePage: erasedHomePage, name: pseudonym } };
  const judged: Erasure & { attachments: string[] } = { erase: [], redact: [], attachments: [] };
  for (const text of texts) {
    const value = JSON.parse(text.toString('utf8')) as Statement;
    const id = String(value.id).toLowerCase();
    const verdict = judgeStatement(value, person, replacement);
    if (verdict === 'unrelated') continue;
    if (verdict === 'erase') {
      judged.erase.push(id);
      judged.attachments.push(...attachmentsOf(value).map(({ sha2 }) => sha2));
    } else {
      judged.redact.push({ id, text: JSON.stringify(verdict.redacted), value: verdict.redacted });
    }
  }
  return judged;
}

/** Deletes the person's documents and names. @returns the counts of documents */
async function forgetElsewhere({ stores, tenant }: ErasureWalk, { dryRun }: ErasureRecord, { identifiers }: Person): Promise<Partial<ErasureCounts>> {
  const counts = { stateDocuments: 0, agentProfiles: 0 };
  const remove = async (resource: 'state' | 'agent-profile', agent: string): Promise<number> => (dryRun
    ? (await stores.documents.list(tenant, { resource, agent })).length
    : stores.documents.deleteAll(tenant, { resource, agent }));
  for (const identifier of identifiers) {
    counts.stateDocuments += await remove('state', identifier);
    counts.agentProfiles += await remove('agent-profile', identifier);
    if (!dryRun) await stores.canonical.forget(tenant, identifier);
  }
  return counts;
}

/** Those whose bytes are here and not only at a fileUrl. */
async function withBytes(attachments: AttachmentStore, tenant: string, hashes: string[]): Promise<string[]> {
  const present: string[] = [];
  for (const sha2 of new Set(hashes)) if (await attachments.has(tenant, sha2)) present.push(sha2);
  return present;
}

/** Those that no statement names but the ones that go. */
async function unused({ statements }: PersonStores, tenant: string, hashes: string[], going: ReadonlySet<string>): Promise<string[]> {
  const free: string[] = [];
  for (const sha2 of hashes) {
    const { statements: naming } = await statements.find(tenant, { filters: [[`H${sha2}`]], ascending: true, limit: going.size + 1, includeVoided: true });
    if (naming.every(({ id }) => going.has(id))) free.push(sha2);
  }
  return free;
}

async function put({ pages }: ErasureRecords, tenant: string, id: string, page: ErasurePage): Promise<void> {
  const known = await pages.get(tenant, id);
  if (known) await pages.update(tenant, id, page, known.version);
  else await pages.insert(tenant, id, page);
}

function union(before: string[] | undefined, now: string[]): string[] {
  return [...new Set([...(before ?? []), ...now])];
}
