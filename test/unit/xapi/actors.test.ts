import t from 'tap';
import { agentIdentifier, agentsOf } from '../../../src/xapi/actors.js';

const homePage = 'https://lms.example.org';

t.test('an identifier has one canonical text', async (t) => {
  t.equal(agentIdentifier({ mbox: 'mailto:ann@example.org' }), 'mbox:mailto:ann@example.org');
  t.equal(agentIdentifier({ mbox_sha1sum: 'EBD31E95054c018b10727ccffd2ef2ec3a016ee9' }), 'mbox_sha1sum:ebd31e95054c018b10727ccffd2ef2ec3a016ee9');
  t.equal(agentIdentifier({ openid: 'https://id.example.org/Ann' }), 'openid:https://id.example.org/Ann');
  t.equal(agentIdentifier({ account: { homePage, name: 'Ann|7' } }), 'account:https://lms.example.org|Ann|7');
});

t.test('only the domain of an mbox is case insensitive (1.0.3 Part Two 2.4.2.3)', async (t) => {
  t.equal(agentIdentifier({ mbox: 'mailto:Ann@Example.ORG' }), 'mbox:mailto:Ann@example.org');
  t.equal(agentIdentifier({ mbox: 'mailto:"A@B"@Example.ORG' }), 'mbox:mailto:"A@B"@example.org', 'the domain follows the last @');
  t.not(agentIdentifier({ mbox: 'mailto:Ann@example.org' }), agentIdentifier({ mbox: 'mailto:ann@example.org' }));
});

t.test('account names and home pages keep their case', async (t) => {
  t.not(agentIdentifier({ account: { homePage, name: 'ann' } }), agentIdentifier({ account: { homePage, name: 'Ann' } }));
});

t.test('different accounts never give one text', async (t) => {
  const accounts = [
    { homePage: 'a', name: 'b|c' },
    { homePage: 'a|b', name: 'c' },
    { homePage: 'a\\', name: 'b|c' },
    { homePage: 'a\\|b', name: 'c' },
    { homePage: 'a\\', name: '|b|c' },
    { homePage: 'a', name: '\ud800' },
    { homePage: 'a', name: '\udc00' },
    { homePage: 'a', name: '\ufffd' },
    { homePage: 'a', name: '\\ud800' },
    { homePage: 'a', name: '\\\\ud800' },
    { homePage: 'a', name: '\u{1f600}' },
    { homePage: 'a', name: '\ud83d' },
    { homePage: 'a', name: '\ud83d\ud83d\ude00' },
    { homePage: 'a', name: '' },
    { homePage: '', name: 'a' },
  ];
  const asUtf8 = new Set(accounts.map((account) => Buffer.from(agentIdentifier({ account })!).toString('hex')));
  t.equal(asUtf8.size, accounts.length);
  t.equal(agentIdentifier({ account: { homePage: 'a', name: '\u{1f600}' } }), 'account:a|\u{1f600}', 'a whole pair stays');
});

t.test('the name and objectType do not matter', async (t) => {
  t.equal(agentIdentifier({ objectType: 'Agent', name: 'Ann', openid: 'https://id.example.org/1' }), 'openid:https://id.example.org/1');
  t.equal(agentIdentifier({ objectType: 'Group', name: 'Anns', openid: 'https://id.example.org/1' }), 'openid:https://id.example.org/1');
});

t.test('an Anonymous Group has no identifier', async (t) => {
  t.equal(agentIdentifier({ objectType: 'Group', member: [{ openid: 'https://id.example.org/1' }] }), undefined);
});

t.test('agentsOf gives the own identifier and those of members, each once', async (t) => {
  const [ann, bob] = [{ mbox: 'mailto:ann@example.org' }, { mbox: 'mailto:bob@example.org' }];
  t.strictSame(agentsOf(ann), ['mbox:mailto:ann@example.org']);
  t.strictSame(agentsOf({ objectType: 'Group', member: [ann, bob, { mbox: 'mailto:bob@EXAMPLE.org' }] }), ['mbox:mailto:ann@example.org', 'mbox:mailto:bob@example.org']);
  t.strictSame(agentsOf({ objectType: 'Group', openid: 'https://id.example.org/team', member: [ann] }), ['openid:https://id.example.org/team', 'mbox:mailto:ann@example.org']);
  t.strictSame(agentsOf({ objectType: 'Group', openid: 'https://id.example.org/team' }), ['openid:https://id.example.org/team']);
  t.strictSame(agentsOf({ objectType: 'Group', member: [] }), []);
});
