import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { runCommand, startCommand } from './command.js';
import { startProcess } from './server-process.js';

const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.setTimeout(240_000);
t.teardown(() => rm(folder, { recursive: true, force: true }));

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

function statement(number: number, more: object = {}): Record<string, unknown> {
  return { id: uuid(number), actor: { mbox: `mailto:u${number % 7}@example.org` }, verb: { id: 'http://example.org/did' }, object: { id: `http://example.org/${number % 11}` }, ...more };
}

const sha2 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const attachment = (bytes: Buffer): object => ({ usageType: 'http://example.org/file', display: { en: 'file' }, contentType: 'application/x-test', length: bytes.length, sha2: sha2(bytes) });

/** A POST of statements with their attachments. */
function multipart(statements: object, parts: Buffer[]): { headers: Record<string, string>; body: Buffer } {
  const chunks: Buffer[] = [Buffer.from(`--limit\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(statements, null, 1)}`)];
  for (const bytes of parts) {
    chunks.push(Buffer.from(`\r\n--limit\r\nContent-Type: application/x-test\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2(bytes)}\r\n\r\n`), bytes);
  }
  return { headers: { 'Content-Type': 'multipart/mixed; boundary=limit' }, body: Buffer.concat([...chunks, Buffer.from('\r\n--limit--\r\n')]) };
}

interface Contents {
  statements: Map<string, object>;
  order: string[];
  attachments: Map<string, Buffer>;
}

/** What an export holds, without `stored`, which is each store's own. */
function contents(text: string): Contents {
  const found: Contents = { statements: new Map(), order: [], attachments: new Map() };
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const value = JSON.parse(line) as { 'quipu:attachment'?: { sha2: string; offset: number; base64: string }; id: string; stored?: string };
    const piece = value['quipu:attachment'];
    if (piece) {
      const before = found.attachments.get(piece.sha2) ?? Buffer.alloc(0);
      if (before.length !== piece.offset) throw new Error(`A gap in ${piece.sha2} at ${piece.offset}`);
      found.attachments.set(piece.sha2, Buffer.concat([before, Buffer.from(piece.base64, 'base64')]));
    } else {
      const { stored, ...rest } = value;
      if (stored === undefined) throw new Error(`${value.id} has no stored`);
      found.statements.set(value.id, rest);
      found.order.push(value.id);
    }
  }
  return found;
}

async function exported(dataDir: string, ...words: string[]): Promise<Contents> {
  const { status, stdout, stderr } = await runCommand(dataDir, ['export', '-', ...words]);
  if (status !== 0) throw new Error(stderr);
  return contents(stdout);
}

t.test('an export of a running server goes into another store, and from there into a third', async (t) => {
  const source = join(folder, 'source');
  const server = await startProcess(source);
  t.teardown(() => server.stop());
  const files = [Buffer.from('one'), Buffer.alloc(0), randomBytes(700_000), Buffer.from('inner'), Buffer.from('one')];
  const post = async (body: unknown, headers?: Record<string, string>): Promise<void> => {
    const answer = await server.request('statements', { method: 'POST', version: '1.0.3', headers, body });
    if (answer.status !== 200) throw new Error(answer.text);
  };
  await post([statement(1), statement(2)]);
  for (const [index, bytes] of files.entries()) {
    const own = { attachments: [attachment(bytes)] };
    const inner = { object: { objectType: 'SubStatement', actor: { mbox: 'mailto:a@example.org' }, verb: { id: 'http://example.org/did' }, object: { id: 'http://example.org/x' }, ...own } };
    const { headers, body } = multipart(statement(10 + index, index === 3 ? inner : own), [bytes]);
    await post(body, headers);
  }
  await post(statement(20, { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: { objectType: 'StatementRef', id: uuid(1) } }));
  await post(statement(21, { attachments: [{ ...attachment(Buffer.from('far')), fileUrl: 'http://example.org/far' }] }));
  const v2 = await server.request('statements', { method: 'POST', body: statement(22, { timestamp: '2024-05-01T10:00:00.000Z', result: { score: { scaled: 0.5 } }, context: { contextAgents: [{ objectType: 'contextAgent', agent: { mbox: 'mailto:b@example.org' } }] } }) });
  t.equal(v2.status, 200, v2.text);

  const first = await exported(source);
  t.same(first.order, [1, 2, 10, 11, 12, 13, 14, 20, 21, 22].map(uuid), 'in the order of the feed, the voided one among them');
  t.same([...first.attachments.keys()].sort(), [...new Set(files.map(sha2))].sort());
  for (const bytes of files) t.ok(first.attachments.get(sha2(bytes))!.equals(bytes));

  const file = join(folder, 'export.ndjson.gz');
  t.equal((await runCommand(source, ['export', file])).status, 0);
  t.same(contents(gunzipSync(await readFile(file)).toString()), first);
  const second = join(folder, 'second');
  const imported = await runCommand(second, ['import', file, '--json']);
  t.equal(imported.status, 0, imported.stderr);
  t.same(JSON.parse(imported.stdout), { stored: 10, duplicates: 0, refused: 0 });
  t.same(await exported(second), first, 'from a file, without a server');

  const third = join(folder, 'third');
  const fromLrs = await runCommand(third, ['import', `${server.url}/xapi?limit=3`, '--source-key', server.key.id, '--source-secret', server.key.secret, '--source-version', '2.0.0', '--json']);
  t.equal(fromLrs.status, 0, fromLrs.stderr);
  const rest = await exported(third);
  t.same(rest.order, [2, 10, 11, 12, 13, 14, 1, 20, 21, 22].map(uuid), 'by xAPI from the running server, the voided statement with the one that voids it');
  t.same(rest.attachments, first.attachments);
  t.same(rest.statements.get(uuid(13)), first.statements.get(uuid(13)));

  const since = new Date(Date.now() + 60_000).toISOString();
  t.same((await exported(source, '--since', since)).order, []);
  t.same((await exported(source, '--until', since)).order, first.order);
  const wrong = await runCommand(source, ['export', '-', '--since', 'yesterday']);
  t.equal(wrong.status, 1);
  t.match(wrong.stderr, /since/);
});

t.test('what is refused is reported, the rest goes in, and again does no harm', async (t) => {
  const dataDir = join(folder, 'refusals');
  const file = join(folder, 'mixed.json');
  const report = join(folder, 'report.ndjson');
  const statements: unknown[] = Array.from({ length: 450 }, (_, index) => statement(1000 + index));
  statements[3] = statement(1003, { verb: { id: 'no iri' } });
  statements[449] = { ...statement(1000), actor: { mbox: 'mailto:somebody-else@example.org' } };
  statements.splice(300, 0, 17);
  await writeFile(file, JSON.stringify(statements, null, 2));
  for (const expected of [{ stored: 448, duplicates: 0, refused: 3 }, { stored: 0, duplicates: 448, refused: 3 }]) {
    const { status, stdout, stderr } = await runCommand(dataDir, ['import', file, '--report', report, '--json']);
    t.equal(status, 2);
    t.same(JSON.parse(stdout), expected);
    t.match(stderr, /refused statement 3 .*verb-id|refused statement 3 .*\/verb\/id/);
    const lines = (await readFile(report, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as object);
    t.match(lines, [
      { index: 3, id: uuid(1003), error: 'invalid-statement', pointer: '/verb/id', message: /^The statement / },
      { index: 300, error: 'invalid-statement' },
      { index: 450, id: uuid(1000), error: 'statement-conflict' },
    ]);
  }
  const lines = ['{"broken":', JSON.stringify(statement(2000)), '', JSON.stringify([statement(2001)]), `{"id":"${uuid(2002)}","a":1,"a":2}`].join('\n');
  const piped = await runCommand(dataDir, ['import', '-', '--json'], { input: gzipSync(lines) });
  t.equal(piped.status, 2);
  t.same(JSON.parse(piped.stdout), { stored: 1, duplicates: 0, refused: 3 });
  t.match(piped.stderr, /line 1: malformed-json[^]*line 4: invalid-statement[^]*line 5.*duplicate-key/);

  const nothing = await runCommand(dataDir, ['import', join(folder, 'nothing.json')]);
  t.equal(nothing.status, 1);
  t.match(nothing.stderr, /can't be read/);
  const cut = join(folder, 'cut.json');
  await writeFile(cut, `[${JSON.stringify(statement(3000))},`);
  const broken = await runCommand(dataDir, ['import', cut]);
  t.equal(broken.status, 1);
  t.match(broken.stderr, /cut off/);
});

t.test('statements without id, an interruption, and a store that has lost what was sent', async (t) => {
  const dataDir = join(folder, 'resume');
  const server = await startProcess(dataDir);
  t.teardown(() => server.stop());
  const file = join(folder, 'no-ids.ndjson');
  const count = 6000;
  await writeFile(file, Array.from({ length: count }, (_, index) => JSON.stringify({ ...statement(index % 3), id: undefined })).join('\n'));
  const { child, result } = startCommand(dataDir, ['import', file, '--json']);
  const checkpoint = `${file}.quipu-import`;
  while ((JSON.parse(await readFile(checkpoint, 'utf8').catch(() => '{}')) as { counts?: { stored: number } }).counts === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await result;
  const { counts } = JSON.parse(await readFile(checkpoint, 'utf8')) as { counts: { stored: number } };
  t.ok(counts.stored < count, `killed after ${counts.stored}`);

  const elsewhere = join(folder, 'resume-elsewhere');
  const other = await runCommand(elsewhere, ['import', '-', '--json'], { input: await readFile(file) });
  t.same(JSON.parse(other.stdout), { stored: count, duplicates: 0, refused: 0 }, 'identical statements at different places are different events');

  const rest = await runCommand(dataDir, ['import', file, '--json']);
  t.equal(rest.status, 0, rest.stderr);
  t.match(rest.stderr, /Going on after/);
  const total = JSON.parse(rest.stdout) as { stored: number; duplicates: number };
  t.equal(total.stored + total.duplicates, count);
  t.equal((await exported(dataDir)).order.length, count, 'nothing doubled, nothing missing');
  await t.rejects(readFile(checkpoint), { code: 'ENOENT' });

  const lost = join(folder, 'lost.ndjson');
  await writeFile(lost, await readFile(file));
  const again = startCommand(dataDir, ['import', lost]);
  while ((await readFile(`${lost}.quipu-import`, 'utf8').catch(() => '')) === '') await new Promise((resolve) => setTimeout(resolve, 5));
  again.child.kill('SIGKILL');
  await again.result;
  await server.stop();
  await rm(dataDir, { recursive: true });
  const anew = await runCommand(dataDir, ['import', lost, '--json']);
  t.match(anew.stderr, /beginning anew/);
  t.same(JSON.parse(anew.stdout), { stored: count - 1, duplicates: 1, refused: 0 }, 'the one that was sent to ask is there already');
});

t.test('another LRS: more as it comes, credentials for nobody else, faults that pass', async (t) => {
  const pages: string[] = [];
  const seen: string[] = [];
  let faults = 1;
  const lrs: Server = createServer((request, response) => {
    seen.push(request.url!);
    if (faults-- > 0) return void response.writeHead(503, { 'Retry-After': '1' }).end();
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(pages[Number(new URL(request.url!, 'http://x').searchParams.get('page') ?? 0)]);
  });
  await new Promise<void>((resolve) => lrs.listen(0, '127.0.0.1', resolve));
  t.teardown(() => lrs.close());
  const { port } = lrs.address() as AddressInfo;
  const dataDir = join(folder, 'from-lrs');
  const run = () => runCommand(dataDir, ['import', `http://127.0.0.1:${port}/lrs/`, '--json']);

  pages.push(
    JSON.stringify({ more: '/lrs/more?page=1', statements: [statement(5000, { result: { extensions: { 'http://example.org/n': 1 } } })] }).replace('"http://example.org/n":1', '"http://example.org/n":1.50e0'),
    JSON.stringify({ statements: [], more: `https://127.0.0.1/lrs/more?page=2` }),
    JSON.stringify({ statements: [statement(5001)], more: '' }),
  );
  const all = await run();
  t.equal(all.status, 0, all.stderr);
  t.same(JSON.parse(all.stdout), { stored: 2, duplicates: 0, refused: 0 });
  t.equal(seen[1], '/lrs/statements?ascending=true&attachments=true&limit=200');
  t.same(seen.slice(2), ['/lrs/more?page=1', '/lrs/more?page=2'], 'an absolute more is followed on the address that works');
  const { stdout } = await runCommand(dataDir, ['export', '-']);
  t.match(stdout, '"http://example.org/n":1.50e0', 'the text as it came');

  pages[0] = JSON.stringify({ statements: [], more: 'http://elsewhere.example.org/lrs/more' });
  const away = await run();
  t.equal(away.status, 1);
  t.match(away.stderr, /another server/);
  pages[0] = '<html>';
  const html = await run();
  t.equal(html.status, 1);
  t.match(html.stderr, /did not answer with JSON/);
});

t.test('what another LRS has voided comes along, before what voids it', async (t) => {
  const source = await startProcess(join(folder, 'voiding'));
  t.teardown(() => source.stop());
  const bytes = Buffer.from('proof');
  const [target, gone] = [statement(5100, { attachments: [attachment(bytes)] }), '00000000-0000-4000-8000-0000000f0000'];
  const voids = (id: string, number: number) => statement(number, { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: { objectType: 'StatementRef', id } });
  const boundary = 'b';
  const part = Buffer.concat([Buffer.from(`--b\r\nContent-Type: application/json\r\n\r\n${JSON.stringify([target, voids(String(target.id), 5101), voids(gone, 5102)])}\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2(bytes)}\r\n\r\n`), bytes, Buffer.from('\r\n--b--\r\n')]);
  t.equal((await source.request('statements', { method: 'POST', headers: { 'Content-Type': `multipart/mixed; boundary=${boundary}` }, body: part })).status, 200);
  const dataDir = join(folder, 'voided-too');
  const taken = await runCommand(dataDir, ['import', `${source.url}/xapi`, '--json'], { env: { QUIPU_SOURCE_KEY: 'first-key', QUIPU_SOURCE_SECRET: 'first-secret' } });
  t.equal(taken.status, 0, taken.stderr);
  t.same(JSON.parse(taken.stdout), { stored: 3, duplicates: 0, refused: 0 });
  const { stdout } = await runCommand(dataDir, ['export', '-']);
  t.same(stdout.trim().split('\n').map((line) => JSON.parse(line) as { id?: string }).flatMap(({ id }) => id ?? []), [target.id, statement(5101).id, statement(5102).id]);
  t.match(stdout, bytes.toString('base64'));
});

t.test('the endpoint itself', async (t) => {
  const server = await startProcess(join(folder, 'endpoint'));
  t.teardown(() => server.stop());
  const bytes = Buffer.from('hello');
  const line = (piece: object): string => `{"quipu:attachment":${JSON.stringify({ sha2: sha2(bytes), contentType: 'text/plain', offset: 0, length: 5, last: true, base64: bytes.toString('base64'), ...piece })}}`;
  const send = async (...lines: string[]): Promise<{ stored: number; refused: number; refusals: { line: number; error: string }[] }> => {
    const answer = await server.request('/v1/statements/import', { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: lines.join('\n') });
    t.equal(answer.status, 200, answer.text);
    return answer.json();
  };
  const withFile = (number: number): string => JSON.stringify(statement(number, { attachments: [attachment(bytes)] }));
  t.match(await send(withFile(1)), { stored: 0, refusals: [{ line: 1, error: 'invalid-attachment' }] }, 'no bytes');
  t.match(await send(line({ base64: 'eHh4eHg=' }), withFile(1)), { stored: 0, refusals: [{ line: 1, error: 'invalid-attachment' }, { line: 2 }] }, 'other bytes');
  t.match(await send(line({ base64: 'aGVs', last: false }), withFile(1), JSON.stringify(statement(2))), { stored: 1, refusals: [{ line: 1 }, { line: 2 }] }, 'bytes that break off');
  t.match(await send(line({ base64: 'aGVs', last: false }), line({ offset: 4, base64: 'bG8=' }), line({ offset: 6 }), JSON.stringify(statement(3))), { stored: 1, refused: 1 }, 'a gap is one fault, not one for each piece');
  t.match(await send(line({ sha2: 'zz' }), line({ sha2: 7 }), '{"quipu:attachment":'), { stored: 0, refused: 3 });
  t.match(await send(line({ base64: 'aGVs', last: false }), line({ offset: 3, base64: 'bG8=' }), withFile(4)), { stored: 1, refused: 0 });
  t.match(await send(withFile(5)), { stored: 1 }, 'the bytes are there from before');
  t.match(await send(''), { stored: 0, refused: 0, refusals: [] });
  t.match(await send(...Array.from({ length: 1500 }, () => '17')), { refused: 1500, refusals: { length: 1000 } });

  const other = await server.request('/v1/statements/import', { method: 'POST', body: statement(9) });
  t.equal(other.status, 415, other.text);
  const made = await server.request('/v1/keys', { method: 'POST', body: { name: 'all', scopes: ['all'] } });
  const forbidden = await server.request('/v1/statements/export', { key: made.json() });
  t.equal(forbidden.status, 403, 'all of xAPI is nothing under /v1');
  t.equal((await server.request('/v1/statements/export', { query: { tenant: 'nobody' } })).status, 404);
});

t.test('what a command writes takes the place of nothing that it should not', async (t) => {
  const dataDir = join(folder, 'targets');
  const source = join(folder, 'targets.json');
  const text = JSON.stringify([statement(1), statement(2)]);
  await writeFile(source, text);
  const own = await runCommand(dataDir, ['import', source, '--report', join(folder, '.', 'targets.json')]);
  t.match(own, { status: 1, stderr: /The report would take the place of what is imported/ });
  t.equal(await readFile(source, 'utf8'), text, 'what is imported is as it was');
  t.equal((await runCommand(dataDir, ['import', source])).status, 0);

  const [real, link, pipe] = ['real', 'link', 'pipe'].map((name) => join(folder, `targets-${name}`)) as [string, string, string];
  await writeFile(real, 'before');
  await symlink(real, link);
  t.equal((await runCommand(dataDir, ['export', link])).status, 0);
  t.equal((await lstat(link)).isSymbolicLink(), true);
  t.equal((await readFile(real, 'utf8')).trim().split('\n').length, 2, 'a link leads to the export');
  execFileSync('mkfifo', [pipe]);
  const [read, written] = await Promise.all([readFile(pipe, 'utf8'), runCommand(dataDir, ['export', pipe])]);
  t.equal(written.status, 0);
  t.equal(read.trim().split('\n').length, 2, 'whoever reads a pipe gets it');
});

t.test('a reader of standard output may leave early', { skip: process.platform === 'win32' && 'a shell is needed' }, async (t) => {
  const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
  const { status, stderr } = spawnSync('sh', ['-c', `{ "${process.execPath}" "${entry}" --help; echo "status $?" >&2; } | true`], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder } });
  t.equal(status, 0);
  t.notMatch(stderr, /EPIPE|at .*\.js/);
  const dataDir = join(folder, 'early');
  const source = join(folder, 'early.json');
  await writeFile(source, JSON.stringify(Array.from({ length: 200 }, (_, number) => statement(number, { result: { response: 'x'.repeat(10_000) } }))));
  t.equal((await runCommand(dataDir, ['import', source])).status, 0);
  const cut = spawnSync('sh', ['-c', `{ "${process.execPath}" "${entry}" export -; echo "status $?" >&2; } | true`], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: folder, QUIPU_DATA_DIR: dataDir, QUIPU_PORT: '0', QUIPU_LOG_LEVEL: 'error' } });
  t.match(cut.stderr, /The export is not complete[^]*status 1/, 'an export that nobody reads to its end says so');
});
