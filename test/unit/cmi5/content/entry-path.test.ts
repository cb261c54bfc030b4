import t from 'tap';
import { entryAt, entryPathOf } from '../../../../src/cmi5/content/entry-path.js';

t.test('a relative URL names an entry', async (t) => {
  for (const [url, path] of [
    ['index.html', 'index.html'], ['a/b.html?x=1#top', 'a/b.html'], ['./a/../b.html', 'b.html'], ['a%20b/%C3%BC.html', 'a b/ü.html'], ['/a.html', 'a.html'],
    ['a//b.html', 'a/b.html'], ['', ''], ['?x', ''], ['a/', 'a/'], ['a/.', 'a/'], ['a/b/..', 'a/'], ['a/..', ''], ['a%3Fb', 'a?b'], ['a/b:c.html', 'a/b:c.html'], ['.hidden', '.hidden'], ['a..', 'a..'],
  ] as const) t.equal(entryPathOf(url), path, url);
});

t.test('other addresses name none', async (t) => {
  for (const url of ['https://example.org/a', 'javascript:alert(1)', '//example.org/a', '\\\\example.org\\a', '../a', 'a/../../b', '..%2fa', 'a/%2e%2e/%2e%2e/b', '%', 'a%zz', '%ff', '%c0%ae%c0%ae/a']) {
    t.equal(entryPathOf(url), undefined, url);
  }
});

t.test('a path of a request may begin with slashes', async (t) => {
  t.equal(entryAt('//a//b'), 'a/b');
  t.equal(entryAt('a%00b'), 'a\0b', 'and is compared as it is: no package has such an entry');
});
