import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, statfs, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { documentQuery, multipart } from './kill-load.js';
import { startProcess, type ServerProcess } from './server-process.js';

t.setTimeout(240_000);

const MIB = 1024 * 1024;

/** Mounts a small disk; undefined where that is not allowed, which is no excuse for CI. */
async function smallDisk(t: Test, bytes: number): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'quipu-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    await rm(path, { recursive: true });
    if (process.env.CI !== undefined && process.env.CI !== 'false') throw new Error('CI has to run where tmpfs can be mounted', { cause: error });
    return undefined;
  }
  t.teardown(async () => {
    execFileSync('umount', ['-l', path]);
    await rm(path, { recursive: true, force: true });
  });
  return path;
}

interface Sent {
  id: string;
  response: string;
}

/** Sends statements and documents until `enough`; gives back what was answered with success. Refusals have to be 507 or 503. */
async function load(t: Test, server: ServerProcess, answered: { statements: Sent[]; documents: Map<string, string> }, enough: (refusals: number) => boolean | Promise<boolean>): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let refusals = 0;
  const count = (status: number): void => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status >= 300) refusals++;
  };
  const work = async (worker: number): Promise<void> => {
    for (let round = 0; !await enough(refusals); round++) {
      const batch = Array.from({ length: 5 }, (): Sent => ({ id: randomUUID(), response: randomBytes(6000).toString('base64') }));
      const sent = batch.map(({ id, response }) => ({ id, actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/thing' }, result: { response } }));
      const answer = await server.request('statements', { method: 'POST', body: sent });
      count(answer.status);
      if (answer.status === 200) answered.statements.push(...batch);
      else if (answer.status >= 500 && answer.headers['retry-after'] === undefined) t.fail(`a refusal without Retry-After: ${answer.text}`);
      if (round % 4 === 0) {
        const stateId = `${worker}-${round % 7}`;
        const content = JSON.stringify({ text: randomBytes(3000).toString('base64') });
        const put = await server.request('activities/state', { method: 'PUT', version: '1.0.3', query: documentQuery(stateId), body: content, headers: { 'Content-Type': 'application/json' } });
        count(put.status);
        if (put.status === 204) answered.documents.set(stateId, content);
      }
      if (answer.status !== 200) await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  await Promise.all([0, 1, 2, 3].map(work));
  t.same([...statuses.keys()].filter((status) => ![200, 204, 503, 507].includes(status)), [], `no answer but success and 503 or 507: ${JSON.stringify([...statuses])}`);
  return statuses;
}

async function checkAll(t: Test, server: ServerProcess, answered: { statements: Sent[]; documents: Map<string, string> }, when: string): Promise<void> {
  let lost = 0;
  for (let at = 0; at < answered.statements.length; at += 20) {
    await Promise.all(answered.statements.slice(at, at + 20).map(async ({ id, response }) => {
      const answer = await server.request('statements', { query: { statementId: id } });
      if (answer.status !== 200 || answer.json<{ result: { response: string } }>().result.response !== response) lost++;
    }));
  }
  t.equal(lost, 0, `${when}: all ${answered.statements.length} statements that were answered are there`);
  for (const [stateId, content] of answered.documents) {
    const { text } = await server.request('activities/state', { query: documentQuery(stateId) });
    if (text !== content) t.fail(`${when}: the document ${stateId} is another`);
  }
}

/** Takes what room is left, but for `leave` bytes. */
async function fill(disk: string, leave: number): Promise<string> {
  const file = join(disk, 'ballast');
  const { bavail, bsize } = await statfs(disk);
  await writeFile(file, Buffer.alloc(Math.max(0, bavail * bsize - leave)));
  return file;
}

async function scenario(t: Test, minFreeBytes: number): Promise<void> {
  const disk = await smallDisk(t, 160 * MIB);
  if (disk === undefined) return void t.pass('SKIPPED: no tmpfs can be mounted here', { skip: 'no tmpfs can be mounted here' });
  const dataDir = join(disk, 'data');
  const server = await startProcess(dataDir, { QUIPU_MIN_FREE_BYTES: String(minFreeBytes) });
  t.teardown(() => server.kill());
  const answered = { statements: [] as Sent[], documents: new Map<string, string>() };

  await load(t, server, answered, () => answered.statements.length >= 300);
  let ballast = await fill(disk, minFreeBytes + 6 * MIB);
  const full = await load(t, server, answered, (refusals) => refusals > 40);
  t.ok(full.has(507), 'a full disk is answered 507');
  await appendFile(ballast, Buffer.alloc(2 * MIB)).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 600));

  t.equal((await server.request('statements', { query: { limit: 10 } })).status, 200, 'reads go on');
  t.equal((await server.request('statements', { query: { statementId: answered.statements[0]!.id } })).status, 200, 'by id, too');
  const attachment = Buffer.alloc(MIB, 'a');
  const upload = await server.request('statements', { method: 'POST', body: multipart({}, new Map([['0'.repeat(64), attachment]])), headers: { 'Content-Type': 'multipart/mixed; boundary=load' } });
  t.equal(upload.status, 507, 'an attachment finds no room');
  t.same(await readdir(join(dataDir, 'attachments', 'incoming')), [], 'leaves no file');
  await checkAll(t, server, answered, 'while the disk is full');

  await unlink(ballast);
  const freed = Date.now();
  const before = answered.statements.length;
  await load(t, server, answered, () => answered.statements.length > before + 100 || Date.now() - freed > 20_000);
  t.ok(answered.statements.length > before + 100, `when there is room, ingest goes on by itself, after ${Date.now() - freed} ms`);

  ballast = await fill(disk, minFreeBytes + 3 * MIB);
  await load(t, server, answered, (refusals) => refusals > 20);
  await unlink(ballast);
  const again = answered.statements.length;
  const since = Date.now();
  await load(t, server, answered, () => answered.statements.length > again + 50 || Date.now() - since > 20_000);
  t.ok(answered.statements.length > again + 50, 'a second time as well');
  await checkAll(t, server, answered, 'afterwards');

  t.equal(await server.stop(), 0);
  const next = await startProcess(dataDir, { QUIPU_MIN_FREE_BYTES: String(minFreeBytes) });
  t.teardown(() => next.kill());
  await checkAll(t, next, answered, 'after a restart');
}

t.test('a disk with less room than QUIPU_MIN_FREE_BYTES', (t) => scenario(t, 40 * MIB));
t.test('a disk without any room (ENOSPC)', (t) => scenario(t, 0));
