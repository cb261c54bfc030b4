import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { Actor, Statement } from '../../../src/xapi/types.js';
import { incoming } from '../../contract/statement-samples.js';
import { openResourceApp, type ResourceApp } from '../documents/resource-app.js';

const path = '/agents';

async function store({ storage }: ResourceApp, actor: Actor): Promise<void> {
  const id = randomUUID();
  const value: Statement = { actor, verb: { id: 'https://example.org/verbs/did' }, object: { id: 'https://example.org/1' } };
  const result = await storage.statements.append('a', [incoming({ ...value, id }, { defines: true })]);
  t.equal(result.status, 'stored');
}

t.test('a Person with the names an agent was seen under (xAPI 1.0.3 Part Three 2.4)', async (t) => {
  const app = await openResourceApp(t);
  await store(app, { mbox: 'mailto:ann@example.org', name: 'Ann' });
  await store(app, { mbox: 'mailto:ann@example.org', name: 'Ann Lee' });
  await store(app, { mbox: 'mailto:bob@example.org', name: 'Bob' });
  const person = async (agent: Actor, tenant = 'a') => (await app.send({ path, method: 'GET', query: { agent: JSON.stringify(agent) }, tenant })).json();
  t.strictSame(await person({ objectType: 'Agent', mbox: 'mailto:ann@example.org' }), { objectType: 'Person', name: ['Ann', 'Ann Lee'], mbox: ['mailto:ann@example.org'] });
  t.strictSame(await person({ mbox: 'mailto:ann@example.org', name: 'A.' }), { objectType: 'Person', name: ['Ann', 'Ann Lee', 'A.'], mbox: ['mailto:ann@example.org'] });
  t.strictSame(await person({ mbox: 'mailto:ann@example.org' }, 'b'), { objectType: 'Person', mbox: ['mailto:ann@example.org'] }, 'another tenant knows no name');

  const answer = await app.send({ path, method: 'GET', query: { agent: '{"mbox":"mailto:ann@example.org"}' } });
  t.equal(answer.headers['content-type'], 'application/json');
  t.equal((await app.send({ path, method: 'GET', query: { agent: '{"mbox":"mailto:ann@example.org"}' }, headers: { 'if-none-match': String(answer.headers.etag) } })).statusCode, 304);
  const head = await app.send({ path, method: 'HEAD', query: { agent: '{"mbox":"mailto:ann@example.org"}' } });
  t.strictSame([head.statusCode, head.body, head.headers.etag], [200, '', answer.headers.etag]);
});

t.test('an agent never seen is answered from the request, whichever its identifier', async (t) => {
  const { send } = await openResourceApp(t);
  const account = { homePage: 'https://example.org', name: '7' };
  const cases: [Actor, Record<string, unknown>][] = [
    [{ account }, { account: [account] }],
    [{ openid: 'https://example.org/ann', name: 'Ann' }, { openid: ['https://example.org/ann'], name: ['Ann'] }],
    [{ mbox_sha1sum: 'ebd31e95054c018b10727ccffd2ef2ec3a016ee9' }, { mbox_sha1sum: ['ebd31e95054c018b10727ccffd2ef2ec3a016ee9'] }],
  ];
  for (const version of ['1.0.3', '2.0.0'] as const) {
    for (const [agent, person] of cases) {
      const answer = await send({ path, method: 'GET', query: { agent: JSON.stringify(agent) }, version });
      t.strictSame([answer.statusCode, answer.json()], [200, { objectType: 'Person', ...person }]);
    }
  }
});

t.test('parameters that are refused', async (t) => {
  const { send } = await openResourceApp(t);
  const cases: [string, Record<string, string>][] = [
    ['agent', {}], ['agent', { agent: '' }], ['agent', { agent: '{"objectType":"Agent","name":"Ann"}' }], ['agent', { agent: '{' }],
    ['agent', { agent: '{"objectType":"Group","mbox":"mailto:team@example.org"}' }],
    ['agent', { agent: '{"objectType":"Person","mbox":["mailto:ann@example.org"]}' }],
    ['Agent', { Agent: '{"mbox":"mailto:ann@example.org"}' }],
  ];
  for (const version of ['1.0.3', '2.0.0'] as const) {
    for (const [parameter, query] of cases) {
      const answer = await send({ path, method: 'GET', query, version });
      t.equal(answer.statusCode, 400, JSON.stringify(query));
      t.match(answer.json(), { code: 'invalid-parameter', parameter });
    }
  }
});
