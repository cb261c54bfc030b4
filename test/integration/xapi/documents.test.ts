import { createHash } from 'node:crypto';
import t from 'tap';
import { startServer, type Answer, type RequestOptions } from '../server.js';
import { ann, bob, course } from './samples.js';

const versions = ['1.0.3', '2.0.0'];
const resources: [string, Record<string, unknown>, string][] = [
  ['activities/state', { activityId: course.id, agent: ann }, 'stateId'],
  ['agents/profile', { agent: ann }, 'profileId'],
  ['activities/profile', { activityId: course.id }, 'profileId'],
];
const quoted = (text: string): string => `"${createHash('sha1').update(text).digest('hex')}"`;
const json = (value: unknown, headers: Record<string, string> = {}): RequestOptions => ({ body: JSON.stringify(value), headers: { 'Content-Type': 'application/json', ...headers } });

t.test('put, get, merge, list and delete', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    for (const [path, context, name] of resources) {
      const id = `of ${version} / ? & é`;
      const query = { ...context, [name]: id };
      const call = (method: string, options: RequestOptions = {}): Promise<Answer> => server.request(path, { version, method, query, ...options });
      t.equal((await call('GET')).status, 404);
      t.equal((await call('PUT', json({ x: 'foo', y: { a: 1 } }, { 'If-None-Match': '*' }))).status, 204);
      const got = await call('GET');
      t.equal(got.text, '{"x":"foo","y":{"a":1}}');
      t.match(got.headers, { 'content-type': 'application/json', 'etag': quoted(got.text), 'last-modified': /GMT$/ });
      t.ok(Math.abs(Date.parse(got.headers['last-modified']!) - Date.now()) < 60_000);
      t.equal((await call('POST', json({ x: 'bash', y: { b: 2 }, z: null }))).status, 204);
      t.same((await call('GET')).json(), { x: 'bash', y: { b: 2 }, z: null }, 'top-level properties are replaced whole');
      const listed = await server.request(path, { version, query: context });
      t.ok(listed.json<string[]>().includes(id));
      t.match(listed.headers, { 'last-modified': /GMT$/, 'etag': quoted(listed.text) });
      t.equal((await call('DELETE')).status, 204);
      t.equal((await call('GET')).status, 404);
      t.equal((await call('DELETE')).status, 204, 'there is nothing to delete');
    }
  }
});

t.test('POST that can not be merged is 400 and changes nothing; without a document it stores', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    for (const [path, context, name] of resources) {
      const cases: [string, string, string, string][] = [
        ['text/plain', 'text', 'application/json', '{"a":1}'],
        ['application/json', '{"a":1}', 'text/plain', '{"b":1}'],
        ['application/json', '[1]', 'application/json', '{"b":1}'],
        ['application/json', '{"a":1}', 'application/json', '[1]'],
        ['application/json', '{"a":1}', 'application/json', '{"b":'],
        ['application/json', '{"a":1}', 'application/json', '"b"'],
        ['application/octet-stream', '{"a":1}', 'application/json', '{"b":1}'],
      ];
      for (const [index, [storedType, stored, postedType, posted]] of cases.entries()) {
        const query = { ...context, [name]: `case ${index} of ${version}` };
        await server.request(path, { version, method: 'PUT', query, body: stored, headers: { 'Content-Type': storedType, 'If-None-Match': '*' } });
        const answer = await server.request(path, { version, method: 'POST', query, body: posted, headers: { 'Content-Type': postedType } });
        t.equal(answer.status, 400, `${version} ${path}: ${postedType} ${posted} into ${storedType} ${stored}`);
        const after = await server.request(path, { version, query });
        t.equal(after.text, stored);
        t.equal(after.headers['content-type'], storedType);
      }
      const query = { ...context, [name]: `new in ${version}` };
      t.equal((await server.request(path, { version, method: 'POST', query, body: 'any text', headers: { 'Content-Type': 'text/plain' } })).status, 204);
      t.equal((await server.request(path, { version, query })).text, 'any text');
    }
  }
});

/** Preconditions: method, headers by the current ETag, status without and with a document in 1.0.3, then in 2.0.0; State then profiles where they differ. */
const preconditions: [string, (etag: string) => Record<string, string>, { state: [number, number]; profile: [number, number] }, { state: [number, number]; profile: [number, number] }][] = [
  ['PUT', () => ({}), { state: [204, 204], profile: [400, 409] }, { state: [204, 409], profile: [204, 409] }],
  ...(['PUT', 'POST'] as const).flatMap((method): [string, (etag: string) => Record<string, string>, { state: [number, number]; profile: [number, number] }, { state: [number, number]; profile: [number, number] }][] => {
    const same = (none: number, some: number): { state: [number, number]; profile: [number, number] } => ({ state: [none, some], profile: [none, some] });
    return [
      [method, () => ({ 'If-None-Match': '*' }), same(204, 412), same(204, 412)],
      [method, () => ({ 'If-Match': '*' }), same(412, 204), same(412, 204)],
      [method, (etag) => ({ 'If-Match': etag }), same(412, 204), same(412, 204)],
      [method, () => ({ 'If-Match': quoted('other') }), same(412, 412), same(412, 412)],
      [method, (etag) => ({ 'If-Match': `${quoted('other')}, ${etag}` }), same(412, 204), same(412, 204)],
    ];
  }),
  ['POST', () => ({}), { state: [204, 204], profile: [204, 204] }, { state: [204, 204], profile: [204, 204] }],
  ['DELETE', () => ({}), { state: [204, 204], profile: [204, 204] }, { state: [204, 204], profile: [204, 204] }],
  ['DELETE', (etag) => ({ 'If-Match': etag }), { state: [412, 204], profile: [412, 204] }, { state: [412, 204], profile: [412, 204] }],
  ['DELETE', () => ({ 'If-Match': quoted('other') }), { state: [412, 412], profile: [412, 412] }, { state: [412, 412], profile: [412, 412] }],
];

t.test('If-Match and If-None-Match; a write that is refused changes nothing', async (t) => {
  const server = await startServer(t);
  const content = '{"current":true}';
  for (const [at, version] of versions.entries()) {
    for (const [path, context, name] of resources) {
      for (const [index, [method, headers, ...expected]] of preconditions.entries()) {
        const statuses = expected[at]![path === 'activities/state' ? 'state' : 'profile'];
        for (const [exists, status] of statuses.entries()) {
          const query = { ...context, [name]: `${index} ${exists} ${version}` };
          if (exists) await server.request(path, { version, method: 'PUT', query, ...json({ current: true }, { 'If-None-Match': '*' }) });
          const body = method === 'DELETE' ? { headers: headers(quoted(content)) } : json({ next: true }, headers(quoted(content)));
          const answer = await server.request(path, { version, method, query, ...body });
          const what = `${version} ${path} ${method} ${JSON.stringify(headers('current'))} ${exists ? 'with' : 'without'} a document`;
          t.equal(answer.status, status, what);
          if (status === 409) t.match(answer.json<{ message: string }>().message, /current state.*If-Match.*ETag/, 'the answer says how to go on');
          if (status < 400) continue;
          const after = await server.request(path, { version, query });
          t.equal(after.status, exists ? 200 : 404, `${what}: nothing changed`);
          if (exists) t.equal(after.text, content);
        }
      }
    }
  }
});

t.test('bytes and types come back as they were sent', async (t) => {
  const server = await startServer(t);
  const contents: [string, Buffer][] = [
    ['application/octet-stream', Buffer.from(Array.from({ length: 1024 }, (_, at) => at & 255))], ['text/plain; charset=iso-8859-1', Buffer.from([0xe9, 0x0d, 0x0a])],
    ['application/json', Buffer.from(' {"a": 1.10 , "__proto__":{"x":1}} ')], ['application/json', Buffer.from('not json at all')], ['image/png', Buffer.alloc(0)], ['application/x-www-form-urlencoded', Buffer.from('a=b')],
    ['multipart/mixed; boundary=x', Buffer.from('--x\r\n\r\n--x--')],
  ];
  for (const version of versions) {
    for (const [path, context, name] of resources) {
      for (const [index, [type, body]] of contents.entries()) {
        const query = { ...context, [name]: `${index} ${version}` };
        t.equal((await server.request(path, { version, method: 'PUT', query, body, headers: { 'Content-Type': type, 'If-None-Match': '*' } })).status, 204, type);
        const answer = await server.request(path, { version, query });
        t.same(answer.bytes, body, `${version} ${path} ${type}`);
        t.equal(answer.headers['content-type'], type);
      }
    }
  }
  await server.restart();
  t.same((await server.request('activities/state', { query: { ...resources[0]![1], stateId: '0 1.0.3' } })).bytes, contents[0]![1], 'after a restart');
});

t.test('since: documents stored or changed later, exclusive', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    for (const [path, context, name] of resources) {
      const put = (id: string): Promise<Answer> => server.request(path, { version, method: 'POST', query: { ...context, [name]: id }, ...json({ at: Date.now() }) });
      await put(`old ${version}`);
      await put(`changed ${version}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const since = new Date().toISOString();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await put(`changed ${version}`);
      await put(`new ${version}`);
      t.same((await server.request(path, { version, query: { ...context, since } })).json<string[]>().sort(), [`changed ${version}`, `new ${version}`]);
      t.equal((await server.request(path, { version, query: { ...context, since: 'yesterday' } })).status, 400);
    }
  }
});

t.test('parameters that are refused', async (t) => {
  const server = await startServer(t);
  for (const version of versions) {
    for (const [path, context, name] of resources) {
      const whole = { ...context, [name]: 'id' };
      for (const method of ['PUT', 'POST', 'GET', 'DELETE']) {
        const options = method === 'PUT' || method === 'POST' ? json({}, { 'If-Match': '*' }) : {};
        const call = async (query: Record<string, unknown>): Promise<number> => (await server.request(path, { version, method, query, ...options })).status;
        for (const required of Object.keys(context)) t.equal(await call({ ...whole, [required]: undefined }), 400, `${version} ${method} ${path} without ${required}`);
        if (method === 'PUT' || method === 'POST' || (method === 'DELETE' && name === 'profileId')) t.equal(await call(context), 400, `${method} ${path} without ${name}`);
        if ('agent' in context) {
          for (const agent of ['x', '{}', '{"name":"x"}', '{"mbox":"x"}', { ...ann, openid: 'https://x.org' }]) t.equal(await call({ ...whole, agent }), 400, `${method} ${path} agent ${JSON.stringify(agent)}`);
        }
        if ('activityId' in context) t.equal(await call({ ...whole, activityId: 'x' }), 400, `${method} ${path} bad activityId`);
        if (name === 'stateId') t.equal(await call({ ...whole, registration: 'x' }), 400, 'bad registration');
        t.equal(await call({ ...whole, foo: 'bar' }), 400, 'unknown parameter');
        t.equal(await call({ ...whole, [name]: undefined, [name.toUpperCase()]: 'id' }), 400, 'parameter in another case');
      }
    }
  }
});

t.test('State is kept apart by activity, agent and registration; a DELETE without stateId takes its context and no more', async (t) => {
  const server = await startServer(t);
  const registration = '7f3c1a5e-0d39-4c1e-9d4e-3f5a1b2c4d5e';
  const contexts: Record<string, unknown>[] = [
    { activityId: course.id, agent: ann }, { activityId: course.id, agent: ann, registration }, { activityId: course.id, agent: bob }, { activityId: 'https://example.org/other', agent: ann },
  ];
  for (const version of versions) {
    for (const [index, context] of contexts.entries()) t.equal((await server.request('activities/state', { version, method: 'POST', query: { ...context, stateId: `id${index}` }, ...json({ index }) })).status, 204);
    for (const [index, context] of contexts.entries()) {
      const ids = (await server.request('activities/state', { version, query: context })).json<string[]>();
      t.same(ids.sort(), index === 0 ? ['id0', 'id1'] : [`id${index}`], JSON.stringify(context));
      t.same((await server.request('activities/state', { version, query: { ...context, stateId: `id${index}` } })).json(), { index });
    }
    t.equal((await server.request('activities/state', { version, query: { ...contexts[0], stateId: 'id1' } })).status, 404, 'without registration it is another document');
    t.equal((await server.request('activities/state', { version, query: { ...contexts[1], registration: registration.toUpperCase(), stateId: 'id1' } })).status, 200);
    t.equal((await server.request('activities/state', { version, method: 'DELETE', query: contexts[1] })).status, 204);
    t.same((await server.request('activities/state', { version, query: contexts[0] })).json(), ['id0']);
    t.equal((await server.request('activities/state', { version, method: 'DELETE', query: contexts[0] })).status, 204);
    t.same((await server.request('activities/state', { version, query: contexts[0] })).json(), []);
    for (const context of contexts.slice(2)) t.equal((await server.request('activities/state', { version, query: context })).json<string[]>().length, 1, 'the others stay');
  }
});

t.test('agents are the same by their identifier alone', async (t) => {
  const server = await startServer(t);
  for (const [path, context, name] of resources.filter(([, context]) => 'agent' in context)) {
    await server.request(path, { method: 'PUT', query: { ...context, [name]: 'id' }, ...json({}, { 'If-None-Match': '*' }) });
    t.equal((await server.request(path, { query: { ...context, [name]: 'id', agent: { mbox: ann.mbox, name: 'Ann' } } })).status, 200, path);
    t.equal((await server.request(path, { query: { ...context, [name]: 'id', agent: bob } })).status, 404);
  }
});

t.test('too large is 413', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_DOCUMENT_BYTES: '2048' });
  for (const [path, context, name] of resources) {
    for (const method of ['PUT', 'POST']) {
      const call = async (length: number): Promise<number> => (await server.request(path, { method, query: { ...context, [name]: `${method} ${length}` }, body: Buffer.alloc(length), headers: { 'Content-Type': 'text/plain' } })).status;
      t.equal(await call(2048), 204, `${method} ${path}`);
      t.equal(await call(2049), 413);
    }
  }
});
