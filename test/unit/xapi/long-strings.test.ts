import t from 'tap';
import { isIri } from '../../../src/xapi/iris.js';
import { isMailtoIri } from '../../../src/xapi/mailboxes.js';

/** More turns of a repeated group than a pattern can remember. */
const many = 12_000_000;

t.test('no string is too long to be judged', async (t) => {
  t.ok(isIri(`http://example.org/${'a'.repeat(many)}`));
  t.ok(isIri(`http://example.org/${'%41'.repeat(many / 3)}`));
  t.notOk(isIri(`http://example.org/${'a'.repeat(many)} `));
  t.notOk(isIri('a'.repeat(many)));
  t.ok(isMailtoIri(`mailto:ann@${'a.'.repeat(many / 2)}org`));
  t.notOk(isMailtoIri(`mailto:ann@${'a.'.repeat(many / 2)}`));
});

t.test('labels of a domain', async (t) => {
  for (const address of ['a@b', 'a@b.c', 'a.b@c-d.e_f', 'a..b@c', 'ä@ö.example', 'a@[127.0.0.1]', 'a@[IPv6:2001:db8::1]']) t.ok(isMailtoIri(`mailto:${address}`), address);
  for (const address of ['a@.b', 'a@b.', 'a@b..c', 'a@.', '@b', 'a@', 'a@b@c', 'a@b/c', 'a@b c', 'a@[]', 'a@[127.0.0.1', 'a@[1].b', 'a@[b c]']) t.notOk(isMailtoIri(`mailto:${address}`), address);
});
