import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { listen } from './live-listener.js';
import { openRaw } from './raw-connection.js';
import { authorization, startServer } from './server.js';

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const statement = (number: number, actor = 'ann', more: object = {}) => ({
  id: uuid(number), actor: { mbox: `mailto:${actor}@example.org` }, verb: { id: 'https://example.org/did' }, object: { id: `https://example.org/${number}` }, ...more,
});

t.test('statements come as they are stored, in order, filtered, and to their tenant alone', async (t) => {
  const server = await startServer(t);
  const all = listen(server, server.one);
  const anns = listen(server, server.one, `?agent=${encodeURIComponent('{"mbox":"mailto:ann@example.org"}')}`);
  const other = listen(server, server.two);
  await Promise.all([all.opened(), anns.opened(), other.opened()]);
  await server.request('statements', { method: 'POST', body: [statement(1), statement(2, 'bob'), statement(3)] });
  await server.request('statements', { method: 'POST', body: '[\n{\n"id": "' + uuid(4) + '",\n"actor": {"mbox": "mailto:ann@example.org"}, "verb": {"id": "https://example.org/did"},\n\n"object": {"id": "https://example.org/4"}}]', headers: { 'Content-Type': 'application/json' } });
  await all.until(() => all.events.length === 4);
  await anns.until(() => anns.events.length === 3);
  t.same(all.statements().map(({ id }) => id), [1, 2, 3, 4].map(uuid));
  t.same(anns.statements().map(({ id }) => id), [1, 3, 4].map(uuid), 'a text with line breaks arrives whole');
  t.same(other.events, []);
  const name = 'one line\u2028of text\u2029';
  await server.request('statements', { method: 'POST', body: statement(5, 'ann', { object: { id: 'https://example.org/5', definition: { name: { en: name } } } }) });
  await all.until(() => all.events.length === 5);
  t.match(all.statements()[4], { object: { definition: { name: { en: name } } } }, 'line separators that are no line ends of an event stream stay as they are');
  const exact = await server.request('statements', { query: { statementId: uuid(1) } });
  t.equal(all.events[0]!.data, exact.text, 'the event holds the statement as a GET gives it');
  for (const client of [all, anns, other]) client.close();
});

t.test('a listener that was cut off goes on where it was, also after a restart', async (t) => {
  const server = await startServer(t);
  const first = listen(server, server.one);
  await first.opened();
  await server.request('statements', { method: 'POST', body: statement(1) });
  await first.until(() => first.events.length === 1);
  first.close();
  await server.request('statements', { method: 'POST', body: [statement(2), statement(3)] });
  await server.restart();
  const second = listen(server, server.one, '', { 'Last-Event-ID': String(first.events[0]!.id) });
  await second.until(() => second.events.length === 2);
  t.same(second.statements().map(({ id }) => id), [2, 3].map(uuid));
  const whole = listen(server, server.one, '', { 'Last-Event-ID': '0' });
  await whole.until(() => whole.events.length === 3);
  t.same(whole.statements().map(({ id }) => id), [1, 2, 3].map(uuid), 'from the beginning');
  second.close();
  whole.close();
});

t.test('voided statements are left out on a replay, erasures are told', async (t) => {
  const server = await startServer(t);
  await server.request('statements', { method: 'POST', body: [statement(1), statement(2, 'bob'), statement(3, 'ann', { verb: { id: 'http://adlnet.gov/expapi/verbs/voided' }, object: { objectType: 'StatementRef', id: uuid(2) } })] });
  const client = listen(server, server.one, '', { 'Last-Event-ID': '0' });
  await client.until(() => client.events.length === 2);
  t.same(client.statements().map(({ id }) => id), [1, 3].map(uuid));
  await server.request('/v1/erasures', { method: 'POST', key: server.admin, body: { agent: { mbox: 'mailto:bob@example.org' } } });
  await client.until(() => client.events.length === 3);
  t.match(client.events[2], { event: 'erasure', data: JSON.stringify({ erased: [uuid(2)], redacted: [] }) });
  client.close();
});

t.test('who may listen, and what is refused', async (t) => {
  const server = await startServer(t);
  const mine = await server.makeKey(['statements/read/mine', 'statements/write']);
  const stateOnly = await server.makeKey(['state']);
  const own = listen(server, mine);
  await own.opened();
  await server.request('statements', { method: 'POST', body: statement(1) });
  await server.request('statements', { method: 'POST', body: statement(2), key: mine });
  await own.until(() => own.events.length === 1);
  t.same(own.statements().map(({ id }) => id), [uuid(2)], 'statements/read/mine sees its own alone');
  t.equal((await server.request('/v1/statements/live', { key: stateOnly })).status, 403);
  t.equal((await server.request('/v1/statements/live', { key: null })).status, 401);
  t.match((await server.request('/v1/statements/live', { query: { verb: 'no iri' } })).json(), { error: 'invalid-parameter', parameter: 'verb' });
  t.match((await server.request('/v1/statements/live', { query: { limit: 3 } })).json(), { error: 'invalid-parameter', parameter: 'limit' });
  t.match((await server.request('/v1/statements/live', { headers: { 'Last-Event-ID': 'x' } })).json(), { error: 'invalid-header', parameter: 'Last-Event-ID' });
  t.match((await server.request('/v1/statements/live', { headers: { 'Last-Event-ID': '9'.repeat(15) } })).json(), { error: 'invalid-header', parameter: 'Last-Event-ID' }, 'beyond every position');
  await server.restart();
  await own.until(() => own.ended);
  t.ok(own.ended, 'an open stream does not hold up the end of the server');
});

t.test('what a listener has not taken counts; one that finds no room ends, and goes on where it was', async (t) => {
  const server = await startServer(t, { QUIPU_MAX_BODY_BYTES: '40000000', QUIPU_MAX_MEMORY_BYTES: '45000000' });
  const stalled = await openRaw(server.url);
  stalled.socket.pause();
  stalled.write(`GET /v1/statements/live HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization(server.one)}\r\n\r\n`);
  await wait(300);
  const reading = listen(server, server.one);
  await reading.opened();
  const long = statement(1, 'ann', { result: { response: 'x'.repeat(30_000_000) } });
  t.equal((await server.request('statements', { method: 'POST', body: long })).status, 200);
  await reading.until(() => reading.ended);
  t.same(reading.events, []);
  stalled.socket.resetAndDestroy();
  await wait(300);
  const again = listen(server, server.one, '', { 'Last-Event-ID': '0' });
  await again.until(() => again.events.length === 1);
  t.same(again.statements().map(({ id }) => id), [uuid(1)]);
  again.close();
});

t.test('an id beyond the end of the log is none that this server gave', async (t) => {
  const server = await startServer(t);
  await server.request('statements', { method: 'POST', body: statement(1) });
  for (const id of ['2', '99999999999999']) {
    const answer = await server.request('/v1/statements/live', { headers: { 'Last-Event-ID': id } });
    t.equal(answer.status, 400);
    t.match(answer.json(), { error: 'invalid-header', parameter: 'Last-Event-ID', message: /beyond the end of the log, which is at 1/ });
  }
});
