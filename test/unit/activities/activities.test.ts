import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { Activity, Statement } from '../../../src/xapi/types.js';
import { incoming } from '../../contract/statement-samples.js';
import { openResourceApp, type ResourceApp } from '../documents/resource-app.js';

const path = '/activities';

async function store({ storage }: ResourceApp, object: Activity, tenant = 'a'): Promise<void> {
  const id = randomUUID();
  const value: Statement = { actor: { mbox: 'mailto:ann@example.org' }, verb: { id: 'https://example.org/verbs/did' }, object };
  const result = await storage.statements.append(tenant, [incoming({ ...value, id }, { defines: true })]);
  t.equal(result.status, 'stored');
}

t.test('the definition is merged from all statements (xAPI 1.0.3 Part Three 2.5)', async (t) => {
  const app = await openResourceApp(t);
  const id = 'https://example.org/activities/réunion?a=b#c';
  await store(app, { objectType: 'Activity', id, definition: { name: { 'en-US': 'meeting' }, type: 'https://example.org/types/meeting' } });
  await store(app, { id, definition: { name: { 'fr-FR': 'réunion' } } });
  const answer = await app.send({ path, method: 'GET', query: { activityId: id } });
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['content-type'], 'application/json');
  t.strictSame(answer.json(), {
    objectType: 'Activity', id, definition: { name: { 'en-US': 'meeting', 'fr-FR': 'réunion' }, type: 'https://example.org/types/meeting' },
  });
  t.strictSame((await app.send({ path, method: 'GET', query: { activityId: id }, tenant: 'b' })).json(), { objectType: 'Activity', id }, 'another tenant knows nothing of it');

  const { etag } = answer.headers;
  t.match(etag, /^"[0-9a-f]{40}"$/);
  t.equal((await app.send({ path, method: 'GET', query: { activityId: id }, headers: { 'if-none-match': String(etag) } })).statusCode, 304);
  const head = await app.send({ path, method: 'HEAD', query: { activityId: id } });
  t.strictSame([head.statusCode, head.body, head.headers.etag, head.headers['content-length']], [200, '', etag, String(answer.rawPayload.length)]);
});

t.test('an activity nobody defined is answered with its id', async (t) => {
  const { send } = await openResourceApp(t);
  for (const version of ['1.0.3', '2.0.0'] as const) {
    const answer = await send({ path, method: 'GET', query: { activityId: 'https://example.org/unknown' }, version });
    t.strictSame([answer.statusCode, answer.json()], [200, { objectType: 'Activity', id: 'https://example.org/unknown' }]);
  }
});

t.test('parameters that are refused', async (t) => {
  const { send } = await openResourceApp(t);
  const cases: [string, Record<string, string>][] = [
    ['activityId', {}], ['activityId', { activityId: '' }], ['activityId', { activityId: 'true' }], ['activityId', { activityId: 'http://exa mple.org' }],
    ['ActivityId', { ActivityId: 'https://example.org/1' }], ['foo', { activityId: 'https://example.org/1', foo: '1' }],
  ];
  for (const [parameter, query] of cases) {
    const answer = await send({ path, method: 'GET', query });
    t.equal(answer.statusCode, 400, JSON.stringify(query));
    t.match(answer.json(), { code: 'invalid-parameter', parameter, section: /2\.5/ });
  }
});
