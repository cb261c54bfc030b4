import type { Test } from 'tap';
import { documentQuery, type Batch, type Ledger, type LoadTarget, type SentStatement } from './kill-load.js';

/** A statement as it is answered. */
export interface StoredText extends SentStatement {
  stored: string;
}

/** Each statement of each batch by its id: an answered batch is there exactly, any other whole or not at all. */
export async function checkBatches(t: Test, server: LoadTarget, batches: Batch[], when: string): Promise<void> {
  const faults: string[] = [];
  await inSlices(batches, async (batch) => {
    const found = await Promise.all(batch.statements.map((sent) => find(server, sent.id)));
    const count = found.filter((one) => one !== undefined).length;
    if (count !== batch.statements.length && (batch.answered || count > 0)) faults.push(`${count} of ${batch.statements.length} are there, answered: ${batch.answered}`);
    for (const [at, one] of found.entries()) if (one && !isAsSent(one, batch.statements[at]!)) faults.push(`statement ${one.id} has another content`);
    if (count > 0 && batch.attachments.size > 0) await checkAttachments(server, batch, faults);
  });
  t.same(faults, [], `${when}: ${batches.length} writes are as answered`);
}

async function find(server: LoadTarget, id: string): Promise<StoredText | undefined> {
  for (const parameter of ['statementId', 'voidedStatementId']) {
    const answer = await server.request('statements', { query: { [parameter]: id } });
    if (answer.status === 200) return answer.json<StoredText>();
    if (answer.status !== 404) throw new Error(`${answer.status} ${answer.text}`);
  }
  return undefined;
}

async function checkAttachments(server: LoadTarget, batch: Batch, faults: string[]): Promise<void> {
  for (const { id } of batch.statements) {
    const answer = await server.request('statements', { query: { statementId: id, attachments: true } });
    for (const [sha2, bytes] of batch.attachments) {
      if (!answer.bytes.includes(bytes)) faults.push(`the attachment ${sha2} of ${id} is not there`);
    }
  }
}

function isAsSent(found: StoredText, sent: SentStatement): boolean {
  return Object.entries(sent).every(([name, value]) => JSON.stringify(found[name]) === JSON.stringify(value));
}

/** Each document is as the last answered write left it, or as one that was under way did. */
export async function checkDocuments(t: Test, server: LoadTarget, ledger: Ledger, when: string): Promise<void> {
  const faults: string[] = [];
  await inSlices([...ledger.documents.values()], async (state) => {
    const answer = await server.request('activities/state', { query: documentQuery(state.stateId) });
    const content = answer.status === 404 ? undefined : answer.text;
    if (!state.possible.includes(content)) faults.push(`${state.stateId}: ${content?.slice(0, 60)} and not ${state.possible.at(-1)?.slice(0, 60)}`);
    state.possible = [content];
  });
  t.same(faults, [], `${when}: ${ledger.documents.size} documents are as answered`);
}

/** The whole list, page after page: nothing twice, nothing that was never sent, in the order of `stored`; voided ones left out. */
export async function checkEverything(t: Test, server: LoadTarget, ledger: Ledger): Promise<StoredText[]> {
  const sent = new Set(ledger.batches.flatMap(({ statements }) => statements.map(({ id }) => id)));
  const listed: StoredText[] = [];
  for (let more = '/xapi/statements?ascending=true&limit=500'; more !== '';) {
    const page: { statements: StoredText[]; more: string } = (await server.request(more)).json();
    listed.push(...page.statements);
    more = page.more;
  }
  const ids = new Set(listed.map(({ id }) => id));
  t.equal(ids.size, listed.length, 'no statement is there twice');
  t.same([...ids].filter((id) => !sent.has(id)), [], 'nothing is there that was never sent');
  t.ok(listed.every(({ stored }, at) => at === 0 || stored >= listed[at - 1]!.stored), 'stored never goes backwards');
  t.same([...ledger.voids].filter(([id, answered]) => answered && ids.has(id)), [], 'what an answered statement voided is voided');

  let voided = 0;
  for (const id of ledger.voids.keys()) if (!ids.has(id)) voided++;
  const statistics = (await server.request('/v1/tenants/default/statistics')).json<{ statements: number; attachments: { count: number } }>();
  t.equal(statistics.statements, listed.length + voided, 'the count is that of the statements');
  const attachments = ledger.batches.filter(({ statements, attachments }) => attachments.size > 0 && ids.has(statements[0]!.id)).length;
  t.ok(statistics.attachments.count >= attachments, 'every attachment has its file');
  return listed;
}

/** What was cut off while references were brought up to date was finished later. */
export async function checkLateTargets(t: Test, server: LoadTarget, ledger: Ledger, present: Set<string>): Promise<void> {
  const faults: string[] = [];
  await inSlices(ledger.late.filter(({ target, reference }) => present.has(target) && present.has(reference)), async ({ activity, target, reference }) => {
    const { statements } = (await server.request('statements', { query: { activity } })).json<{ statements: StoredText[] }>();
    const found = statements.map(({ id }) => id).sort();
    if (JSON.stringify(found) !== JSON.stringify([target, reference].sort())) faults.push(`${activity} finds ${found.length}`);
  });
  t.same(faults, [], 'references are found by their late targets');
}

async function inSlices<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 16) await Promise.all(items.slice(at, at + 16).map(work));
}
