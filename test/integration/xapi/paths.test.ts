import t from 'tap';
import { startServer } from '../server.js';
import { ann, course, list, sample } from './samples.js';

const entrances = ['/xapi', '/xAPI', '/data/xAPI', '/data/xapi'];

t.test('aliases, slashes and pasted endpoints reach the same resource', async (t) => {
  const server = await startServer(t);
  const state = { activityId: course.id, agent: ann, stateId: 's' };
  await server.request('activities/state', { method: 'PUT', query: state, body: 'the state', headers: { 'Content-Type': 'text/plain' } });
  let count = 0;
  for (const entrance of entrances) {
    for (const path of [`${entrance}/statements`, `${entrance}/statements/`, `${entrance}//statements`, `/${entrance}/statements`, `${entrance}statements`, `${entrance}/statements/statements`]) {
      t.equal((await server.request(path, { method: 'POST', body: sample() })).status, 200, `POST ${path}`);
      count += 1;
      const { more } = (await server.request(path, { query: { limit: 1 } })).json<{ more: string }>();
      if (count > 1) t.equal((await server.request(more)).status, 200, `more of ${path}: ${more}`);
    }
    for (const path of [`${entrance}/activities/state`, `${entrance}/activities/state/`, `${entrance}//activities//state`, `${entrance}activities/state`, `${entrance}/statements/activities/state`]) {
      const answer = await server.request(path, { query: state });
      t.equal(answer.text, 'the state', `GET ${path}: ${answer.status}`);
    }
    for (const path of ['about', 'agents', 'activities', 'agents/profile', 'activities/profile']) {
      const answer = await server.request(`${entrance}/${path}/`, { query: path === 'about' ? {} : path.startsWith('agents') ? { agent: ann } : { activityId: course.id } });
      t.equal(answer.status, 200, `${entrance}/${path}/`);
    }
  }
  t.equal((await list(server, { limit: 500 })).statements.length, count);
});

t.test('what is no resource is 404, a method that a resource does not know 405', async (t) => {
  const server = await startServer(t);
  for (const path of ['', 'statement', 'Statements', 'statements/x', 'activities/states', '../v1/keys', 'statements/../../v1/keys', '%2e%2e/v1/keys']) {
    t.equal((await server.request(path === '' ? '/xapi' : path)).status, 404, path);
  }
  for (const [path, method] of [['statements', 'DELETE'], ['statements', 'PATCH'], ['about', 'POST'], ['about', 'PUT'], ['agents', 'PUT'], ['agents', 'DELETE'], ['activities', 'POST'], ['activities/state', 'PATCH']] as const) {
    const answer = await server.request(path, { method });
    t.equal(answer.status, 405, `${method} ${path}`);
    t.match(answer.headers.allow, /GET/);
    t.match(answer.json(), { error: 'method-not-allowed' });
  }
});
