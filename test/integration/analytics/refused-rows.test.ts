import t from 'tap';
import { startServer } from '../server.js';
import { analyticsOf, statement, withoutEngine } from './analytics-server.js';

t.setTimeout(240_000);

/** Each trap of the JSON type, as the value of an extension. */
const traps: Record<string, string> = {
  'dots in keys beside the path they look like': '{"a.b":1,"a":{"b":2}}',
  'a key that looks like an escaped one': '{"a%2Eb":1,"a.b":2}',
  'nulls and empty objects': '{"n":null,"e":{},"l":[]}',
  'integers beyond 64 bits': '{"i":123456789012345678901234567890}',
  'integers beyond 53 bits': '{"i":9007199254740993}',
  'deep nesting': `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
  'deep arrays': `${'['.repeat(40)}1${']'.repeat(40)}`,
  'values of many types in one list': '[1,"a",{"b":[[],{}]},null,[1.5]]',
  'another type under a path that was a number': '{"i":"text"}',
  'another type under a path that was a text': '{"i":{"j":1}}',
  'half a surrogate pair': '"\\ud800"',
  'half a surrogate pair in a key': '{"\\udc00":1}',
  'empty keys': '{"":1,"a":{"":2}}',
  'many keys': `{${Array.from({ length: 2000 }, (_, index) => `"key${index}":${index}`).join(',')}}`,
  'a long key': `{"${'k'.repeat(50_000)}":1}`,
  'quotes, backslashes and NUL in keys': '{"a`b":1,"c\\"d":2,"e\\\\f":3,"g\\u0000h":4}',
  'a date': '"2026-01-01T00:00:00Z"',
};

t.test('every trap of the JSON type: the text is exact, the rest goes on, what was refused is listed', { skip: withoutEngine }, async (t) => {
  const server = await startServer(t, { QUIPU_ANALYTICS: 'auto' });
  const analytics = analyticsOf(server, server.dataDir, server.admin);
  t.teardown(analytics.close);
  const plain = Array.from({ length: 100 }, (_, index) => statement(index));
  const texts = Object.values(traps).map((value, index) => JSON.stringify(statement(index, { context: { extensions: { 'https://example.org/trap': 0 } } })).replace('"https://example.org/trap":0', () => `"https://example.org/trap":${value}`));
  const body = `[${[...plain.slice(0, 50).map((one) => JSON.stringify(one)), ...texts, ...plain.slice(50).map((one) => JSON.stringify(one))].join(',')}]`;
  const posted = await server.request('statements', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  t.equal(posted.status, 200, posted.text.slice(0, 300));
  await analytics.caughtUp();

  const rows = await analytics.rows<{ id: string; text: string; refused: boolean; kept: boolean }>('SELECT id, text, refused, notEmpty(JSONAllPaths(statement)) AS kept FROM quipu.statement_log ORDER BY position');
  t.equal(rows.length, plain.length + texts.length);
  const ids = posted.json<string[]>();
  const trapped = new Map(Object.keys(traps).map((name, index) => [name, rows.find(({ id }) => id === ids[50 + index])!]));
  for (const [name, row] of trapped) {
    const stored = await server.request('statements', { query: { statementId: row.id } });
    t.equal(row.text, stored.text, `${name}: the text is what the LRS answers`);
    t.equal(Boolean(row.kept), !row.refused, `${name}: JSON unless it was refused`);
  }
  const refused = [...trapped].filter(([, row]) => row.refused).map(([name]) => name);
  t.same(refused.sort(), ['half a surrogate pair', 'half a surrogate pair in a key', 'integers beyond 64 bits'].sort(), 'what this engine refuses');
  const consumer = await analytics.consumer();
  t.equal(consumer.refusedCount, refused.length);
  t.same(consumer.refused.map(({ id }) => id).sort(), refused.map((name) => trapped.get(name)!.id).sort());
  t.match(consumer.refused[0], { tenant: 'default', reason: /\(\d+\)$/ });
  t.match(await analytics.rows("SELECT toString(statement.context.extensions.`https://example%2Eorg/trap`.`a%2Eb`) AS dotted, toString(statement.context.extensions.`https://example%2Eorg/trap`.a.b) AS nested FROM quipu.statement_log WHERE dotted = '1' AND nested = '2'"), [{ dotted: '1', nested: '2' }], 'a dot in a key is written %2E');
  t.equal((await analytics.rows('SELECT id FROM quipu.statement_log WHERE NOT refused')).length, rows.length - refused.length, 'the rest has its JSON');
});
