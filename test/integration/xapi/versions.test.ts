import t from 'tap';
import { startServer } from '../server.js';
import { ann, bob, list, listIds, post, read, sample } from './samples.js';

t.test('versions that are taken, and those that are refused', async (t) => {
  const server = await startServer(t);
  for (const [version, answered] of [['1.0', '1.0.3'], ['1.0.0', '1.0.3'], ['1.0.1', '1.0.3'], ['1.0.3', '1.0.3'], ['1.0.99', '1.0.3'], ['2.0', '2.0.0'], ['2.0.0', '2.0.0'], ['2.0.7', '2.0.0']] as const) {
    const answer = await server.request('statements', { version });
    t.equal(answer.status, 200, version);
    t.equal(answer.headers['x-experience-api-version'], answered, version);
    t.equal((await server.request('statements', { version, method: 'POST', body: sample() })).status, 200, `POST ${version}`);
  }
  for (const version of [null, '', '0.9', '0.95', '1', '1.1', '1.1.0', '1.0.', '1.0.x', '2', '2.1.0', '3.0.0', 'x', '1.0.3, 2.0.0']) {
    for (const path of ['statements', 'activities/state', 'agents', 'activities', 'agents/profile', 'activities/profile']) {
      const answer = await server.request(path, { version });
      t.equal(answer.status, 400, `${path} with ${version}`);
      t.match(answer.json(), { error: 'invalid-version', message: /version/i });
    }
    t.equal((await server.request('statements', { version, method: 'POST', body: sample() })).status, 400);
  }
});

t.test('the version of a statement: kept, set when there is none, refused when it is not that of the line', async (t) => {
  const server = await startServer(t);
  const cases: [string, string | undefined, string | undefined][] = [
    ['1.0.3', undefined, '1.0.0'], ['1.0.3', '1.0.0', '1.0.0'], ['1.0.3', '1.0.3', '1.0.3'], ['1.0.3', '1.0.9', '1.0.9'], ['1.0.3', '2.0.0', undefined], ['1.0.3', '0.9.0', undefined], ['1.0.3', '1.1.0', undefined],
    ['2.0.0', undefined, '2.0.0'], ['2.0.0', '2.0.0', '2.0.0'], ['2.0.0', '1.0.0', '1.0.0'], ['2.0.0', '1.1.0', undefined], ['2.0.0', '3.0.0', undefined],
  ];
  for (const [header, given, kept] of cases) {
    const statement = sample(given === undefined ? {} : { version: given });
    const answer = await server.request('statements', { version: header, method: 'POST', body: statement });
    t.equal(answer.status, kept === undefined ? 400 : 200, `${header}: ${given}`);
    if (kept !== undefined) t.equal((await read(server, statement.id)).version, kept, `${header}: ${given}`);
  }
});

t.test('a 2.0 statement read under 1.0.3 is not converted, nor a 1.0.3 statement under 2.0', async (t) => {
  const server = await startServer(t);
  const newer = sample({ context: { contextAgents: [{ objectType: 'contextAgent', agent: bob, relevantTypes: ['https://example.org/role'] }], contextGroups: [{ objectType: 'contextGroup', group: { objectType: 'Group', member: [ann] } }] } });
  const older = sample({ context: { contextActivities: { parent: [{ id: 'https://example.org/a' }] } } });
  await post(server, newer, { version: '2.0.0' });
  await post(server, older, { version: '1.0.3' });
  for (const { id } of [newer, older]) {
    const [first, second] = [await server.request('statements', { version: '1.0.3', query: { statementId: id } }), await server.request('statements', { version: '2.0.0', query: { statementId: id } })];
    t.equal(first.text, second.text);
  }
  t.match((await server.request('statements', { version: '1.0.3', query: { statementId: newer.id } })).json(), { ...newer, version: '2.0.0' });
  t.equal((await server.request('statements', { version: '1.0.3' })).text, (await server.request('statements', { version: '2.0.0' })).text, 'lists too');
  t.same(await listIds(server, {}, { version: '1.0.3' }), [older.id, newer.id]);
  t.equal((await list(server, {}, { version: '1.0.3' })).statements.length, 2);
});

t.test('context agents and groups are of 2.0 alone', async (t) => {
  const server = await startServer(t);
  const statement = sample({ context: { contextAgents: [{ objectType: 'contextAgent', agent: bob }] } });
  t.equal((await server.request('statements', { version: '1.0.3', method: 'POST', body: statement })).status, 400);
  t.equal((await server.request('statements', { version: '2.0.0', method: 'POST', body: statement })).status, 200);
});
