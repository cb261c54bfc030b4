import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import t from 'tap';
import { jsonApiPlugin } from '../../../src/admin/json-api.js';
import { analyticsPlugin } from '../../../src/query/plugin.js';
import { createAnalyticsService } from '../../../src/query/service.js';
import { setErrorHandler } from '../../../src/server/error-handler.js';
import { QuipuError } from '../../../src/xapi/errors.js';
import type { Statement } from '../../../src/xapi/types.js';
import { startAnalyticsEngine, statementId } from './analytics-engine.js';

const engine = await startAnalyticsEngine(['acme', 'other']);

function say(who: string, verb: string, activity: string, timestamp: string, rest: Partial<Statement> = {}): Statement {
  return {
    actor: { mbox: `mailto:${who}@example.org`, name: who }, verb: { id: `http://adlnet.gov/expapi/verbs/${verb}` }, object: { id: `https://example.org/${activity}` }, timestamp, ...rest,
  };
}

t.test('the query API', { skip: engine === undefined && 'the package chdb is not installed' }, async (t) => {
  const { client, insert, stop } = engine!;
  let problem: QuipuError | undefined;
  const analytics = createAnalyticsService({ client, prepareTenant: async () => undefined, check: () => { if (problem) throw problem; } });
  const app = Fastify();
  setErrorHandler(app);
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'test', version: '1' } } });
  await app.register(async (scope) => {
    await scope.register(jsonApiPlugin);
    await scope.register(analyticsPlugin, { analytics, maxDepth: 20, tenantOf: async (request) => request.query.tenant ?? 'acme', prefix: '/v1/analytics' });
  });
  t.teardown(() => app.close());
  const get = async (path: string, headers: Record<string, string> = {}) => app.inject({ url: `/v1/analytics/${path}`, headers });
  const rows = async (path: string): Promise<Record<string, unknown>[]> => (await get(path)).json<{ rows: Record<string, unknown>[] }>().rows;
  const query = (values: Record<string, string>): string => new URLSearchParams(values).toString();

  const registration = '7c9fb6c5-6d0a-4f1c-a2a5-0d7d2f6f6f01';
  await insert('acme', [
    say('ann', 'initialized', 'c/1', '2026-06-01T22:30:00Z', { context: { registration, contextActivities: { parent: [{ id: 'https://example.org/c' }] } } }),
    say('ann', 'completed', 'c', '2026-06-02T08:00:00Z', { result: { score: { scaled: 0.5 } } }),
    say('bob', 'completed', 'c', '2026-06-02T09:00:00Z', { context: { team: { objectType: 'Group', mbox: 'mailto:red@example.org' }, contextActivities: { grouping: [{ id: 'https://example.org/p' }] } } }),
    { ...say('x', 'experienced', 'd', '2026-06-03T09:00:00Z'), actor: { objectType: 'Group', mbox: 'mailto:blue@example.org', member: [{ mbox: 'mailto:ann@example.org' }] } },
    { ...say('=cmd|x', 'experienced', 'd', '2026-06-03T10:00:00Z'), actor: { account: { homePage: 'https://example.org', name: 'eve' }, name: '=cmd()|"x", y' } },
  ]);
  await insert('other', [say('zoe', 'completed', 'secret', '2026-06-02T08:00:00Z')]);

  t.test('JSON, NDJSON and CSV', async (t) => {
    const json = await get('activity_per_day');
    t.equal(json.statusCode, 200);
    t.match(json.json(), { view: 'activity_per_day', more: '', columns: [{ name: 'day', type: 'Date32' }, {}, {}, {}] });
    t.strictSame(json.json<{ rows: unknown[] }>().rows[1], { day: '2026-06-02', statements: 2, learners: 2, activities: 1 });
    const lines = await get('activity_per_day', { accept: 'application/x-ndjson' });
    t.strictSame(lines.body.trim().split('\n').map((line) => JSON.parse(line) as unknown), json.json<{ rows: unknown[] }>().rows);
    t.equal((await get('activity_per_day?format=csv')).body, 'day,statements,learners,activities\r\n2026-06-01,1,1,1\r\n2026-06-02,2,2,1\r\n2026-06-03,2,1,1\r\n');
    t.match((await get('activity_per_day', { accept: 'text/html, text/csv;q=0.9, */*;q=0.1' })).headers['content-type'], /^text\/csv/);
    t.equal((await get('activity_per_day', { accept: 'image/png' })).statusCode, 400);
    t.equal((await rows('learners?' + query({ agent: 'mbox:mailto:ann@example.org' })))[0]?.last_seen, '2026-06-02T08:00:00.000Z');
  });

  t.test('a name can not become a formula of a spreadsheet', async (t) => {
    t.match((await get('learners?format=csv')).body, /account:https:\/\/example\.org\|eve,"'=cmd\(\)\|""x"", y",/);
  });

  t.test('filters', async (t) => {
    const statements = async (values: Record<string, string>): Promise<unknown> => (await rows(`key_figures?${query(values)}`))[0]?.statements;
    t.match((await rows('key_figures?verb=https://example.org/nobody-did'))[0], { statements: 0, average_score: null, first_statement: null, last_statement: null }, 'of no statements');
    t.equal(await statements({}), 5);
    t.equal(await statements({ since: '2026-06-02', until: '2026-06-03' }), 2);
    // By the clock of Berlin the first statement is of 2 June, 00:30.
    t.equal(await statements({ since: '2026-06-02', until: '2026-06-03', timezone: 'Europe/Berlin' }), 3);
    t.strictSame((await rows('activity_per_day?timezone=Europe/Berlin')).map((row) => row.day), ['2026-06-02', '2026-06-03']);
    t.equal(await statements({ since: '2026-06-02T10:00:00+02:00' }), 4, 'since counts itself');
    t.equal(await statements({ until: '2026-06-02T08:00:00Z' }), 1, 'until does not');
    t.equal(await statements({ activity: 'https://example.org/c' }), 2);
    t.equal(await statements({ activity: 'https://example.org/c', descendants: 'true' }), 3);
    t.equal(await statements({ activity: 'https://example.org/p', descendants: 'true' }), 1);
    t.equal(await statements({ verb: 'http://adlnet.gov/expapi/verbs/completed' }), 2);
    t.equal(await statements({ verb: 'completed' }), 2);
    t.equal(await statements({ agent: '{"mbox":"mailto:ann@EXAMPLE.org"}' }), 2);
    t.equal(await statements({ agent: 'account:https://example.org|eve' }), 1);
    t.equal(await statements({ group: '{"objectType":"Group","mbox":"mailto:red@example.org"}' }), 1, 'in its name');
    t.equal(await statements({ group: 'mbox:mailto:blue@example.org' }), 3, 'its own and its member\'s');
    t.equal(await statements({ registration: registration.toUpperCase() }), 1);
    t.equal(await statements({ agent: "mbox:mailto:x' OR 1=1 --" }), 0, 'a value is never SQL');
    t.equal(await statements({ agent: 'mbox:mailto:{horizon:UInt64}\\\'\t\n' }), 0);
  });

  t.test('an error says which filter is wrong and why', async (t) => {
    for (const [parameter, values] of [
      ['since', 'since=yesterday'], ['since', 'since=2026-02-30'], ['until', 'until=1500-01-01'], ['until', 'since=2026-06-02&until=2026-06-01'], ['timezone', 'timezone=Mars/Base'], ['timezone', "timezone=UTC'"],
      ['activity', 'activity=c'], ['descendants', 'descendants=true'], ['descendants', 'descendants=1&activity=a:b'], ['verb', 'verb=done'], ['agent', 'agent=ann'], ['agent', 'agent={"mbox":1}'],
      ['agent', 'agent={'], ['group', 'group=red'], ['registration', 'registration=1'], ['format', 'format=xml'], ['limit', 'limit=0'], ['limit', 'limit=10001'], ['limit', 'limit=-1'], ['cursor', 'cursor=x'],
      ['since', 'since=2026-06-01&since=2026-06-02'], ['Since', 'Since=2026-06-01'],
    ] as const) {
      const answer = await get(`verbs?${values}`);
      t.equal(answer.statusCode, 400, values);
      t.match(answer.json(), { error: 'invalid-parameter', parameter, message: /\w \w/, expected: /./ }, values);
    }
  });

  t.test('pages count the same statements', async (t) => {
    const first = await get('learners?limit=2');
    const { rows: start, more } = first.json<{ rows: { learner: string }[]; more: string }>();
    t.equal(first.headers.link, `<${more}>; rel="next"`);
    t.equal(start.length, 2);
    // A new learner, a voiding of what the second page shows, and a member more of a group.
    await insert('acme', [
      say('new', 'completed', 'c', '2026-07-01T00:00:00Z'), { ...say('admin', 'voided', 'c', '2026-07-01T00:00:00Z'), object: { objectType: 'StatementRef', id: statementId(1) } },
      { ...say('admin', 'voided', 'c', '2026-07-01T00:00:00Z'), object: { objectType: 'StatementRef', id: statementId(2) } },
    ]);
    const second = (await app.inject({ url: more })).json<{ rows: { learner: string }[]; more: string }>();
    t.strictSame([...start, ...second.rows].map(({ learner }) => learner), ['account:https://example.org|eve', 'mbox:mailto:bob@example.org', 'mbox:mailto:ann@example.org']);
    t.equal(second.more, '');
  });

  t.test('pages count the members that a group had', async (t) => {
    const teal = 'mbox:mailto:teal@example.org';
    const group = (...names: string[]): Statement => ({ ...say('x', 'experienced', 'd', '2026-06-03T09:00:00Z'), actor: { objectType: 'Group', mbox: 'mailto:teal@example.org', member: names.map((name) => ({ mbox: `mailto:${name}@example.org` })) } });
    await insert('acme', [group('t1', 't2'), ...['t1', 't2', 't3'].map((name, n) => say(name, 'experienced', 't', `2026-06-03T0${n}:00:00Z`))]);
    const page = async (url: string) => (await app.inject({ url })).json<{ rows: { learner: string }[]; more: string }>();
    const first = await page(`/v1/analytics/latest_state?limit=1&${query({ group: teal })}`);
    await insert('acme', [group('t3')]);
    const second = await page(first.more);
    t.strictSame([...first.rows, ...second.rows].map(({ learner }) => learner), ['mbox:mailto:t2@example.org', 'mbox:mailto:t1@example.org']);
    t.equal(second.more, '');
    t.equal((await page(`/v1/analytics/latest_state?${query({ group: teal })}`)).rows.length, 3);
  });

  t.test('days that begin later than midnight', async (t) => {
    await insert('acme', [say('kim', 'experienced', 'k', '2026-04-23T21:30:00Z'), say('kim', 'experienced', 'k', '2026-04-23T22:30:00Z')]);
    const days = (values: Record<string, string>) => rows(`activity_per_day?${query({ agent: 'mbox:mailto:kim@example.org', timezone: 'Africa/Cairo', ...values })}`).then((found) => found.map(({ day, statements }) => [day, statements]));
    // On 24 April 2026 the clocks of Cairo go from 23:59 to 01:00.
    t.strictSame(await days({}), [['2026-04-23', 1], ['2026-04-24', 1]]);
    t.strictSame(await days({ since: '2026-04-24', until: '2026-04-25' }), [['2026-04-24', 1]]);
    t.strictSame(await days({ until: '2026-04-24' }), [['2026-04-23', 1]]);
  });

  t.test('every view answers, and only of the tenant', async (t) => {
    const { views } = (await get('views')).json<{ views: { name: string; select: string; sql: string }[] }>();
    t.strictSame(views.map(({ name }) => name), [...analytics.views.keys()]);
    for (const { name, select, sql } of views) {
      const answer = await get(`${name}?tenant=acme&timezone=Asia/Kolkata&activity=https://example.org/c&descendants=true`);
      t.equal(answer.statusCode, 200, name);
      t.notMatch(answer.body, /zoe|secret/, name);
      t.ok(app.swagger().paths?.[`/v1/analytics/${name}`]?.get, `${name} is in OpenAPI`);
      for (const text of [select, sql]) await (await client.query({ query: `SELECT count() FROM (${text})`, format: 'JSON' })).json();
    }
  });

  t.test('the engine away', async (t) => {
    problem = new QuipuError('store-unavailable', 'Analytics is switched off (QUIPU_ANALYTICS).');
    t.match((await get('verbs')).json(), { error: 'store-unavailable', message: /QUIPU_ANALYTICS/ });
    problem = undefined;
    await client.command({ query: 'RENAME TABLE quipu.statement_log TO quipu.elsewhere' });
    t.match((await get('verbs')).json(), { error: 'store-unavailable', message: /not ready/ });
    await stop();
    const answer = await get('verbs');
    t.equal(answer.statusCode, 503);
    t.match(answer.json(), { error: 'store-unavailable', message: /does not answer/ });
  });
});

t.teardown(() => engine?.close());
