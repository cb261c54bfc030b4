import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClassicLevel } from 'classic-level';
import t, { type Test } from 'tap';
import { startProcess } from './server-process.js';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

async function folder(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-start-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a start that is to fail, or one that `until` ends when it has printed that. */
function run(env: Record<string, string>, until?: RegExp): Promise<{ code: number | null; out: string; error: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [entry, 'serve'], { env: { PATH: process.env.PATH, HOME: process.env.HOME, QUIPU_PORT: '0', ...env } });
    let out = '';
    let error = '';
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
      if (until?.test(out)) child.kill('SIGTERM');
    });
    child.stderr.on('data', (text: Buffer) => { error += text.toString(); });
    child.on('close', (code) => resolve({ code, out, error }));
  });
}

t.test('a value that can not be used stops the start with a sentence that names the setting', async (t) => {
  const directory = await folder(t);
  const cases: [Record<string, string>, RegExp][] = [
    [{ QUIPU_PORT: 'http' }, /"http" for the setting QUIPU_PORT can't be used: it must be integer/],
    [{ QUIPU_PORT: '70000' }, /QUIPU_PORT .* must be <= 65535/],
    [{ QUIPU_DEFAULT_VERSION: '0.9' }, /QUIPU_DEFAULT_VERSION .* 1\.0\.3, 2\.0\.0/],
    [{ QUIPU_PUBLIC_URL: 'lrs.example.org' }, /QUIPU_PUBLIC_URL/],
    [{ QUIPU_PUBLIC_URL: 'https://lrs.example.org/xapi/' }, /ends with \/xapi/],
    [{ QUIPU_PUBLIC_URL: 'https://lrs.example.org/a', QUIPU_CONTENT_URL: 'https://lrs.example.org/b' }, /the same origin/],
    [{ QUIPU_KEY: 'k' }, /QUIPU_KEY and QUIPU_SECRET go together/],
    [{ QUIPU_KEY: 'k', QUIPU_SECRET: 'hunter2' }, /The value of the setting QUIPU_SECRET can't be used/],
    [{ QUIPU_JWT_PUBLIC_KEY: 'no key' }, /QUIPU_JWT_PUBLIC_KEY/],
  ];
  for (const [env, sentence] of cases) {
    const { code, error } = await run({ QUIPU_DATA_DIR: directory, ...env });
    t.equal(code, 1, `${Object.keys(env).join()} ends with 1`);
    t.match(error, sentence);
    t.notMatch(error, /\n {4}at |hunter2/, 'no stack, no secret');
  }
});

t.test('a first start that fails keeps no secret to itself', async (t) => {
  const directory = join(await folder(t), 'data');
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const port = String((taken.address() as AddressInfo).port);
  for (const setting of ['QUIPU_PORT', 'QUIPU_CONTENT_PORT']) {
    const failed = await run({ QUIPU_DATA_DIR: directory, QUIPU_LOG_LEVEL: 'silent', [setting]: port });
    t.equal(failed.code, 1);
    t.match(failed.error, /another program listens there/, setting);
  }
  await new Promise((resolve) => taken.close(resolve));
  t.match((await run({ QUIPU_DATA_DIR: directory, QUIPU_LOG_LEVEL: 'silent' }, /statements'?\n/)).out, / +Secret: +\S+\n/);
});

t.test('with less room than has to be left, what is stored is read and nothing is taken in', async (t) => {
  const directory = join(await folder(t), 'data');
  const full = { QUIPU_MIN_FREE_BYTES: String(2 ** 50) };
  const nothing = await run({ QUIPU_DATA_DIR: directory, QUIPU_LOG_LEVEL: 'silent', ...full });
  t.equal(nothing.code, 1);
  t.match(nothing.error, /data has less room than QUIPU_MIN_FREE_BYTES asks for/);
  const statement = { actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/it' } };
  const before = await startProcess(directory);
  t.equal((await before.request('statements', { method: 'POST', body: statement })).status, 200);
  await before.stop();
  const server = await startProcess(directory, full);
  t.teardown(() => server.stop());
  t.equal((await server.request('statements')).json<{ statements: unknown[] }>().statements.length, 1);
  t.match(await server.request('statements', { method: 'POST', body: statement }), { status: 507, text: /QUIPU_MIN_FREE_BYTES/ });
  t.match((await server.request('/metrics')).text, /^quipu_store_available 0$/m);
});

t.test('the first start prints endpoint, key, secret and a curl line that works; the next does not', async (t) => {
  const directory = join(await folder(t), 'data');
  const first = await run({ QUIPU_DATA_DIR: directory, QUIPU_LOG_LEVEL: 'silent' }, /statements'?\n/);
  t.equal(first.code, 0, 'SIGTERM ends it with 0');
  t.match(first.out, /Endpoint: http:\/\/127\.0\.0\.1:\d+\/xapi\n +Key: +\S+\n +Secret: +\S+\n +Content: +http:\/\/127\.0\.0\.1:\d+\n/);
  t.equal((await stat(directory)).mode & 0o777, 0o700, 'the data folder is private');
  const curl = /^curl .*$/m.exec(first.out)?.[0];
  const again = await run({ QUIPU_DATA_DIR: directory, QUIPU_LOG_LEVEL: 'silent' }, /Endpoint/);
  t.notMatch(again.out, /Secret/);

  const port = await freePort();
  const server = await startProcess(directory, { QUIPU_PORT: String(port), QUIPU_KEY: '', QUIPU_SECRET: '' });
  t.teardown(() => server.stop());
  const line = curl!.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
  const answer = await new Promise<string>((resolve) => {
    const child = spawn('bash', ['-c', line]);
    let text = '';
    child.stdout.on('data', (part: Buffer) => { text += part.toString(); });
    child.on('close', () => resolve(text));
  });
  t.match(answer, /^\["[0-9a-f-]{36}"\]$/, 'the printed line posts a statement');
});

t.test('a public URL without one for the files of courses is warned of, and refused is nothing', async (t) => {
  const started = async (env: Record<string, string>): Promise<string> => {
    const { code, out, error } = await run({ QUIPU_DATA_DIR: await folder(t), QUIPU_ANALYTICS: 'off', QUIPU_LOG_LEVEL: 'warn', ...env }, /Content/);
    t.equal(code, 0);
    return out + error;
  };
  const secure = await started({ QUIPU_PUBLIC_URL: 'https://lrs.example.org' });
  t.match(secure, /QUIPU_PUBLIC_URL is set and QUIPU_CONTENT_URL is not: launches send browsers to http:\/\/127\.0\.0\.1:\d+ /);
  const plain = await started({ QUIPU_PUBLIC_URL: 'http://lrs.example.org/x' });
  t.match(plain, /launches send browsers to http:\/\/lrs\.example\.org:\d+ /);
  t.match(plain, /Content: +http:\/\/lrs\.example\.org:\d+/);
  t.notMatch(await started({ QUIPU_PUBLIC_URL: 'https://lrs.example.org', QUIPU_CONTENT_URL: 'https://content.example.org' }), /QUIPU_CONTENT_URL/);
  t.notMatch(await started({}), /QUIPU_CONTENT_URL/);
});

t.test('another secret in the settings is the key\'s after the next start', async (t) => {
  const directory = await folder(t);
  const first = await startProcess(directory);
  t.equal((await first.request('statements')).status, 200);
  await first.stop();
  const next = await startProcess(directory, { QUIPU_SECRET: 'another secret' });
  t.teardown(() => next.stop());
  t.equal((await next.request('statements')).status, 401, 'the former is dead');
  t.equal((await next.request('statements', { key: { id: first.key.id, secret: 'another secret' } })).status, 200);
});

t.test('a data folder in use, one that can not be written, a port in use, and data of a newer version', async (t) => {
  const directory = await folder(t);
  const server = await startProcess(directory);
  const second = await run({ QUIPU_DATA_DIR: directory });
  t.match(second, { code: 1, error: /in use by another process/ });
  t.match(await run({ QUIPU_DATA_DIR: await folder(t), QUIPU_PORT: new URL(server.url).port }), { code: 1, error: /another program listens there.*QUIPU_PORT/ });
  t.match(await run({ QUIPU_DATA_DIR: await folder(t), QUIPU_CONTENT_PORT: new URL(server.url).port }), { code: 1, error: /files of courses .*another program listens there.*QUIPU_CONTENT_PORT/ });
  t.equal((await server.request('about')).status, 200, 'the first goes on');
  t.equal(await server.stop(), 0);
  t.notOk((await readdir(directory)).includes('server.json'), 'nothing says that a server runs');

  const level = new ClassicLevel<string, string>(join(directory, 'store'));
  await level.put('\0mformat', '999');
  await level.close();
  t.match(await run({ QUIPU_DATA_DIR: directory }), { code: 1, error: /written by a newer Quipu \(data format 999/ });

  // Below a file nobody can make a folder, not even root, whom no mode keeps out.
  const file = join(await folder(t), 'file');
  await writeFile(file, '');
  for (const path of [join(file, 'data'), '/proc/quipu/data']) {
    t.match(await run({ QUIPU_DATA_DIR: path }), { code: 1, error: /data folder .* can't be written.*QUIPU_DATA_DIR/ }, path);
  }
});

t.test('a folder whose path is too long for a socket gets its socket elsewhere, as private', async (t) => {
  const directory = join(await folder(t), 'a'.repeat(80), 'data');
  const server = await startProcess(directory);
  t.teardown(() => server.stop());
  const { socket } = JSON.parse(await readFile(join(directory, 'server.json'), 'utf8')) as { socket: string };
  t.ok(Buffer.byteLength(socket) < 108);
  t.equal((await stat(socket)).mode & 0o077, 0);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
