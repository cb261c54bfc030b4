import t from 'tap';
import { createCanonicalFormat, idsOf, toIdsFormat as idsText } from '../../../src/xapi/statement-formats.js';
import { placesIn, type PlacedText } from '../../../src/xapi/statement-places.js';
import type { Activity, ActivityDefinition, Actor, LanguageMap, Statement } from '../../../src/xapi/types.js';
import type { KnownValues } from './formats-by-value.js';

const placed = (statement: Statement): PlacedText => placesIn(JSON.stringify(statement));
const toIdsFormat = (statement: Statement): Statement => JSON.parse(idsText(placed(statement))) as Statement;
const textOf = (value: object | undefined): string | undefined => value && JSON.stringify(value);
const toCanonicalFormat = (statement: Statement, known: KnownValues, acceptLanguage: string | undefined): Statement => (
  JSON.parse(createCanonicalFormat({ definition: (id) => textOf(known.definition(id)), display: (id) => textOf(known.display(id)) }, acceptLanguage)(placed(statement))) as Statement
);

const agent = (name: string): Actor => ({ objectType: 'Agent', name, mbox: `mailto:${name}@example.org` });
const bare = (name: string) => ({ objectType: 'Agent', mbox: `mailto:${name}@example.org` });
const activity = (name: string): Activity => ({ objectType: 'Activity', id: `https://example.org/${name}`, definition: { name: { 'en-US': name, 'en-GB': `${name}!` } } });
const activityId = (name: string) => ({ id: `https://example.org/${name}` });
const verb = (name: string) => ({ id: `https://example.org/verbs/${name}`, display: { 'en-US': name, 'en-GB': `${name}!` } });
const verbId = (name: string) => ({ id: `https://example.org/verbs/${name}` });

const attachments = [{ usageType: 'https://example.org/use', display: { 'en-US': 'x', 'en-GB': 'y' }, contentType: 'text/plain', length: 1, sha2: 'ab' }];

const full: Statement = {
  id: '7b9f8c1e-abcd-4000-8000-00000000000a',
  actor: { objectType: 'Group', name: 'anonymous', member: [agent('m1'), { name: 'm2', account: { homePage: 'https://example.org', name: 'm2' } }] },
  verb: verb('did'),
  object: {
    objectType: 'SubStatement',
    actor: { objectType: 'Group', name: 'team', openid: 'https://example.org/team', member: [agent('m3')] },
    verb: verb('planned'),
    object: activity('object'),
    result: { success: true },
    context: { instructor: agent('subinstructor'), contextActivities: { parent: [activity('subparent')] } },
    attachments,
  },
  result: { extensions: JSON.parse('{"__proto__":{"en":"a","de":"b"}}') },
  context: {
    registration: '7b9f8c1e-abcd-4000-8000-00000000000b',
    instructor: agent('instructor'),
    team: { objectType: 'Group', name: 'context team', mbox_sha1sum: 'ab', member: [agent('m4')] },
    contextAgents: [{ objectType: 'contextAgent', agent: agent('ca'), relevantTypes: ['https://example.org/t'] }],
    contextGroups: [{ objectType: 'contextGroup', group: { objectType: 'Group', name: 'cg', member: [agent('m5')] } }],
    contextActivities: { parent: [activity('parent')], grouping: [activity('grouping')], category: [activity('category')], other: [activity('other'), activity('object')] },
  },
  timestamp: '2026-01-01T00:00:00Z',
  stored: '2026-01-01T00:00:00.000Z',
  authority: agent('authority'),
  version: '2.0.0',
  attachments,
};

t.test('ids: only what identifies Agents, Groups, Activities and Verbs, everywhere (1.0.3 Part Three 2.1.3)', async (t) => {
  const formatted = toIdsFormat(full);
  t.strictSame(formatted, {
    ...full,
    actor: { objectType: 'Group', member: [bare('m1'), { account: { homePage: 'https://example.org', name: 'm2' } }] },
    verb: verbId('did'),
    object: {
      ...full.object,
      actor: { objectType: 'Group', openid: 'https://example.org/team' },
      verb: verbId('planned'),
      object: activityId('object'),
      context: { instructor: bare('subinstructor'), contextActivities: { parent: [activityId('subparent')] } },
    },
    context: {
      registration: '7b9f8c1e-abcd-4000-8000-00000000000b',
      instructor: bare('instructor'),
      team: { objectType: 'Group', mbox_sha1sum: 'ab' },
      contextAgents: [{ objectType: 'contextAgent', agent: bare('ca'), relevantTypes: ['https://example.org/t'] }],
      contextGroups: [{ objectType: 'contextGroup', group: { objectType: 'Group', member: [bare('m5')] } }],
      contextActivities: {
        parent: [activityId('parent')], grouping: [activityId('grouping')], category: [activityId('category')], other: [activityId('other'), activityId('object')],
      },
    },
    authority: bare('authority'),
  });
  t.equal(JSON.stringify(formatted.result), '{"extensions":{"__proto__":{"en":"a","de":"b"}}}', 'the rest untouched');
});

t.test('ids: objects of every kind', async (t) => {
  const statement = { actor: { mbox: 'mailto:ann@example.org', name: 'Ann' }, verb: verb('did'), object: activity('object') };
  t.strictSame(toIdsFormat(statement), { actor: { mbox: 'mailto:ann@example.org' }, verb: verbId('did'), object: activityId('object') });
  t.strictSame(toIdsFormat({ ...statement, object: agent('bob') }).object, bare('bob'), 'an Agent as object keeps its objectType');
  const reference = { objectType: 'StatementRef' as const, id: '7b9f8c1e-abcd-4000-8000-00000000000a' };
  t.strictSame(toIdsFormat({ ...statement, object: reference }).object, reference);
});

t.test('ids: a Group in a Group, which no valid statement has, is not followed', async (t) => {
  const nested: Actor = { objectType: 'Group', member: [{ objectType: 'Group', member: [{ objectType: 'Group', member: [agent('m1')] }] }] };
  t.strictSame(toIdsFormat({ ...full, actor: nested }).actor, { objectType: 'Group', member: [{ objectType: 'Group' }] });
});

const nothingKnown = { definition: () => undefined, display: () => undefined };

t.test('canonical: one language in each map of Activities and Verbs, Agents as in exact', async (t) => {
  const one = (name: string) => ({ objectType: 'Activity', id: `https://example.org/${name}`, definition: { name: { 'en-GB': `${name}!` } } });
  const oneVerb = (name: string) => ({ id: `https://example.org/verbs/${name}`, display: { 'en-GB': `${name}!` } });
  t.strictSame(toCanonicalFormat(full, nothingKnown, 'en-GB'), {
    ...full,
    verb: oneVerb('did'),
    object: {
      ...full.object,
      verb: oneVerb('planned'),
      object: one('object'),
      context: { instructor: agent('subinstructor'), contextActivities: { parent: [one('subparent')] } },
    },
    context: {
      ...full.context,
      contextActivities: { parent: [one('parent')], grouping: [one('grouping')], category: [one('category')], other: [one('other'), one('object')] },
    },
  });
});

t.test('canonical: what the LRS knows replaces what the statement says', async (t) => {
  const definitions: Record<string, ActivityDefinition> = { 'https://example.org/object': { type: 'https://example.org/t', name: { de: 'Ding', en: 'Thing' } } };
  const displays: Record<string, LanguageMap> = { 'https://example.org/verbs/did': { de: 'tat' } };
  const known = { definition: (id: string) => definitions[id], display: (id: string) => displays[id] };
  const statement = { actor: agent('ann'), verb: verb('did'), object: activity('object') };
  t.strictSame(toCanonicalFormat(statement, known, 'de'), {
    actor: agent('ann'),
    verb: { id: 'https://example.org/verbs/did', display: { de: 'tat' } },
    object: { objectType: 'Activity', id: 'https://example.org/object', definition: { type: 'https://example.org/t', name: { de: 'Ding' } } },
  });
  t.strictSame(toCanonicalFormat({ ...statement, verb: verbId('did'), object: activityId('object') }, known, 'en'), {
    actor: agent('ann'),
    verb: { id: 'https://example.org/verbs/did', display: { de: 'tat' } },
    object: { id: 'https://example.org/object', definition: { type: 'https://example.org/t', name: { en: 'Thing' } } },
  }, 'also where the statement says nothing');
  t.strictSame(toCanonicalFormat({ ...statement, verb: verbId('x'), object: activityId('x') }, known, 'en'), { actor: agent('ann'), verb: verbId('x'), object: activityId('x') }, 'nothing is made up');
});

t.test('canonical: names, descriptions and every list of interaction components', async (t) => {
  const both = { en: 'a', de: 'b' };
  const extensions = { 'https://example.org/map': both };
  const definition: ActivityDefinition = { name: both, description: { de: 'only' }, interactionType: 'matching', correctResponsesPattern: ['x'], extensions };
  const expected: ActivityDefinition = { name: { en: 'a' }, description: { de: 'only' }, interactionType: 'matching', correctResponsesPattern: ['x'], extensions };
  for (const list of ['choices', 'scale', 'source', 'target', 'steps'] as const) {
    definition[list] = [{ id: '1', description: both }, { id: '2' }, { id: '3', description: { de: 'only' } }];
    expected[list] = [{ id: '1', description: { en: 'a' } }, { id: '2' }, { id: '3', description: { de: 'only' } }];
  }
  const object = { id: 'https://example.org/object', definition };
  const formatted = toCanonicalFormat({ actor: agent('ann'), verb: verbId('did'), object }, nothingKnown, 'en');
  t.strictSame(formatted.object, { id: 'https://example.org/object', definition: expected }, 'each map on its own; extensions stay');
});

t.test('canonical: one language without a header too', async (t) => {
  const formatted = toCanonicalFormat({ actor: agent('ann'), verb: verb('did'), object: activity('object') }, nothingKnown, undefined);
  t.strictSame(formatted.verb.display, { 'en-US': 'did' });
  t.strictSame((formatted.object as Activity).definition?.name, { 'en-US': 'object' });
});

t.test('canonical: objects that are no Activity', async (t) => {
  const reference = { objectType: 'StatementRef' as const, id: '7b9f8c1e-abcd-4000-8000-00000000000a' };
  for (const object of [reference, agent('bob')]) {
    t.strictSame(toCanonicalFormat({ actor: agent('ann'), verb: verbId('did'), object }, nothingKnown, 'en').object, object);
  }
});

t.test('idsOf: each id once, from everywhere', async (t) => {
  const { activities, verbs } = idsOf([placed(full), placed(full)]);
  t.strictSame(activities.sort(), ['category', 'grouping', 'object', 'other', 'parent', 'subparent'].map((name) => `https://example.org/${name}`));
  t.strictSame(verbs.sort(), ['https://example.org/verbs/did', 'https://example.org/verbs/planned']);
  t.strictSame(idsOf([placed({ actor: agent('ann'), verb: verb('did'), object: agent('bob') })]), { activities: [], verbs: ['https://example.org/verbs/did'] });
});
