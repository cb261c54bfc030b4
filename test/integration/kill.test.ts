import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createRandom } from '../contract/random.js';
import { checkBatches, checkDocuments, checkEverything, checkLateTargets, type StoredText } from './kill-checks.js';
import { createLedger, createLoad } from './kill-load.js';
import { startProcess, type ServerProcess } from './server-process.js';

const KILLS = 22;
const WORKERS = 8;
const seed = Number(process.env.QUIPU_KILL_SEED ?? Date.now() % 1e6);

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
