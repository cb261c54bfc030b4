import { randomUUID } from 'node:crypto';
import t from 'tap';
import { startServer } from '../server.js';
import { ann, post, sample } from './samples.js';

const id = randomUUID();
const refused: [string, Record<string, unknown>][] = [
  ['statementId and voidedStatementId', { statementId: id, voidedStatementId: id }],
  ...['agent', 'verb', 'activity', 'registration', 'related_activities', 'related_agents', 'since', 'until', 'limit', 'ascending', 'cursor', 'foo'].flatMap((name): [string, Record<string, unknown>][] =>
    ['statementId', 'voidedStatementId'].map((one) => [`${one} with ${name}`, { [one]: id, [name]: { agent: ann, limit: 1, ascending: true, verb: 'urn:x:y', activity: 'urn:x:y', registration: id, since: '2020-01-01T00:00:00Z', until: '2020-01-01T00:00:00Z' }[name] ?? 'true' }])),
  ['a statementId that is no UUID', { statementId: 'x' }],
  ['a voidedStatementId that is no UUID', { voidedStatementId: `${id}0` }],
  ['an empty statementId', { statementId: '' }],
  ['an agent that is no JSON', { agent: 'mailto:ann@example.org' }],
  ['an agent without identifier', { agent: { name: 'Ann' } }],
  ['an agent with two identifiers', { agent: { ...ann, openid: 'https://ann.example.org' } }],
  ['an Anonymous Group', { agent: { objectType: 'Group', member: [ann] } }],
  ['an agent with a key twice', { agent: '{"mbox":"mailto:a@b.org","mbox":"mailto:c@b.org"}' }],
  ['an agent with an unknown property', { agent: { ...ann, foo: 1 } }],
  ['a verb that is no IRI', { verb: 'did' }],
  ['an activity that is no IRI', { activity: 'course' }],
  ['a registration that is no UUID', { registration: 'x' }],
  ['a boolean that is none', { related_agents: 'yes' }],
  ['a boolean in upper case', { ascending: 'True' }],
  ['an empty boolean', { attachments: '' }],
  ['a since that is no timestamp', { since: 'yesterday' }],
  ['an until of -00:00', { until: '2020-01-01T00:00:00-00:00' }],
  ['a negative limit', { limit: -1 }],
  ['a fractional limit', { limit: 1.5 }],
  ['a limit that is no number', { limit: 'all' }],
  ['an unknown parameter', { foo: 'bar' }],
  ['a parameter in another case', { Agent: ann }],
  ['related_Agents', { related_Agents: true }],
  ['relatedAgents', { relatedAgents: true }],
  ['a cursor of nobody', { cursor: 'zzz' }],
];

t.test('GET /statements: what is refused, and that the answer says why', async (t) => {
  const server = await startServer(t);
  for (const version of ['1.0.3', '2.0.0']) {
    for (const [name, query] of refused) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await server.request('statements', { method, version, query });
        t.equal(answer.status, 400, `${version} ${method} ${name}`);
        if (method === 'GET') t.match(answer.json(), { error: /invalid-parameter|malformed-json|duplicate-key/, message: /\w/, parameter: /\w/ }, name);
      }
    }
    for (const twice of ['verb=urn:x:y&verb=urn:x:z', 'limit=1&limit=2', `statementId=${id}&statementId=${id}`]) {
      t.equal((await server.request(`statements?${twice}`, { version })).status, 400, twice);
    }
    for (const broken of ['verb=%', 'verb=%zz', 'agent=%ff', '%']) {
      t.equal((await server.request(`statements?${broken}`, { version })).status, 400, broken);
    }
  }
});

t.test('a statement that is not there is 404', async (t) => {
  const server = await startServer(t);
  for (const version of ['1.0.3', '2.0.0']) {
    for (const name of ['statementId', 'voidedStatementId']) t.equal((await server.request('statements', { version, query: { [name]: id } })).status, 404);
  }
});

t.test('single statements: any case of the id, with attachments and format', async (t) => {
  const server = await startServer(t);
  const statement = sample();
  await post(server, statement);
  for (const statementId of [statement.id, statement.id.toUpperCase()]) t.match((await server.request('statements', { query: { statementId } })).json(), statement);
  for (const query of [{ attachments: false }, { format: 'exact' }, { format: 'canonical', attachments: false }]) {
    t.match((await server.request('statements', { query: { statementId: statement.id, ...query } })).json(), { id: statement.id });
  }
});
