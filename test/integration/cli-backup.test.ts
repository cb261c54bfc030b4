import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runCommand, startCommand } from './command.js';
import { startProcess } from './server-process.js';

const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.setTimeout(240_000);
t.teardown(() => rm(folder, { recursive: true, force: true }));
const source = join(folder, 'source');
const backup = join(folder, 'backup.tar');
const bytes = Buffer.from('an attachment '.repeat(6000));
const sha2 = createHash('sha256').update(bytes).digest('hex');

const statement = (number: number): object => ({
  id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`, actor: { mbox: 'mailto:a@example.org' }, verb: { id: 'http://example.org/did' }, object: { id: `http://example.org/${number}` },
});

t.test('a backup of a running server holds what was answered before, and restores to the same', async (t) => {
  const server = await startProcess(source);
  const post = (body: unknown) => server.request('statements', { method: 'POST', version: '1.0.3', body });
  for (let from = 0; from < 5000; from += 500) {
    const answer = await post(Array.from({ length: 500 }, (_, index) => statement(from + index)));
    t.equal(answer.status, 200, answer.text);
  }
  const withFile = JSON.stringify({ ...statement(9000), attachments: [{ usageType: 'http://example.org/u', display: { en: 'f' }, contentType: 'text/plain', length: bytes.length, sha2 }] });
  const lines = `{"quipu:attachment":${JSON.stringify({ sha2, contentType: 'text/plain', offset: 0, length: bytes.length, last: true, base64: bytes.toString('base64') })}}\n${withFile}`;
  t.match((await server.request('/v1/statements/import', { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: lines })).json(), { stored: 1 });
  const state = { activityId: 'http://example.org/a', agent: { mbox: 'mailto:a@example.org' }, stateId: 's' };
  t.equal((await server.request('activities/state', { method: 'PUT', query: state, body: { at: 3 } })).status, 204);

  let writing = true;
  const writer = (async () => {
    let number = 10_000;
    while (writing) await post(statement(number++));
    return number;
  })();
  const made = await runCommand(source, ['backup', backup]);
  writing = false;
  await writer;
  t.equal(made.status, 0, made.stderr);
  const before = await server.request('/xapi/statements', { query: { limit: 0, ascending: true } });
  await server.stop();

  const target = join(folder, 'restored');
  const restored = await runCommand(target, ['restore', backup]);
  t.equal(restored.status, 0, restored.stderr);
  t.match(restored.stderr, /1 attachments/);
  t.same((await readdir(target)).sort(), ['attachments', 'content', 'store']);
  const again = await startProcess(target);
  t.equal((await again.request('/xapi/statements', { query: { limit: 0, ascending: true } })).json<{ statements: object[] }>().statements.length, before.json<{ statements: object[] }>().statements.length);
  t.same((await again.request('activities/state', { query: state })).json(), { at: 3 });
  const page = await again.request('statements', { query: { statementId: '00000000-0000-4000-8000-000000009000', attachments: true } });
  t.match(page.text, 'an attachment');
  t.equal((await again.request('statements', { method: 'POST', body: statement(20_000) })).status, 200, 'positions go on');
  await again.stop();

  const third = await runCommand(target, ['restore', backup]);
  t.equal(third.status, 1);
  t.match(third.stderr, /not empty/);
});

t.test('a backup that was cut off or changed is not restored, and leaves nothing', async (t) => {
  const whole = await readFile(backup);
  const target = join(folder, 'damaged');
  const faulty = async (content: Buffer, message: RegExp): Promise<void> => {
    const file = join(folder, 'damaged.tar');
    await writeFile(file, content);
    const { status, stderr } = await runCommand(target, ['restore', file]);
    t.equal(status, 1);
    t.match(stderr, message);
    t.same(await readdir(target), []);
  };
  await faulty(whole.subarray(0, whole.length / 2), /cut off/);
  await faulty(whole.subarray(0, 100), /cut off/);
  await faulty(Buffer.alloc(0), /empty/);
  const totals = whole.lastIndexOf('totals.json');
  await faulty(Buffer.concat([whole.subarray(0, totals), Buffer.alloc(1024)]), /its last entry, with the totals, is missing/);
  const changed = Buffer.from(whole);
  const at = changed.indexOf('mailto:a@example.org', 2048);
  changed[at + 7] = 0x62;
  await faulty(changed, /damaged: its totals/);
  const attachment = Buffer.from(whole);
  attachment[attachment.lastIndexOf('an attachment')] = 0x41;
  await faulty(attachment, /SHA256/);
  const newer = Buffer.from(whole);
  newer.write('"layout":9', newer.indexOf('"layout":2'));
  await faulty(newer, /newer Quipu/);
  await faulty(Buffer.from('no tar at all'.repeat(200)), /cut off or damaged|not a backup/);
});

t.test('an interrupted restore begins anew', async (t) => {
  const target = join(folder, 'interrupted');
  await mkdir(join(target, '.restoring', 'store'), { recursive: true });
  await mkdir(join(target, 'attachments'));
  const { status, stderr } = await runCommand(target, ['restore', backup]);
  t.equal(status, 0, stderr);
  t.same((await readdir(target)).sort(), ['attachments', 'content', 'store']);
});

t.test('a backup of a store without server; one that breaks off leaves no file', async (t) => {
  const file = join(folder, 'second.tar.gz');
  const { status, stderr } = await runCommand(source, ['backup', file]);
  t.equal(status, 0, stderr);
  const target = join(folder, 'from-second');
  const restored = await runCommand(target, ['restore', '-'], { input: await readFile(file) });
  t.equal(restored.status, 0, restored.stderr);
  const ids = async (dir: string): Promise<string[]> => (await runCommand(dir, ['export', '-'])).stdout.split('\n');
  t.same(await ids(target), await ids(source));

  const server = await startProcess(source);
  const broken = join(folder, 'broken.tar');
  const { child, result } = startCommand(source, ['backup', broken]);
  child.kill('SIGTERM');
  await result;
  t.notOk((await readdir(folder)).includes('broken.tar'));
  const forbidden = await server.request('/v1/backup', { key: (await server.request('/v1/keys', { method: 'POST', body: { name: 't', scopes: ['tenant-admin'] } })).json() });
  t.equal(forbidden.status, 403);
  await server.stop();
});
