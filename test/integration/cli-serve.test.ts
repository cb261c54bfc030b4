import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { FORMAT } from '../../src/storage/leveldb/migrations.js';
import { runCommand, startCommand } from './command.js';

const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.setTimeout(240_000);
t.teardown(() => rm(folder, { recursive: true, force: true }));
const dataDir = join(folder, 'data');

async function started(dir: string): Promise<{ child: ReturnType<typeof startCommand>['child']; result: ReturnType<typeof startCommand>['result']; printed: string }> {
  const { child, result } = startCommand(dir, ['serve']);
  let printed = '';
  child.stdout!.on('data', (text: string) => { printed += text; });
  await once(child.stdout!, 'data');
  return { child, result, printed };
}

t.test('the first start prints a credential and a curl line that works; later ones print neither', async (t) => {
  const first = await started(dataDir);
  const curl = first.printed.split('\n').find((line) => line.startsWith('curl '))!;
  const { stdout } = await promisify(execFile)('sh', ['-c', `${curl} -s`]);
  t.match(JSON.parse(stdout), [/^[0-9a-f-]{36}$/]);
  const secret = /Secret: +(\S+)/.exec(first.printed)![1]!;
  first.child.kill('SIGTERM');
  t.equal((await first.result).status, 0);

  const second = await started(dataDir);
  t.match(second.printed, /Endpoint: http:\/\/127\.0\.0\.1:\d+\/xapi/);
  t.notMatch(second.printed, secret);
  t.notMatch(second.printed, /curl|Secret/);
  second.child.kill('SIGINT');
  t.equal((await second.result).status, 0);
});

t.test('help names every command, and a word that is none is refused', async (t) => {
  const { status, stdout } = await runCommand(dataDir, ['--help']);
  t.equal(status, 0);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*\S/gm)].map(([, name]) => name!);
  t.strictSame(commands, ['serve', 'import', 'export', 'backup', 'restore', 'migrate', 'keys', 'tenants', 'analytics', 'consumers', 'courses', 'doctor', 'help']);
  for (const name of commands) {
    const help = await runCommand(dataDir, [name, '--help']);
    t.match(help, { status: 0, stdout: name === 'help' ? 'Usage: quipu' : `Usage: quipu ${name}` }, name);
  }
  t.match(await runCommand(dataDir, ['sevre']), { status: 1, stderr: /unknown command 'sevre'.*\n?.*Did you mean serve/ });
  t.match(await runCommand(dataDir, ['help', 'keys']), { status: 0, stdout: 'Usage: quipu keys' });
});

t.test('a second signal ends at once', async (t) => {
  const { child, result } = await started(dataDir);
  const { url } = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as { url: string };
  const open = fetch(`${url}/xapi/statements`, { method: 'POST', body: new ReadableStream({ start: () => undefined }), duplex: 'half' } as RequestInit).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 200));
  const second = Date.now();
  child.kill('SIGTERM');
  t.equal((await result).status, 143);
  t.ok(Date.now() - second < 4000, 'sooner than the requests in flight may keep it');
  await open;
});

t.test('a start that fails says why in one sentence', async (t) => {
  const { child, result } = await started(dataDir);
  const second = await runCommand(dataDir, ['serve']);
  t.equal(second.status, 1);
  t.match(second.stderr, /in use by another process/);
  t.equal(second.stderr.trim().split('\n').length, 1);
  child.kill('SIGTERM');
  await result;

  const wrong = await runCommand(dataDir, ['serve'], { env: { QUIPU_PORT: 'many' } });
  t.equal(wrong.status, 1);
  t.match(wrong.stderr, /QUIPU_PORT/);
  t.notMatch(wrong.stderr, /\n {4}at /);
  const unknown = await runCommand(dataDir, ['surf']);
  t.equal(unknown.status, 1);
  t.match(unknown.stderr, /unknown command/);
});

t.test('doctor', async (t) => {
  const healthy = await runCommand(dataDir, ['doctor', '--json']);
  t.equal(healthy.status, 0);
  const findings = JSON.parse(healthy.stdout) as { check: string; ok: boolean; detail: string }[];
  t.same(findings.map(({ check, ok }) => [check, ok]), ['node', 'settings', 'data folder', 'disk', 'server', 'store', 'health'].map((check) => [check, true]));
  t.match(findings[5]!.detail, new RegExp(`data format ${FORMAT}; statements: default 1$`));

  const { child, result } = await started(dataDir);
  t.match((await runCommand(dataDir, ['doctor'])).stdout, new RegExp(`runs as process ${child.pid} on http`));
  child.kill('SIGKILL');
  await result;
  const afterKill = await runCommand(dataDir, ['doctor']);
  t.equal(afterKill.status, 0);
  t.match(afterKill.stdout, /does not run/);

  const missing = join(folder, 'none');
  t.match((await runCommand(missing, ['doctor'])).stdout, /empty: the first start makes it/);
  await t.rejects(readFile(missing), { code: 'ENOENT' });

  const file = join(folder, 'file');
  await writeFile(file, '');
  await chmod(file, 0o400);
  const faulty = await runCommand(join(file, 'data'), ['doctor'], { env: { QUIPU_PROT: '1' } });
  t.equal(faulty.status, 1);
  t.match(faulty.stdout, /FAULT +settings +unknown: QUIPU_PROT/);
});

t.test('keys and tenants, with a server and without', async (t) => {
  const dir = join(folder, 'keys');
  const nothing = await runCommand(dir, ['keys', 'list']);
  t.equal(nothing.status, 1);
  t.match(nothing.stderr, /There is no data in/);
  const made = await runCommand(dir, ['tenants', 'create', 'acme', '--name', 'Acme']);
  t.equal(made.status, 0, made.stderr);
  t.match(made.stderr, /Its first key, shown this once/);

  const json = async (...words: string[]): Promise<never> => {
    const { status, stdout, stderr } = await runCommand(dir, [...words, '--json']);
    t.equal(status, 0, stderr);
    return JSON.parse(stdout) as never;
  };
  const look = async (): Promise<void> => {
    t.match(await json('tenants', 'list'), [{ id: 'acme', name: 'Acme' }, { id: 'default' }]);
    const key = await json('keys', 'create', '--tenant', 'acme', '--name', 'reader', '--scope', 'statements/read', 'profile', '--authority', '{"mbox":"mailto:lms@example.org"}') as { id: string; secret: string };
    t.match(key, { tenant: 'acme', scopes: ['statements/read', 'profile'], authority: { mbox: 'mailto:lms@example.org' }, secret: /^\S{20,}$/ });
    const rotated = await json('keys', 'rotate', key.id, '--tenant', 'acme') as { secret: string };
    t.not(rotated.secret, key.secret);
    await json('keys', 'revoke', key.id, '--tenant', 'acme');
    t.match((await json('keys', 'list', '--tenant', 'acme') as { id: string }[]).find(({ id }) => id === key.id), { revokedAt: String });
  };
  await look();
  const { child, result } = await started(dir);
  await look();
  const elsewhere = await runCommand(dir, ['keys', 'rotate', 'nobody']);
  t.equal(elsewhere.status, 1);
  t.match(elsewhere.stderr, /no live key "nobody"/);

  const { url } = JSON.parse(await readFile(join(dir, 'server.json'), 'utf8')) as { url: string };
  const admin = await json('keys', 'create', '--name', 'admin', '--scope', 'admin') as { id: string; secret: string };
  const remote = await runCommand(join(folder, 'other'), ['tenants', 'list', '--json', '--url', `${url}/xapi/`, '--key', admin.id, '--secret', admin.secret]);
  t.match(JSON.parse(remote.stdout), [{ id: 'acme' }, { id: 'default' }]);
  const refused = await runCommand(folder, ['tenants', 'list', '--url', url, '--key', admin.id, '--secret', 'wrong']);
  t.equal(refused.status, 1);
  t.match(refused.stderr, /secret/);
  child.kill('SIGTERM');
  await result;
});
