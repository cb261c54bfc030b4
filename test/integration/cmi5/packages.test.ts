import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { courseXml, goodPackage, makeZip } from '../../unit/cmi5/packages/make-zip.js';
import { runCommand, type CommandResult } from '../command.js';
import { startProcess, type ServerProcess } from '../server-process.js';

const MB = 1 << 20;
const folder = await mkdtemp(join(tmpdir(), 'quipu-test-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const dataDir = join(folder, 'data');
const au = (name: string): string => `https://example.org/au/${name}`;

let server: ServerProcess;
const start = async (): Promise<void> => {
  server = await startProcess(dataDir, { QUIPU_CONTENT_PORT: '0' });
};
const files = async (): Promise<string[]> => (await readdir(join(dataDir, 'content'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));

async function kept(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}
const quipu = (...words: string[]): Promise<CommandResult> => runCommand(dataDir, ['courses', ...words]);

await start();
t.teardown(() => server.stop());

t.test('quipu courses', async (t) => {
  const bytes = goodPackage([{ id: au('1') }, { id: au('2') }], [{ name: 'film.mp4', data: randomBytes(3 * MB), method: 0 }]);
  const path = await kept('course.zip', bytes);
  const first = await quipu('import', path, '--mode', 'compat', '--json');
  t.equal(first.status, 0, first.stderr);
  const { course, version } = JSON.parse(first.stdout) as { course: string; version: string };
  const again = await quipu('import', path);
  t.match([again.status, again.stdout], [0, /this version already/]);
  const second = await quipu('import', await kept('second.zip', goodPackage([{ id: au('2'), moveOn: 'Passed' }, { id: au('3') }])), '--course', course);
  t.match([second.status, second.stdout], [0, /1 added, 1 removed, 1 changed, 0 as they were\nadded +https:\/\/example\.org\/au\/3\nremoved +https:\/\/example\.org\/au\/1\nchanged +https:\/\/example\.org\/au\/2 \(moveOn\)/]);
  const list = await quipu('list');
  t.match(list.stdout, new RegExp(`^COURSE .*\n${course} +A course +2 +compat `));
  t.equal((JSON.parse((await quipu('list', '--json')).stdout) as object[]).length, 1);
  const target = join(folder, 'exported.zip');
  t.match((await quipu('export', course, target, '--version-id', version)).status, 0);
  t.ok((await readFile(target)).equals(bytes), 'byte for byte');

  const broken = await quipu('import', await kept('broken.zip', makeZip({ entries: [{ name: 'cmi5.xml', data: courseXml([{ id: 'no iri', url: 'missing.html' }]) }, { name: '../a', data: 'x' }] })));
  t.equal(broken.status, 1);
  t.match(broken.stderr, /nothing of it was kept/);
  t.match(broken.stderr, /^cmi5\.xml:\d+:\d+: .* \(cmi5 [\d.]+, [\d.]+-\d+\)$/m);
  t.match(broken.stderr, /^\.\.\/a: The entry "\.\.\/a" can't be taken: its name leads out of the package \(\.\.\)\. \(cmi5 14\.1, 14\.1\.0\.0-1\)$/m);
  t.match(await quipu('import', join(folder, 'none.zip')), { status: 1, stderr: /can't be read/ });
  t.match(await quipu('export', 'nothing', target), { status: 1, stderr: /no course "nothing"/ });
  t.equal((await files()).length, 2);
});

t.test('the scope cmi5 is asked for', async (t) => {
  const key = (await server.request('/v1/keys', { method: 'POST', body: { name: 'reader', scopes: ['all/read'] } })).json<{ id: string; secret: string }>();
  for (const [method, path] of [['GET', '/v1/courses'], ['POST', '/v1/cmi5/packages'], ['DELETE', '/v1/courses/x']] as const) t.equal((await server.request(path, { method, key })).status, 403);
  t.equal((await server.request('/v1/courses', { key: null })).status, 401);
  const own = (await server.request('/v1/keys', { method: 'POST', body: { name: 'lms', scopes: ['cmi5'] } })).json<{ id: string; secret: string }>();
  t.equal((await server.request('/v1/courses', { key: own })).status, 200);
  t.equal((await server.request('/v1/courses', { key: own, query: { tenant: 'another' } })).status, 403);
});

t.test('killed in the middle of an upload, and of a deletion', async (t) => {
  const before = (await server.request('/v1/courses')).json<object>();
  const packages = await files();
  for (let round = 0; round < 3; round++) {
    const upload = httpRequest(`${server.url}/v1/cmi5/packages`, { method: 'POST', headers: { 'Content-Type': 'application/zip', 'Content-Length': 100 * MB, Authorization: server.authorization } });
    upload.on('error', () => undefined);
    upload.write(goodPackage([{ id: au('9') }], [], { id: 'https://example.org/half' }));
    upload.write(randomBytes(5 * MB));
    for (let attempt = 0; attempt < 500 && (await files()).length === packages.length; attempt++) await pause(10);
    t.equal((await files()).length, packages.length + 1, 'it was on its way');
    await server.kill();
    await start();
    t.same(await files(), packages);
    t.same((await server.request('/v1/courses')).json(), before);
  }
  const whole = goodPackage([{ id: au('9') }], [{ name: 'film.mp4', data: randomBytes(4 * MB), method: 0 }], { id: 'https://example.org/whole' });
  for (let round = 0; round < 4; round++) {
    const sending = server.request('/v1/cmi5/packages', { method: 'POST', headers: { 'Content-Type': 'application/zip' }, body: whole }).then(({ status }) => status, () => 0);
    await pause(5 + round * 15);
    await server.kill();
    const status = await sending;
    await start();
    for (let attempt = 0; attempt < 200 && (await files()).length > packages.length + 1; attempt++) await pause(20);
    const { courses } = (await server.request('/v1/courses')).json<{ courses: { id: string; publisherId: string }[] }>();
    const came = courses.find(({ publisherId }) => publisherId === 'https://example.org/whole');
    if (status === 201) t.ok(came, 'what was answered is there');
    if (came) {
      t.ok((await server.request(`/v1/courses/${came.id}/package`)).bytes.equals(whole));
      t.equal((await server.request(`/v1/courses/${came.id}`, { method: 'DELETE' })).status, 204);
    }
    for (let attempt = 0; attempt < 200 && (await files()).length > packages.length; attempt++) await pause(20);
    t.same(await files(), packages);
  }
});

t.test('a backup has the packages', async (t) => {
  const archive = join(folder, 'backup.tar');
  t.match(await runCommand(dataDir, ['backup', archive]), { status: 0 });
  const restored = join(folder, 'restored');
  t.match(await runCommand(restored, ['restore', archive]), { status: 0, stderr: /2 packages/ });
  const listed = JSON.parse((await runCommand(restored, ['courses', 'list', '--json'])).stdout) as { id: string }[];
  t.same(listed, JSON.parse((await quipu('list', '--json')).stdout));
  const target = join(folder, 'from-backup.zip');
  t.match(await runCommand(restored, ['courses', 'export', listed[0]!.id, target]), { status: 0 });
  t.ok((await readFile(target)).equals(await readFile(join(folder, 'second.zip'))));
});
