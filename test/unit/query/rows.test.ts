import t from 'tap';
import { insertOf, rowLine, rowOf } from '../../../src/query/rows.js';
import { durationSeconds } from '../../../src/xapi/durations.js';

const id = '7ccd3322-e1a5-411a-a67d-6a735c76f119';
const stored = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const row = (statement: object) => rowOf({ position: 7, id, stored, text: Buffer.from(JSON.stringify(statement)) }, { tenant: 'default', erasure: 0 });
const plain = { actor: { mbox: 'mailto:Ann@Example.ORG', name: 'Ann' }, verb: { id: 'https://example.org/did' }, object: { id: 'https://example.org/a' } };

t.test('a question with everything', async (t) => {
  const text = {
    ...plain, timestamp: '2026-01-01T01:00:00+01:00', version: '2.0.0',
    verb: { id: 'https://example.org/did', display: { de: 'tat', 'en-GB': 'did' } },
    object: { id: 'https://example.org/a', definition: { name: { fr: 'Un' }, type: 'https://example.org/question', interactionType: 'choice', correctResponsesPattern: ['a[,]b', 'c'], extensions: { 'https://e.org/x': { y: [1] } } } },
    result: { success: false, completion: true, score: { scaled: 0.5, raw: 5, min: 0, max: 10 }, duration: 'P1DT1H', response: 'b', extensions: { 'https://e.org/n': 3, 'https://e.org/t': 'text' } },
    context: {
      registration: 'ABCD3322-E1A5-411A-A67D-6A735C76F119', platform: 'web', language: 'de', revision: '7', statement: { objectType: 'StatementRef', id: id.toUpperCase() },
      instructor: { account: { homePage: 'https://e.org', name: 'i' } }, team: { objectType: 'Group', mbox: 'mailto:team@e.org', member: [{ mbox: 'mailto:m@e.org' }] },
      contextActivities: { parent: { id: 'https://e.org/p' }, grouping: [{ id: 'https://e.org/g1' }, { id: 'https://e.org/g2' }], category: [{ id: 'https://e.org/c' }], other: [{ id: 'https://e.org/o' }] },
    },
    authority: { openid: 'https://e.org/lrs' },
  };
  t.match(row(text), {
    tenant: 'default', position: 7, erasure: 0, id, stored: '2026-01-02 03:04:05.678', timestamp: '2026-01-01 00:00:00.000', version: '2.0.0',
    actor_id: 'mbox:mailto:Ann@example.org', actor_name: 'Ann', actor_type: 'Agent', actor_members: [], verb: 'https://example.org/did', verb_name: 'did',
    object_type: 'Activity', object_id: 'https://example.org/a', object_name: 'Un', activity_type: 'https://example.org/question', target: null, voids: false,
    parents: ['https://e.org/p'], groupings: ['https://e.org/g1', 'https://e.org/g2'], categories: ['https://e.org/c'], others: ['https://e.org/o'],
    related_agents: ['account:https://e.org|i', 'mbox:mailto:team@e.org', 'mbox:mailto:m@e.org'],
    registration: 'abcd3322-e1a5-411a-a67d-6a735c76f119', platform: 'web', language: 'de', context_revision: '7', context_statement: id,
    instructor_id: 'account:https://e.org|i', team_id: 'mbox:mailto:team@e.org', authority_id: 'openid:https://e.org/lrs',
    success: false, completion: true, score_scaled: 0.5, score_raw: 5, score_min: 0, score_max: 10, duration: 90_000, response: 'b',
    interaction_type: 'choice', correct_responses: ['a[,]b', 'c'], result_extensions: { 'https://e.org/n': '3', 'https://e.org/t': 'text' }, activity_extensions: { 'https://e.org/x': '{"y":[1]}' },
  });
  t.equal(row(text).text, JSON.stringify(text));
});

t.test('what is absent is empty, or null where a value would mean something', async (t) => {
  t.match(row(plain), { timestamp: '2026-01-02 03:04:05.678', success: null, completion: null, score_raw: null, duration: null, registration: null, response: '', platform: '', parents: [], result_extensions: {} });
});

t.test('every kind of object', async (t) => {
  const object = (value: object) => row({ ...plain, object: value });
  t.match(object({ objectType: 'Agent', mbox: 'mailto:b@e.org', name: 'B' }), { object_type: 'Agent', object_id: 'mbox:mailto:b@e.org', object_name: 'B', activity_type: '' });
  t.match(object({ objectType: 'StatementRef', id: id.toUpperCase() }), { object_type: 'StatementRef', object_id: id, target: id, voids: false });
  t.match(object({ objectType: 'SubStatement', actor: { mbox: 'mailto:s@e.org' }, verb: plain.verb, object: plain.object }), { object_type: 'SubStatement', object_id: '', related_agents: ['mbox:mailto:s@e.org'] });
  t.match(row({ ...plain, verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: { objectType: 'StatementRef', id } }), { voids: true, target: id });
});

t.test('times that a column can not hold are set to the nearest', async (t) => {
  t.equal(row({ ...plain, timestamp: '0001-01-01T00:00:00Z' }).timestamp, '1900-01-01 00:00:00.000');
  t.equal(row({ ...plain, timestamp: '9999-01-01T00:00:00Z' }).timestamp, '2299-12-31 23:59:59.999');
});

t.test('lines hold the columns in their order, the text as it is, and no half of a surrogate pair outside of it', async (t) => {
  const text = '{"actor":{"mbox":"mailto:a@e.org","name":"\\ud800"},\n "verb":{"id":"https://e.org/v"},"object":{"id":"https://e.org/a"}}';
  const made = rowOf({ position: 1, id, stored, text: Buffer.from(text) }, { tenant: 'default', erasure: 0 });
  const columns = /\((.*)\) FORMAT JSONCompactEachRow$/.exec(insertOf('quipu.statement_log'))![1]!.split(', ');
  const fields = (line: string): Record<string, unknown> => Object.fromEntries((JSON.parse(line) as unknown[]).map((value, index) => [columns[index], value]));
  t.ok(rowLine(made).endsWith(']\n'));
  t.same(fields(rowLine(made)), { ...made, actor_name: '\ufffd', refused: false });
  t.same(fields(rowLine(made, true)), { ...made, actor_name: '\ufffd', refused: true });
});

t.test('durations in seconds', async (t) => {
  const seconds: [string, number | undefined][] = [
    ['PT0S', 0], ['PT1M30.5S', 90.5], ['P1W', 604_800], ['P1DT1H', 90_000], ['P1Y', 31_557_600], ['P1M', 2_629_800], ['PT1M', 60], ['PT0,5H', 1800], ['P', undefined], ['PT', undefined], ['1M', undefined], ['PT1M0.5H', undefined],
  ];
  for (const [value, expected] of seconds) t.equal(durationSeconds(value), expected, value);
  t.equal(durationSeconds(`P${'9'.repeat(400)}Y`), undefined, 'too long to be a number');
});
