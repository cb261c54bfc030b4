import t from 'tap';
import { filterKeys, inheritedKey, statementKeys } from '../../../src/xapi/statement-keys.js';
import type { Actor, Statement } from '../../../src/xapi/types.js';

const agent = (name: string): Actor => ({ objectType: 'Agent', mbox: `mailto:${name}@example.org` });
const group = (name: string, ...members: string[]): Actor => ({ objectType: 'Group', mbox: `mailto:${name}@example.org`, member: members.map(agent) });
const key = (kind: string, name: string) => `${kind}mbox:mailto:${name}@example.org`;
const verb = { id: 'https://example.org/verbs/did' };
const activity = { id: 'https://example.org/activities/1' };
const simple: Statement = { actor: agent('ann'), verb, object: activity };
const [V, T] = ['Vhttps://example.org/verbs/did', 'Thttps://example.org/activities/1'];

const keysOf = (statement: Statement) => statementKeys(statement).sort();
const same = (statement: Statement, keys: string[], message = 'keys') => t.strictSame(keysOf(statement), [...keys].sort(), message);

t.test('actor, verb and activity (1.0.3 Part Three 2.1.3: agent, verb, activity)', async () => {
  same(simple, [key('A', 'ann'), V, T]);
  same({ ...simple, object: { objectType: 'Activity', ...activity } }, [key('A', 'ann'), V, T]);
});

t.test('values keep their case where the standard says nothing else', async () => {
  same({ actor: { openid: 'https://ID.example.org/Ann' }, verb: { id: 'https://example.org/V' }, object: { id: 'https://example.org/A' } },
    ['Aopenid:https://ID.example.org/Ann', 'Vhttps://example.org/V', 'Thttps://example.org/A']);
});

t.test('Groups match by their identifier and by their members', async () => {
  same({ ...simple, actor: group('team', 'ann', 'bob') }, [key('A', 'team'), key('A', 'ann'), key('A', 'bob'), V, T]);
  same({ ...simple, actor: { objectType: 'Group', member: [agent('ann')] } }, [key('A', 'ann'), V, T]);
});

t.test('an Agent or Group as object counts like the actor', async () => {
  same({ ...simple, object: agent('bob') }, [key('A', 'ann'), key('A', 'bob'), V]);
  same({ ...simple, object: group('team', 'bob') }, [key('A', 'ann'), key('A', 'team'), key('A', 'bob'), V]);
  same({ ...simple, object: agent('ann') }, [key('A', 'ann'), V], 'no duplicates');
});

t.test('the authority and its members are U, beside A of the same agent', async () => {
  same({ ...simple, authority: agent('lrp') }, [key('A', 'ann'), key('U', 'lrp'), V, T]);
  same({ ...simple, authority: agent('ann') }, [key('A', 'ann'), key('U', 'ann'), V, T]);
  same({ ...simple, authority: { objectType: 'Group', member: [agent('app'), agent('user')] } }, [key('A', 'ann'), key('U', 'app'), key('U', 'user'), V, T]);
});

t.test('instructor, team, context agents and groups are related agents (related_agents)', async () => {
  same({
    ...simple,
    context: {
      instructor: group('teachers', 'tom'),
      team: group('team', 'bob'),
      contextAgents: [{ objectType: 'contextAgent', agent: agent('parent') }],
      contextGroups: [{ objectType: 'contextGroup', group: group('class', 'cid') }],
    },
  }, [key('A', 'ann'), V, T, ...['teachers', 'tom', 'team', 'bob', 'parent', 'class', 'cid'].map((name) => key('R', name))]);
});

t.test('a related agent that is actor or authority already gets no R', async () => {
  same({ ...simple, authority: agent('lrp'), context: { instructor: agent('lrp'), team: group('team', 'ann', 'bob', 'bob') } },
    [key('A', 'ann'), key('U', 'lrp'), key('R', 'team'), key('R', 'bob'), V, T]);
});

t.test('context activities are related ones, in an array or alone (related_activities)', async () => {
  const id = (kind: string) => ({ id: `https://example.org/activities/${kind}` });
  const sent: Statement = JSON.parse(JSON.stringify({
    ...simple,
    context: { contextActivities: { parent: id('parent'), grouping: [id('g1'), id('g2')], category: [id('g2'), activity], other: [id('other')] } },
  }));
  same(sent, [key('A', 'ann'), V, T, ...['parent', 'g1', 'g2', 'other'].map((kind) => `Chttps://example.org/activities/${kind}`)]);
});

t.test('everything in a SubStatement is related; its verb and registration are not looked at', async () => {
  same({
    ...simple,
    context: { instructor: agent('tom') },
    object: {
      objectType: 'SubStatement',
      actor: group('team', 'bob', 'ann'),
      verb: { id: 'https://example.org/verbs/other' },
      object: activity,
      context: {
        registration: '7b9f8c1e-0000-4000-8000-000000000001',
        instructor: agent('sue'),
        team: group('class', 'cid'),
        contextAgents: [{ objectType: 'contextAgent', agent: agent('parent') }],
        contextActivities: { other: [{ id: 'https://example.org/activities/other' }] },
      },
    },
  }, [key('A', 'ann'), V, ...['tom', 'team', 'bob', 'sue', 'class', 'cid', 'parent'].map((name) => key('R', name)),
    'Chttps://example.org/activities/1', 'Chttps://example.org/activities/other']);
  same({ ...simple, object: { objectType: 'SubStatement', actor: agent('bob'), verb, object: agent('cid') } }, [key('A', 'ann'), key('R', 'bob'), key('R', 'cid'), V]);
});

t.test('a StatementRef as object gives no key of its own, in the context neither', async () => {
  const reference = { objectType: 'StatementRef' as const, id: '7b9f8c1e-0000-4000-8000-000000000001' };
  same({ ...simple, object: reference }, [key('A', 'ann'), V]);
  same({ ...simple, context: { statement: reference } }, [key('A', 'ann'), V, T]);
  same({ ...simple, object: { objectType: 'SubStatement', actor: agent('bob'), verb, object: reference } }, [key('A', 'ann'), key('R', 'bob'), V]);
});

t.test('registrations and hashes are lower case', async () => {
  const attachment = (sha2: string) => ({ usageType: 'https://example.org/use', display: { en: 'x' }, contentType: 'text/plain', length: 1, sha2 });
  same({
    ...simple,
    context: { registration: '7B9F8C1E-ABCD-4000-8000-000000000001' },
    attachments: [attachment('AB12'), attachment('ab12'), attachment('cd34')],
  }, [key('A', 'ann'), V, T, 'G7b9f8c1e-abcd-4000-8000-000000000001', 'Hab12', 'Hcd34']);
  same({ ...simple, object: { objectType: 'SubStatement', actor: agent('ann'), verb, object: activity, attachments: [attachment('EF')] } },
    [key('A', 'ann'), V, 'Chttps://example.org/activities/1', 'Hef']);
});

t.test('what a StatementRef inherits from its target', async (t) => {
  for (const kind of ['A', 'R', 'V', 'T', 'C', 'G']) t.equal(inheritedKey(`${kind}value`), `${kind}value`);
  t.equal(inheritedKey('Uvalue'), 'Rvalue', 'an authority becomes a related agent');
  t.equal(inheritedKey('Hvalue'), undefined);
});

t.test('filters: AND of ORs', async (t) => {
  t.strictSame(filterKeys({}), []);
  t.strictSame(filterKeys({ agent: { mbox: 'mailto:ann@Example.org' } }), [[key('A', 'ann')]]);
  t.strictSame(filterKeys({ agent: agent('ann'), relatedAgents: true }), [[key('A', 'ann'), key('R', 'ann'), key('U', 'ann')]]);
  t.strictSame(filterKeys({ agent: group('team', 'ann') }), [[key('A', 'team')]], 'a Group is asked for by its own identifier');
  t.strictSame(filterKeys({ activity: activity.id }), [[T]]);
  t.strictSame(filterKeys({ activity: activity.id, relatedActivities: true }), [[T, 'Chttps://example.org/activities/1']]);
  t.strictSame(filterKeys({ relatedActivities: true, relatedAgents: true }), []);
  t.strictSame(filterKeys({ agent: agent('ann'), verb: verb.id, activity: activity.id, registration: '7B9F8C1E-ABCD-4000-8000-000000000001' }),
    [[key('A', 'ann')], [V], [T], ['G7b9f8c1e-abcd-4000-8000-000000000001']]);
  t.strictSame(filterKeys({ agent: { objectType: 'Group', member: [agent('ann')] }, verb: verb.id }), [[], [V]], 'nobody: nothing matches');
});

t.test('a Group of ten thousand members takes no quadratic time', async (t) => {
  const members = Array.from({ length: 10_000 }, (_, index) => `m${index}`);
  const started = performance.now();
  const keys = statementKeys({ ...simple, actor: group('team', ...members), context: { team: group('other', ...members) } });
  t.equal(keys.length, 10_004);
  t.ok(performance.now() - started < 1000);
});
