import t from 'tap';
import { definedThings, mergeDefinition, mergeLanguageMap } from '../../../src/xapi/activity-definitions.js';
import type { ActivityDefinition, Statement } from '../../../src/xapi/types.js';

t.test('language maps are merged by tag, the latest text wins', async (t) => {
  t.strictSame(mergeLanguageMap(undefined, { en: 'One' }), { en: 'One' });
  t.strictSame(mergeLanguageMap({ en: 'One', de: 'Eins' }, { en: 'Uno', fr: 'Un' }), { en: 'Uno', de: 'Eins', fr: 'Un' });
  t.strictSame(mergeLanguageMap({ 'en-us': 'One', de: 'Eins' }, { 'en-US': 'Two' }), { 'en-US': 'Two', de: 'Eins' }, 'tags are case insensitive');
});

t.test('a definition nobody knew is taken as it is', async (t) => {
  const given = { type: 'https://example.org/t', name: { en: 'One' } };
  t.strictSame(mergeDefinition(undefined, given), given);
});

t.test('of another interaction type than the new one neither components nor response patterns stay', async (t) => {
  const choice: ActivityDefinition = { name: { en: 'One' }, interactionType: 'choice', choices: [{ id: 'a' }, { id: 'b' }], correctResponsesPattern: ['a[,]b'] };
  t.strictSame(mergeDefinition(choice, { interactionType: 'likert', scale: [{ id: 'l' }] }), { name: { en: 'One' }, interactionType: 'likert', scale: [{ id: 'l' }] });
  t.strictSame(mergeDefinition(choice, { interactionType: 'numeric' }), { name: { en: 'One' }, interactionType: 'numeric' });
  t.strictSame(mergeDefinition(choice, { interactionType: 'sequencing', choices: [{ id: 'c' }], correctResponsesPattern: ['c'] }),
    { name: { en: 'One' }, interactionType: 'sequencing', choices: [{ id: 'c' }], correctResponsesPattern: ['c'] });
  t.strictSame(mergeDefinition(choice, { name: { de: 'Eins' } }), { ...choice, name: { en: 'One', de: 'Eins' } }, 'a definition that names no type changes none');
  t.strictSame(mergeDefinition({ name: { en: 'One' } }, choice), choice);
});

t.test('what the new definition leaves out is kept, the rest is replaced or merged', async (t) => {
  const known: ActivityDefinition = {
    name: { en: 'One' },
    description: { en: 'The first' },
    type: 'https://example.org/t1',
    moreInfo: 'https://example.org/more',
    extensions: { 'https://example.org/a': 1, 'https://example.org/b': { deep: true } },
    interactionType: 'choice',
    correctResponsesPattern: ['a'],
    choices: [{ id: 'a', description: { en: 'A' } }, { id: 'b', description: { en: 'B' } }, { id: 'c' }],
  };
  const given: ActivityDefinition = {
    name: { de: 'Eins' },
    description: { en: 'The 1st' },
    type: 'https://example.org/t2',
    extensions: { 'https://example.org/b': 2, 'https://example.org/c': 3 },
    correctResponsesPattern: ['b'],
    choices: [{ id: 'd', description: { en: 'D' } }, { id: 'b', description: { de: 'B!' } }, { id: 'c', description: { en: 'C' } }, { id: 'a' }],
  };
  const before = structuredClone({ known, given });
  t.strictSame(mergeDefinition(known, given), {
    name: { en: 'One', de: 'Eins' },
    description: { en: 'The 1st' },
    type: 'https://example.org/t2',
    moreInfo: 'https://example.org/more',
    extensions: { 'https://example.org/a': 1, 'https://example.org/b': 2, 'https://example.org/c': 3 },
    interactionType: 'choice',
    correctResponsesPattern: ['b'],
    choices: [
      { id: 'a', description: { en: 'A' } },
      { id: 'b', description: { en: 'B', de: 'B!' } },
      { id: 'c', description: { en: 'C' } },
      { id: 'd', description: { en: 'D' } },
    ],
  });
  t.strictSame({ known, given }, before, 'neither argument is changed');
});

t.test('every list of interaction components is merged', async (t) => {
  for (const list of ['choices', 'scale', 'source', 'target', 'steps'] as const) {
    t.strictSame(mergeDefinition({ [list]: [{ id: '1' }] }, { [list]: [{ id: '2' }] }), { [list]: [{ id: '1' }, { id: '2' }] });
    t.strictSame(mergeDefinition({}, { [list]: [{ id: '2' }] }), { [list]: [{ id: '2' }] });
    t.strictSame(mergeDefinition({ [list]: [{ id: '1' }] }, {}), { [list]: [{ id: '1' }] });
  }
});

t.test('__proto__ is a key like any other', async (t) => {
  const known: ActivityDefinition = JSON.parse('{"name":{"__proto__":"a"},"extensions":{"__proto__":{"x":1}},"choices":[{"id":"__proto__","description":{"en":"p"}}]}');
  const given: ActivityDefinition = JSON.parse('{"name":{"en":"b"},"extensions":{"https://example.org/a":1},"choices":[{"id":"__proto__","description":{"__proto__":"q"}}]}');
  t.equal(JSON.stringify(mergeDefinition(known, given)),
    '{"name":{"__proto__":"a","en":"b"},"extensions":{"__proto__":{"x":1},"https://example.org/a":1},"choices":[{"id":"__proto__","description":{"en":"p","__proto__":"q"}}]}');
  t.equal(JSON.stringify(mergeDefinition(given, known)),
    '{"name":{"en":"b","__proto__":"a"},"extensions":{"https://example.org/a":1,"__proto__":{"x":1}},"choices":[{"id":"__proto__","description":{"__proto__":"q","en":"p"}}]}');
  t.equal(({} as Record<string, unknown>).x, undefined);
});

t.test('definedThings finds definitions, displays and names everywhere', async (t) => {
  const named = (name: string) => ({ name, mbox: `mailto:${name}@example.org` });
  const defined = (name: string) => ({ id: `https://example.org/${name}`, definition: { name: { en: name } } });
  const display = (name: string) => ({ id: `https://example.org/verbs/${name}`, display: { en: name } });
  const statement: Statement = {
    actor: { objectType: 'Group', name: 'team', mbox: 'mailto:team@example.org', member: [named('m1'), { mbox: 'mailto:m2@example.org' }] },
    verb: display('did'),
    object: {
      objectType: 'SubStatement',
      actor: named('sub'),
      verb: display('planned'),
      object: defined('object'),
      context: { instructor: named('subinstructor'), contextActivities: { parent: [defined('subparent'), { id: 'https://example.org/undefined' }] } },
    },
    context: {
      instructor: named('instructor'),
      team: { objectType: 'Group', member: [named('m3')] },
      contextAgents: [{ objectType: 'contextAgent', agent: named('ca') }],
      contextGroups: [{ objectType: 'contextGroup', group: { objectType: 'Group', name: 'cg', member: [named('m4')] } }],
      contextActivities: { grouping: [defined('grouping')], category: [defined('category')], other: [defined('other')] },
    },
    authority: named('authority'),
  };
  const things = definedThings(statement);
  t.strictSame(new Map(things.activities), new Map(['object', 'subparent', 'grouping', 'category', 'other'].map((name) => [`https://example.org/${name}`, { name: { en: name } }])));
  t.strictSame(new Map(things.verbs), new Map(['did', 'planned'].map((name) => [`https://example.org/verbs/${name}`, { en: name }])));
  t.strictSame(new Map(things.agents), new Map(['m1', 'sub', 'subinstructor', 'instructor', 'm3', 'ca', 'm4'].map((name) => [`mbox:mailto:${name}@example.org`, name])));
});

t.test('definedThings: plain objects', async (t) => {
  const verb = { id: 'https://example.org/verbs/did' };
  const actor = { mbox: 'mailto:ann@example.org' };
  t.strictSame(definedThings({ actor, verb, object: { id: 'https://example.org/1' } }), { activities: [], verbs: [], agents: [] });
  t.strictSame(definedThings({ actor, verb, object: { objectType: 'Agent', name: 'Bob', openid: 'https://example.org/bob' } }).agents, [['openid:https://example.org/bob', 'Bob']]);
  t.strictSame(definedThings({ actor, verb, object: { objectType: 'StatementRef', id: '7b9f8c1e-abcd-4000-8000-00000000000a' } }), { activities: [], verbs: [], agents: [] });
});
