import t from 'tap';
import { entryAt } from '../../../../src/cmi5/content/entry-at.js';

t.test('a path leads to an entry', async (t) => {
  for (const [path, entry] of [
    ['index.html', 'index.html'], ['./a/../b.html', 'b.html'], ['a%20b/%C3%BC.html', 'a b/ü.html'], ['/a.html', 'a.html'], ['a//b.html', 'a/b.html'], ['//a//b', 'a/b'],
    ['', ''], ['a/', 'a/'], ['a/.', 'a/'], ['a/b/..', 'a/'], ['a/..', ''], ['a%3Fb', 'a?b'], ['http:b.html', 'http:b.html'], ['.hidden', '.hidden'], ['a..', 'a..'],
    ['a%00b', 'a\0b'],
  ] as const) t.equal(entryAt(path), entry, path);
});

t.test('and never out of the package', async (t) => {
  for (const path of ['..', '../a', 'a/../../b', '..%2fa', 'a/%2e%2e/%2e%2e/b', '%', 'a%zz', '%ff', '%c0%ae%c0%ae/a']) t.equal(entryAt(path), undefined, path);
});
