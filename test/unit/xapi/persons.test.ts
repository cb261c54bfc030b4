import t from 'tap';
import { personOf } from '../../../src/xapi/persons.js';

t.test('a Person for each kind of identifier, all properties arrays (1.0.3 Part Three 2.4)', async (t) => {
  t.strictSame(personOf({ mbox: 'mailto:ann@example.org' }, ['Ann', 'Anna']), { objectType: 'Person', name: ['Ann', 'Anna'], mbox: ['mailto:ann@example.org'] });
  t.strictSame(personOf({ mbox_sha1sum: 'ab' }, ['Ann']), { objectType: 'Person', name: ['Ann'], mbox_sha1sum: ['ab'] });
  t.strictSame(personOf({ openid: 'https://example.org/ann' }, ['Ann']), { objectType: 'Person', name: ['Ann'], openid: ['https://example.org/ann'] });
  t.strictSame(personOf({ account: { homePage: 'https://example.org', name: 'ann' } }, []), { objectType: 'Person', account: [{ homePage: 'https://example.org', name: 'ann' }] });
});

t.test('an Agent nobody heard of gives what the request says', async (t) => {
  t.strictSame(personOf({ objectType: 'Agent', name: 'Ann', mbox: 'mailto:ann@example.org' }, []), { objectType: 'Person', name: ['Ann'], mbox: ['mailto:ann@example.org'] });
});

t.test('no name twice', async (t) => {
  t.strictSame(personOf({ name: 'Ann', openid: 'https://example.org/ann' }, ['Anna', 'Ann']).name, ['Anna', 'Ann']);
});
