import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createContentLinks, type ContentGrant, type ContentLinks } from '../../../../src/cmi5/content/content-links.js';
import { openLevelStorage, type LevelStorage } from '../../../../src/storage/leveldb/open.js';

async function openStorage(t: Test): Promise<LevelStorage> {
  const directory = await mkdtemp(join(tmpdir(), 'quipu-links-'));
  const storage = await openLevelStorage({ directory });
  t.teardown(async () => {
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  });
  return storage;
}

const grant = (): ContentGrant => ({ tenant: 'default', package: randomUUID(), session: randomUUID() });

/** What the path of a link grants. */
function verify(links: ContentLinks, link: string): Promise<ContentGrant | undefined> {
  const [, , signature, session] = new URL(link).pathname.split('/');
  return links.verify(signature!, session!);
}

t.test('a link grants what it was made for, in every process', async (t) => {
  const { records } = await openStorage(t);
  const [one, two] = [createContentLinks({ records, url: () => 'http://content.test:8081' }), createContentLinks({ records, url: () => 'http://content.test:8081/' })];
  const first = grant();
  const [link, same] = await Promise.all([one.link(first, 'a/index.html?x=1#y'), two.link(first, 'a/index.html?x=1#y')]);
  t.equal(link, same, 'both have the one key, although both came first');
  t.match(link, /^http:\/\/content\.test:8081\/c\/default\.[\w-]{22}\.[\w-]{24}\/[0-9a-f-]{36}\/a\/index\.html\?x=1#y$/);
  t.strictSame(await verify(two, link), first);
  t.strictSame(await verify(createContentLinks({ records, url: () => 'http://content.test:8081' }), link), first, 'also after a restart');
  t.equal(one.hostOf(first.package), undefined);
});

t.test('what was changed grants nothing', async (t) => {
  const { records } = await openStorage(t);
  const links = createContentLinks({ records, url: () => 'http://content.test' });
  const [first, second] = [grant(), grant()];
  const parts = async (of: ContentGrant): Promise<string[]> => new URL(await links.link(of, 'x')).pathname.split('/')[2]!.split('.');
  const [a, b] = [await parts(first), await parts(second)];
  t.equal(await links.verify(a.join('.'), second.session), undefined, 'another session');
  t.equal(await links.verify([a[0], b[1], a[2]].join('.'), first.session), undefined, 'another package');
  t.equal(await links.verify(['other', a[1], a[2]].join('.'), first.session), undefined, 'another tenant');
  for (let at = 0; at < 24; at += 1) {
    const mac = a[2]!.slice(0, at) + (a[2]![at] === 'A' ? 'B' : 'A') + a[2]!.slice(at + 1);
    t.equal(await links.verify([a[0], a[1], mac].join('.'), first.session), undefined, `another signature at ${at}`);
  }
  for (const text of ['', '..', 'default', '__proto__', `${a.join('.')}A`, `${a.join('.')}=`, a.join('.').toUpperCase(), 'x'.repeat(70_000)]) {
    t.equal(await links.verify(text, first.session), undefined, text.slice(0, 40));
  }
  for (const session of ['', first.session.toUpperCase(), `${first.session}x`, '../x']) t.equal(await links.verify(a.join('.'), session), undefined, session);
});

t.test('a package has a host of its own where the URL has a wildcard', async (t) => {
  const { records } = await openStorage(t);
  const links = createContentLinks({ records, url: () => 'https://*.content.example.org' });
  const first = grant();
  t.equal(links.hostOf(first.package), `${first.package}.content.example.org`);
  t.ok((await links.link(first, 'index.html')).startsWith(`https://${first.package}.content.example.org/c/`));
});

t.test('paths are encoded, and never lead out of the package', async (t) => {
  const { records } = await openStorage(t);
  const links = createContentLinks({ records, url: () => 'http://content.test' });
  const first = grant();
  const root = (await links.link(first, 'x')).slice(0, -1);
  t.equal(await links.link(first, 'a b/ü.html'), `${root}a%20b/%C3%BC.html`);
  t.equal(await links.link(first, 'a/./c/../b.html'), `${root}a/b.html`);
  for (const path of ['../x', '../../../x', 'https://example.org/', '//example.org/', '%2e%2e/x', '\\\\example.org\\x']) {
    await t.rejects(links.link(first, path), { code: 'invalid-request' }, path);
  }
});
