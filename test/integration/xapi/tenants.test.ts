import t from 'tap';
import { startServer, type Key } from '../server.js';
import { ann, attachmentOf, attachmentPart, course, did, list, listIds, multipart, partsOf, post, sample, voiding } from './samples.js';

t.test('tenants share no statement, by no way of asking', async (t) => {
  const server = await startServer(t);
  const { one, two } = server;
  const [first, second] = [sample(), sample()];
  await post(server, first, { key: one });
  await post(server, second, { key: two });
  for (const [key, own, foreign] of [[one, first, second], [two, second, first]] as const) {
    for (const query of [{}, { agent: ann }, { verb: did.id }, { activity: course.id }, { activity: course.id, related_activities: true }, { agent: ann, related_agents: true }, { since: '2020-01-01T00:00:00Z' }, { ascending: true }]) {
      t.same(await listIds(server, query, { key }), [own.id], JSON.stringify(query));
    }
    t.equal((await server.request('statements', { key, query: { statementId: own.id } })).status, 200);
    for (const name of ['statementId', 'voidedStatementId']) t.equal((await server.request('statements', { key, query: { [name]: foreign.id } })).status, 404);
  }
});

t.test('an id is free in each tenant; voids and references stay inside', async (t) => {
  const server = await startServer(t);
  const { one, two } = server;
  const statement = sample();
  await post(server, statement, { key: one });
  await post(server, { ...statement, result: { success: true } }, { key: two });
  const reference = sample({ actor: { mbox: 'mailto:other@example.org' }, object: { objectType: 'StatementRef', id: statement.id } });
  await post(server, reference, { key: two });
  t.same(await listIds(server, { activity: course.id }, { key: two }), [reference.id, statement.id]);
  await post(server, voiding(statement), { key: two });
  t.equal((await server.request('statements', { key: one, query: { statementId: statement.id } })).status, 200, 'not voided in the other tenant');
  t.equal((await server.request('statements', { key: two, query: { statementId: statement.id } })).status, 404);
});

t.test('attachments: the hash of a stranger\'s bytes gives nothing', async (t) => {
  const server = await startServer(t);
  const bytes = Buffer.from('of the first tenant');
  const statement = sample({ attachments: [attachmentOf(bytes, { fileUrl: 'https://example.org/file' })] });
  t.equal((await server.request('statements', { ...multipart(statement, [attachmentPart(bytes)]), key: server.one })).status, 200);
  await post(server, statement, { key: server.two });
  const read = async (key: Key): Promise<number> => partsOf(await server.request('statements', { key, query: { statementId: statement.id, attachments: true } })).length;
  t.equal(await read(server.one), 2);
  t.equal(await read(server.two), 1);
});

t.test('documents, definitions and names', async (t) => {
  const server = await startServer(t);
  const documents: [string, Record<string, unknown>][] = [
    ['activities/state', { activityId: course.id, agent: ann, stateId: 'id' }], ['agents/profile', { agent: ann, profileId: 'id' }], ['activities/profile', { activityId: course.id, profileId: 'id' }],
  ];
  for (const [path, query] of documents) {
    const all = { ...query, stateId: undefined, profileId: undefined };
    t.equal((await server.request(path, { key: server.one, method: 'PUT', query, body: 'mine', headers: { 'Content-Type': 'text/plain', 'If-None-Match': '*' } })).status, 204);
    t.equal((await server.request(path, { key: server.two, query })).status, 404, path);
    t.same((await server.request(path, { key: server.two, query: all })).json(), []);
    t.equal((await server.request(path, { key: server.two, method: 'PUT', query, body: 'theirs', headers: { 'Content-Type': 'text/plain', 'If-None-Match': '*' } })).status, 204);
    t.equal((await server.request(path, { key: server.two, method: 'DELETE', query })).status, 204);
    t.equal((await server.request(path, { key: server.one, query })).text, 'mine');
  }
  await server.request('activities/state', { key: server.two, method: 'DELETE', query: { activityId: course.id, agent: ann } });
  t.equal((await server.request('activities/state', { key: server.one, query: documents[0]![1] })).text, 'mine');
  await post(server, sample({ actor: { ...ann, name: 'Ann' }, verb: { ...did, display: { en: 'did' } }, object: { ...course, definition: { name: { en: 'Course' } } } }), { key: server.one });
  t.notOk((await server.request('activities', { key: server.two, query: { activityId: course.id } })).text.includes('Course'));
  t.notOk((await server.request('agents', { key: server.two, query: { agent: ann } })).text.includes('Ann"'));
  await post(server, sample(), { key: server.two });
  const { statements } = await list(server, { format: 'canonical' }, { key: server.two });
  t.notMatch(statements[0], { object: { definition: {} } });
  t.notOk(JSON.stringify(statements).includes('"did"'));
});
