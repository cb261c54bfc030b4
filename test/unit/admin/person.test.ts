import { createHash } from 'node:crypto';
import t from 'tap';
import { createPerson, judgeStatement, type Verdict } from '../../../src/admin/person.js';
import type { Actor, Statement } from '../../../src/xapi/types.js';
import { activity, reference, statement, uuid } from '../../contract/statement-samples.js';
import { ann, bob } from './person-data.js';

const nobody: Actor = { objectType: 'Agent', account: { homePage: 'urn:quipu:erased', name: 'x' } };
const person = createPerson(ann);
const judge = (parts: Partial<Statement>): Verdict => judgeStatement(statement(1, { actor: bob, ...parts }), person, nobody);
const group = (...member: Actor[]): Actor => ({ objectType: 'Group', member });
const team = (...member: Actor[]): Actor => ({ ...group(...member), name: 'Team', mbox: 'mailto:team@example.org' });
const signed = { usageType: 'http://adlnet.gov/expapi/attachments/signature', display: { en: 'Signature' }, contentType: 'application/octet-stream', length: 1, sha2: '0'.repeat(64) };

t.test('statements by and about the person go', async (t) => {
  t.equal(judge({ actor: ann }), 'erase');
  t.equal(judge({ actor: { mbox: 'mailto:ann@EXAMPLE.org', name: 'Other' } }), 'erase', 'whatever the name and the case of the domain');
  t.equal(judge({ object: ann as Statement['object'] }), 'erase');
  t.equal(judge({ actor: group(ann) }), 'erase', 'an Anonymous Group of nobody else');
  t.equal(judge({ object: group(ann, ann) as Statement['object'] }), 'erase');
  t.equal(judge({ actor: { ...team(bob), mbox: 'mailto:ann@example.org' } }), 'erase', 'a Group under the identifier');
});

t.test('statements of others stay without the person', async (t) => {
  const cases: [string, Partial<Statement>, Partial<Statement>][] = [
    ['authority', { authority: ann }, { authority: nobody }],
    ['authority of two', { authority: group(ann, bob) }, { authority: group(nobody, bob) }],
    ['instructor', { context: { instructor: ann } }, { context: { instructor: nobody } }],
    ['member of the team', { context: { team: team(bob, ann) } }, { context: { team: team(bob, nobody) } }],
    ['member of the actor', { actor: group(ann, bob) }, { actor: group(nobody, bob) }],
    ['only member of a named Group', { actor: team(ann) }, { actor: team(nobody) }],
    ['member of the object', { object: team(ann) as Statement['object'] }, { object: team(nobody) as Statement['object'] }],
    ['context agent', { context: { contextAgents: [{ objectType: 'contextAgent', agent: ann, relevantTypes: ['https://example.org/t'] }] } },
      { context: { contextAgents: [{ objectType: 'contextAgent', agent: nobody, relevantTypes: ['https://example.org/t'] }] } }],
    ['context group', { context: { contextGroups: [{ objectType: 'contextGroup', group: team(ann) }] } }, { context: { contextGroups: [{ objectType: 'contextGroup', group: team(nobody) }] } }],
    ['team under the identifier', { context: { team: { objectType: 'Group', mbox: ann.mbox, member: [bob] } } }, { context: { team: { ...nobody, objectType: 'Group', member: [bob] } } }],
  ];
  const inner = { objectType: 'SubStatement' as const, verb: { id: 'https://example.org/v' } };
  cases.push(
    ['actor of a SubStatement', { object: { ...inner, actor: ann, object: activity('a') } }, { object: { ...inner, actor: nobody, object: activity('a') } }],
    ['object of a SubStatement', { object: { ...inner, actor: bob, object: ann } }, { object: { ...inner, actor: bob, object: nobody } }],
    ['context of a SubStatement', { object: { ...inner, actor: bob, object: reference(uuid(2)), context: { instructor: ann } } },
      { object: { ...inner, actor: bob, object: reference(uuid(2)), context: { instructor: nobody } } }],
  );
  for (const [name, before, after] of cases) {
    const value = statement(1, { actor: bob, ...before });
    const text = JSON.stringify(value);
    t.same(judgeStatement(value, person, nobody), { redacted: statement(1, { actor: bob, ...after }) }, name);
    t.equal(JSON.stringify(value), text, 'the original is untouched');
    t.equal(judge({ ...before, attachments: [signed] }), 'erase', `${name}, signed`);
  }
});

t.test('everything else is left alone, odd keys and all', async (t) => {
  t.equal(judge({}), 'unrelated');
  t.equal(judge({ attachments: [signed] }), 'unrelated');
  t.equal(judge({ object: reference(uuid(2)), context: { statement: reference(uuid(3)) } }), 'unrelated');
  t.equal(judge({ actor: { objectType: 'Group', mbox: 'mailto:team@example.org' } }), 'unrelated');
  const value = JSON.parse('{"id":"x","actor":{"mbox":"mailto:bob@example.org"},"verb":{"id":"v"},"object":{"id":"a"},"context":{"instructor":{"mbox":"mailto:ann@example.org"},"extensions":{"http://x":{"__proto__":{"a.b":1e300},"$":[0.1]}}}}') as Statement;
  const { redacted } = judgeStatement(value, person, nobody) as { redacted: Statement };
  t.match(JSON.stringify(redacted), '{"__proto__":{"a.b":1e+300},"$":[0.1]}');
});

t.test('an mbox is known by its SHA-1 sums too', async (t) => {
  const sum = (mbox: string) => createHash('sha1').update(mbox).digest('hex');
  const mixed = createPerson({ mbox: 'mailto:Ann@Example.ORG' });
  t.ok(mixed.is({ mbox_sha1sum: sum('mailto:Ann@Example.ORG') }));
  t.ok(mixed.is({ mbox_sha1sum: sum('mailto:Ann@example.org').toUpperCase() }));
  t.notOk(mixed.is({ mbox_sha1sum: sum('mailto:ann@example.org') }), 'local parts have case');
  t.notOk(mixed.is(group(ann)));
  t.notOk(createPerson({ account: { homePage: 'https://a.example', name: 'ann' } }).is({ account: { homePage: 'https://b.example', name: 'ann' } }));
});
