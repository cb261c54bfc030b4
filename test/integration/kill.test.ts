import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createRandom } from '../contract/random.js';
import { createLedger, createLoad, documentQuery, type Batch, type Ledger, type SentStatement } from './kill-load.js';
import { startProcess, type ServerProcess } from './server-process.js';

const KILLS = 22;
const WORKERS = 8;
const seed = Number(process.env.QUIPU_KILL_SEED ?? Date.now() % 1e6);

interface StoredText extends SentStatement {
  stored: string;
}

t.setTimeout(240_000);

t.test(`kill -9 under load loses nothing that was answered (QUIPU_KILL_SEED=${seed})`, { timeout: 240_000 }, async (t) => {
  const random = createRandom(seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'quipu-kill-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const ledger = createLedger();
  let checked = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const server = await startProcess(dataDir);
    await checkBatches(t, server, ledger.batches.slice(checked), `before kill ${kill}`);
    await checkDocuments(t, server, ledger, `before kill ${kill}`);
    checked = ledger.batches.length;
    const load = createLoad(server, ledger, random);
    const running = load.run(WORKERS);
    await new Promise((resolve) => setTimeout(resolve, 20 + random.below(450)));
    await server.kill();
    await running;
    t.same(load.failures, [], `kill ${kill}: nothing was refused`);
  }

  const server = await startProcess(dataDir);
  t.same(await readdir(join(dataDir, 'attachments', 'incoming')), [], 'no half-received attachment is left');
  await checkBatches(t, server, ledger.batches, 'at the end');
  await checkDocuments(t, server, ledger, 'at the end');
  const listed = await checkEverything(t, server, ledger);
  await checkFeed(t, server, listed);
  await checkLateTargets(t, server, ledger, new Set(listed.map(({ id }) => id)));
  t.comment(`${ledger.batches.length} writes, ${listed.length} statements, ${ledger.voids.size} voided`);
  t.equal(await server.stop(), 0, 'it stops by SIGTERM as if nothing had been');
});

/** Each statement of each batch by its id: an answered batch is there exactly, any other whole or not at all. */
async function checkBatches(t: Test, server: ServerProcess, batches: Batch[], when: string): Promise<void> {
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

async function find(server: ServerProcess, id: string): Promise<StoredText | undefined> {
  for (const parameter of ['statementId', 'voidedStatementId']) {
    const answer = await server.request('statements', { query: { [parameter]: id } });
    if (answer.status === 200) return answer.json<StoredText>();
    if (answer.status !== 404) throw new Error(`${answer.status} ${answer.text}`);
  }
  return undefined;
}

async function checkAttachments(server: ServerProcess, batch: Batch, faults: string[]): Promise<void> {
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

async function checkDocuments(t: Test, server: ServerProcess, ledger: Ledger, when: string): Promise<void> {
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
async function checkEverything(t: Test, server: ServerProcess, ledger: Ledger): Promise<StoredText[]> {
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

/** The feed from its beginning: the same statements in the same order, at growing positions that leave none out but voided ones. */
async function checkFeed(t: Test, server: ServerProcess, listed: StoredText[]): Promise<void> {
  const events: { position: number; id: string }[] = [];
  await new Promise<void>((resolve, reject) => {
    const request = get(`${server.url}/v1/statements/live`, { headers: { Authorization: server.authorization, 'Last-Event-ID': '0' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const matched = /^id: (\d+)\nevent: statement\ndata: (.*)$/.exec(text.slice(0, end));
          if (matched) events.push({ position: Number(matched[1]), id: (JSON.parse(matched[2]!) as StoredText).id });
          text = text.slice(end + 2);
        }
        if (events.length >= listed.length) {
          request.destroy();
          resolve();
        }
      });
      answer.on('error', () => undefined);
    });
    request.on('error', reject);
    setTimeout(resolve, 20_000).unref();
  });
  t.same(events.map(({ id }) => id), listed.map(({ id }) => id), 'the feed tells the same statements in the same order');
  t.ok(events.every(({ position }, at) => at === 0 || position > events[at - 1]!.position), 'its positions grow');
  const { statements } = (await server.request('/v1/tenants/default/statistics')).json<{ statements: number }>();
  t.ok((events.at(-1)?.position ?? 0) <= statements, 'no position was used up by a write that is not there');
}

/** What was cut off while references were brought up to date was finished at the next start. */
async function checkLateTargets(t: Test, server: ServerProcess, ledger: Ledger, present: Set<string>): Promise<void> {
  const faults: string[] = [];
  await inSlices(ledger.late.filter(({ target }) => present.has(target)), async ({ activity, target, reference }) => {
    const { statements } = (await server.request('statements', { query: { activity } })).json<{ statements: StoredText[] }>();
    const found = statements.map(({ id }) => id).sort();
    if (JSON.stringify(found) !== JSON.stringify([target, reference].sort())) faults.push(`${activity} finds ${found.length}`);
  });
  t.same(faults, [], 'references are found by their late targets');
}

async function inSlices<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += 16) await Promise.all(items.slice(at, at + 16).map(work));
}
