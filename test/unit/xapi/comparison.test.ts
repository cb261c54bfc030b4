import t from 'tap';
import { equivalentStatements } from '../../../src/xapi/comparison.js';
import type { Json, Statement } from '../../../src/xapi/types.js';

const text = JSON.stringify({
  id: '7b9f8c1e-abcd-4000-8000-00000000000a',
  actor: { mbox: 'mailto:ann@example.org' },
  verb: { id: 'https://example.org/verbs/did' },
  object: { id: 'https://example.org/activities/1' },
});

/** A statement with the given properties put over the plain one; a key written a.b.c goes inside. */
function statement(changes: Record<string, unknown> = {}): Statement {
  const made: Record<string, unknown> = JSON.parse(text);
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split('.');
    const last = steps.pop()!;
    let place = made;
    for (const step of steps) place = (place[step] ??= {}) as Record<string, unknown>;
    if (value === undefined) delete place[last];
    else place[last] = value;
  }
  return JSON.parse(JSON.stringify(made));
}

function matches(one: Record<string, unknown>, other: Record<string, unknown>, message: string): void {
  t.ok(equivalentStatements(statement(one), statement(other)), message);
  t.ok(equivalentStatements(statement(other), statement(one)), `${message}, the other way round`);
}

function differs(one: Record<string, unknown>, other: Record<string, unknown>, message: string): void {
  t.notOk(equivalentStatements(statement(one), statement(other)), message);
  t.notOk(equivalentStatements(statement(other), statement(one)), `${message}, the other way round`);
}

const reference = (id: string) => ({ objectType: 'StatementRef', id });
const sub = (changes: Record<string, unknown> = {}) => ({ objectType: 'SubStatement', ...statement({ id: undefined, ...changes }) });
const attachment = (changes: object = {}) => [{ usageType: 'https://example.org/use', display: { 'en-US': 'Essay' }, contentType: 'text/plain', length: 4, sha2: 'ab12', ...changes }];
const [id, otherId] = ['7b9f8c1e-abcd-4000-8000-00000000000b', '7b9f8c1e-abcd-4000-8000-00000000000c'];

t.test('a statement matches itself, whatever the order of its keys', async (t) => {
  matches({}, {}, 'same');
  const reversed = Object.fromEntries(Object.entries(statement({ result: { success: true, completion: false } })).reverse());
  t.ok(equivalentStatements(statement({ result: { completion: false, success: true } }), reversed as unknown as Statement));
});

t.test('assigned by the LRS: id, authority, stored, timestamp, version (2.3.1, first exception)', async () => {
  matches({ authority: { mbox: 'mailto:a@example.org' } }, { authority: { mbox: 'mailto:b@example.org' } }, 'authority');
  matches({ authority: { mbox: 'mailto:a@example.org' } }, {}, 'authority on one side');
  matches({ stored: '2026-01-01T00:00:00.000Z' }, { stored: '2026-02-01T00:00:00.000Z' }, 'stored');
  matches({ version: '1.0.0' }, { version: '2.0.0' }, 'version');
  matches({ version: '1.0.0' }, {}, 'version on one side');
  matches({ id: undefined }, {}, 'an id on one side');
  matches({ id }, { id: id.toUpperCase() }, 'letter case of the id');
  differs({ id }, { id: otherId }, 'another id');
});

t.test('a timestamp set by the LRS is no difference, one set by a client is', async (t) => {
  const stamped = statement({ timestamp: '2026-01-01T00:00:00.123Z', stored: '2026-01-01T00:00:00.123Z' });
  t.ok(equivalentStatements(stamped, statement()));
  t.notOk(equivalentStatements(stamped, statement({ timestamp: '2026-01-01T00:00:00.124Z' })));
  t.ok(equivalentStatements(stamped, statement({ timestamp: '2026-01-01T01:00:00.123+01:00' })), 'read from here and sent again');
  t.notOk(equivalentStatements(statement({ timestamp: '2025-01-01T00:00:00Z', stored: '2026-01-01T00:00:00.123Z' }), statement()));
  t.notOk(equivalentStatements(statement({ timestamp: '2025-01-01T00:00:00Z' }), statement()));
  t.notOk(equivalentStatements(statement(), statement({ timestamp: '2025-01-01T00:00:00Z' })));
});

t.test('timestamps are compared as instants (2.3.1, serialization of timestamps)', async () => {
  matches({ timestamp: '2026-01-01T12:00:00Z' }, { timestamp: '2026-01-01T12:00:00.000Z' }, 'fraction of zeros');
  matches({ timestamp: '2026-01-01T12:00:00Z' }, { timestamp: '2026-01-01T07:00:00-05:00' }, 'offset');
  matches({ timestamp: '2026-01-01T12:00:00.123456Z' }, { timestamp: '2026-01-01T12:00:00.123Z' }, 'beyond the milliseconds kept');
  differs({ timestamp: '2026-01-01T12:00:00.001Z' }, { timestamp: '2026-01-01T12:00:00.002Z' }, 'another millisecond');
  matches({ object: sub({ timestamp: '2026-01-01T12:00:00Z' }) }, { object: sub({ timestamp: '2026-01-01T13:00:00+01:00' }) }, 'in a SubStatement');
  differs({ object: sub({ timestamp: '2026-01-01T12:00:00Z' }) }, { object: sub() }, 'a SubStatement is given no timestamp by the LRS');
});

t.test('definitions of Activities are not part of the statement (2.3.1)', async () => {
  const definition = { name: { en: 'One' } };
  matches({ 'object.definition': definition }, {}, 'object');
  matches({ 'object.definition': definition }, { 'object.definition': { name: { en: 'Two' } } }, 'changed');
  const parent = (rest: object) => ({ 'context.contextActivities': { parent: [{ id: 'https://example.org/p', ...rest }] } });
  matches(parent({ definition }), parent({}), 'context');
  matches({ object: sub({ 'object.definition': definition }) }, { object: sub() }, 'SubStatement');
  differs({ 'object.id': 'https://example.org/activities/2' }, {}, 'the id of an Activity is');
});

t.test('the display of Verbs is not part of the statement (2.3.1)', async () => {
  matches({ 'verb.display': { en: 'did' } }, {}, 'verb');
  matches({ object: sub({ 'verb.display': { en: 'did' } }) }, { object: sub({ 'verb.display': { de: 'tat' } }) }, 'SubStatement');
  differs({ 'verb.id': 'https://example.org/verbs/other' }, {}, 'the id of a Verb is');
  differs({ 'verb.id': 'https://example.org/verbs/DID' }, {}, 'IRIs are case sensitive (3.1)');
});

t.test('the members of a Group are no ordered list (2.3.1)', async () => {
  const [ann, bob] = [{ mbox: 'mailto:ann@example.org' }, { name: 'Bob', mbox: 'mailto:bob@example.org' }];
  const group = (...member: object[]) => ({ objectType: 'Group', member });
  matches({ actor: group(ann, bob) }, { actor: group(bob, ann) }, 'actor');
  matches({ object: group(ann, bob) }, { object: group(bob, ann) }, 'object');
  matches({ 'context.team': group(ann, bob) }, { 'context.team': group(bob, { ...ann, objectType: 'Agent' }) }, 'team');
  matches({ 'context.contextGroups': [{ objectType: 'contextGroup', group: group(ann, bob) }] }, { 'context.contextGroups': [{ objectType: 'contextGroup', group: group(bob, ann) }] }, 'context group');
  matches({ object: sub({ actor: group(ann, bob) }) }, { object: sub({ actor: group(bob, ann) }) }, 'SubStatement');
  differs({ actor: group(ann, bob) }, { actor: group(ann) }, 'a member less');
  differs({ actor: group(ann, ann) }, { actor: group(ann) }, 'a member twice');
});

t.test('other lists are ordered', async () => {
  const [one, two] = [{ id: 'https://example.org/1' }, { id: 'https://example.org/2' }];
  differs({ 'context.contextActivities': { other: [one, two] } }, { 'context.contextActivities': { other: [two, one] } }, 'context activities');
  differs({ attachments: [...attachment(), ...attachment({ sha2: 'cd' })] }, { attachments: [...attachment({ sha2: 'cd' }), ...attachment()] }, 'attachments (2.4: ordered array)');
});

t.test('headers of attachments are a property of the statement (2.4), their data is not', async () => {
  matches({ attachments: attachment() }, { attachments: attachment() }, 'same');
  differs({ attachments: attachment() }, {}, 'absent');
  differs({ attachments: attachment() }, { attachments: attachment({ sha2: 'ab13' }) }, 'hash');
  differs({ attachments: attachment() }, { attachments: attachment({ length: 5 }) }, 'length');
  differs({ attachments: attachment() }, { attachments: attachment({ display: { 'en-US': 'Novel' } }) }, 'display');
  differs({ attachments: attachment() }, { attachments: attachment({ fileUrl: 'https://example.org/f' }) }, 'fileUrl');
  matches({ object: sub({ attachments: attachment({ sha2: 'AB12' }) }) }, { object: sub({ attachments: attachment() }) }, 'SubStatement');
});

t.test('letter case where the standard or its types are case insensitive (2.3.1)', async () => {
  matches({ actor: { mbox: 'mailto:ann@EXAMPLE.org' } }, {}, 'mail domain');
  differs({ actor: { mbox: 'mailto:Ann@example.org' } }, {}, 'local part');
  matches({ actor: { mbox_sha1sum: 'ABCD' } }, { actor: { mbox_sha1sum: 'abcd' } }, 'mbox_sha1sum');
  differs({ actor: { openid: 'https://example.org/A' } }, { actor: { openid: 'https://example.org/a' } }, 'openid');
  const account = (name: string) => ({ actor: { account: { homePage: 'https://example.org', name } } });
  differs(account('Ann'), account('ann'), 'account name');
  matches({ 'context.registration': id }, { 'context.registration': id.toUpperCase() }, 'registration');
  matches({ object: reference(id) }, { object: reference(id.toUpperCase()) }, 'StatementRef');
  differs({ object: reference(id) }, { object: reference(otherId) }, 'another StatementRef');
  matches({ 'context.statement': reference(id) }, { 'context.statement': reference(id.toUpperCase()) }, 'context.statement');
  matches({ object: sub({ 'context.registration': id, object: reference(id) }) }, { object: sub({ 'context.registration': id.toUpperCase(), object: reference(id.toUpperCase()) }) }, 'SubStatement');
  matches({ 'context.language': 'en-US' }, { 'context.language': 'EN-us' }, 'context.language');
  matches({ attachments: attachment() }, { attachments: attachment({ sha2: 'AB12' }) }, 'sha2');
  matches({ attachments: attachment() }, { attachments: attachment({ display: { 'EN-us': 'Essay' } }) }, 'language tags');
  matches({ attachments: attachment() }, { attachments: attachment({ contentType: 'Text/Plain' }) }, 'media type');
  differs({ attachments: attachment({ contentType: 'text/plain; title=A' }) }, { attachments: attachment({ contentType: 'text/plain; title=a' }) }, 'parameter of a media type');
  const both = { 'en-us': 'a', 'en-US': 'b' };
  differs({ attachments: attachment({ display: both }) }, { attachments: attachment({ display: { 'en-US': 'b' } }) }, 'two spellings of one tag are two entries');
});

t.test('duration is a string, truncated to 0.01 s (2.3.1, 4.6)', async () => {
  const duration = (one: string, other: string) => [{ 'result.duration': one }, { 'result.duration': other }] as const;
  matches(...duration('PT1.2399S', 'PT1.23S'), 'truncated');
  differs(...duration('PT1.2399S', 'PT1.24S'), 'never rounded');
  matches(...duration('PT1.001S', 'PT1S'), 'nothing left of the fraction');
  matches(...duration('PT1.50S', 'PT1.5S'), 'zero at the end of the fraction');
  matches(...duration('P1DT12H36M0.12567S', 'P1DT12H36M0.12S'), 'with other parts');
  matches(...duration('PT1,239S', 'PT1,23S'), 'comma');
  differs(...duration('PT1,23S', 'PT1.23S'), 'a comma is another string');
  differs(...duration('PT60S', 'PT1M'), 'no conversion of units');
  differs(...duration('PT10S', 'PT1S'), 'zeros before the point stay');
  differs(...duration('PT0.129H', 'PT0.12H'), 'only seconds are truncated');
  differs(...duration('PT1S', 'PT2S'), 'another duration');
  matches({ object: sub({ 'result.duration': 'PT1.239S' }) }, { object: sub({ 'result.duration': 'PT1.23S' }) }, 'SubStatement');
});

t.test('one context activity may stand outside an array (2.4.6.2)', async () => {
  const one = { id: 'https://example.org/1' };
  for (const kind of ['parent', 'grouping', 'category', 'other']) {
    matches({ [`context.contextActivities.${kind}`]: one }, { [`context.contextActivities.${kind}`]: [{ objectType: 'Activity', ...one }] }, kind);
  }
  differs({ 'context.contextActivities': { parent: [one] } }, { 'context.contextActivities': { other: [one] } }, 'another kind');
  differs({ 'context.contextActivities': { parent: [one] } }, { 'context.contextActivities': { parent: [one, one] } }, 'twice');
});

t.test('objectType may be left out where it has a default (2.4.2.1, 2.4.4)', async () => {
  matches({ 'actor.objectType': 'Agent' }, {}, 'Agent');
  matches({ 'object.objectType': 'Activity' }, {}, 'Activity');
  matches({ 'context.instructor': { objectType: 'Agent', openid: 'https://example.org/i' } }, { 'context.instructor': { openid: 'https://example.org/i' } }, 'instructor');
  differs({ actor: { objectType: 'Group', mbox: 'mailto:ann@example.org' } }, {}, 'a Group is no Agent');
});

t.test('everything else counts (2.3.1: other serializations are not ignored)', async () => {
  const changes: Record<string, unknown> = {
    'actor.name': 'Ann',
    'result.success': true,
    'result.response': '',
    'result.score.scaled': 0.5,
    'result.extensions': { 'https://example.org/x': 1 },
    'context.revision': '1',
    'context.platform': 'x',
    'context.language': 'en',
    'context.instructor': { mbox: 'mailto:i@example.org' },
    'context.team': { objectType: 'Group', mbox: 'mailto:t@example.org' },
    'context.registration': id,
    'context.statement': reference(id),
    'context.extensions': { 'https://example.org/x': null },
    'context.contextActivities': { parent: [{ id: 'https://example.org/p' }] },
    'context.contextAgents': [{ objectType: 'contextAgent', agent: { mbox: 'mailto:i@example.org' } }],
    object: reference(id),
  };
  for (const [path, value] of Object.entries(changes)) differs({ [path]: value }, {}, path);
  differs({ 'context.contextAgents': [{ objectType: 'contextAgent', agent: { mbox: 'mailto:i@example.org' }, relevantTypes: ['https://example.org/t'] }] },
    { 'context.contextAgents': [{ objectType: 'contextAgent', agent: { mbox: 'mailto:i@example.org' } }] }, 'relevantTypes');
  differs({ object: sub({ 'result.success': true }) }, { object: sub() }, 'in a SubStatement');
});

t.test('numbers are compared by value', async (t) => {
  const score = (json: string) => ({ ...statement(), result: JSON.parse(`{"score":{"raw":${json}}}`) as Record<string, Json> });
  for (const [one, other] of [['1', '1.0'], ['100', '1e2'], ['0', '-0'], ['9007199254740993', '9007199254740992']]) {
    t.ok(equivalentStatements(score(one!), score(other!)), `${one} is ${other}`);
  }
  t.notOk(equivalentStatements(score('1'), score('1.0000000000000002')));
  t.notOk(equivalentStatements(score('1'), score('"1"')));
});

t.test('extensions: any JSON, every key', async (t) => {
  const extended = (json: string) => ({ ...statement(), result: { extensions: JSON.parse(json) as Json } });
  t.notOk(equivalentStatements(extended('{"__proto__":1}'), extended('{"__proto__":2}')));
  t.notOk(equivalentStatements(extended('{"__proto__":{"a":1}}'), extended('{}')));
  t.notOk(equivalentStatements(extended('{"a":null}'), extended('{}')));
  t.notOk(equivalentStatements(extended('{"a":""}'), extended('{}')));
  t.notOk(equivalentStatements(extended('{"a":[1,2]}'), extended('{"a":[2,1]}')));
  t.notOk(equivalentStatements(extended('{"a":"\\ud800"}'), extended('{"a":"\\ud801"}')));
  t.ok(equivalentStatements(extended('{"a":{"b":[{}],"c":1}}'), extended('{"a":{"c":1,"b":[{}]}}')));
  t.ok(equivalentStatements(extended('{"toJSON":1,"constructor":2}'), extended('{"constructor":2,"toJSON":1}')));
  const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
  t.ok(equivalentStatements(extended(deep), extended(deep)), 'as deep as the parser lets pass');
});

t.test('comparing changes neither statement', async (t) => {
  const full = () => statement({ actor: { objectType: 'Group', member: [{ mbox: 'mailto:Z@Y.org' }, { mbox: 'mailto:a@Y.org' }] }, 'result.duration': 'PT1.239S', attachments: attachment() });
  const [one, other] = [full(), full()];
  equivalentStatements(one, other);
  t.strictSame(one, full());
  t.strictSame(other, full());
});
