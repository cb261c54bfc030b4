import { parse } from 'node:querystring';
import t from 'tap';
import { QuipuError } from '../../../src/xapi/errors.js';
import { readAgent, readBoolean, readInteger, readIri, readText, readTimestamp, readUuid, rejectUnknown, required } from '../../../src/xapi/parameters.js';

const rules = { version: '1.0.3', groups: true, maxDepth: 10 } as const;
const refused = (rule: string) => ({ code: 'invalid-parameter', details: { parameter: 'p', rule, section: /./, expected: /./ } });

t.test('what every reader does', async (t) => {
  for (const read of [readText, readBoolean, readInteger, readTimestamp, readUuid, readIri]) {
    t.equal(read({}, 'p'), undefined);
    t.equal(read(Object.create({ p: 'inherited' }), 'p'), undefined);
    t.throws(() => read({ p: '' }, 'p'), refused('parameter-not-empty'));
    t.throws(() => read({ p: ['a', 'b'] }, 'p', 'a section'), { code: 'invalid-parameter', details: { rule: 'parameter-once', section: 'a section' } });
  }
  t.equal(readAgent({}, 'p', rules), undefined);
  t.equal(readText({ p: ' a ' }, 'p'), ' a ');
  t.equal(readText({}, 'toString'), undefined);
  t.equal(required(0, 'p'), 0);
  t.equal(required(false, 'p'), false);
  t.throws(() => required(undefined, 'p'), refused('parameter-required'));
});

t.test('unknown parameters', async (t) => {
  t.throws(() => rejectUnknown({ p: '1' }, []), { code: 'invalid-parameter', details: { expected: 'no parameter' } });
  t.doesNotThrow(() => rejectUnknown({ a: '1', _: '2', cachebuster: '3' }, ['a', 'b']));
  t.throws(() => rejectUnknown({ a: '1', p: '' }, ['a', 'b']), refused('parameter-known'));
  t.throws(() => rejectUnknown({ StatementId: '1' }, ['statementId']), /did you mean statementId/);
  t.throws(() => rejectUnknown({ constructor: '1' }, ['a']), { code: 'invalid-parameter', details: { parameter: 'constructor' } });
});

t.test('booleans', async (t) => {
  t.equal(readBoolean({ p: 'true' }, 'p'), true);
  t.equal(readBoolean({ p: 'false' }, 'p'), false);
  for (const p of ['TRUE', '1', '0', 'yes', ' true']) t.throws(() => readBoolean({ p }, 'p'), refused('parameter-boolean'), p);
});

t.test('whole numbers', async (t) => {
  t.equal(readInteger({ p: '0' }, 'p'), 0);
  t.equal(readInteger({ p: '0100' }, 'p'), 100);
  t.equal(readInteger({ p: '9007199254740991' }, 'p'), Number.MAX_SAFE_INTEGER);
  for (const p of ['9007199254740992', '99999999999999999', '9'.repeat(400)]) t.equal(readInteger({ p }, 'p'), Number.MAX_SAFE_INTEGER);
  for (const p of ['-1', '1.0', '1e3', '0x10', ' 1', 'ten', 'NaN', 'Infinity', '١']) t.throws(() => readInteger({ p }, 'p'), refused('parameter-integer'), p);
});

t.test('timestamps', async (t) => {
  const noon = Date.UTC(2026, 0, 31, 12);
  for (const p of ['2026-01-31T12:00:00Z', '2026-01-31T14:00:00.000+02:00', '2026-01-31T14:00:00 02:00', '2026-01-31T14:00:00 0200', '2026-01-31T14:00:00 02', '2026-01-31T09:30:00-02:30']) {
    t.equal(readTimestamp({ p }, 'p'), noon, p);
  }
  t.equal(readTimestamp(parse('p=2026-01-31T14:00:00+02:00'), 'p'), noon, 'as it arrives in a query string that did not encode the +');
  for (const p of ['true', '2026-01-31', '2026-01-31 12:00', '2026-01-31T14:00:00  02:00', '2026-01-31T14:00:00 02:', '2026-01-31T14:00:00-00:00', '2026-01-31T14:00:00 2:00']) {
    t.throws(() => readTimestamp({ p }, 'p'), refused('parameter-timestamp'), p);
  }
});

t.test('UUIDs and IRIs', async (t) => {
  t.equal(readUuid({ p: '2AA3A1E1-4D3B-4d3c-9a43-2c1f3b7e5d60' }, 'p'), '2aa3a1e1-4d3b-4d3c-9a43-2c1f3b7e5d60');
  for (const p of ['true', '2aa3a1e14d3b4d3c9a432c1f3b7e5d60', '{2aa3a1e1-4d3b-4d3c-9a43-2c1f3b7e5d60}', '2aa3a1e1-4d3b-4d3c-9a43-2c1f3b7e5d6g']) t.throws(() => readUuid({ p }, 'p'), refused('parameter-uuid'), p);
  t.equal(readIri({ p: 'https://example.org/é?a=b#c' }, 'p'), 'https://example.org/é?a=b#c');
  for (const p of ['true', 'example.org', '/a', 'https://example.org/a b', '']) t.throws(() => readIri({ p }, 'p'), { code: 'invalid-parameter' }, p);
});

t.test('agents', async (t) => {
  t.strictSame(readAgent({ p: '{"mbox":"mailto:ann@EXAMPLE.org","name":"Ann"}' }, 'p', rules), {
    actor: { mbox: 'mailto:ann@EXAMPLE.org', name: 'Ann' }, identifier: 'mbox:mailto:ann@example.org',
  });
  const group = '{"objectType":"Group","mbox":"mailto:team@example.org"}';
  t.equal(readAgent({ p: group }, 'p', rules)?.identifier, 'mbox:mailto:team@example.org');
  t.throws(() => readAgent({ p: group }, 'p', { ...rules, groups: false }), refused('parameter-agent-not-group'));
  for (const p of ['{', '{"mbox":"mailto:a@b.org"}}', '"mailto:a@b.org"', '[{"mbox":"mailto:a@b.org"}]', '{"mbox":1}', '{"objectType":"Activity","id":"https://example.org"}', '['.repeat(100_000), '\ud800']) {
    t.throws(() => readAgent({ p }, 'p', rules), { code: 'invalid-parameter', details: { parameter: 'p', rule: /./, section: /./, expected: /./ } }, p.slice(0, 40));
  }
});

t.test('a message quotes no more than a piece of a long value', async (t) => {
  try {
    readUuid({ p: 'x'.repeat(100_000) }, 'p');
    t.fail('should throw');
  } catch (error) {
    t.ok(error instanceof QuipuError && error.message.length < 300);
  }
});
