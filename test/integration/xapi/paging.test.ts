import t from 'tap';
import { startServer, type TestServer } from '../server.js';
import { ann, bob, list, listIds, post, read, refTo, sample, voiding, type Sample } from './samples.js';

/** Follows `more` to the end. */
async function pages(server: TestServer, query: Record<string, unknown>, between: () => Promise<unknown> = async () => undefined, prefix = ''): Promise<string[][]> {
  let page = await list(server, query);
  const found = [page.statements.map(({ id }) => id)];
  while (page.more !== '') {
    await between();
    const answer = await server.request(page.more.slice(prefix.length));
    if (answer.status !== 200) throw new Error(`${page.more}: ${answer.status} ${answer.text}`);
    page = answer.json();
    found.push(page.statements.map(({ id }) => id));
  }
  return found;
}

t.test('pages hold each statement once, newest first or oldest first', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_PAGE: '7' });
  const statements = Array.from({ length: 20 }, (_, at) => sample({ actor: at % 2 ? ann : bob }));
  for (const statement of statements) await post(server, statement);
  const ids = statements.map(({ id }) => id);
  const newest = [...ids].reverse();

  for (const [limit, size] of [[1, 1], [3, 3], [7, 7], [20, 7], [0, 7], [undefined, 7], [1_000_000, 7]] as const) {
    for (const ascending of [true, false]) {
      const found = await pages(server, { limit, ascending });
      t.same(found.flat(), ascending ? ids : newest, `limit ${limit}, ascending ${ascending}`);
      t.ok(found.slice(0, -1).every((page) => page.length === size), 'full pages but the last');
      t.ok(found.at(-1)!.length > 0, 'no empty page at the end');
    }
  }
  t.same((await pages(server, { agent: ann, limit: 2 })).flat(), newest.filter((_, at) => at % 2 === 0), 'a filter goes along');
  const { more } = await list(server, { limit: 2, format: 'ids' });
  t.match(more, /^\/xapi\/statements\?/, 'an IRL from the root of the server');
  const next = (await server.request(more)).json<{ statements: Sample[] }>();
  t.same(next.statements[0]!.object, { id: 'https://example.org/course' }, 'the format goes along');
});

t.test('more is stable while statements arrive, and the same when asked twice', async (t) => {
  const server = await startServer(t);
  const statements = Array.from({ length: 12 }, () => sample());
  await post(server, statements);
  const ids = statements.map(({ id }) => id);
  for (const ascending of [false, true]) {
    const before = await listIds(server, { ascending, limit: 500 });
    const found = await pages(server, { limit: 5, ascending }, () => post(server, [sample(), sample()]));
    t.same(found.flat(), before, `ascending ${ascending}: what stood when the query began`);
  }
  const { more } = await list(server, { limit: 5, since: '2020-01-01T00:00:00Z' });
  const once = (await server.request(more)).json<{ statements: Sample[] }>();
  await post(server, sample());
  t.same((await server.request(more)).json(), once);
  t.equal(ids.length, 12);
});

t.test('more survives a restart and is of use to its own tenant alone', async (t) => {
  const server = await startServer(t);
  const statements = Array.from({ length: 6 }, () => sample());
  await post(server, statements);
  const { more } = await list(server, { limit: 4, ascending: true });
  await server.restart();
  t.same((await server.request(more)).json<{ statements: Sample[] }>().statements.map(({ id }) => id), statements.slice(4).map(({ id }) => id));
  t.same((await server.request(more, { key: server.two })).json(), { statements: [], more: '' });
  t.equal((await server.request(more, { key: null })).status, 401, 'it is no way around the credential');
});

t.test('a statement that is voided between two pages is on none that follows', async (t) => {
  const server = await startServer(t);
  const statements = Array.from({ length: 6 }, () => sample());
  await post(server, statements);
  const first = await list(server, { limit: 3, ascending: true });
  await post(server, voiding(statements[4]!));
  const second = (await server.request(first.more)).json<{ statements: Sample[] }>();
  t.same(second.statements.map(({ id }) => id), [statements[3]!.id, statements[5]!.id]);
});

t.test('a page is cut by its size in bytes too', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_PAGE_BYTES: '4096' });
  const statements = Array.from({ length: 10 }, () => sample({ result: { response: 'x'.repeat(1500) } }));
  await post(server, statements);
  const found = await pages(server, { ascending: true });
  t.same(found.flat(), statements.map(({ id }) => id));
  t.ok(found.every((page) => page.length > 0 && page.length <= 2));
});

t.test('since is exclusive, until inclusive, on stored', async (t) => {
  const server = await startServer(t);
  const ids: string[] = [];
  const stored: string[] = [];
  for (let at = 0; at < 5; at += 1) {
    const statement = sample({ timestamp: '2001-01-01T00:00:00Z' });
    await post(server, statement);
    await new Promise((resolve) => setTimeout(resolve, 3));
    ids.push(statement.id);
    stored.push((await read(server, statement.id)).stored);
  }
  const query = (options: Record<string, unknown>): Promise<string[]> => listIds(server, { ascending: true, ...options });
  for (let at = 0; at < 5; at += 1) {
    t.same(await query({ since: stored[at] }), ids.slice(at + 1), `since ${at}`);
    t.same(await query({ until: stored[at] }), ids.slice(0, at + 1), `until ${at}`);
  }
  t.same(await query({ since: stored[0], until: stored[3] }), ids.slice(1, 4));
  t.same(await query({ since: stored[2], until: stored[2] }), []);
  t.same(await query({ since: new Date(Date.parse(stored[1]!) - 1).toISOString(), until: stored[1] }), [ids[1]], 'one millisecond before');
  const zoned = new Date(Date.parse(stored[1]!) + 5.5 * 3_600_000).toISOString().replace('Z', '+05:30');
  t.same(await query({ since: zoned }), ids.slice(2), 'the same instant in another zone');
  const raw = await server.request(`statements?ascending=true&since=${zoned}`);
  t.same(raw.json<{ statements: Sample[] }>().statements.map(({ id }) => id), ids.slice(2), 'a + that was not encoded and became a blank');
  t.same(await query({ since: '2001-01-01T00:00:00Z' }), ids, 'timestamp plays no part');
  t.same(await query({ since: '2999-01-01T00:00:00Z' }), []);
  const chain = sample({ object: refTo({ id: ids[0]! }) });
  await post(server, chain);
  t.same((await pages(server, { since: stored[1], ascending: true, limit: 2 })).flat(), [...ids.slice(2), chain.id], 'and page by page');
});

t.test('more goes through a reverse proxy', async (t) => {
  const server = await startServer(t, { QUIPU_TRUST_PROXY: 'true' });
  await post(server, [sample(), sample(), sample()]);
  for (const [prefix, expected] of [['/lrs', '/lrs/xapi/statements?'], ['/lrs/', '/lrs/xapi/statements?'], ['/a/b', '/a/b/xapi/statements?'], ['//evil.example', '/xapi/statements?'], ['https://evil.example', '/xapi/statements?'], ['/"><script>', '/xapi/statements?']] as const) {
    const { more } = await list(server, { limit: 1 }, { headers: { 'X-Forwarded-Prefix': prefix } });
    t.ok(more.startsWith(expected), `${prefix}: ${more}`);
  }
  const aliased = (await server.request('/data/xAPI/statements/', { query: { limit: 1 } })).json<{ more: string }>();
  t.equal((await server.request(aliased.more)).status, 200, 'under an alias');
  for (const path of ['//xapi/statements', '///data/xAPI/statements']) {
    const { more } = (await server.request(path, { query: { limit: 1 } })).json<{ more: string }>();
    t.equal(new URL(more, 'https://lrs.example.org/xapi/').host, 'lrs.example.org', `${path}: ${more}`);
    t.equal((await server.request(more)).status, 200);
  }
  const unasked = await startServer(t);
  await post(unasked, [sample(), sample()]);
  t.match((await list(unasked, { limit: 1 }, { headers: { 'X-Forwarded-Prefix': '/evil' } })).more, /^\/xapi\/statements\?/, 'where no proxy is trusted');
});

t.test('more below the path of QUIPU_PUBLIC_URL', async (t) => {
  const server = await startServer(t, { QUIPU_PUBLIC_URL: 'https://learn.example.org/lrs/', QUIPU_PORT: '18467' });
  const statements = [sample(), sample(), sample()];
  await post(server, statements);
  const { more } = await list(server, { limit: 1 });
  t.match(more, /^\/lrs\/xapi\/statements\?/);
  t.match((await list(server, { limit: 1 }, { headers: { 'X-Forwarded-Prefix': '/other' } })).more, /^\/lrs\/xapi\/statements\?/, 'the setting goes before the header');
  t.same((await pages(server, { limit: 1, ascending: true }, undefined, '/lrs')).flat(), statements.map(({ id }) => id));
});

t.test('nothing found is 200 and an empty list', async (t) => {
  const server = await startServer(t);
  for (const version of ['1.0.3', '2.0.0']) {
    for (const query of [{}, { agent: ann }, { verb: 'urn:x:y' }, { since: '2999-01-01T00:00:00Z' }, { limit: 1 }]) {
      const answer = await server.request('statements', { version, query });
      t.equal(answer.status, 200);
      t.same(answer.json(), { statements: [], more: '' });
    }
  }
});

const consistentThrough = 'x-experience-api-consistent-through';

t.test('a reader who goes on with since at Consistent-Through misses nothing that is stored meanwhile', async (t) => {
  const server = await startServer(t);
  const first = sample();
  await post(server, [first, sample()]);
  const opening = await server.request('statements', { query: { limit: 1 } });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const late = sample();
  await post(server, late);
  const last = await server.request(opening.json<{ more: string }>().more);
  t.same(last.json<{ statements: Sample[] }>().statements.map(({ id }) => id), [first.id], 'the page holds what stood before');
  t.same(await listIds(server, { since: last.headers[consistentThrough] }), [late.id], 'its time is that of the first page');

  const written: string[] = [];
  let writers = 3;
  const writing = Promise.all(Array.from({ length: writers }, async () => {
    for (let round = 0; round < 15; round += 1) {
      const batch = Array.from({ length: 5 }, () => sample());
      await post(server, batch);
      written.push(...batch.map(({ id }) => id));
    }
    writers -= 1;
  }));
  const found = new Set<string>();
  let since = last.headers[consistentThrough];
  async function poll(): Promise<void> {
    const page = await server.request('statements', { query: { since, ascending: true, limit: 1000 } });
    for (const { id } of page.json<{ statements: Sample[] }>().statements) found.add(id);
    since = page.headers[consistentThrough];
  }
  while (writers > 0) await poll();
  await writing;
  await new Promise((resolve) => setTimeout(resolve, 5));
  await poll();
  t.same(written.filter((id) => !found.has(id)), [], `of ${written.length}`);
});
