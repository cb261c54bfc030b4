import t from 'tap';
import { startServer } from '../server.js';
import { ann, attachmentOf, course, post, sample } from './samples.js';

const versions = ['1.0.3', '2.0.0'];

t.test('agents: a Person of arrays, known or not', async (t) => {
  const server = await startServer(t);
  await post(server, [sample({ actor: { ...ann, name: 'Ann' } }), sample({ actor: { ...ann, name: 'Ann Other' } }), sample({ actor: { ...ann, name: '' } }), sample({ actor: { mbox: 'mailto:bob@example.org', name: 'Bob' } })]);
  for (const version of versions) {
    const person = await server.request('agents', { version, query: { agent: ann } });
    t.equal(person.status, 200);
    t.same(person.json(), { objectType: 'Person', name: ['Ann', 'Ann Other'], mbox: [ann.mbox] });
    t.match(person.headers, { 'content-type': /^application\/json/, 'etag': /^"[0-9a-f]{40}"$/ });
    for (const agent of [{ openid: 'https://nobody.example.org' }, { mbox_sha1sum: 'ebd31e95054c018b10727ccffd2ef2ec3a016ee9' }, { account: { homePage: 'https://example.org', name: 'nobody' } }]) {
      const [name, value] = Object.entries(agent)[0]!;
      t.same((await server.request('agents', { version, query: { agent } })).json(), { objectType: 'Person', [name]: [value] }, name);
    }
    for (const query of [{}, { agent: 'x' }, { agent: {} }, { agent: { ...ann, openid: 'https://x.org' } }, { agent: ann, foo: 1 }, { Agent: ann }]) {
      t.equal((await server.request('agents', { version, query })).status, 400, JSON.stringify(query));
    }
  }
});

t.test('activities: the whole Activity, known or not', async (t) => {
  const server = await startServer(t);
  await post(server, sample({ object: { id: course.id, definition: { name: { en: 'Course' }, type: 'https://example.org/type', extensions: { 'urn:x:a': 1 } } } }));
  await post(server, sample({ object: { id: course.id, definition: { name: { de: 'Kurs' }, description: { en: 'About it' } } } }));
  await post(server, sample({ object: { id: course.id } }));
  for (const version of versions) {
    const answer = await server.request('activities', { version, query: { activityId: course.id } });
    t.equal(answer.status, 200);
    t.same(answer.json(), { objectType: 'Activity', id: course.id, definition: { name: { en: 'Course', de: 'Kurs' }, type: 'https://example.org/type', extensions: { 'urn:x:a': 1 }, description: { en: 'About it' } } });
    t.same((await server.request('activities', { version, query: { activityId: 'https://example.org/unknown' } })).json(), { objectType: 'Activity', id: 'https://example.org/unknown' });
    t.equal((await server.request('activities', { version, query: { activityId: `${course.id}/` } })).json<{ definition?: object }>().definition, undefined, 'IRIs are compared as they stand');
    for (const query of [{}, { activityId: 'course' }, { activityId: course.id, foo: 1 }, { activityID: course.id }]) {
      t.equal((await server.request('activities', { version, query })).status, 400, JSON.stringify(query));
    }
  }
});

t.test('about: every version that is served, to anybody', async (t) => {
  const server = await startServer(t);
  for (const version of [null, '1.0.3', '2.0.0']) {
    const answer = await server.request('about', { key: null, version });
    t.equal(answer.status, 200);
    const about = answer.json<{ version: string[]; extensions: object }>();
    t.same(Object.keys(about).sort(), ['extensions', 'version'], 'nothing else beside them');
    for (const served of ['1.0.0', '1.0.1', '1.0.2', '1.0.3', '2.0.0']) t.ok(about.version.includes(served), served);
    for (const key of Object.keys(about.extensions)) t.match(key, /^[a-z]+:/, 'keys of extensions are IRIs');
  }
  const unknown = await server.request('about', { key: null, query: { foo: 1 } });
  t.equal(unknown.status, 400, 'a parameter that it does not know (1.0.3 Part Three 3.2)');
  t.match(unknown.json(), { parameter: 'foo', rule: 'parameter-known', expected: 'no parameter' });
  t.equal((await server.request('about', { key: null, query: { cachebuster: 1 } })).status, 200);
});

t.test('a large batch and every limit that has a status', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_BATCH: '50' });
  const batch = Array.from({ length: 50 }, () => sample({ attachments: [attachmentOf(Buffer.from('x'), { fileUrl: 'https://example.org/x' })] }));
  t.equal((await server.request('statements', { method: 'POST', body: batch })).status, 200);
  t.equal((await server.request('statements', { method: 'POST', body: [...batch, sample()] })).status, 413);
  let deep = '1';
  for (let depth = 0; depth < 200; depth += 1) deep = `[${deep}]`;
  const { id: _, ...rest } = sample();
  const body = JSON.stringify({ ...rest, result: { extensions: { 'urn:x:deep': 0 } } }).replace('"urn:x:deep":0', `"urn:x:deep":${deep}`);
  const answer = await server.request('statements', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  t.equal(answer.status, 400);
  t.match(answer.json(), { error: 'nesting-too-deep' });
});

t.test('guessing secrets ends in 429 with Retry-After', async (t) => {
  const server = await startServer(t);
  let last = 401;
  for (let attempt = 0; attempt < 40 && last === 401; attempt += 1) {
    const answer = await server.request('statements', { key: { id: server.two.id, secret: `guess ${attempt}` } });
    last = answer.status;
    if (last === 429) t.match(answer.headers['retry-after'], /^\d+$/);
  }
  t.equal(last, 429);
});
